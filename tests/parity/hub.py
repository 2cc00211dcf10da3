"""A cache of Hugging Face's hub with random networks of timm and transformers, and what they make of a
picture.

Usage: hub.py OUT_FOLDER PICTURE
"""

import math
import sys
from pathlib import Path

import timm
import torch
import transformers as hf
from PIL import Image
from safetensors.torch import save_file
from timm.models._hub import save_config_for_hf

REVISION = "0123456789abcdef0123456789abcdef01234567"
IMAGENET = {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225], "resample": 3}
SEVEN = {
    "label_names": [f"n{number}" for number in range(7)],
    "label_descriptions": {f"n{number}": f"thing {number}" for number in range(7)},
}

TIMM = {
    "timm/resnet18.a1_in1k": ("resnet18", {}),
    "timm/resnet50.seven": ("resnet50", {"num_classes": 7}),
    "timm/convnext_tiny.fb_in1k": ("convnext_tiny", {}),
    "timm/vit_tiny_patch16_224.augreg": ("vit_tiny_patch16_224", {}),
    "timm/deit_tiny_patch16_224.fb_in1k": ("deit_tiny_patch16_224", {}),
    "timm/vit_small_patch14_dinov2.lvd142m": ("vit_small_patch14_dinov2", {}),
    "timm/vit_small_patch14_reg4_dinov2.lvd142m": ("vit_small_patch14_reg4_dinov2", {}),
}


def of_transformers():
    small = {"hidden_size": 384, "num_attention_heads": 6, "image_size": 518, "patch_size": 14}
    resized = hf.ConvNextImageProcessor(size={"shortest_edge": 224}, crop_pct=0.875, **IMAGENET)
    cropped = hf.BitImageProcessor(size={"shortest_edge": 256}, crop_size={"height": 224, "width": 224}, **IMAGENET)
    resnet = hf.ResNetConfig(depths=[2, 2, 2, 2], hidden_sizes=[64, 128, 256, 512], layer_type="basic", num_labels=5)
    vit = hf.ViTConfig(hidden_size=192, num_attention_heads=3, intermediate_size=768, num_labels=10)
    yield "microsoft/resnet-18", hf.ResNetForImageClassification(resnet), resized
    yield "facebook/convnext-tiny-224", hf.ConvNextForImageClassification(hf.ConvNextConfig(num_labels=1000)), resized
    yield "google/vit-tiny", hf.ViTForImageClassification(vit), hf.ViTImageProcessor()
    yield "facebook/dinov2-small", hf.Dinov2Model(hf.Dinov2Config(**small)), cropped
    registers = hf.Dinov2WithRegistersModel(hf.Dinov2WithRegistersConfig(**small))
    yield "facebook/dinov2-with-registers-small", registers, cropped


def scrambled(model):
    """Random parameters that let something of the picture through."""
    torch.manual_seed(0)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if any(part in name for part in ("gamma", "layer_scale", "lambda1")):
                parameter.uniform_(0.2, 0.6)
            elif any(part in name for part in ("pos", "token")):
                parameter.normal_(0, 0.5)
            elif parameter.dim() > 1:
                parameter.normal_(0, 1.2 / math.sqrt(parameter[0].numel()))
            else:
                parameter.add_(0.1 * torch.randn_like(parameter))
        for name, buffer in model.named_buffers():
            if name.endswith("running_mean"):
                buffer.normal_(0, 0.1)
            elif name.endswith("running_var"):
                buffer.uniform_(0.5, 1.5)
    return model.eval()


def snapshot(out, name):
    folder = out / "cache" / f"models--{name.replace('/', '--')}"
    (folder / "refs").mkdir(parents=True)
    (folder / "refs/main").write_text(REVISION)
    folder = folder / "snapshots" / REVISION
    folder.mkdir(parents=True)
    return folder


out, picture, saved = Path(sys.argv[1]), Image.open(sys.argv[2]).convert("RGB"), {}
with torch.no_grad():
    for name, (architecture, options) in TIMM.items():
        model, folder = scrambled(timm.create_model(architecture, pretrained=False, **options)), snapshot(out, name)
        save_file({key: value.contiguous() for key, value in model.state_dict().items()}, folder / "model.safetensors")
        save_config_for_hf(model, str(folder / "config.json"), model_config=SEVEN if options else {})
        prepare = timm.data.create_transform(**timm.data.resolve_model_data_config(model), is_training=False)
        saved[f"{name}.input"] = prepare(picture)[None]
        saved[f"{name}.output"] = model(saved[f"{name}.input"])
    for name, model, processor in of_transformers():
        folder = snapshot(out, name)
        scrambled(model).save_pretrained(folder)
        processor.save_pretrained(folder)
        saved[f"{name}.input"] = processor(picture, return_tensors="pt")["pixel_values"]
        result = model(saved[f"{name}.input"])
        saved[f"{name}.output"] = result.logits if "logits" in result else result.pooler_output
save_file({key: value.contiguous() for key, value in saved.items()}, out / "expected.safetensors")
