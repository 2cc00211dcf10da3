"""Targets of a segmentation and of a detector, by pytorch-grad-cam and captum, for two small networks whose
parameters both sides compute by one formula.

Usage: outputs.py OUT_FOLDER

Maps are as they are before they are brought to 0..1 and enlarged, and in double precision but for Score-CAM and
Ablation-CAM, which the package runs in single.
"""

import sys
from pathlib import Path

import pytorch_grad_cam as methods
import torch
from captum.attr import InputXGradient, IntegratedGradients, Saliency
from pytorch_grad_cam import base_cam
from pytorch_grad_cam.utils.model_targets import FasterRCNNBoxScoreTarget, SemanticSegmentationTarget
from safetensors.torch import save_file
from torch import nn
from torchvision.ops import batched_nms

from formula import fill, wave

# The map itself, and enlarged as convscope does.
base_cam.scale_cam_image = lambda cam, target_size=None: cam
nn.UpsamplingBilinear2d = lambda size: nn.Upsample(size=size, mode="bilinear", align_corners=False)

saved = {}


class Segmenter(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.relu1 = nn.Conv2d(3, 8, 3, padding=1), nn.ReLU()
        self.conv2, self.relu2 = nn.Conv2d(8, 12, 3, stride=2, padding=1), nn.ReLU()
        self.head = nn.Conv2d(12, 4, 1)

    def forward(self, x):
        return self.head(self.relu2(self.conv2(self.relu1(self.conv1(x)))))


class Detector(nn.Module):
    """Boxes as offsets from anchors around the cells of a grid, and three labels, the first of which is none."""

    def __init__(self):
        super().__init__()
        self.conv1, self.relu1 = nn.Conv2d(3, 8, 4, stride=4), nn.ReLU()
        self.conv2, self.relu2 = nn.Conv2d(8, 12, 3, padding=1), nn.ReLU()
        self.score, self.place = nn.Conv2d(12, 3, 1), nn.Conv2d(12, 4, 1)

    def forward(self, x):
        x = self.relu2(self.conv2(self.relu1(self.conv1(x))))
        rows, columns = x.shape[2:]
        scores = (4 * self.score(x)).flatten(2).transpose(1, 2).softmax(2)
        offsets = self.place(x).flatten(2).transpose(1, 2)
        at = torch.arange(rows * columns)
        middles = torch.stack([at % columns * 4 + 2.0, at // columns * 4 + 2.0], 1).to(x.dtype)
        sizes = torch.tensor([9.0, 11.0], dtype=x.dtype)
        middles = middles + 0.5 * offsets[..., :2] * sizes
        sizes = sizes * (0.25 * offsets[..., 2:]).exp()
        boxes = torch.cat([middles - sizes / 2, middles + sizes / 2], 2)
        return [self.objects(*image) for image in zip(boxes, scores)]

    @staticmethod
    def objects(boxes, scores):
        likely = scores[:, 1:] >= 0.05
        row, label = likely.nonzero().unbind(1)
        boxes, scores, labels = boxes[row], scores[row, label + 1], label + 1
        kept = batched_nms(boxes, scores, labels, 0.5)
        return {"boxes": boxes[kept], "scores": scores[kept], "labels": labels[kept]}


def cams(name, model, x, targets, single):
    """Of these only some run the network once a channel, in single precision."""
    for ours, theirs in [
        ("GradCam", "GradCAM"),
        ("GradCamPlusPlus", "GradCAMPlusPlus"),
        ("XGradCam", "XGradCAM"),
        ("HiResCam", "HiResCAM"),
        ("LayerCam", "LayerCAM"),
    ]:
        with getattr(methods, theirs)(model, [model.relu2]) as cam:
            saved[f"{name}.{ours}"] = torch.from_numpy(cam(x, targets))
    model.float()
    for ours, theirs in single:
        with getattr(methods, theirs)(model, [model.relu2]) as cam:
            saved[f"{name}.{ours}"] = torch.from_numpy(cam(x[:1].float(), targets[:1]))
    model.double()


def attributions(name, score, x):
    saved[f"{name}.saliency"] = Saliency(score).attribute(x, abs=False)
    saved[f"{name}.input_times_gradient"] = InputXGradient(score).attribute(x)
    saved[f"{name}.integrated"] = IntegratedGradients(score).attribute(x, n_steps=16, method="riemann_middle")


x = wave([2, 3, 26, 35], 0.5)
segmenter = fill(Segmenter()).double().eval()
with torch.no_grad():
    output = segmenter(x)
top = output.argmax(1)
# The class with a mask in both images, and a positive sum, whose sign Ablation-CAM divides by.
sums = [[(output[i, c] * (top[i] == c)).sum() for i in range(2)] for c in range(4)]
c = max(range(4), key=lambda c: min(sums[c]))
saved["segment.class"] = torch.tensor([c])
own = [(mask == c).double() for mask in top]
box = torch.zeros_like(own[0])
box[3:9, 5:12] = 1  # of the output's 13×18 cells
for name, masks in [("own", own), ("box", [box, box])]:
    targets = [SemanticSegmentationTarget(c, mask.numpy()) for mask in masks]
    saved[f"{name}.scores"] = torch.stack([target(image) for target, image in zip(targets, output)])
    cams(name, segmenter, x, targets, [("score", "ScoreCAM"), ("ablation", "AblationCAM")] if name == "own" else [])
    weights = torch.stack(masks)
    # Captum runs several steps at once.
    attributions(name, lambda x: (segmenter(x)[:, c] * weights.repeat(len(x) // 2, 1, 1)).sum((1, 2)), x)

x = wave([1, 3, 28, 36], 2.5)
detector = fill(Detector()).double().eval()
with torch.no_grad():
    found = detector(x)[0]
    best = 0
    label = int(found["labels"][best])
    # Not quite the box, so that the overlap has a slope.
    place = found["boxes"][best] + torch.tensor([0.7, -0.4, 1.1, 0.3])
target = FasterRCNNBoxScoreTarget([label], place.numpy()[None])
for key, value in found.items():
    saved[f"object.{key}"] = value.double()
saved["object.label"], saved["object.place"] = torch.tensor([label]), place
cams("object", detector, x, [target], [])


def score(x):
    return torch.cat([target(image) for image in detector(x)])


saved["object.saliency"] = Saliency(score).attribute(x, abs=False)
# Where it is found less well, and not at all. The package looks at the box that meets the place best, whatever its
# label; here as everywhere in convscope, boxes of other labels hide none.
variants = torch.cat([x * scale + shift for scale in (1, 0.8, 0.4, -1, 9, -9) for shift in (0, 0.3)])
with torch.no_grad():
    found = [{key: value[image["labels"] == label] for key, value in image.items()} for image in detector(variants)]
saved["object.variants"], saved["object.scores_of_variants"] = variants, torch.cat([target(image) for image in found])
save_file({key: value.detach().contiguous() for key, value in saved.items()}, Path(sys.argv[1]) / "expected.safetensors")
