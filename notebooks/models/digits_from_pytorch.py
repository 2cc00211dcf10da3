"""Trains a small network in PyTorch and exports it as digits_from_pytorch.onnx, which the notebook
01_networks opens: what a PyTorch user would bring.

    python notebooks/models/digits_from_pytorch.py DATA_FOLDER

DATA_FOLDER holds mnist_train.safetensors and mnist_test.safetensors, each with `images` (u8,
[N, 1, 28, 28]) and `labels` (u8, [N]). Needs the package onnx. About two minutes on two cores.
"""

import sys
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import nn


class Gate(nn.Module):
    """Squeeze and excitation: a factor for each channel."""

    def __init__(self, channels):
        super().__init__()
        self.down = nn.Conv2d(channels, channels // 4, 1)
        self.up = nn.Conv2d(channels // 4, channels, 1)

    def forward(self, x):
        pooled = x.mean(dim=(2, 3), keepdim=True)
        return x * torch.sigmoid(self.up(nn.functional.silu(self.down(pooled))))


class Digits(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, 16, 5, 2, 2, bias=False), nn.BatchNorm2d(16), nn.ReLU())
        self.fine = nn.Sequential(nn.Conv2d(16, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU())
        self.wide = nn.Sequential(nn.Conv2d(16, 16, 5, 1, 2, bias=False), nn.BatchNorm2d(16), nn.ReLU())
        self.gate = Gate(32)
        self.mix = nn.Sequential(nn.Conv2d(32, 32, 3, 2, 1, bias=False), nn.BatchNorm2d(32), nn.ReLU())
        self.head = nn.Linear(32, 10)

    def forward(self, x):
        x = self.stem(x)
        x = self.mix(self.gate(torch.cat([self.fine(x), self.wide(x)], dim=1)))
        return self.head(x.mean(dim=(2, 3)))


def read(path):
    arrays = load_file(path)
    return (arrays["images"].float() / 255 - 0.1307) / 0.3081, arrays["labels"].long()


data = Path(sys.argv[1])
images, labels = read(data / "mnist_train.safetensors")
torch.manual_seed(7)
network = Digits()
optimizer = torch.optim.AdamW(network.parameters(), lr=5e-3)
epochs, batch = 4, 100
schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 5e-3, total_steps=epochs * len(images) // batch)
for epoch in range(epochs):
    for chosen in torch.randperm(len(images)).split(batch):
        optimizer.zero_grad()
        nn.functional.cross_entropy(network(images[chosen]), labels[chosen]).backward()
        optimizer.step()
        schedule.step()

network.eval()
with torch.no_grad():
    images, labels = read(data / "mnist_test.safetensors")
    right = (network(images).argmax(1) == labels).float().mean().item()
print(f"{100 * right:.2f} % of MNIST's test images")
out = Path(__file__).with_suffix(".onnx")
torch.onnx.export(
    network,
    (torch.zeros(1, 1, 28, 28),),
    out,
    input_names=["image"],
    output_names=["logits"],
    dynamic_axes={"image": {0: "n"}, "logits": {0: "n"}},
    opset_version=17,
    dynamo=False,
)
print(f"wrote {out} ({out.stat().st_size / 1000:.0f} KB)")
