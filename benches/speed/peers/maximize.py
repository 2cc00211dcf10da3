"""Activation maximization by the loop of torch-lucent 0.1.8, written out: its Fourier image in decorrelated
colors, its standard transforms one after the other, Adam."""

import numpy
import shared
import torch
import torchvision
from torch.nn import functional
from torchvision.models.feature_extraction import create_feature_extractor

SIZE = 224
UNIT = 17


class Image:
    """The image and what moves it."""

    def __init__(self):
        frequencies = numpy.sqrt(
            numpy.fft.fftfreq(SIZE)[:, None] ** 2 + numpy.fft.fftfreq(SIZE)[: SIZE // 2 + 1] ** 2
        )
        self.spectrum = (torch.randn(1, 3, SIZE, SIZE // 2 + 1, 2) * 0.01).requires_grad_()
        self.scale = torch.tensor(1 / numpy.maximum(frequencies, 1 / SIZE)).float()[None, None, ..., None]
        root = torch.tensor([[0.26, 0.09, 0.02], [0.27, 0.00, -0.05], [0.27, -0.09, 0.03]])
        self.colors = root / root.norm(dim=0).max()

    def pixels(self):
        planes = torch.view_as_complex(self.scale * self.spectrum)
        planes = torch.fft.irfftn(planes, s=(SIZE, SIZE), norm="ortho")
        return torch.sigmoid((planes.permute(0, 2, 3, 1) / 4 @ self.colors.T).permute(0, 3, 1, 2))

    def moved(self):
        x = jitter(functional.pad(self.pixels(), [12] * 4, value=0.5), 8)
        return normalize(jitter(rotated(scaled(x)), 4))


normalize = torchvision.transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])


def jitter(x, range_):
    down, right = numpy.random.choice(range_, 2)
    return x[:, :, down : down - range_, right : right - range_]


def scaled(x):
    factor = numpy.random.choice([1 + (i - 5) / 50 for i in range(11)])
    sides = x.shape[2:]
    larger = [int(numpy.ceil(factor * side)) for side in sides]
    pad = [max(0, int(numpy.ceil((side - new) / 2))) for side, new in zip(sides, larger, strict=True)]
    x = functional.interpolate(x, larger, mode="bilinear", align_corners=True)
    return functional.pad(x, pad * 2)


def rotated(x):
    turn = numpy.deg2rad(numpy.random.choice([*range(-10, 11), 0, 0, 0, 0, 0]))
    matrix = [[numpy.cos(turn), numpy.sin(turn), 0], [-numpy.sin(turn), numpy.cos(turn), 0]]
    grid = functional.affine_grid(torch.tensor([matrix]).float(), x.shape, align_corners=True)
    return functional.grid_sample(x, grid, align_corners=True)


def lucent(layer, steps):
    """As it is: the whole network's forward with a hook on every module, gradients for the parameters too."""
    model = shared.model

    def loop():
        kept = {}

        def keep(name):
            return lambda module, inputs, output: kept.update({name: output})

        hooks = [m.register_forward_hook(keep(name)) for name, m in model.named_modules()]
        image = Image()
        adam = torch.optim.Adam([image.spectrum], lr=0.05)
        for _ in range(int(steps)):
            adam.zero_grad()
            model(image.moved())
            (-kept[layer][:, UNIT].mean()).backward()
            adam.step()
        for hook in hooks:
            hook.remove()
        model.zero_grad()
        return image.pixels()

    return loop


@shared.once
def part(layer):
    """The folded network up to the layer."""
    extract = create_feature_extractor(shared.folded(), {layer: "kept"})
    return lambda x: extract(x)["kept"]


def cut(layer, steps, seed=0):
    """The same loop with as little as it needs. It is as far at its end, and says so by its image."""
    network = part(layer)

    def loop():
        torch.manual_seed(int(seed))
        numpy.random.seed(int(seed))
        image = Image()
        adam = torch.optim.Adam([image.spectrum], lr=0.05)
        for _ in range(int(steps)):
            adam.zero_grad()
            (-network(image.moved())[:, UNIT].mean()).backward()
            adam.step()
        return image.pixels()

    return loop
