"""Grad-CAM and other methods of gradients: by hand, torchcam, Captum, pytorch-grad-cam.

Captum and the others get the network as torchvision makes it; what is by hand, the folded one.
"""

import copy

import captum.attr
import shared
import torch

CLASS = 7


def grad_cam(layer):
    method = captum.attr.LayerGradCam(shared.model, shared.model.get_submodule(layer))
    return lambda: method.attribute(shared.sample, CLASS, relu_attributions=True)[:, 0]


@shared.once
def torchcam(layer):
    from torchcam.methods import GradCAM

    model = copy.deepcopy(shared.model)  # it keeps its hooks
    method = GradCAM(model, layer)

    def run():
        scores = model(shared.sample)
        return method.compute_cams(CLASS, scores, normalized=False)[0]

    return run


def by_hand(leaf):
    """Nothing is recorded before the layer, whose last module is `leaf`."""
    model, sample = shared.folded(), shared.folded_sample()

    def run():
        kept = []

        def mark(module, inputs, output):
            kept.append(output.detach().requires_grad_())
            return kept[-1]

        hook = model.get_submodule(leaf).register_forward_hook(mark)
        score = model(sample)[0, CLASS]
        hook.remove()
        (slopes,) = torch.autograd.grad(score, kept[-1])
        with torch.no_grad():
            return (slopes.mean((2, 3), keepdim=True) * kept[-1]).sum(1).relu()

    return run


def score_cam(layer, batch):
    """pytorch-grad-cam's, on the gray picture of the map that it gives: enlarged, from 0 to 1."""
    from pytorch_grad_cam import ScoreCAM
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    method = ScoreCAM(shared.model, [shared.model.get_submodule(layer)])
    method.batch_size = int(batch)
    return lambda: method(shared.sample, [ClassifierOutputTarget(CLASS)])


@shared.once
def smooth_grad(samples):
    noise = captum.attr.NoiseTunnel(captum.attr.Saliency(shared.model))
    deviation = 0.15 * float(shared.sample.amax() - shared.sample.amin())
    return shared.with_best((1, 4, 10), lambda batch: noise.attribute(
        shared.sample, nt_type="smoothgrad", nt_samples=int(samples), nt_samples_batch_size=batch,
        stdevs=deviation, target=CLASS, abs=False,
    ))  # fmt: skip


@shared.once
def integrated_gradients(steps):
    method = captum.attr.IntegratedGradients(shared.model).attribute
    return shared.with_best((1, 4, 10), lambda batch: method(
        shared.sample, target=CLASS, n_steps=int(steps), method="riemann_middle", internal_batch_size=batch,
    )[:, 0])  # fmt: skip
