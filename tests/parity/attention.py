"""Attention maps, rollout and gradient-weighted attention of DeiT-Tiny, computed from their formulas.

Usage: attention.py OUT_FOLDER                    by the formula's parameters, on pictures 112×448
       attention.py OUT_FOLDER WEIGHTS PHOTO      with real ones on a photo
       attention.py OUT_FOLDER --onnx             of small networks, with their files
"""

import sys
from pathlib import Path

import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from torchvision import transforms
from torchvision.models.vision_transformer import VisionTransformer

from definitions import Deit
from formula import fill, wave


def rollout(maps, fuse, discard):
    joint = torch.eye(maps[0].shape[-1], dtype=maps[0].dtype)
    for layer in maps:
        way = fuse(layer).clone()
        for picture in way:  # the smallest values of each picture by themselves
            flat = picture.view(-1)
            flat[flat.argsort()[: int(discard * len(flat))]] = 0
        way = way + torch.eye(way.shape[-1], dtype=way.dtype)
        joint = (way / way.sum(-1, keepdim=True)) @ joint
    return joint


def relevance(maps, gradients):
    total = torch.eye(maps[0].shape[-1], dtype=maps[0].dtype).repeat(len(maps[0]), 1, 1)
    for layer, gradient in zip(maps, gradients, strict=True):
        total = total + (layer * gradient).clamp(min=0).mean(1) @ total
    return total


def explained(model, x, classes, grid):
    """Everything that the Rust side is compared with, the class token's row on the grid."""
    logits = model(x)
    maps = [block.attn.maps for block in model.blocks]
    gradients = torch.autograd.grad(sum(row[c] for row, c in zip(logits, classes, strict=True)), maps)
    maps = [layer.detach() for layer in maps]

    def on_grid(joint):
        return joint[..., 0, 1:].unflatten(-1, grid).contiguous()

    return {
        "maps": on_grid(torch.stack(maps, dim=1)),
        "rollout": on_grid(rollout(maps, lambda heads: heads.mean(1), 0)),
        "rollout.max": on_grid(rollout(maps, lambda heads: heads.amax(1), 0.9)),
        "rollout.min": on_grid(rollout(maps, lambda heads: heads.amin(1), 0.5)),
        "gradient": on_grid(relevance(maps, gradients)),
        "input": x.detach(),
        "logits": logits.detach(),
    }


def authors_name(name):
    """The name that DeiT's authors give a parameter of torchvision's VisionTransformer."""
    for ours, theirs in [
        ("encoder.layers.encoder_layer_", "blocks."), ("encoder.pos_embedding", "pos_embed"),
        ("encoder.ln.", "norm."), ("conv_proj.", "patch_embed.proj."), ("class_token", "cls_token"),
        ("heads.head.", "head."), ("ln_1.", "norm1."), ("ln_2.", "norm2."), ("mlp.0.", "mlp.fc1."),
        ("mlp.3.", "mlp.fc2."), ("self_attention.in_proj_", "attn.qkv."),
        ("self_attention.out_proj.", "attn.proj."),
    ]:  # fmt: skip
        name = name.replace(ours, theirs)
    return name


def torchvisions_maps(model, x):
    """The maps that PyTorch's own attention gives out."""
    tokens = model.conv_proj(x).flatten(2).transpose(1, 2)
    x = torch.cat([model.class_token.expand(len(x), -1, -1), tokens], dim=1) + model.encoder.pos_embedding
    maps = []
    for block in model.encoder.layers:
        y = block.ln_1(x)
        y, weights = block.self_attention(y, y, y, need_weights=True, average_attn_weights=False)
        maps.append(weights)
        x = x + y
        x = x + block.mlp(block.ln_2(x))
    return torch.stack(maps, dim=1)


def by_formula():
    model = fill(Deit().eval())
    torch.save(model.state_dict(), out / "deit_tiny.pth")
    return explained(model.double(), wave([2, 3, 112, 448], 0.5), [3, 700], (7, 28))


def real(weights, photo):
    parameters = load_file(weights)
    model = Deit().eval()
    model.load_state_dict({authors_name(name): value for name, value in parameters.items()})
    prepare = transforms.Compose([
        transforms.Resize(256, transforms.InterpolationMode.BICUBIC), transforms.CenterCrop(224), transforms.ToTensor(),
        transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
    ])  # fmt: skip
    x = prepare(Image.open(photo).convert("RGB")).unsqueeze(0)
    found = explained(model, x, [int(model(x).argmax())], (14, 14))
    other = VisionTransformer(224, 16, 12, 3, 192, 768).eval()
    other.load_state_dict(parameters)
    with torch.no_grad():
        maps = torchvisions_maps(other, x)[..., 0, 1:].unflatten(-1, (14, 14))
    torch.testing.assert_close(maps, found["maps"], rtol=0, atol=1e-5)
    return found


def exported():
    torch.backends.mha.set_fastpath_enabled(False)
    wide = fill(Deit(width=32, heads=4, blocks=3, size=64).eval())
    x = wave([2, 3, 32, 128], 0.5).float()
    torch.onnx.export(wide, (x[:1],), out / "wide.onnx", opset_version=17, dynamo=False)
    found = {f"wide.{key}": value for key, value in explained(wide, x, [3, 70], (2, 8)).items()}
    square = fill(VisionTransformer(64, 16, 2, 4, 32, 64).eval())
    x = wave([2, 3, 64, 64], 0.5).float()
    torch.onnx.export(square, (x[:1],), out / "square.onnx", opset_version=18, dynamo=True, verbose=False)
    with torch.no_grad():
        maps = torchvisions_maps(square, x)[..., 0, 1:].unflatten(-1, (4, 4)).contiguous()
    return found | {"square.input": x, "square.maps": maps}


out = Path(sys.argv[1])
match sys.argv[2:]:
    case []:
        result = by_formula()
    case ["--onnx"]:
        result = exported()
    case [weights, photo]:
        result = real(weights, photo)
save_file({key: value.contiguous() for key, value in result.items()}, out / "expected.safetensors")
