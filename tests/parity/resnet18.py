"""The Python side of the ResNet-18 parity test: torchvision and Captum on the same input.

Usage: resnet18.py OUT_FOLDER PHOTO [WEIGHTS.safetensors]

Without a weights file, a seeded random network is made and its state_dict saved beside the
results, so that the test means something on a machine without weights too.
"""

import copy
import sys
from pathlib import Path

import torch
from captum.attr import Saliency
from PIL import Image
from safetensors.torch import load_file, save_file
from torchvision.models import ResNet18_Weights, resnet18

out, photo = Path(sys.argv[1]), Path(sys.argv[2])
torch.manual_seed(3)
model = resnet18(weights=None).eval()
if len(sys.argv) > 3:
    model.load_state_dict(load_file(sys.argv[3]), strict=False)
else:
    # Fresh batch-norm statistics would hide a mistake in them.
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
            module.weight.data.uniform_(0.5, 1.5)
            module.bias.data.normal_(0, 0.1)
    # In half precision, which takes half the room, and is read as exactly as any other.
    state = {name: value.half() if value.is_floating_point() else value for name, value in model.state_dict().items()}
    model.load_state_dict(state)
    torch.save(state, out / "random.pth")
    torch.save(state, out / "legacy.pth", _use_new_zipfile_serialization=False)

prepared = ResNet18_Weights.DEFAULT.transforms()(Image.open(photo).convert("RGB")).unsqueeze(0).contiguous()
# A second input that is neither square nor even.
odd = torch.randn(2, 3, 97, 161)
with torch.no_grad():
    logits, odd_logits = model(prepared), model(odd)
top = int(logits.argmax())
# In double precision: in single, the last bit of a ReLU's input can decide about a whole path, and does
# for these random weights, by 4 % of the largest value.
exact = Saliency(copy.deepcopy(model).double())
saliency = exact.attribute(prepared.double(), target=top, abs=True)
odd_saliency = exact.attribute(odd.double(), target=[7, 700], abs=True)
activations = {}
for name in ("relu", "layer1", "layer2", "layer4"):
    module = dict(model.named_modules())[name]
    module.register_forward_hook(lambda _, __, output, name=name: activations.update({name: output}))
with torch.no_grad():
    model(prepared)
save_file(
    {
        "prepared": prepared,
        "logits": logits,
        "saliency": saliency,
        "odd": odd,
        "odd_logits": odd_logits,
        "odd_saliency": odd_saliency,
        **{f"activation.{name}": value.contiguous() for name, value in activations.items()},
    },
    out / "expected.safetensors",
)
