"""A folder of JPEGs to classes."""

import os
from pathlib import Path

import numpy
import shared
import torch
from PIL import Image
from torchvision import datasets, transforms


def pictures(count):
    """JPEGs of 500×375, as ImageNet's are: parts of the photos that lie beside the weights, or drawn noise."""
    photos = sorted((Path(os.environ.get("CONVSCOPE_HOME", "")) / "images").glob("*.jpg"))
    photos = [Image.open(photo).convert("RGB") for photo in photos]
    random = numpy.random.default_rng(1)
    if not photos:
        coarse = random.integers(0, 256, (4, 60, 80, 3), dtype=numpy.uint8)
        photos = [Image.fromarray(values).resize((1600, 1200), Image.Resampling.BICUBIC) for values in coarse]
    folder = shared.folder / "pictures" / "all"
    folder.mkdir(parents=True, exist_ok=True)
    for index in range(int(count)):
        photo = photos[index % len(photos)]
        side = random.uniform(0.3, 1) * min(photo.width / 4, photo.height / 3)
        width, height = 4 * side, 3 * side
        left, top = random.uniform(0, photo.width - width), random.uniform(0, photo.height - height)
        part = photo.resize((500, 375), Image.Resampling.BICUBIC, box=(left, top, left + width, top + height))
        part.save(folder / f"{index:04}.jpg", quality=90)
    return "drawn"


def classify():
    prepare = transforms.Compose([
        transforms.Resize(256),
        transforms.CenterCrop(224),
        transforms.ToTensor(),
        transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
    ])  # fmt: skip
    model = shared.folded()

    @torch.inference_mode()
    def run():
        images = datasets.ImageFolder(str(shared.folder / "pictures"), prepare)
        batches = torch.utils.data.DataLoader(images, batch_size=32, num_workers=2)
        best = [model(batch.to(memory_format=torch.channels_last)).topk(5)[1][:, 0] for batch, _ in batches]
        return torch.cat(best)

    return run
