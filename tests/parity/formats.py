"""One network's parameters in every precision and form that `torch.save` gives them.

Usage: formats.py OUT_FOLDER
"""

import sys
from pathlib import Path

import torch
from safetensors.torch import save_file

out = Path(sys.argv[1])
torch.manual_seed(5)
shapes = {"conv.weight": [2, 1, 3, 3], "conv.bias": [2], "fc.weight": [3, 2], "fc.bias": [3]}
parameters = {name: torch.randn(shape, dtype=torch.float64) for name, shape in shapes.items()}
# The smallest and the largest of float16, which other precisions have too.
parameters["conv.bias"] = torch.tensor([2.0**-24, 65504.0], dtype=torch.float64)

expected = {}
for kind in ("float16", "bfloat16", "float32", "float64"):
    tensors = {name: tensor.to(getattr(torch, kind)) for name, tensor in parameters.items()}
    expected |= {f"{kind}.{name}": tensor.float() for name, tensor in tensors.items()}
    parallel = {f"module.{name}": tensor for name, tensor in tensors.items()}
    # Tensors before and behind the state_dict must be passed over.
    checkpoint = {
        "epoch": 3,
        "mean": torch.ones(5, dtype=torch.int64),
        "state_dict": parallel,
        "best_prec1": 91.73,
        "optimizer": {"state": [torch.zeros(7)], "param_groups": [{"lr": 0.1}]},
        "arch": "resnet20",
    }
    for suffix, modern in (("pth", True), ("legacy.pth", False)):
        save = lambda what, name: torch.save(
            what, out / f"{kind}.{name}.{suffix}", _use_new_zipfile_serialization=modern
        )
        save(tensors, "plain")
        save(checkpoint, "checkpoint")
        save({"model": tensors}, "model")
    save_file(tensors, out / f"{kind}.safetensors")
save_file(expected, out / "expected.safetensors")
