"""The opponents' side of the benchmark: reads a question a line, answers with a line.

Usage: python peers FOLDER

A question is `TIMES TOPIC.FUNCTION ARGUMENTS…`. The function, of the file TOPIC.py beside this one, makes
everything ready and returns either the answer or what is to be timed. That then runs so many times on
end, and the answer is the median in seconds; with 0 it runs once, and its result stays in the folder.
"""

import importlib
import statistics
import sys
import time

import shared
import torch
from safetensors.torch import save_file


def answer(line):
    times, name, *arguments = line.split()
    topic, function = name.split(".")
    action = getattr(importlib.import_module(topic), function)(*arguments)
    if not callable(action):
        return action
    if times == "0":
        result = torch.as_tensor(action()).detach().cpu().contiguous()
        save_file({"result": result}, shared.folder / "result.safetensors")
        return "kept"
    seconds = []
    for _ in range(int(times)):
        start = time.perf_counter()
        action()
        shared.synchronize()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


# Packages print; the answers have the pipe for themselves.
answers, sys.stdout = sys.stdout, sys.stderr
for line in sys.stdin:
    print(answer(line), file=answers, flush=True)
