"""Logits of torchvision's networks, and of those it has not (definitions.py), whose parameters both
sides compute by one formula. In double precision: in single, these parameters amplify what a convolution
rounds differently in another layout of memory.

Usage: zoo.py OUT_FOLDER NAME...
"""

import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from torchvision import models

from definitions import CifarResNet, Deit, Dino
from formula import fill, wave


def untrained(name):
    if name == "deit_tiny":
        return Deit()
    if name.startswith("dinov2_vits14"):
        return Dino(registers=4 if name.endswith("_reg") else 0)
    if name.startswith("cifar_resnet"):
        return CifarResNet((int(name.removeprefix("cifar_resnet")) - 2) // 6)
    quick = {"init_weights": False} if name.startswith(("vgg", "googlenet")) else {}
    if name == "googlenet":
        quick["aux_logits"] = False
    return getattr(models, name)(weights=None, **quick)


def inputs(name):
    """Of the usual size, and of another where the network takes it."""
    if name.startswith("cifar"):
        return {"": [1, 3, 32, 32], ".odd": [2, 3, 37, 23]}
    if name.startswith(("deit", "dinov2", "vit")):
        return {"": [1, 3, 224, 224], ".odd": [2, 3, 224, 224]}
    return {"": [1, 3, 224, 224], ".odd": [2, 3, 97, 131]}


out, names = Path(sys.argv[1]), sys.argv[2:]
saved = {}
for name in names:
    with torch.device("meta"):
        model = untrained(name)
    model = fill(model.to_empty(device="cpu").eval())
    model.double()
    with torch.no_grad():
        for suffix, shape in inputs(name).items():
            sample = wave(shape, 0.5).double()
            saved[f"{name}{suffix}.shape"] = torch.tensor(shape)
            saved[name + suffix] = model(sample).contiguous()
save_file(saved, out / "expected.safetensors")
