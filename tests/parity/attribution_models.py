"""Networks whose parameters both sides compute by one formula, made ready to be explained."""

from captum import attr
from torch import nn
from torchvision import models

from definitions import Deit
from formula import fill


def untrained(name):
    """In single precision."""
    model = Deit() if name == "deit_tiny" else getattr(models, name)(weights=None)
    return fill(model.eval())


def explicable_class(model, module, x):
    """One for which Grad-CAM has something to show in each picture, not zeros alone."""
    for c in range(20):
        cam = attr.LayerGradCam(model, module).attribute(x, c, relu_attributions=True)
        if (cam.amax(dim=(1, 2, 3)) > 0).all():
            return c
    raise ValueError("no class has a map")


def with_relu_modules(model):
    """Captum changes the backward pass of modules only, not of function calls; and not of modules
    that work in place."""
    for module in model.modules():
        if isinstance(module, nn.ReLU):
            module.inplace = False
