"""Fine-tuning in PyTorch: ResNet-18 with a head for three classes, frozen up to a layer.

Usage: fine_tune.py OUT_FOLDER [WEIGHTS.safetensors]

Without a weights file the parameters are the formula's; those of the head always are.
"""

import sys
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torchvision.models import resnet18

from formula import fill, parameter, wave

CASES = {
    # The modules that are trained, and the optimizer over parameters with their learning rates.
    "avgpool": (["fc"], lambda groups: torch.optim.SGD(groups, lr=0.01, momentum=0.9, nesterov=True)),
    "layer3": (["layer4", "fc"], lambda groups: torch.optim.Adam(groups, lr=1e-4, weight_decay=0.01)),
    "conv1": (
        ["bn1", "layer1", "layer2", "layer3", "layer4", "fc"],
        lambda groups: torch.optim.AdamW(groups, lr=1e-4, weight_decay=0.01),
    ),
}
EPOCHS = 3

# In double precision, or Adam makes much of the last bit of small gradients.
images = wave([6, 3, 64, 48], 0.5)
labels = torch.arange(6) % 3
expected = {}
for layer, (trained, optimizer_of) in CASES.items():
    model = resnet18(weights=None)
    if len(sys.argv) > 2:
        model.load_state_dict(load_file(sys.argv[2]), strict=False)
    else:
        fill(model)
    model.fc = torch.nn.Linear(512, 3)
    with torch.no_grad():
        for name, tensor in model.fc.named_parameters():
            tensor.copy_(parameter(f"fc.{name}", tensor.shape))
    # What is frozen neither learns nor moves its statistics.
    model.double().eval().requires_grad_(False)
    modules = [getattr(model, name).train().requires_grad_(True) for name in trained]
    groups = [{"params": list(module.parameters())} for module in modules]
    groups[-1]["lr"] = 0.02 if layer == "avgpool" else 1e-3
    optimizer = optimizer_of(groups)
    losses = []
    for _ in range(EPOCHS):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    expected[f"{layer}.losses"] = torch.tensor(losses, dtype=torch.float64)
    with torch.no_grad():
        expected[f"{layer}.logits"] = model.eval()(images)
save_file(expected, Path(sys.argv[1]) / "expected.safetensors")
