"""Logits of torchvision's networks, and of those it has not (definitions.py), whose parameters both
sides compute by one formula.

Usage: zoo.py OUT_FOLDER NAME...
"""

import math
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from torchvision import models

from definitions import CifarResNet, Deit


def wave(shape, phase):
    count = math.prod(shape)
    return torch.sin(torch.arange(count, dtype=torch.float64) * 12.9898 + phase).view(shape)


def parameter(name, shape):
    """Kaiming's variance for weights, something harmless for the rest."""
    sine = wave(shape, sum(name.encode()))
    if len(shape) > 1:
        return sine * 2 / math.sqrt(math.prod(shape[1:]))
    if name.endswith("running_var"):
        return 1 + 0.5 * sine
    if name.endswith("weight"):
        return 1 + 0.3 * sine
    return 0.1 * sine


def untrained(name):
    if name == "deit_tiny":
        return Deit()
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
    if name in ("deit_tiny", "vit_b_16"):
        return {"": [1, 3, 224, 224], ".odd": [2, 3, 224, 224]}
    return {"": [1, 3, 224, 224], ".odd": [2, 3, 161, 197]}


out, names = Path(sys.argv[1]), sys.argv[2:]
saved = {}
for name in names:
    with torch.device("meta"):
        model = untrained(name)
    model = model.to_empty(device="cpu").eval()
    for key, tensor in model.state_dict().items():
        if not key.endswith("num_batches_tracked"):
            tensor.copy_(parameter(key, tensor.shape))
    if name == "deit_tiny":
        # Under the authors' own names: convscope reads them as they are.
        torch.save({"model": model.state_dict()}, out / "deit_tiny.pth")
    with torch.no_grad():
        for suffix, shape in inputs(name).items():
            sample = wave(shape, 0.5).float()
            saved[f"{name}{suffix}.input"] = sample
            saved[name + suffix] = model(sample)
save_file(saved, out / "expected.safetensors")
