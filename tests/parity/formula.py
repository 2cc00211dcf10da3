"""The numbers that both sides compute by one formula, so that no weights need to be stored."""

import math

import torch


def wave(shape, phase):
    count = math.prod(shape)
    return torch.sin(torch.arange(count, dtype=torch.float64) * 12.9898 + phase).view(shape)


# Beyond a million the numbers come again: six VGGs have 800 million. A prime, so rows differ.
MOST = 1_048_573


def parameter(name, shape):
    """Kaiming's variance for weights, something harmless for the rest."""
    count = math.prod(shape)
    # Each letter by its place: names that differ in the order of digits only must not share weights.
    sine = wave([min(count, MOST)], sum(place * byte for place, byte in enumerate(name.encode(), 1)))
    if len(shape) > 1:
        numbers = sine * 2 / math.sqrt(math.prod(shape[1:]))
    elif name.endswith("running_var"):
        numbers = 1 + 0.5 * sine
    elif name.endswith("weight"):
        numbers = 1 + 0.3 * sine
    else:
        numbers = 0.1 * sine
    return numbers.float().repeat(count // MOST + 1)[:count].view(shape)


def fill(model):
    """Sets all parameters of a model by the formula."""
    for name, tensor in model.state_dict().items():
        if not name.endswith("num_batches_tracked"):
            tensor.copy_(parameter(name, tensor.shape))
    return model
