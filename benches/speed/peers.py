"""The peers' side of the benchmark: reads a question a line, answers with a line.

Usage: peers.py FOLDER
"""

import sys
import time
from pathlib import Path

import torch
import torchvision
from safetensors.torch import load_file, save_file

folder = Path(sys.argv[1])


def about():
    cores = torch.get_num_threads()
    return f"torch {torch.__version__}, torchvision {torchvision.__version__}, {cores} threads"


def open_network(name):
    global model, sample
    model = getattr(torchvision.models, name)(weights=None).eval()
    model.load_state_dict(load_file(folder / "weights.safetensors"), strict=False)
    sample = load_file(folder / "input.safetensors")["input"]
    with torch.no_grad():
        save_file({"output": model(sample)}, folder / "output.safetensors")
    return "open"


def seconds(action):
    start = time.perf_counter()
    action()
    return str(time.perf_counter() - start)


@torch.no_grad()
def forward():
    return seconds(lambda: model(sample))


QUESTIONS = {"about": about, "open": open_network, "forward": forward}

for line in sys.stdin:
    name, *arguments = line.split()
    print(QUESTIONS[name](*arguments), flush=True)
