"""Measures of trust by other packages, for a small network with the weights that Rust saved.

Captum's infidelity and sensitivity, pytorch-grad-cam's change of confidence, SciPy's rank correlation;
deletion, insertion and structural similarity written anew from their definitions.

Usage: trust.py OUT_FOLDER GIVEN.safetensors
"""

import sys
from pathlib import Path

import numpy as np
import torch
from captum.attr import Saliency
from captum.metrics import infidelity, sensitivity_max
from pytorch_grad_cam.metrics.cam_mult_image import CamMultImageConfidenceChange
from pytorch_grad_cam.utils.model_targets import ClassifierOutputSoftmaxTarget
from safetensors.torch import load_file, save_file
from scipy.ndimage import uniform_filter
from scipy.stats import spearmanr
from sklearn.metrics import auc
from torch import nn
from torch.nn import functional

given = load_file(sys.argv[2])
x, maps, classes = given["input"], given["maps"], given["classes"].tolist()


class Small(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(2, 6, 3, padding=1), nn.Conv2d(6, 8, 3, stride=2)
        self.fc = nn.Linear(8, 5)

    def forward(self, x):
        x = functional.relu(self.conv2(functional.relu(self.conv1(x))))
        return self.fc(x.mean(dim=(2, 3)))


model = Small().double().eval()
model.load_state_dict({key: given[key] for key in model.state_dict()})
expected = {}

# Deletion to zero, insertion into three boxes of 11×11, five steps.
blurred = x
for _ in range(3):
    blurred = functional.avg_pool2d(blurred, 11, 1, 5, count_include_pad=False)
pixels, steps = maps[0].numel(), 5
for name, start, end in [("deletion", x, torch.zeros_like(x)), ("insertion", blurred, x)]:
    curves, areas = [], []
    for n, c in enumerate(classes):
        order = np.argsort(-maps[n].flatten().numpy())
        curve, shares = [], []
        for step in range(steps + 1):
            count = int(np.floor(step * pixels / steps + 0.5))
            picture = start[n].flatten(1).clone()
            picture[:, order[:count]] = end[n].flatten(1)[:, order[:count]]
            logits = model(picture.view_as(x[n])[None])
            curve.append(logits.softmax(dim=1)[0, c].item())
            shares.append(count / pixels)
        curves.append(curve)
        areas.append(auc(shares, curve))
    expected[name] = torch.tensor(curves, dtype=torch.float64)
    expected[f"{name}_auc"] = torch.tensor(areas, dtype=torch.float64)

targets = [ClassifierOutputSoftmaxTarget(c) for c in classes]
stretched = maps - maps.amin(dim=(1, 2), keepdim=True)
stretched = stretched / stretched.amax(dim=(1, 2), keepdim=True)
change = CamMultImageConfidenceChange()(x, stretched.numpy(), targets, model)
expected["change"] = torch.tensor(np.array(change), dtype=torch.float64)

# Captum wants all disturbances of a picture behind one another.
moves = given["disturbances"].transpose(0, 1).flatten(0, 1).contiguous()
samples = given["disturbances"].shape[0]
gradient = Saliency(model).attribute(x, classes, abs=False)
expected["infidelity"] = infidelity(
    model, lambda inputs: (moves, inputs - moves), x, gradient, target=classes, n_perturb_samples=samples
)


def explain(inputs, target):
    """Captum gives a tuple first, of which it wants a tuple back, and then a tensor."""
    if isinstance(inputs, tuple):
        return (explain(inputs[0], target),)
    return Saliency(model).attribute(inputs, target).amax(dim=1)


expected["sensitivity"] = sensitivity_max(
    explain, x, lambda inputs: inputs + moves, target=classes, n_perturb_samples=samples
)

first, second = given["first"].abs().numpy(), given["second"].abs().numpy()
expected["rank_correlation"] = torch.tensor(spearmanr(first.ravel(), second.ravel()).statistic)


def unit(image):
    return (image - image.min()) / (image.max() - image.min())


a, b = unit(first), unit(second)
mean = lambda image: uniform_filter(image, size=7)[3:-3, 3:-3]
cov = lambda p, q: 49 / 48 * (mean(p * q) - mean(p) * mean(q))
above = (2 * mean(a) * mean(b) + 1e-4) * (2 * cov(a, b) + 9e-4)
below = (mean(a) ** 2 + mean(b) ** 2 + 1e-4) * (cov(a, a) + cov(b, b) + 9e-4)
expected["structural_similarity"] = torch.tensor((above / below).mean())

save_file({key: value.detach().contiguous() for key, value in expected.items()}, Path(sys.argv[1]) / "expected.safetensors")
