"""Networks as ONNX files with inputs and reference outputs, one by one.

Each maker gives pairs of a name and a function; the function writes `path` and, beside it,
`path` with the ending .safetensors (`input`, `output`), or raises `NotMade`: there is no such file.
"""

import io
import contextlib
import os
import shutil
import warnings
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

SETS = [13, 17, 18, 20, 23]
EXPORTERS = ["script", "dynamo"]
TIMM = """
    resnet50d efficientnet_lite0 convnextv2_atto convnext_nano vit_small_patch16_224 vit_small_patch14_dinov2
    vit_small_patch14_reg4_dinov2 deit3_small_patch16_224 mobilevit_xs mobilevitv2_050 swin_tiny_patch4_window7_224
    mixer_s32_224 coatnet_nano_rw_224 eva02_tiny_patch14_224 repvgg_a0 ghostnet_100 hardcorenas_a dm_nfnet_f0 mobileone_s0
    fastvit_t8 levit_128s cait_xxs24_224 beit_base_patch16_224 xcit_nano_12_p8_224 poolformer_s12 regnety_004 resnest14d
    res2net50_14w_8s skresnet18 dla34 hrnet_w18_small ese_vovnet19b_dw cspdarknet53 cspresnet50 tf_efficientnetv2_b0
    mobilenetv4_conv_small tinynet_e lcnet_050 edgenext_xx_small pit_ti_224 visformer_tiny crossvit_9_240
    tnt_s_patch16_224 gmlp_ti16_224 resmlp_12_224 convmixer_768_32 inception_v4 inception_resnet_v2 xception41 densenet121
    vgg11_bn seresnext26d_32x4d ecaresnet26t nf_resnet26 vit_base_patch16_siglip_224 efficientvit_b0 rexnet_100
    maxvit_nano_rw_256 volo_d1_224 focalnet_tiny_srf hiera_tiny_224 tiny_vit_5m_224 resnetv2_50x1_bit efficientformer_l1
    test_vit test_resnet
"""


class NotMade(Exception):
    """The exporter, or the runtime that gives the reference, can't."""


def session(path):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = int(os.environ.get("OMP_NUM_THREADS", "2"))
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def save_reference(path, image):
    """What ONNX Runtime gives for images `[N, C, H, W]`, each alone if the file is made for one."""
    try:
        runtime = session(path)
        [spec] = runtime.get_inputs()
        channels_last = len(spec.shape) == 4 and spec.shape[3] == image.shape[1] != spec.shape[1]
        given = image.transpose(0, 2, 3, 1) if channels_last else image
        alone = spec.shape[0] == 1
        batches = [given[i : i + 1] for i in range(len(given))] if alone else [given]
        outputs = [runtime.run(None, {spec.name: np.ascontiguousarray(batch)})[0] for batch in batches]
    except Exception as error:
        raise NotMade(f"ONNX Runtime: {error}") from error
    arrays = {"input": image, "output": np.concatenate(outputs).astype(np.float32)}
    save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, path.with_suffix(".safetensors"))


def export(model, shape, path, opset, dynamo):
    import torch

    class First(torch.nn.Module):
        """Networks with several outputs give the first."""

        def __init__(self):
            super().__init__()
            self.model = model

        def forward(self, x):
            y = self.model(x)
            y = next(iter(y.values())) if isinstance(y, dict) else y
            return y[0] if isinstance(y, (tuple, list)) else y

    model = model.eval()
    torch.manual_seed(0)
    images = torch.rand(2, *shape)
    options = {"opset_version": opset, "dynamo": dynamo, "input_names": ["image"], "output_names": ["output"]}
    options |= {"verbose": False} if dynamo else {}
    try:
        with torch.no_grad():
            module = model if torch.is_tensor(model(images[:1])) else First().eval()
        # Where gradients are wanted, as they are unless somebody says otherwise: without, PyTorch takes
        # attention as one operation, which the exporter does not know.
        with contextlib.redirect_stdout(io.StringIO()):
            torch.onnx.export(module, (images[:1],), str(path), **options)
    except Exception as error:
        raise NotMade(f"export: {error}") from error
    import onnx

    written = next(o.version for o in onnx.load(path, load_external_data=False).opset_import if o.domain == "")
    if written != opset:
        raise NotMade(f"the exporter wrote operator set {written}")
    save_reference(path, images.numpy())


def exports(names, make, sets, exporters=EXPORTERS):
    """Each name at each operator set, by each exporter."""
    for name in names:
        for opset in sets:
            for exporter in exporters:
                dynamo = exporter == "dynamo"
                yield f"{name} {exporter} {opset}", lambda path, n=name, o=opset, d=dynamo: export(*make(n), path, o, d)


def vision(sets, names, exporters):
    from torchvision import models

    def make(name):
        segments = name in models.list_models(module=models.segmentation)
        options = {"weights": None} | ({"weights_backbone": None} if segments else {})
        options |= {"init_weights": True} if name in ("googlenet", "inception_v3") else {}
        size = 299 if name == "inception_v3" else 224
        return models.get_model(name, **options), (3, 129, 161) if segments else (3, size, size)

    every = models.list_models(module=models) + models.list_models(module=models.segmentation)
    yield from exports(names or every, make, sets or SETS, exporters)


def timm(sets, names, exporters):
    def make(name):
        import timm

        options = {"img_size": 224} if "dinov2" in name else {}
        model = timm.create_model(name, pretrained=False, exportable=True, **options)
        return model, (3, 224, 224) if options else model.default_cfg.get("input_size", (3, 224, 224))

    if sets:
        yield from exports(names or TIMM.split(), make, sets, exporters)
        return
    # One file each, at the set that people take; for one network (its Col2Im) that exporter has no words.
    for name in names or TIMM.split():
        opset, exporter = (18, "dynamo") if name.startswith("volo") else (17, "script")
        yield from exports([name], make, [opset], [exporter])


def light(*_):
    import onnx

    folder = Path(onnx.__file__).parent / "backend/test/data/light"
    yield from files([folder])


def files(folders):
    """Files that somebody has: images of their declared size."""
    import onnx

    def write(source, path):
        shutil.copy(source, path)
        graph = onnx.load(source, load_external_data=False).graph
        known = {array.name for array in graph.initializer}
        [spec] = [value for value in graph.input if value.name not in known]
        n, *sizes = [d.dim_value for d in spec.type.tensor_type.shape.dim]
        if sizes[2] in (1, 3) and sizes[0] not in (1, 3):
            sizes = [sizes[2], sizes[0], sizes[1]]
        image = np.random.default_rng(0).random((max(n, 2), *(size or 224 for size in sizes)), np.float32)
        save_reference(path, image)

    for folder in folders:
        for source in sorted(Path(folder).glob("*.onnx")):
            yield source.stem, lambda path, source=source: write(source, path)


def node(_sets, names, _exporters):
    """The `onnx` package's cases for single operators, each as a network over images."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from onnx.backend.test.case.node import collect_testcases

        cases = collect_testcases(None)
    from coverage_nodes import as_constants, as_layer

    for case in cases:
        name = case.name.removeprefix("test_")
        if names and name not in names:
            continue
        yield f"{name} (layer)", lambda path, case=case: as_layer(case, path)
        yield f"{name} (constants)", lambda path, case=case: as_constants(case, path)
