"""What the topics share: the network that is open, its input, and what was made ready for it."""

import copy
import functools
import importlib.metadata
import os
import platform
import sys
import time
from pathlib import Path

os.environ["TQDM_DISABLE"] = "1"  # read when tqdm is imported, which captum does

import torch
import torchvision
from safetensors.torch import load_file
from torch.fx.experimental import optimization

folder = Path(sys.argv[1])
threads = torch.get_num_threads()
model = None
sample = None

PACKAGES = [
    "torch", "torchvision", "onnxruntime", "openvino", "captum", "grad-cam", "torchcam", "torchlens",
    "openTSNE", "scikit-learn", "matplotlib",
]  # fmt: skip


def about():
    """Machine, threads, date and versions, in one line each, between tabs."""
    cpu, gigabytes = platform.machine(), 0
    if Path("/proc/cpuinfo").exists():
        names = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
        cpu = names[0].split(":", 1)[1].strip() if names else cpu
    if "SC_PHYS_PAGES" in os.sysconf_names:
        gigabytes = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / (1 << 30)
    packages = [f"{name} {installed(name)}" for name in PACKAGES if installed(name)]
    return "\t".join([
        f"{cpu}, {os.cpu_count()} cores, {gigabytes:.0f} GiB",
        str(threads),
        time.strftime("%-d %B %Y"),
        ", ".join(packages),
    ])  # fmt: skip


def installed(package):
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def open_network(name):
    """A network of torchvision with the weights and the input that lie in the folder."""
    global model, sample
    for cache in caches:
        cache.cache_clear()
    model = getattr(torchvision.models, name)(weights=None).eval()
    model.load_state_dict(load_file(folder / "weights.safetensors"), strict=False)
    sample = load_file(folder / "input.safetensors")["input"]
    return "open"


caches = []


def once(function):
    """Made once for each network that is opened."""
    cached = functools.cache(function)
    caches.append(cached)
    return cached


@once
def folded():
    """The network with batch norms folded into the convolutions, channels-last."""
    return optimization.fuse(copy.deepcopy(model)).to(memory_format=torch.channels_last).requires_grad_(False)


@once
def folded_sample():
    return sample.to(memory_format=torch.channels_last)


def with_best(batches, method, trial=None):
    """The method with the batch that is fastest here, the better of two tries each."""

    def tried(batch):
        start = time.perf_counter()
        (trial or method)(batch)
        return time.perf_counter() - start

    best = min(batches, key=lambda batch: min(tried(batch), tried(batch)))
    return lambda: method(best)


def to_cuda(kind):
    """The open network and its input, as the GPU likes them best."""
    global model, sample
    for cache in caches:
        cache.cache_clear()
    options = {"device": "cuda", "dtype": getattr(torch, kind), "memory_format": torch.channels_last}
    model, sample = model.to(**options), sample.to(**options)
    return "moved"


def synchronize():
    """Waits for the GPU, where the network is on one."""
    if sample is not None and sample.is_cuda:
        torch.cuda.synchronize()
