"""JPEG files of many kinds, and what Pillow (libjpeg-turbo) makes of them.

Usage: jpeg.py OUT_FOLDER

Writes NAME.jpg, and in expected.safetensors NAME: the pixels `[H, W, 3]` after `convert("RGB")`.
"""

import io
import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file

out = Path(sys.argv[1])
expected = {}


def picture(width, height, channels):
    """Edges, slopes and grain in every channel."""
    y, x = np.mgrid[:height, :width].astype(np.float64)
    planes = []
    for channel in range(channels):
        slope = 127 + 90 * np.sin(0.11 * x * (channel + 1) + 0.07 * y)
        edges = 60 * ((x // 5 + y // 7 + channel) % 2)
        grain = 40 * np.sin(12.9898 * (x + 31 * y) + channel)
        planes.append(np.clip(slope + edges + grain - 30, 0, 255))
    pixels = np.stack(planes, -1).astype(np.uint8)
    return Image.fromarray(pixels[..., 0] if channels == 1 else pixels, {1: "L", 3: "RGB", 4: "CMYK"}[channels])


def write(name, image, change=None, **options):
    file = io.BytesIO()
    image.save(file, "JPEG", **options)
    data = bytearray(file.getvalue())
    if change:
        change(data)
    (out / f"{name}.jpg").write_bytes(data)
    pixels = np.array(Image.open(io.BytesIO(data)).convert("RGB"))
    expected[name] = torch.from_numpy(pixels)


def frame(data):
    """Where the frame's content begins."""
    return next(at + 4 for at in range(len(data)) if data[at] == 0xFF and data[at + 1] in (0xC0, 0xC1, 0xC2))


def turned(data):
    """Chroma at half the height where it was at half the width: the units of the scan stay as many."""
    at = frame(data)
    height, width = (int.from_bytes(data[at + i : at + i + 2], "big") for i in (1, 3))
    data[at + 1 : at + 5] = (2 * height).to_bytes(2, "big") + (width // 2).to_bytes(2, "big")
    data[at + 7] = 0x12


def quartered(data):
    """Four luma blocks in a row, as cameras for video have it."""
    at = frame(data)
    height, width = (int.from_bytes(data[at + i : at + i + 2], "big") for i in (1, 3))
    data[at + 1 : at + 5] = (height // 2).to_bytes(2, "big") + (2 * width).to_bytes(2, "big")
    data[at + 7] = 0x41


def ycck(data):
    at = data.index(b"Adobe")
    data[at + 11] = 2


def unnamed(data):
    """Without the segments by which colors are known."""
    for mark in (b"JFIF", b"Adobe"):
        if mark in data:
            at = data.index(mark)
            data[at : at + 4] = b"none"


for width, height in ((1, 1), (3, 2), (2, 9), (17, 33), (64, 48), (131, 77), (300, 5)):
    size = f"{width}x{height}"
    color, gray, ink = picture(width, height, 3), picture(width, height, 1), picture(width, height, 4)
    for chroma in ("4:4:4", "4:2:2", "4:2:0"):
        for progressive in (False, True):
            kind = chroma.replace(":", "") + ("p" if progressive else "")
            write(f"color{kind}_{size}", color, subsampling=chroma, progressive=progressive, quality=85)
    write(f"coarse_{size}", color, quality=12)
    write(f"fine_{size}", color, quality=100, optimize=True, subsampling="4:2:0")
    write(f"gray_{size}", gray, quality=80)
    write(f"gray_progressive_{size}", gray, quality=80, progressive=True)
    write(f"rgb_{size}", color, keep_rgb=True, quality=90)
    write(f"restarts_{size}", color, restart_marker_blocks=3, quality=70)
    write(f"restarts_progressive_{size}", color, restart_marker_rows=1, progressive=True, quality=70)
    write(f"cmyk_{size}", ink, quality=92)
    write(f"cmyk_progressive_{size}", ink, quality=92, progressive=True)
    write(f"ycck_{size}", ink, ycck, quality=92)
    write(f"unnamed_{size}", color, unnamed, quality=80)
    write(f"unnamed_ink_{size}", ink, unnamed, quality=80)
even = picture(128, 64, 3)
write("height_halved", even, turned, subsampling="4:2:2", quality=80)
write("height_halved_progressive", even, turned, subsampling="4:2:2", quality=80, progressive=True)
write("width_quartered", even, quartered, subsampling="4:2:0", quality=80)
save_file(expected, out / "expected.safetensors")
