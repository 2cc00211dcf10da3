"""Feature maps to PNG by matplotlib."""

import io

import matplotlib
import numpy
import shared
from matplotlib import pyplot
from safetensors.torch import load_file

matplotlib.use("Agg")


def maps():
    values = load_file(shared.folder / "maps.safetensors")["maps"].numpy()
    return values, 8 if len(values) <= 64 else 32


def save(figure):
    figure.savefig(io.BytesIO(), format="png")
    pyplot.close(figure)


def axes():
    values, columns = maps()
    rows = -(-len(values) // columns)

    def draw():
        figure, grid = pyplot.subplots(rows, columns, figsize=(8, 8 * rows / columns))
        for channel, (axis, one) in enumerate(zip(grid.flat, values, strict=True)):
            axis.imshow(one, vmin=0, vmax=values.max())
            if len(values) <= 64:  # of more, ours labels the rows only
                axis.set_title(channel, fontsize=6)
            axis.axis("off")
        save(figure)

    return draw


def composed():
    values, columns = maps()
    rows = -(-len(values) // columns)

    def draw():
        padded = numpy.pad(values, [(0, 0), (1, 1), (1, 1)], constant_values=numpy.nan)
        height, width = padded.shape[1:]
        mosaic = padded.reshape(rows, columns, height, width).swapaxes(1, 2).reshape(rows * height, columns * width)
        figure = pyplot.figure(figsize=(8, 8 * rows / columns))
        axis = figure.add_axes((0, 0, 1, 1))
        axis.imshow(mosaic, vmin=0, vmax=values.max())
        axis.axis("off")
        save(figure)

    return draw
