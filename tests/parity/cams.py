"""Class activation maps by pytorch-grad-cam and torchcam, as they are before they are brought to 0..1
and enlarged.

Usage: cams.py OUT_FOLDER PACKAGE NAME:LAYER:SCORED_LAYER... for networks whose parameters both sides
compute by one formula (zoo.py), or cams.py OUT_FOLDER PACKAGE WEIGHTS.safetensors INPUT.safetensors for
ResNet-18 with real weights. PACKAGE is pytorch_grad_cam or torchcam.

Gradients in double precision (see attribution.py), at LAYER. What runs the network once a channel in
single precision, at SCORED_LAYER, which for Ablation-CAM must be a ReLU: elsewhere pytorch-grad-cam
doesn't set channels to 0 but far below their least value.
"""

import sys
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torchvision import models

from attribution_models import explicable_class, untrained, with_relu_modules
from formula import wave

package = sys.argv[2]
if package == "torchcam":
    from torchcam import methods
else:
    import pytorch_grad_cam as methods
    from pytorch_grad_cam import base_cam
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputSoftmaxTarget, ClassifierOutputTarget, FinerWeightedTarget

    # The map itself.
    base_cam.scale_cam_image = lambda cam, target_size=None: cam

saved = {}


def tokens_to_map(x):
    return x[:, 1:].transpose(1, 2).reshape(len(x), -1, 14, 14)


def channels_first(x):
    return x.permute(0, 3, 1, 2)


def grad_cam_package(method, model, module, x, target, reshape=None, corners=True):
    """`corners` is the package's own way of enlarging; without them it enlarges as convscope does."""
    own = nn.UpsamplingBilinear2d
    if not corners:
        nn.UpsamplingBilinear2d = lambda size: nn.Upsample(size=size, mode="bilinear", align_corners=False)
    try:
        with getattr(methods, method)(model, [module], reshape_transform=reshape) as cam:
            return torch.from_numpy(cam(x, [target] * len(x)))
    finally:
        nn.UpsamplingBilinear2d = own


def torchcam_package(method, model, layer, x, c):
    with getattr(methods, method)(model, layer) as cam:
        return cam([c] * len(x), model(x), normalized=False)[0]


def gradients(name, model, layer, x, c, reshape=None):
    if package == "torchcam":
        if reshape is None:
            # Its Grad-CAM++ multiplies the squared gradients by no share at all: another method.
            for ours, theirs in [("GradCam", "GradCAM"), ("LayerCam", "LayerCAM"), ("XGradCam", "XGradCAM")]:
                saved[f"{name}.{ours}"] = torchcam_package(theirs, model, layer, x, c)
        return
    module, target = model.get_submodule(layer), ClassifierOutputTarget(c)
    for ours, theirs in [
        ("GradCam", "GradCAM"),
        ("GradCamPlusPlus", "GradCAMPlusPlus"),
        ("XGradCam", "XGradCAM"),
        ("HiResCam", "HiResCAM"),
        ("LayerCam", "LayerCAM"),
    ]:
        cam = grad_cam_package(theirs, model, module, x, target, reshape)
        # Tokens, and channels that no ReLU follows, have both signs, and some methods leave nothing above 0 of them: nothing to compare.
        if reshape is None or cam.max() > 0:
            saved[f"{name}.{ours}"] = cam


    cam = finer(model, module, x, c, reshape)
    if cam.max() > 0:
        saved[f"{name}.FinerCam"] = cam


def finer(model, module, x, c, reshape):
    """With the classes nearest to `c` in each image, as the package chooses them for the top class."""
    with torch.no_grad():
        order = (model(x) - model(x)[:, [c]]).abs().argsort(1).tolist()
    targets = [FinerWeightedTarget(c, [near for near in row if near != c][:3], 1) for row in order]
    cam = methods.FinerCAM(model, [module], reshape_transform=reshape)
    return torch.from_numpy(cam(x, targets))


def scores(name, model, layer, x, c, reshape=None, full_size=False):
    """`full_size`: the layer's maps are as large as the input, so nothing is enlarged, and the packages'
    different ways don't matter."""
    if package == "torchcam":
        if full_size:
            saved[f"{name}.score"] = torchcam_package("ScoreCAM", model, layer, x, c)
        return
    module = model.get_submodule(layer)
    logit, probability = ClassifierOutputTarget(c), ClassifierOutputSoftmaxTarget(c)

    def score(target):
        return grad_cam_package("ScoreCAM", model, module, x, target, reshape, corners=full_size)

    saved[f"{name}.score"] = score(logit)
    if real:
        saved[f"{name}.score_probability"] = score(probability)
    # Not where one channel of many early ones is less than rounding, nor of tokens, which aren't rectified.
    if reshape is None and not full_size:
        saved[f"{name}.ablation"] = grad_cam_package("AblationCAM", model, module, x, logit)


out, real = Path(sys.argv[1]), sys.argv[3].endswith(".safetensors")
if real:
    model = models.resnet18(weights=None).eval()
    model.load_state_dict(load_file(sys.argv[3]), strict=False)
    with_relu_modules(model)
    x = load_file(sys.argv[4])["input"]
    with torch.no_grad():
        c = int(model(x).argmax())
    gradients("resnet18", model, "layer4", x, c)
    scores("resnet18", model, "layer4", x, c)
else:
    for argument in sys.argv[3:]:
        name, layer, scored_layer = argument.split(":")
        model = untrained(name)
        with_relu_modules(model)
        vit, last = name == "deit_tiny", name == "convnext_tiny"
        reshape = tokens_to_map if vit else channels_first if last else None
        x = wave([2, 3, 224, 224] if vit else [2, 3, 65, 98], 0.5)
        small = wave([1, 3, 224, 224] if vit else [1, 3, 49, 66], 0.5).float()
        # A class with a positive score, whose sign Ablation-CAM divides by in pytorch-grad-cam.
        with torch.no_grad():
            scored = int(model.float()(small).argmax())
        scores(name, model, scored_layer, small, scored, reshape, full_size=scored_layer == "features.2")
        model = model.double()
        c = scored if vit or last else explicable_class(model, model.get_submodule(layer), x)
        gradients(name, model, layer, x, c, reshape)
        saved[f"{name}.class"] = torch.tensor([c])
        saved[f"{name}.scored"] = torch.tensor([scored])
        saved[f"{name}.input"], saved[f"{name}.small"] = x, small
save_file({key: value.detach().contiguous() for key, value in saved.items()}, out / "expected.safetensors")
