"""Data sets' files as Python writes them, and what torchvision reads in them.

Usage: datasets.py HOME, which becomes a CONVSCOPE_HOME
"""

import gzip
import io
import struct
import sys
import tarfile
from pathlib import Path

import torch
from safetensors.torch import save_file
from torchvision.datasets import MNIST

home = Path(sys.argv[1])
folder = home / "data"
torch.manual_seed(0)


def pixels(*shape):
    return torch.randint(0, 256, shape, dtype=torch.uint8)


def labels(count):
    return torch.randint(0, 10, (count,), dtype=torch.uint8)


def idx(values):
    header = struct.pack(f">HBB{values.dim()}I", 0, 8, values.dim(), *values.shape)
    return header + values.numpy().tobytes()


# As torchvision keeps MNIST: unpacked, and the archives beside them.
raw = folder / "MNIST" / "raw"
raw.mkdir(parents=True)
for part, count in [("train", 300), ("t10k", 70)]:
    for kind, values in [("images-idx3", pixels(count, 28, 28)), ("labels-idx1", labels(count))]:
        name = raw / f"{part}-{kind}-ubyte"
        name.write_bytes(idx(values))
        Path(f"{name}.gz").write_bytes(gzip.compress(name.read_bytes()))

arrays = {}
for split in ["train", "test"]:
    read = MNIST(folder, train=split == "train")
    arrays[f"mnist.{split}.images"] = read.data.unsqueeze(1).contiguous()
    arrays[f"mnist.{split}.labels"] = read.targets

# CIFAR-10's archive in its own order, with Python's extended headers.
batches = {}
with tarfile.open(folder / "cifar-10-binary.tar.gz", "w:gz", compresslevel=1) as archive:
    top = tarfile.TarInfo("cifar-10-batches-bin")
    top.type, top.mode, top.mtime = tarfile.DIRTYPE, 0o755, 1244149085.5
    archive.addfile(top)
    for name in ["data_batch_1", "batches.meta", "data_batch_3", "data_batch_4", "test_batch"] + [
        "readme",
        "data_batch_5",
        "data_batch_2",
    ]:
        if "batch_" in name or name == "test_batch":
            # Ten pictures again and again, which compresses well, each with its number in its first bytes.
            images, number = pixels(10, 3, 32, 32).repeat(1000, 1, 1, 1), torch.arange(10_000)
            images[:, 0, 0, 0], images[:, 0, 0, 1] = number // 256, number % 256
            batches[name] = (labels(10_000), images)
            records = torch.cat([batches[name][0][:, None], batches[name][1].flatten(1)], 1)
            content, ending = records.numpy().tobytes(), "bin"
        else:
            content, ending = b"airplane\nautomobile\n", "txt"
        member = tarfile.TarInfo(f"cifar-10-batches-bin/{name}.{ending}")
        member.size, member.mtime = len(content), 1244149085.5
        archive.addfile(member, io.BytesIO(content))

for split, names in [("train", [f"data_batch_{i}" for i in range(1, 6)]), ("test", ["test_batch"])]:
    arrays[f"cifar.{split}.labels"] = torch.cat([batches[name][0] for name in names]).long()
    # All of them would be 184 MB: every 97th.
    images = torch.cat([batches[name][1] for name in names])
    arrays[f"cifar.{split}.images"] = images[::97].contiguous()

save_file(arrays, home / "expected.safetensors")
