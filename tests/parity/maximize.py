"""Feature visualization without movement, written with numpy and torch from lucid's published
definitions: Fourier and pixel images, decorrelated colors, Adam.

Usage: maximize.py OUT_FOLDER WEIGHTS.safetensors START.safetensors
"""

import sys
from pathlib import Path

import numpy as np
import torch
import torchvision
from safetensors.torch import load_file, save_file

folder, weights, start = map(Path, sys.argv[1:])
model = torchvision.models.resnet18(weights=None).double().eval()
model.load_state_dict(load_file(weights), strict=False)
start = load_file(start)["start"]
height, width = start.shape[2:]

root = torch.tensor(
    [[0.26, 0.09, 0.02], [0.27, 0.00, -0.05], [0.27, -0.09, 0.03]], dtype=torch.float64
)
colors = root / root.norm(dim=0).max()
frequencies = np.sqrt(
    np.fft.fftfreq(height)[:, None] ** 2 + np.fft.rfftfreq(width)[None, :] ** 2
)
scale = torch.tensor(1 / np.maximum(frequencies, 1 / max(height, width)))

kept = {}
model.layer2.register_forward_hook(lambda module, inputs, output: kept.update(layer2=output))
mean = torch.tensor([0.485, 0.456, 0.406], dtype=torch.float64)[None, :, None, None]
std = torch.tensor([0.229, 0.224, 0.225], dtype=torch.float64)[None, :, None, None]


def run(fourier, decorrelated):
    planes = torch.logit(start)
    if decorrelated:
        planes = torch.einsum("ij,njhw->nihw", torch.linalg.inv(colors), planes)
    if fourier:
        # lucid's ortho-normalized transform, divided by 4.
        spectrum = torch.fft.rfft2(planes, norm="ortho") * 4 / scale
        parameters = torch.view_as_real(spectrum).clone()
    else:
        parameters = planes.clone()
    parameters.requires_grad_()

    def image():
        planes = parameters
        if fourier:
            spectrum = torch.view_as_complex(parameters * scale[..., None])
            planes = torch.fft.irfft2(spectrum, s=(height, width), norm="ortho") / 4
        if decorrelated:
            planes = torch.einsum("ij,njhw->nihw", colors, planes)
        return torch.sigmoid(planes)

    adam = torch.optim.Adam([parameters], lr=0.05)
    for _ in range(12):
        images = image()
        logits = model((images - mean) / std)
        tv = (images[0].diff(dim=1)).abs().sum() + (images[0].diff(dim=2)).abs().sum()
        score = kept["layer2"][0, 5].mean() - 1e-4 * tv
        score = score + logits[1, 7] + 0.5 * kept["layer2"][1].square().mean()
        adam.zero_grad()
        (-score).backward()
        adam.step()
    return image().detach().contiguous()


results = {
    "fourier": run(True, True),
    "pixels": run(False, True),
    "fourier_rgb": run(True, False),
}
save_file(results, folder / "expected.safetensors")
