"""torchvision's ImageNet transform on a photo. Usage: prepare.py OUT_FOLDER PHOTO"""

import sys
from pathlib import Path

from PIL import Image
from safetensors.torch import save_file
from torchvision.models import ResNet18_Weights

photo = Image.open(sys.argv[2]).convert("RGB")
prepared = ResNet18_Weights.DEFAULT.transforms()(photo).unsqueeze(0).contiguous()
save_file({"prepared": prepared}, Path(sys.argv[1]) / "expected.safetensors")
