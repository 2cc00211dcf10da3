"""The peers' side of the benchmark: reads a question a line, answers with a line.

Usage: peers.py FOLDER
"""

import io
import os
import sys
import time
from pathlib import Path

os.environ["TQDM_DISABLE"] = "1"  # read when tqdm is imported, which captum does

import captum.attr
import matplotlib
import numpy
import torch
import torchvision
from matplotlib import pyplot
from safetensors.torch import load_file, save_file
from torch.nn import functional

matplotlib.use("Agg")
folder = Path(sys.argv[1])


def about():
    cores = torch.get_num_threads()
    return f"torch {torch.__version__}, torchvision {torchvision.__version__}, {cores} threads"


def open_network(name):
    global model, sample
    best_batches.clear()
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


def attribute(explain, *arguments, **options):
    """Times Captum and leaves its result's first channel."""
    result = []
    taken = seconds(lambda: result.append(explain(*arguments, **options)))
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


def maximize(layer, steps):
    """torch-lucent 0.1.8's loop, written out: its Fourier image in decorrelated colors, its standard
    transforms one after the other, Adam, the whole network's forward with a hook on every module,
    gradients for the parameters too."""
    size = 224
    frequencies = numpy.sqrt(
        numpy.fft.fftfreq(size)[:, None] ** 2 + numpy.fft.fftfreq(size)[: size // 2 + 1] ** 2
    )
    spectrum = (torch.randn(1, 3, size, size // 2 + 1, 2) * 0.01).requires_grad_()
    scale = torch.tensor(1 / numpy.maximum(frequencies, 1 / size)).float()[None, None, ..., None]
    root = torch.tensor([[0.26, 0.09, 0.02], [0.27, 0.00, -0.05], [0.27, -0.09, 0.03]])
    colors = root / root.norm(dim=0).max()
    normalize = torchvision.transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])

    def image():
        planes = torch.fft.irfftn(torch.view_as_complex(scale * spectrum), s=(size, size), norm="ortho")
        return torch.sigmoid((planes.permute(0, 2, 3, 1) / 4 @ colors.T).permute(0, 3, 1, 2))

    def jitter(x, range_):
        down, right = numpy.random.choice(range_, 2)
        return x[:, :, down : down - range_, right : right - range_]

    def scaled(x):
        factor = numpy.random.choice([1 + (i - 5) / 50 for i in range(11)])
        height, width = (int(numpy.ceil(factor * side)) for side in x.shape[2:])
        pad = [max(0, int(numpy.ceil((side - new) / 2))) for side, new in zip(x.shape[2:], (height, width), strict=True)]
        x = functional.interpolate(x, (height, width), mode="bilinear", align_corners=True)
        return functional.pad(x, pad * 2)

    def rotated(x):
        turn = numpy.deg2rad(numpy.random.choice([*range(-10, 11), 0, 0, 0, 0, 0]))
        matrix = [[numpy.cos(turn), numpy.sin(turn), 0], [-numpy.sin(turn), numpy.cos(turn), 0]]
        grid = functional.affine_grid(torch.tensor([matrix]).float(), x.shape, align_corners=True)
        return functional.grid_sample(x, grid, align_corners=True)

    def moved(x):
        x = jitter(functional.pad(x, [12] * 4, value=0.5), 8)
        return normalize(jitter(rotated(scaled(x)), 4))

    kept = {}

    def keep(name):
        return lambda module, inputs, output: kept.update({name: output})

    hooks = [m.register_forward_hook(keep(name)) for name, m in model.named_modules()]
    adam = torch.optim.Adam([spectrum], lr=0.05)

    def loop():
        for _ in range(int(steps)):
            adam.zero_grad()
            model(moved(image()))
            (-kept[layer][:, 17].mean()).backward()
            adam.step()

    taken = seconds(loop)
    for hook in hooks:
        hook.remove()
    model.zero_grad()
    return taken


def sklearn_digits():
    from sklearn.datasets import load_digits

    digits = torch.from_numpy(load_digits().data.astype("float32"))
    save_file({"features": digits}, folder / "digits.safetensors")
    return "saved"


def tsne(package):
    """A map of the features left here, from the same start, with as many iterations; it stays here."""
    features = load_file(folder / "features.safetensors")["features"].numpy()
    start = load_file(folder / "features.safetensors")["start"].numpy()
    cores, iterations = torch.get_num_threads(), 750
    if package == "openTSNE":
        import openTSNE

        method = openTSNE.TSNE(
            n_iter=iterations - 250, initialization=start.astype(float), n_jobs=cores,
            negative_gradient_method="fft",
        ).fit
    else:
        from sklearn.manifold import TSNE

        method = TSNE(max_iter=iterations, init=start, n_jobs=cores).fit_transform
    result = []
    taken = seconds(lambda: result.append(method(features)))
    points = torch.from_numpy(numpy.array(result[0], dtype="float32"))
    save_file({"points": points}, folder / "map.safetensors")
    return taken


best_batches = {}


def with_best_batch(what, method):
    """Times Captum with the batch that was fastest here for this network, tried at the first call."""
    if what not in best_batches:
        best_batches[what] = min((1, 4, 10), key=lambda batch: float(seconds(lambda: method(batch))))
    return method(best_batches[what])


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
    """pytorch-grad-cam's, on the gray picture of the map that it gives: enlarged, from 0 to 1."""
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
    "maximize": maximize,
    "about": about,
    "open": open_network,
    "forward": forward,
    "grad_cam": grad_cam,
    "occlusion": occlusion,
    "smooth_grad": smooth_grad,
    "integrated_gradients": integrated_gradients,
    "score_cam": score_cam,
    "draw": draw,
    "tsne": tsne,
    "sklearn_digits": sklearn_digits,
}

for line in sys.stdin:
    name, *arguments = line.split()
    print(QUESTIONS[name](*arguments), flush=True)
