"""Networks as PyTorch exports them to ONNX, with the logits that PyTorch computes.

Usage: onnx_files.py OUT_FOLDER        all of EXPORTS, and expected.safetensors
       onnx_files.py OUT_FOLDER --full  those of LARGE again, as large as they are
       onnx_files.py --golden FOLDER   the small file that the repository holds
"""

import logging
import sys
import warnings
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn
from torchvision import models
from torchvision.models.convnext import CNBlockConfig, ConvNeXt
from torchvision.models.vision_transformer import VisionTransformer

from formula import fill, wave

warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)


class TwoHeads(nn.Module):
    """One channel, not square, branches, uneven strides, a gate, and two heads."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(1, 8, (3, 5), stride=(1, 2), padding=(1, 2), bias=False),
            nn.BatchNorm2d(8),
            nn.LeakyReLU(0.1),
        )
        self.wide = nn.Conv2d(8, 8, 3, padding=2, dilation=2, groups=4)
        self.pool = nn.AvgPool2d(3, 1, 1, count_include_pad=False)
        self.norm = nn.BatchNorm2d(16)
        self.gate = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(16, 16, 1), nn.Hardsigmoid())
        self.down = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.hidden = nn.Linear(16 * 6 * 5, 12)
        self.digit = nn.Linear(12, 10)
        self.parity = nn.Linear(12, 2)

    def forward(self, x):
        x = self.stem(x)
        x = self.norm(torch.cat([self.wide(x), self.pool(x) - x], dim=1))
        x = self.down(x * self.gate(x)).transpose(2, 3)
        x = torch.tanh(self.hidden(x.flatten(1)))
        return self.digit(x), self.parity(x).log_softmax(dim=1)


def small_vit():
    return VisionTransformer(image_size=64, patch_size=16, num_layers=2, num_heads=4, hidden_dim=32, mlp_dim=64)


# Name, opset, whether by the exporter that stands on torch.export, whether for any batch.
EXPORTS = [
    ("resnet18", 17, False, False),
    ("resnet18", 18, True, True),
    ("vgg16_bn", 18, True, False),
    ("densenet121", 15, False, True),
    ("googlenet", 13, False, False),
    ("squeezenet1_1", 20, True, True),
    ("mobilenet_v2", 13, False, False),
    ("mobilenet_v3_small", 17, False, True),
    ("mobilenet_v3_large", 18, True, False),
    ("efficientnet_b0", 17, False, False),
    ("vit_b_16", 18, True, False),
    ("small_vit", 14, False, False),
    ("small_vit", 17, False, True),
    ("small_vit", 18, True, False),
    ("small_vit", 20, True, True),
    ("convnext_tiny", 13, False, True),
    ("convnext_tiny", 20, True, False),
    ("regnet_y_400mf", 15, False, False),
    ("regnet_x_400mf", 20, True, True),
    ("shufflenet_v2_x0_5", 17, False, True),
    ("shufflenet_v2_x0_5", 18, True, False),
    ("mnasnet0_5", 13, False, False),
    ("two_heads", 17, False, True),
    ("two_heads", 20, True, False),
]

# With an eighth of their channels: as they are, their files take 1.3 GB.
LARGE = {"resnet18", "vgg16_bn", "densenet121", "googlenet", "vit_b_16", "convnext_tiny"}


def untrained(name):
    quick = {"init_weights": False} if name.startswith(("vgg", "googlenet")) else {}
    if name == "googlenet":
        quick["aux_logits"] = False
    return getattr(models, name)(weights=None, **quick)


def narrow(name):
    """The network with an eighth of its channels, all else alike."""
    if name == "vit_b_16":
        return VisionTransformer(224, 16, num_layers=12, num_heads=12, hidden_dim=96, mlp_dim=384)
    if name == "convnext_tiny":
        blocks = [(12, 24, 3), (24, 48, 3), (48, 96, 9), (96, None, 3)]
        return ConvNeXt([CNBlockConfig(*block) for block in blocks])
    model = untrained(name)
    size = lambda channels: channels if channels in (3, 1000) else channels // 8
    for tensor in model.state_dict(keep_vars=True).values():
        if tensor.dim() > 0:
            tensor.data = torch.empty(*map(size, tensor.shape[:2]), *tensor.shape[2:])
    return model


def model_of(name, full):
    if name in LARGE and not full:
        model = narrow(name)
    elif name in ("two_heads", "small_vit"):
        model = {"two_heads": TwoHeads, "small_vit": small_vit}[name]()
    else:
        model = untrained(name)
    return fill(model.eval())


def export(model, sample, path, opset, dynamo, dynamic):
    heads = ["digit", "parity"] if isinstance(model, TwoHeads) else ["logits"]
    options = {"opset_version": opset, "input_names": ["image"], "output_names": heads, "dynamo": dynamo}
    # The newer exporter takes a dimension of 1 for a fixed one.
    sample = sample[:2] if dynamic and dynamo else sample[:1]
    if dynamo:
        options |= {"dynamic_shapes": ({0: torch.export.Dim("batch")},) if dynamic else None, "verbose": False}
    elif dynamic:
        options["dynamic_axes"] = {name: {0: "batch"} for name in ["image", *heads]}
    torch.onnx.export(model, (sample,), path, **options)


def sample_of(name):
    small = {"two_heads": (5, 1, 12, 20), "small_vit": (5, 3, 64, 64)}
    return wave(small.get(name, (3, 3, 224, 224)), 0.5).float()


def all_of_them(out, full):
    saved, last = {}, None
    for name, opset, dynamo, dynamic in EXPORTS:
        if full and name not in LARGE:
            continue
        if name != last:
            model, last, sample = model_of(name, full), name, sample_of(name)
            kept = {}
            if name == "resnet18":
                model.layer2.register_forward_hook(lambda _, __, value: kept.update({"layer2": value}))
            logits = model(sample)
            logits = logits if isinstance(logits, tuple) else (logits,)
            model.layer2._forward_hooks.clear() if name == "resnet18" else None
            saved |= {f"{name}.input": sample, f"{name}.logits": logits[0]}
            saved |= {f"{name}.{key}": value for key, value in kept.items()}
            saved |= {f"{name}.second": logits[1]} if len(logits) > 1 else {}
        exporter, batch = "dynamo" if dynamo else "script", "N" if dynamic else "1"
        export(model, sample, out / f"{name}.{exporter}.{opset}.{batch}.onnx", opset, dynamo, dynamic)
    save_file({key: value.contiguous() for key, value in saved.items()}, out / "expected.safetensors")


def golden(folder):
    model, sample = model_of("two_heads", True), sample_of("two_heads")
    export(model, sample, folder / "two_heads.onnx", 17, False, False)
    digit, parity = model(sample)
    save_file({"input": sample, "digit": digit, "parity": parity}, folder / "two_heads.safetensors")


torch.set_grad_enabled(False)
# Else PyTorch takes a fused attention that its exporters don't know.
torch.backends.mha.set_fastpath_enabled(False)
if sys.argv[1] == "--golden":
    golden(Path(sys.argv[2]))
else:
    all_of_them(Path(sys.argv[1]), full=sys.argv[2:] == ["--full"])
