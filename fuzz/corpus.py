"""Small files of other writers from which the fuzzers start, beside those that they make themselves.

Usage: corpus.py        writes fuzz/corpus/TARGET/…; needs what the parity tests need

PyTorch's two exporters and its two formats of checkpoints, Pillow's kinds of pictures that the `image`
crate does not write. All content is made here.
"""

import logging
import warnings
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn

warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)
OUT = Path(__file__).parent / "corpus"


class Classifier(nn.Module):
    """Convolutions, a gate, a skip, and sizes that are computed from the images."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 4, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(4), nn.Hardswish())
        self.block = nn.Sequential(nn.Conv2d(4, 4, 3, padding=1, groups=2), nn.ReLU6(), nn.Conv2d(4, 4, 1))
        self.gate = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(4, 4, 1), nn.Hardsigmoid())
        self.pool = nn.MaxPool2d(2, ceil_mode=True)
        self.head = nn.Linear(4 * 4 * 4, 4)

    def forward(self, x):
        x = self.stem(x)
        x = self.block(x) * self.gate(x) + x
        x = self.pool(x)
        left, right = x.chunk(2, dim=1)
        x = torch.cat([right, left], dim=1)
        return self.head(x.view(x.size(0), -1))


class Transformer(nn.Module):
    """Patches, a class token, and one layer of attention."""

    def __init__(self):
        super().__init__()
        self.patches = nn.Conv2d(3, 8, 4, stride=4)
        self.token = nn.Parameter(torch.zeros(1, 1, 8))
        self.layer = nn.TransformerEncoderLayer(8, 2, 16, activation="gelu", batch_first=True)
        self.head = nn.Linear(8, 4)

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], dim=1)
        return self.head(self.layer(x)[:, 0])


def onnx(folder):
    sample = torch.linspace(0, 1, 2 * 3 * 16 * 16).reshape(2, 3, 16, 16)
    for name, make in (("classifier", Classifier), ("transformer", Transformer)):
        for opset, dynamo in ((17, False), (20, True)):
            torch.manual_seed(1)
            model = make().eval()
            options = {"opset_version": opset, "input_names": ["image"], "output_names": ["logits"], "dynamo": dynamo}
            if dynamo:
                options |= {"dynamic_shapes": ({0: torch.export.Dim("batch")},), "verbose": False, "external_data": False}
            else:
                options |= {"dynamic_axes": {"image": [0], "logits": [0]}}
            path = folder / f"{name}{opset}.onnx"
            torch.onnx.export(model, (sample,), path, **options)
            strip(path)


def strip(path):
    """Leaves out what the exporter says of its own source, which no reader needs and which holds paths."""
    import onnx as format

    model = format.load(path)
    for node in model.graph.node:
        node.ClearField("doc_string")
        kept = [entry for entry in node.metadata_props if entry.key == "pkg.torch.onnx.name_scopes"]
        del node.metadata_props[:]
        node.metadata_props.extend(kept)
    del model.graph.metadata_props[:]
    del model.metadata_props[:]
    for value in (*model.graph.value_info, *model.graph.input, *model.graph.output, *model.graph.initializer):
        value.ClearField("doc_string")
        if hasattr(value, "metadata_props"):
            del value.metadata_props[:]
    path.write_bytes(model.SerializeToString())


def weights(folder):
    torch.manual_seed(2)
    small = nn.Sequential()
    for name, layer in (("conv", nn.Conv2d(1, 2, 3)), ("bn", nn.BatchNorm2d(2)), ("fc", nn.Linear(2, 3))):
        small.add_module(name, layer)
    optimizer = torch.optim.Adam(small.parameters())
    checkpoint = {"epoch": 3, "state_dict": small.state_dict(), "best": 0.5, "optimizer": optimizer.state_dict()}
    torch.save(small.state_dict(), folder / "state_dict.pth")
    torch.save(small.half().state_dict(), folder / "half.pth")
    torch.save(checkpoint, folder / "checkpoint.pth")
    torch.save(checkpoint, folder / "legacy.pth", _use_new_zipfile_serialization=False)
    arrays = {name: tensor.numpy() for name, tensor in small.float().state_dict().items()}
    torch.save({"epoch": np.float64(0.5), "model": arrays}, folder / "arrays.pth", pickle_protocol=4)
    # Not in the old format, which holds the modules' source.
    torch.save(small, folder / "model.pth")
    subclass = {name: tensor.as_subclass(nn.parameter.Buffer) for name, tensor in small.state_dict().items()}
    torch.save({"ema": subclass, "unsigned": torch.ones(2, dtype=torch.uint16)}, folder / "types.pth", pickle_protocol=5)


def exif(orientation):
    data = Image.Exif()
    data[0x0112] = orientation
    return data


def images(folder):
    y, x = np.mgrid[0:24, 0:32]
    rgb = np.stack([x * 8, y * 10, (x * y) % 256], -1).astype(np.uint8)
    picture = Image.fromarray(rgb)
    picture.save(folder / "progressive.jpg", progressive=True, quality=60)
    picture.save(folder / "restarts.jpg", quality=60, restart_marker_blocks=2, subsampling=2)
    picture.save(folder / "halved.jpg", quality=60, subsampling=1, progressive=True)
    picture.save(folder / "rgb.jpg", quality=60, keep_rgb=True)
    ink = picture.convert("CMYK")
    ink.save(folder / "cmyk.jpg", quality=60)
    ink.save(folder / "cmyk_progressive.jpg", quality=60, progressive=True, exif=exif(8))
    file = bytearray((folder / "cmyk.jpg").read_bytes())
    # The transform that Adobe's segment names.
    file[file.index(b"Adobe") + 11] = 2
    (folder / "ycck.jpg").write_bytes(file)
    picture.save(folder / "turned.webp", quality=50, exif=exif(7))
    deep = Image.fromarray((x * 2000 + y * 30).astype(np.uint16))
    deep.save(folder / "deep.png", exif=exif(3))
    picture.save(folder / "lossy.webp", quality=50)
    alpha = picture.copy()
    alpha.putalpha(Image.fromarray((x * 8).astype(np.uint8)))
    alpha.save(folder / "alpha.webp", quality=50)
    alpha.save(folder / "moving.webp", save_all=True, append_images=[alpha.rotate(90)], duration=50)
    picture.convert("1").save(folder / "bits.png")
    picture.quantize(7).save(folder / "palette.png")
    picture.quantize(7).save(folder / "moving.gif", save_all=True, append_images=[picture.quantize(5).rotate(180)], interlace=1)


if __name__ == "__main__":
    for target, make in (("onnx", onnx), ("weights", weights), ("images", images)):
        (OUT / target).mkdir(parents=True, exist_ok=True)
        make(OUT / target)
        print(target, sum(path.stat().st_size for path in (OUT / target).iterdir()), "bytes")
