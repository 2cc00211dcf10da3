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

from attribution_models import explicable_class, untrained, with_relu_modules
from formula import wave


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
    model = untrained(name)
    with_relu_modules(model)
    model = model.double()
    module = model.get_submodule(layer) if layer else None
    model = DenseNet(model) if name == "densenet121" else model
    size = [2, 3, 224, 224] if name == "deit_tiny" else [2, 3, 65, 98]
    x = wave(size, 0.5)

    def save(method, values):
        saved[f"{name}.{method}"] = values.detach().contiguous()

    c = explicable_class(model, module, x) if layer else 3
    save("class", torch.tensor([c]))
    save("input", x)
    save("saliency", attr.Saliency(model).attribute(x, c, abs=False))
    save("input_x_gradient", attr.InputXGradient(model).attribute(x, c))
    integrated = attr.IntegratedGradients(model)
    save("integrated", integrated.attribute(x, target=c, n_steps=6, method="riemann_middle"))
    if layer:
        save("guided", attr.GuidedBackprop(model).attribute(x, c))
        save("deconvolution", attr.Deconvolution(model).attribute(x, c))
        cam = attr.LayerGradCam(model, module).attribute(x, c, relu_attributions=True)
        save("grad_cam", cam[:, 0])
        save("guided_grad_cam", attr.GuidedGradCam(model, module).attribute(x, c))
save_file(saved, out / "expected.safetensors")
