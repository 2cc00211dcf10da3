"""Occlusion with zeros, stride 16: Captum, and a loop of batches through the folded network."""

import captum.attr
import shared
import torch

CLASS = 7
STRIDE = 16


@shared.once
def by_captum(size):
    window = (3, int(size), int(size))
    method = captum.attr.Occlusion(shared.model).attribute
    return shared.with_best((4, 16), lambda batch: method(
        shared.sample, window, (3, STRIDE, STRIDE), target=CLASS, perturbations_per_eval=batch,
    )[:, 0])  # fmt: skip


@shared.once
def loop(size):
    size, model, sample = int(size), shared.folded(), shared.folded_sample()
    height, width = sample.shape[2:]
    corners = [(y, x) for y in range(0, height - size + 1, STRIDE) for x in range(0, width - size + 1, STRIDE)]

    @torch.inference_mode()
    def run(batch, corners=corners):
        whole = model(sample)[0, CLASS]
        drops, counts = sample.new_zeros(height, width), sample.new_zeros(height, width)
        for start in range(0, len(corners), batch):
            some = corners[start : start + batch]
            images = sample.repeat(len(some), 1, 1, 1).contiguous(memory_format=torch.channels_last)
            for image, (y, x) in zip(images, some, strict=True):
                image[:, y : y + size, x : x + size] = 0
            for (y, x), score in zip(some, model(images)[:, CLASS], strict=True):
                drops[y : y + size, x : x + size] += whole - score
                counts[y : y + size, x : x + size] += 1
        return (drops / counts).unsqueeze(0)

    # Which batch is fastest shows on as many places as the largest has.
    batches = (4, 8, 16, 32)
    return shared.with_best(batches, run, trial=lambda batch: run(batch, corners[: max(batches)]))
