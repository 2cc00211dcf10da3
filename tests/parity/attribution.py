"""Captum's attributions for networks whose parameters both sides compute by one formula (zoo.py).

In double precision: gradients jump where a ReLU's input crosses 0, so in single precision the last
bit can decide about a whole path.

Usage: attribution.py OUT_FOLDER NAME:LAYER...
"""

import sys
from pathlib import Path

import torch
from captum import attr
from safetensors.torch import save_file
from torch import nn
from torchvision import models

from definitions import Deit
from formula import fill, wave

CLASSES = [3, 7]


def with_relu_modules(model):
    """Captum changes the backward pass of modules only, not of function calls; and not of modules
    that work in place."""
    for module in model.modules():
        if isinstance(module, nn.ReLU):
            module.inplace = False


class DenseNet(nn.Module):
    """torchvision's DenseNet, whose last ReLU is a function call, with a module in its place."""

    def __init__(self, model):
        super().__init__()
        self.model, self.relu = model, nn.ReLU()

    def forward(self, x):
        x = self.relu(self.model.features(x))
        return self.model.classifier(x.mean(dim=(2, 3)))


out = Path(sys.argv[1])
saved = {}
for argument in sys.argv[2:]:
    name, layer = argument.split(":")
    model = Deit() if name == "deit_tiny" else getattr(models, name)(weights=None)
    model = model.eval()
    fill(model)
    if name == "deit_tiny":
        torch.save(model.state_dict(), out / "deit_tiny.pth")
    with_relu_modules(model)
    model = model.double()
    module = model.get_submodule(layer) if layer else None
    model = DenseNet(model) if name == "densenet121" else model
    size = [2, 3, 224, 224] if name == "deit_tiny" else [2, 3, 97, 130]
    x = wave(size, 0.5)

    def save(method, values):
        saved[f"{name}.{method}"] = values.detach().contiguous()

    save("input", x)
    save("saliency", attr.Saliency(model).attribute(x, CLASSES, abs=False))
    save("input_x_gradient", attr.InputXGradient(model).attribute(x, CLASSES))
    integrated = attr.IntegratedGradients(model)
    save("integrated", integrated.attribute(x, target=CLASSES, n_steps=6, method="riemann_middle"))
    if layer:
        save("guided", attr.GuidedBackprop(model).attribute(x, CLASSES))
        save("deconvolution", attr.Deconvolution(model).attribute(x, CLASSES))
        cam = attr.LayerGradCam(model, module).attribute(x, CLASSES, relu_attributions=True)
        save("grad_cam", cam[:, 0])
        save("guided_grad_cam", attr.GuidedGradCam(model, module).attribute(x, CLASSES))
save_file(saved, out / "expected.safetensors")
