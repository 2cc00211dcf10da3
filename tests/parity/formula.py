"""The numbers that both sides compute by one formula, so that no weights need to be stored."""

import math

import torch


def wave(shape, phase):
    count = math.prod(shape)
    return torch.sin(torch.arange(count, dtype=torch.float64) * 12.9898 + phase).view(shape)


def parameter(name, shape):
    """Kaiming's variance for weights, something harmless for the rest."""
    # Each letter by its place: names that differ in the order of digits only must not share weights.
    sine = wave(shape, sum(place * byte for place, byte in enumerate(name.encode(), 1)))
    if len(shape) > 1:
        return sine * 2 / math.sqrt(math.prod(shape[1:]))
    if name.endswith("running_var"):
        return 1 + 0.5 * sine
    if name.endswith("weight"):
        return 1 + 0.3 * sine
    return 0.1 * sine


def fill(model):
    """Sets all parameters of a model by the formula."""
    for name, tensor in model.state_dict().items():
        if not name.endswith("num_batches_tracked"):
            tensor.copy_(parameter(name, tensor.shape))
    return model
