"""The peers' side of the benchmark: reads a question a line, answers with a line.

Usage: peers.py FOLDER
"""

import io
import sys
import time
from pathlib import Path

import captum.attr
import matplotlib
import torch
import torchvision
from matplotlib import pyplot
from safetensors.torch import load_file, save_file

matplotlib.use("Agg")
folder = Path(sys.argv[1])


def about():
    cores = torch.get_num_threads()
    return f"torch {torch.__version__}, torchvision {torchvision.__version__}, {cores} threads"


def open_network(name):
    global model, sample
    model = getattr(torchvision.models, name)(weights=None).eval()
    model.load_state_dict(load_file(folder / "weights.safetensors"), strict=False)
    sample = load_file(folder / "input.safetensors")["input"]
    with torch.no_grad():
        save_file({"output": model(sample)}, folder / "output.safetensors")
    return "open"


def seconds(action):
    start = time.perf_counter()
    action()
    return str(time.perf_counter() - start)


@torch.no_grad()
def forward():
    return seconds(lambda: model(sample))


def draw():
    maps = load_file(folder / "maps.safetensors")["maps"].numpy()

    def grid():
        columns = 8 if len(maps) <= 64 else 32
        rows = -(-len(maps) // columns)
        figure, axes = pyplot.subplots(rows, columns, figsize=(8, 8 * rows / columns))
        for channel, (axis, values) in enumerate(zip(axes.flat, maps, strict=True)):
            axis.imshow(values, vmin=0, vmax=maps.max())
            if len(maps) <= 64:  # of more, ours labels the rows only
                axis.set_title(channel, fontsize=6)
            axis.axis("off")
        figure.savefig(io.BytesIO(), format="png")
        pyplot.close(figure)

    return seconds(grid)


def attribute(method, *arguments, **options):
    """Times Captum and leaves its result's first channel."""
    result = []
    taken = seconds(lambda: result.append(method(*arguments, **options)))
    save_file({"result": result[0][:, 0].detach().contiguous()}, folder / "result.safetensors")
    return taken


def grad_cam(layer):
    cam = captum.attr.LayerGradCam(model, model.get_submodule(layer))
    return attribute(cam.attribute, sample, 7, relu_attributions=True)


def occlusion(size):
    """With the number of patches at once that was fastest here of 1, 4, 16, 64."""
    window = (3, int(size), int(size))
    method = captum.attr.Occlusion(model).attribute
    return attribute(method, sample, window, (3, 16, 16), target=7, perturbations_per_eval=16)


best_batches = {}


def with_best_batch(what, method):
    """Times Captum with the batch that was fastest here for this network, tried at the first call."""
    known = best_batches.setdefault(id(model), {})
    if what not in known:
        known[what] = min((1, 4, 10), key=lambda batch: float(seconds(lambda: method(batch))))
    return method(known[what])


def smooth_grad(samples):
    noise = captum.attr.NoiseTunnel(captum.attr.Saliency(model))
    deviation = 0.15 * float(sample.amax() - sample.amin())
    return with_best_batch("smooth_grad", lambda batch: attribute(
        noise.attribute, sample, nt_type="smoothgrad", nt_samples=int(samples),
        nt_samples_batch_size=batch, stdevs=deviation, target=7, abs=False,
    ))  # fmt: skip


def integrated_gradients(steps):
    method = captum.attr.IntegratedGradients(model).attribute
    return with_best_batch("integrated", lambda batch: attribute(
        method, sample, target=7, n_steps=int(steps), method="riemann_middle", internal_batch_size=batch,
    ))  # fmt: skip


def score_cam(layer, batch):
    """pytorch-grad-cam's, on the grey picture of the map that it gives: enlarged, from 0 to 1."""
    from pytorch_grad_cam import ScoreCAM
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    method = ScoreCAM(model, [model.get_submodule(layer)])
    method.batch_size = int(batch)
    result = []
    taken = seconds(lambda: result.append(method(sample, [ClassifierOutputTarget(7)])))
    save_file({"result": torch.as_tensor(result[0]).contiguous()}, folder / "result.safetensors")
    return taken


def nothing():
    """For what the peer refuses."""
    return "nan"


QUESTIONS = {
    "nothing": nothing,
    "about": about,
    "open": open_network,
    "forward": forward,
    "grad_cam": grad_cam,
    "occlusion": occlusion,
    "smooth_grad": smooth_grad,
    "integrated_gradients": integrated_gradients,
    "score_cam": score_cam,
    "draw": draw,
}

for line in sys.stdin:
    name, *arguments = line.split()
    print(QUESTIONS[name](*arguments), flush=True)
