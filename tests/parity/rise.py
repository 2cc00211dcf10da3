"""RISE as its paper defines it, with convscope's random numbers: SplitMix64, for each mask its cells row
by row, then the row and the column at which it is cut out.

Usage: rise.py OUT_FOLDER INPUT.safetensors MASKS CELLS PROBABILITY SEED. The network is the linear one
whose weights the file holds: `input` [C, H, W] and `weight` of its shape.
"""

import math
import sys
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file

out, file = Path(sys.argv[1]), load_file(sys.argv[2])
count, cells, probability, seed = int(sys.argv[3]), int(sys.argv[4]), float(sys.argv[5]), int(sys.argv[6])
BITS = (1 << 64) - 1


def splitmix64(state):
    while True:
        state = (state + 0x9E3779B97F4A7C15) & BITS
        z = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & BITS
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & BITS
        yield z ^ (z >> 31)


def enlarge(grid, rows, columns):
    """Bilinear: the center of a pixel lies between the centers of cells, and the border goes on."""

    def weights(size, large):
        matrix = np.zeros((large, size))
        for i in range(large):
            at = min(max((i + 0.5) * size / large - 0.5, 0), size - 1)
            low = int(at)
            high = min(low + 1, size - 1)
            matrix[i, low] += 1 - (at - low)
            matrix[i, high] += at - low
        return matrix

    return weights(grid.shape[0], rows) @ grid @ weights(grid.shape[1], columns).T


numbers = splitmix64(seed)
x, weight = file["input"].numpy().astype(float), file["weight"].numpy().astype(float)
_, height, width = x.shape
cell = [math.ceil(height / cells), math.ceil(width / cells)]
total = np.zeros((height, width))
for _ in range(count):
    grid = [(next(numbers) >> 40) / 2**24 < probability for _ in range(cells * cells)]
    grid = np.array(grid, dtype=float).reshape(cells, cells)
    row, column = next(numbers) % cell[0], next(numbers) % cell[1]
    large = enlarge(grid, (cells + 1) * cell[0], (cells + 1) * cell[1])
    mask = large[row : row + height, column : column + width]
    total += (weight * x * mask).sum() * mask
save_file({"map": torch.from_numpy(total / (probability * count))}, out / "expected.safetensors")
