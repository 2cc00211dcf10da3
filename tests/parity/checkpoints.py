"""One network's parameters in the files that people have: training checkpoints, whole models, other
protocols, arrays of NumPy, wrappers, and all that stands beside them.

Usage: checkpoints.py OUT_FOLDER

`loads.NAME` must load, with the parameters `expected.NUMBERS.PARAMETER`, NUMBERS being NAME up to its first
dot; `refused.NAME` must not.
"""

import argparse
import collections
import copy
import datetime
import enum
import functools
import io
import pathlib
import pickle
import random
import struct
import sys
import tarfile

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn

out = pathlib.Path(sys.argv[1])


def wave(shape, k):
    size = int(np.prod(shape))
    return torch.from_numpy((0.5 * np.sin(0.7 * np.arange(size) + k)).reshape(shape).astype(np.float32))


class Block(nn.Module):
    """`conv` and `fc` of the network, and what a state_dict leaves out."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 3)
        self.fc = nn.Linear(2, 3)
        self.register_buffer("seen", torch.zeros((), dtype=torch.int64), persistent=False)
        self.register_module("absent", None)
        self.notes = {"made": datetime.date(2020, 1, 2)}

    def forward(self, x):
        return self.fc(self.conv(x).mean((2, 3)))


class Kind(enum.Enum):
    SMALL = 1


class Config(dict):
    pass


class Slots:
    __slots__ = ("a", "b")

    def __init__(self):
        self.a, self.b = 1, [2]


class Picky:
    def __setstate__(self, state):
        raise RuntimeError("executed")

    def __getstate__(self):
        return ("state", 1)


class Tagged(torch.Tensor):
    pass


def under(prefix, tensors):
    return {prefix + name: tensor for name, tensor in tensors.items()}


shapes = {"conv.weight": [2, 1, 3, 3], "conv.bias": [2], "fc.weight": [3, 2], "fc.bias": [3]}
weights = {name: wave(shape, k) for k, (name, shape) in enumerate(shapes.items(), 1)}
others = {name: tensor + 1 for name, tensor in weights.items()}
bits = {name: (torch.arange(tensor.numel()) % 3 == 1).reshape(tensor.shape).float() for name, tensor in weights.items()}
model = Block()
model.load_state_dict(weights)
optimizer = torch.optim.Adam(model.parameters())
model(torch.rand(1, 1, 4, 4)).sum().backward()
optimizer.step()
model.load_state_dict(weights)

strange = {
    "epoch": 7,
    "best": np.float64(0.91),
    "history": np.arange(5.0),
    "names": np.array(["a", "b"]),
    "table": np.zeros(2, dtype=[("x", "f4"), ("y", "i8")]),
    "objects": np.array([{}, None], dtype=object),
    "args": argparse.Namespace(lr=0.1, arch="small", out=pathlib.PurePosixPath("x")),
    "optimizer": optimizer.state_dict(),
    "scheduler": {"lambda": functools.partial(max, 3), "when": datetime.datetime(2021, 3, 4, 5)},
    "kind": Kind.SMALL,
    "config": Config(a=1, b=Config(c=[1, 2])),
    "slots": Slots(),
    "picky": Picky(),
    "random": [random.getstate(), np.random.get_state(), torch.get_rng_state()],
    "counts": collections.Counter("abca"),
    "lists": collections.defaultdict(list, a=[1]),
    "sets": [{1, 2}, frozenset("ab"), 3 + 4j, 2**100, -(2**70), b"bytes", bytearray(b"more"), range(3), slice(1, 2)],
    "torch": [torch.device("cuda", 0), torch.float32, torch.Size([1, 2]), torch.nn.functional.relu, torch.strided],
    "quantized": torch.quantize_per_tensor(torch.ones(3), 0.1, 0, torch.qint8),
    "sparse": torch.eye(3).to_sparse(),
    "complex": torch.ones(2, dtype=torch.complex64),
    "small": torch.ones(2, dtype=torch.float8_e4m3fn),
    "unsigned": torch.ones(2, dtype=torch.uint16),
    "meta": torch.empty(3, device="meta"),
    "storage": torch.arange(3.0).untyped_storage(),
    "loss": nn.CrossEntropyLoss(torch.ones(3)),
}
prefixes = ["module.", "model.", "net.", "backbone.", "encoder.", "_orig_mod.", "student.", "base_model."]
tagged = {name: tensor.as_subclass(Tagged) for name, tensor in weights.items()}
for tensor in tagged.values():
    tensor.note = "mine"
noted = {name: nn.Parameter(tensor.clone()) for name, tensor in weights.items()}
for parameter in noted.values():
    parameter.note = {"a": 1}
attributed = collections.OrderedDict(weights)
attributed._metadata = {"": {"version": 1}}
shared = torch.cat([torch.ones(5), *[tensor.reshape(-1) for tensor in weights.values()]])
offsets = np.cumsum([5] + [tensor.numel() for tensor in weights.values()])
views = {name: shared[start : start + tensor.numel()].view(tensor.shape) for start, (name, tensor) in zip(offsets, weights.items())}
strided = {name: tensor.mT.contiguous().mT if tensor.dim() > 1 else torch.stack([tensor, tensor], 1)[:, 0] for name, tensor in weights.items()}
arrays = {name: tensor.numpy() for name, tensor in weights.items()}

whole = {
    "plain": weights,
    "parameters": dict(model.named_parameters()),
    "parameters_with_attributes": noted,
    "subclass": tagged,
    "attributes": attributed,
    "views": views,
    "strided": strided,
    "arrays": {"model": arrays, "__author__": "somebody"},
    "arrays_of_columns": {name: np.asfortranarray(array) for name, array in arrays.items()},
    "arrays_of_big_ends": {name: array.astype(">f4") for name, array in arrays.items()},
    "beside_everything": {**strange, "state_dict": weights},
    "before_everything": {"state_dict": weights, **strange},
    "model_state_dict": {"model_state_dict": weights, "optimizer_state_dict": optimizer.state_dict()},
    "lightning": {"state_dict": under("model.", weights), "hyper_parameters": Config(lr=0.1), "pytorch-lightning_version": "2.4.0", "callbacks": {"Checkpoint{'monitor': 'loss'}": {"best_model_score": torch.tensor(0.5)}}, "loops": {"fit_loop": {"state_dict": {}}}},
    "timm": {"epoch": 3, "arch": "small", "state_dict": weights, "state_dict_ema": others, "optimizer": optimizer.state_dict(), "version": 2, "args": argparse.Namespace(lr=0.1), "amp_scaler": {"scale": 65536.0}, "metric": 0.5},
    "ema": {"model": under("module.", weights), "model_ema": others, "scaler": {"scale": 65536.0}},
    "averaged": {"n_averaged": torch.tensor(4), **under("module.", weights)},
    "two_in_one": {**under("teacher.backbone.", weights), **under("student.backbone.", others)},
    "distilled": {"student": under("module.backbone.", others), "teacher": under("backbone.", weights), "dino_loss": {"center": torch.zeros(1, 5)}},
    "nested": {"conv": {"weight": weights["conv.weight"], "bias": weights["conv.bias"]}, "fc": {"weight": weights["fc.weight"], "bias": weights["fc.bias"]}},
    "in_a_list": [{"nothing": 1}, ({"deep": {"weights": weights}},)],
    "head_beside": {"backbone": {name: tensor for name, tensor in weights.items() if name.startswith("conv")}, **{name: tensor for name, tensor in weights.items() if name.startswith("fc")}},
    "other_task": {**weights, "head_dist.weight": torch.ones(7, 2), "queue": torch.ones(4, 4), "conv.total_ops": torch.ones(1)},
    "whole_model": model,
    "whole_model_in_a_checkpoint": {"epoch": 3, "model": copy.deepcopy(model).half(), "updates": 12},
    "whole_model_parallel": nn.DataParallel(Block()),
}
whole["whole_model_parallel"].module.load_state_dict(weights)
for prefix in prefixes:
    whole[f"under_{prefix.strip('._')}"] = under(prefix, weights)
whole["under_all"] = {"state_dict": under("".join(prefixes[:5]), weights)}

for name, what in whole.items():
    numbers = "halves" if name == "whole_model_in_a_checkpoint" else "floats"
    torch.save(what, out / f"loads.{numbers}.{name}.pth")
    torch.save(what, out / f"loads.{numbers}.{name}.legacy.pth", _use_new_zipfile_serialization=False)
for protocol in range(6):
    for modern in (True, False):
        form = {"pickle_protocol": protocol, "_use_new_zipfile_serialization": modern}
        if protocol > 0 or modern:
            torch.save({**strange, "model": weights} if protocol > 1 else weights, out / f"loads.floats.protocol{protocol}.{modern}.pth", **form)
            # Before protocol 2 NumPy's bytes are texts with escapes.
            if protocol > 1:
                torch.save({"model": arrays}, out / f"loads.floats.arrays_protocol{protocol}.{modern}.pth", **form)
    if protocol > 1:
        with open(out / f"loads.floats.arrays_alone{protocol}.pkl", "wb") as file:
            pickle.dump({"model": arrays, "matching_heuristics": True}, file, protocol)
    if protocol > 2:
        with open(out / f"loads.floats.dumped{protocol}.pkl", "wb") as file:
            pickle.dump({"model": weights, "optimizer": optimizer.state_dict()}, file, protocol)
for kind in ("int64", "int32", "int16", "int8", "uint8", "bool", "float16", "bfloat16", "float32", "float64"):
    tensors = {name: tensor.to(getattr(torch, kind)) for name, tensor in bits.items()}
    for modern in (True, False):
        torch.save(tensors, out / f"loads.bits.{kind}.{modern}.pth", _use_new_zipfile_serialization=modern)
    if kind != "bfloat16":
        torch.save({name: tensor.numpy() for name, tensor in tensors.items()}, out / f"loads.bits.{kind}.numpy.pth")
torch.jit.save(torch.jit.script(model), out / "loads.floats.torchscript.pt")
save_file(under("module.model.", weights), out / "loads.floats.prefixed.safetensors")

def first_year(what, path):
    """As PyTorch wrote until early 2017: a tar archive, in which tensors have numbers. Read again by PyTorch."""
    storages, tensors, pickled = io.BytesIO(), io.BytesIO(), io.BytesIO()
    found = {}

    class Pickler(pickle.Pickler):
        def persistent_id(self, value):
            if isinstance(value, torch.Tensor):
                found[id(value)] = value
                return str(id(value))
            return None

    Pickler(pickled, 2).dump(what)
    pickle.dump(len(found) + 1, storages, 2)
    for number, tensor in [*found.items(), (7, torch.arange(5.0))]:
        pickle.dump((number + 1, "cpu", torch.FloatStorage), storages, 2)
        storages.write(struct.pack("<q", tensor.numel()) + tensor.contiguous().numpy().tobytes())
    first = next(iter(found))
    pickle.dump([(8, first + 1, 0, found[first].numel())], storages, 2)
    pickle.dump(len(found), tensors, 2)
    for number, tensor in found.items():
        # One of them lies in a view.
        storage = 8 if number == first else number + 1
        pickle.dump((number, storage, torch.FloatTensor), tensors, 2)
        dims = tensor.dim()
        strides = tensor.contiguous().stride()
        tensors.write(struct.pack(f"<ii{2 * dims + 1}q", dims, 0, *tensor.shape, *strides, 0))
    with tarfile.open(path, "w:", format=tarfile.PAX_FORMAT) as archive:
        for name, content in (("sys_info", io.BytesIO(b"")), ("pickle", pickled), ("tensors", tensors), ("storages", storages)):
            member = tarfile.TarInfo(name)
            member.size = content.tell() if name != "sys_info" else 0
            content.seek(0)
            archive.addfile(member, content)
    again = torch.load(path, weights_only=False)
    assert all(torch.equal(again["model"][name], tensor) for name, tensor in what["model"].items())


first_year({"epoch": 1, "model": {name: tensor.clone() for name, tensor in weights.items()}}, out / "loads.floats.first_year.pth")
replaced = {
    "quantized": torch.quantize_per_tensor(weights["fc.weight"], 0.1, 0, torch.qint8),
    "sparse": weights["fc.weight"].to_sparse(),
    "complex": weights["fc.weight"].to(torch.complex64),
    "float8": weights["fc.weight"].to(torch.float8_e5m2),
    "meta": weights["fc.weight"].to("meta"),
    "bytes": np.array([[b"x", b"y"]] * 3),
}
for name, tensor in replaced.items():
    for suffix, modern in (("pth", True), ("legacy.pth", False)):
        torch.save({**weights, "fc.weight": tensor}, out / f"refused.{name}.{suffix}", _use_new_zipfile_serialization=modern)
head = {**weights, "fc.weight": torch.ones(7, 2), "fc.bias": torch.ones(7)}
torch.save({"state_dict": under("module.", head)}, out / "refused.head.pth")
torch.save({**weights, "conv2.weight": torch.ones(2, 2, 3, 3)}, out / "refused.deeper.pth")
torch.save(nn.Sequential(nn.Conv2d(1, 4, 3)), out / "refused.other_model.pth")
torch.save({"optimizer": optimizer.state_dict()}, out / "refused.optimizer.pth")
torch.save([1, "two"], out / "refused.nothing.pth")
with open(out / "refused.dumped.pkl", "wb") as file:
    # Whose bytes are a text.
    pickle.dump(weights, file, 2)

expected = {"floats": weights, "bits": bits, "halves": {name: tensor.half().float() for name, tensor in weights.items()}}
save_file({f"{kind}.{name}": tensor.clone() for kind, tensors in expected.items() for name, tensor in tensors.items()}, out / "expected.safetensors")
