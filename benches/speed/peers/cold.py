"""A process that reads a network and a photo, and ends with the first result.

Usage: python cold.py torch WEIGHTS PHOTO RESULT        Grad-CAM by grad-cam, drawn over the photo
       python cold.py onnxruntime ONNX PHOTO RESULT     the forward pass alone
"""

import sys

import numpy
from PIL import Image


def prepared(photo):
    """Like torchvision's transforms for ImageNet: the picture, 0 to 1, and the input."""
    width, height = photo.size
    scale = 256 / min(width, height)
    photo = photo.resize((round(width * scale), round(height * scale)), Image.Resampling.BILINEAR)
    left, top = (photo.width - 224) // 2, (photo.height - 224) // 2
    picture = numpy.asarray(photo.crop((left, top, left + 224, top + 224)), dtype=numpy.float32) / 255
    normal = (picture - numpy.float32([0.485, 0.456, 0.406])) / numpy.float32([0.229, 0.224, 0.225])
    return picture, normal.transpose(2, 0, 1)[None]


kind, network, photo, result = sys.argv[1:]
picture, values = prepared(Image.open(photo).convert("RGB"))
if kind == "onnxruntime":
    import onnxruntime

    session = onnxruntime.InferenceSession(network, providers=["CPUExecutionProvider"])
    session.run(None, {session.get_inputs()[0].name: values})
else:
    import torch
    import torchvision
    from pytorch_grad_cam import GradCAM
    from pytorch_grad_cam.utils.image import show_cam_on_image
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
    from safetensors.torch import load_file

    model = torchvision.models.resnet18(weights=None).eval()
    model.load_state_dict(load_file(network), strict=False)
    method = GradCAM(model, [model.layer4])
    cam = method(torch.from_numpy(values), [ClassifierOutputTarget(7)])[0]
    Image.fromarray(show_cam_on_image(picture, cam, use_rgb=True)).save(result)
