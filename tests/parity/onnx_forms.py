"""ONNX files in forms that PyTorch's exporters don't write: old operator sets, Keras' layout, whole batches.

Usage: onnx_forms.py OUT_FOLDER        NAME.onnx each, and expected.safetensors

The outputs are those of the `onnx` package's own evaluator; where it knows only an operator's newest form,
the same network in that form.
"""

import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from safetensors.numpy import save_file

SAVED = {}
node = helper.make_node


def wave(shape, phase=0.0, scale=0.5):
    count = int(np.prod(shape))
    return (scale * np.sin(0.7 * np.arange(count) + phase)).reshape(shape).astype(np.float32)


def images(shape):
    count = int(np.prod(shape))
    return (0.5 + 0.5 * np.sin(0.3 * np.arange(count))).reshape(shape).astype(np.float32)


def model(nodes, tensors, image, opset, domain="", listed=False):
    fixed = [numpy_helper.from_array(np.asarray(value), name) for name, value in tensors.items()]
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, image)]
    if listed:  # as IR version 3 demands
        inputs += [helper.make_tensor_value_info(t.name, t.data_type, list(t.dims)) for t in fixed]
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)]
    graph = helper.make_graph(nodes, "graph", inputs, outputs, fixed)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid(domain, opset)])
    made.ir_version = 3 if listed else 8
    return made


def case(name, image, nodes, tensors, shape=None, opset=17, modern=None, **form):
    """`shape` is the file's for its input; `modern` the nodes, tensors and set that give the same."""
    shape = shape or ["N", *image.shape[1:]]
    file = model(nodes, tensors, shape, opset, **form)
    same = model(*modern[:2], shape, modern[2]) if modern else model(nodes, tensors, shape, opset)
    last = image.transpose(0, 2, 3, 1) if shape[1:] == [*image.shape[2:], image.shape[1]] else image
    batch = shape[0] if isinstance(shape[0], int) else len(image)
    runs = [ReferenceEvaluator(same).run(None, {"x": last[i : i + batch]})[0] for i in range(0, len(image), batch)]
    onnx.save(file, OUT / f"{name}.onnx")
    SAVED[f"{name}.input"] = image
    SAVED[f"{name}.logits"] = np.concatenate(runs).astype(np.float32)


def old_sets():
    """Attributes that became inputs."""
    tensors = {"w": wave((4, 3, 3, 3), 1), "b": wave((4,), 2), "fc": wave((5, 64), 3), "c": wave((5,), 4)}
    tensors |= {f"bn{i}": 1 + wave((4,), 5 + i) ** 2 for i in range(4)}
    head = [node("Reshape", ["flat", "shape"], ["rows"]), node("Gemm", ["rows", "fc", "c"], ["y"], transB=1)]
    tensors["shape"] = np.array([0, -1], np.int64)
    old = [
        node("Pad", ["x"], ["padded"], pads=[0, 0, 1, 1, 0, 0, 1, 1], mode="reflect"),
        node("Conv", ["padded", "w", "b"], ["conv"], kernel_shape=[3, 3]),
        node("BatchNormalization", ["conv", "bn0", "bn1", "bn2", "bn3"], ["bn", "m", "v", "sm", "sv"], epsilon=1e-3),
        node("Clip", ["bn"], ["clipped"], min=-0.2, max=0.9),
        node("Slice", ["clipped"], ["part"], starts=[1, 0], ends=[5, 4], axes=[2, 3]),
        node("Split", ["part"], ["left", "right"], axis=1, split=[1, 3]),
        node("Concat", ["right", "left"], ["joined"], axis=1),
        node("Dropout", ["joined"], ["dropped", "mask"], ratio=0.4),
        node("Unsqueeze", ["dropped"], ["wide"], axes=[1]),
        node("Squeeze", ["wide"], ["flat"], axes=[1]),
        *head,
    ]
    more = {"pads": [0, 0, 1, 1, 0, 0, 1, 1], "starts": [1, 0], "ends": [5, 4], "axes": [2, 3], "split": [1, 3], "one": [1]}
    more = {name: np.array(value, np.int64) for name, value in more.items()}
    more |= {"low": np.float32(-0.2), "high": np.float32(0.9)}
    new = [
        node("Pad", ["x", "pads"], ["padded"], mode="reflect"),
        node("Conv", ["padded", "w", "b"], ["conv"], kernel_shape=[3, 3]),
        node("BatchNormalization", ["conv", "bn0", "bn1", "bn2", "bn3"], ["bn"], epsilon=1e-3),
        node("Clip", ["bn", "low", "high"], ["clipped"]),
        node("Slice", ["clipped", "starts", "ends", "axes"], ["part"]),
        node("Split", ["part", "split"], ["left", "right"], axis=1),
        node("Concat", ["right", "left"], ["joined"], axis=1),
        node("Identity", ["joined"], ["flat"]),
        *head,
    ]
    for opset in (7, 9):
        case(f"old_{opset}", images((3, 3, 6, 7)), old, tensors, opset=opset, listed=True, modern=(new, tensors | more, 17))
    spelled = {"domain": "ai.onnx", "modern": (new, tensors | more, 17)}
    case("spelled", images((3, 3, 6, 7)), new, tensors | more, **spelled)


def old_softmax():
    """Before set 13 over all that stands behind the axis."""
    tensors = {"w": wave((2, 3, 4, 4), 1), "shape": np.array([0, 2, 3], np.int64), "flat": np.array([0, -1], np.int64)}
    conv = node("Conv", ["x", "w"], ["conv"], strides=[2, 2])
    reshape = node("Reshape", ["conv", "shape"], ["rows"])
    tensors["w"] = wave((2, 3, 4, 2), 1)
    old = [conv, reshape, node("Softmax", ["rows"], ["p"]), node("Reshape", ["p", "flat"], ["y"])]
    new = [conv, reshape, node("Reshape", ["rows", "flat"], ["p"]), node("Softmax", ["p"], ["y"], axis=-1)]
    case("softmax_11", images((2, 3, 4, 6)), old, tensors, opset=11, modern=(new, tensors, 17))


def keras():
    """`[N, H, W, C]`, SAME borders with steps, a mean subtracted before anything else."""
    tensors = {
        "mean": np.array([0.4, 0.5, 0.6], np.float32),
        "w": wave((4, 3, 3, 3), 1),
        "dw": wave((4, 1, 5, 3), 2),
        "fc": wave((4, 5), 3),
        "c": wave((5,), 4),
    }
    tail = [
        node("Conv", ["channels", "w"], ["conv"], auto_pad="SAME_UPPER", strides=[2, 2]),
        node("Relu", ["conv"], ["relu"]),
        node("Conv", ["relu", "dw"], ["depth"], auto_pad="SAME_LOWER", strides=[1, 2], group=4),
        node("MaxPool", ["depth"], ["max"], auto_pad="SAME_UPPER", kernel_shape=[3, 2], strides=[2, 1]),
        node("AveragePool", ["max"], ["pool"], auto_pad="SAME_UPPER", kernel_shape=[2, 2], strides=[2, 2]),
        node("Transpose", ["pool"], ["last"], perm=[0, 2, 3, 1]),
        node("ReduceMean", ["last"], ["features"], axes=[1, 2], keepdims=0),
        node("MatMul", ["features", "fc"], ["product"]),
        node("Add", ["product", "c"], ["y"]),
    ]
    head = [node("Sub", ["x", "mean"], ["centered"]), node("Transpose", ["centered"], ["channels"], perm=[0, 3, 1, 2])]
    image = images((3, 3, 13, 18))
    case("keras", image, head + tail, tensors, shape=["N", 13, 18, 3])
    turned = [node("Transpose", ["x"], ["channels"], perm=[0, 3, 1, 2])]
    case("keras_turned", image, turned + tail, tensors, shape=["N", 13, 18, 3])
    gray = tensors | {"w": wave((4, 1, 3, 3), 1)}
    case("keras_gray", images((3, 1, 11, 9)), turned + tail, gray, shape=[1, 11, 9, 1])


def whole_batches():
    """A file made for four images at once, and one that does not say for how many."""
    tensors = {"w": wave((4, 3, 3, 3), 1), "shape": np.array([4, 4, 12], np.int64), "rows": np.array([4, 48], np.int64)}
    tensors |= {"fc": wave((48, 5), 3), "token": wave((1, 1, 12), 2), "many": np.array([4, 1, 12], np.int64)}
    tensors["fc"] = wave((60, 5), 3)
    tensors["rows"] = np.array([4, 60], np.int64)
    nodes = [
        node("Conv", ["x", "w"], ["conv"]),
        node("Reshape", ["conv", "shape"], ["tokens"]),
        node("Expand", ["token", "many"], ["first"]),
        node("Concat", ["first", "tokens"], ["all"], axis=1),
        node("Reshape", ["all", "rows"], ["flat"]),
        node("MatMul", ["flat", "fc"], ["y"]),
    ]
    case("four_images", images((8, 3, 5, 6)), nodes, tensors, shape=[4, 3, 5, 6])
    tensors["b"] = wave((4,), 2)
    free = [node("Conv", ["x", "w", "b"], ["conv"]), node("GlobalAveragePool", ["conv"], ["pool"]), node("Flatten", ["pool"], ["y"])]
    case("no_names", images((3, 3, 224, 224)), free, tensors, shape=[None, 3, None, None])


def index_tables():
    """What windowed attention computes of constants: masks, bias tables, windows turned round."""
    tensors = {name: np.array(value, np.int64) for name, value in {
        "zeros": [1, 4, 6], "i1": [[0, 0], [0, 1]], "two": 2, "axis0": 0, "start": 0, "stop": 12, "one": 1,
        "back": [-1], "end": [-(2**63)], "axis": [1], "step": [-1], "rows": [-1, 24], "perm": [5, 0, 3, 1, 4, 2],
        "shape": [1, 1, 4, 6], "twelve": [3, 4], "depth": 4, "k": 1, "times": [1, 2], "pairs": [[0, 1], [2, 3], [1, 1]],
    }.items()}
    tensors |= {"fill": wave((2, 6), 1), "w": wave((1, 3, 3, 3), 1), "onoff": np.array([0, 2], np.float32)}
    tensors |= {"low": np.float32(-0.3), "tenth": np.float32(0.1)}
    nodes = [
        node("ConstantOfShape", ["zeros"], ["blank"]),
        node("ScatterND", ["blank", "i1", "fill"], ["written"]),
        node("Gather", ["written", "perm"], ["mixed"], axis=2),
        node("Slice", ["mixed", "back", "end", "axis", "step"], ["turned"]),
        node("Less", ["turned", "low"], ["less"]),
        node("Not", ["less"], ["not"]),
        node("And", ["not", "not"], ["both"]),
        node("Where", ["both", "turned", "low"], ["chosen"]),
        node("Range", ["start", "stop", "one"], ["range"]),
        node("Mod", ["range", "depth"], ["rest"]),
        node("Reshape", ["rest", "twelve"], ["grid"]),
        node("Trilu", ["grid", "k"], ["upper"], upper=1),
        node("CumSum", ["upper", "k"], ["sums"], exclusive=1, reverse=1),
        node("Tile", ["sums", "times"], ["tiled"]),
        node("Cast", ["tiled"], ["float"], to=TensorProto.FLOAT),
        node("GatherND", ["float", "pairs"], ["three"]),
        node("ReduceSum", ["three"], ["total"], keepdims=0),
        node("OneHot", ["rest", "depth", "onoff"], ["hot"], axis=0),
        node("ReduceMax", ["hot"], ["hottest"], keepdims=0),
        node("Cos", ["total"], ["cos"]),
        node("Add", ["cos", "hottest"], ["number"]),
        node("Ceil", ["number"], ["ceil"]),
        node("Mul", ["ceil", "tenth"], ["shift"]),
        node("Add", ["chosen", "shift"], ["bias"]),
        node("Conv", ["x", "w"], ["conv"]),
        node("Reshape", ["bias", "shape"], ["map"]),
        node("Add", ["conv", "map"], ["biased"]),
        node("Gather", ["biased", "perm"], ["shuffled"], axis=3),
        node("Slice", ["shuffled", "back", "end", "two_row", "step"], ["upside"]),
        node("Reshape", ["upside", "rows"], ["y"]),
    ]
    tensors["two_row"] = np.array([2], np.int64)
    case("index_tables", images((3, 3, 6, 8)), nodes, tensors)


def borders():
    """Pads that differ between sides, windows that may reach over the edge, borders of every kind."""
    tensors = {"w": wave((4, 3, 3, 3), 1), "pads": np.array([0, 0, 2, 1, 0, 0, 1, 3], np.int64)}
    tensors |= {"value": np.float32(0.7), "rows": np.array([0, -1], np.int64)}
    pools = [
        node("MaxPool", ["conv"], ["max"], kernel_shape=[2, 2], strides=[2, 2], pads=[0, 0, 1, 1]),
        node("AveragePool", ["max"], ["mean"], kernel_shape=[2, 3], strides=[1, 2], pads=[1, 0, 0, 1]),
        node("AveragePool", ["mean"], ["zeros"], kernel_shape=[2, 2], pads=[0, 1, 1, 0], count_include_pad=1),
        node("Reshape", ["zeros", "rows"], ["y"]),
    ]
    for mode in ("constant", "edge", "reflect", "wrap"):
        amounts = ["x", "pads", "value"] if mode == "constant" else ["x", "pads"]
        head = [node("Pad", amounts, ["padded"], mode=mode), node("Conv", ["padded", "w"], ["conv"], pads=[0, 1, 1, 0])]
        case(f"pad_{mode}", images((3, 3, 8, 7)), head + pools, tensors, opset=19)


def layers_between_activations():
    """Gemm with both factors computed, and transposed."""
    tensors = {"w": wave((2, 3, 3, 3), 1), "fc": wave((24, 5), 2), "c": wave((1,), 3)}
    nodes = [
        node("Conv", ["x", "w"], ["conv"]),
        node("Flatten", ["conv"], ["rows"]),
        node("Transpose", ["rows"], ["columns"]),
        node("Gemm", ["columns", "fc", "c"], ["y"], transA=1, alpha=0.5, beta=2.0),
    ]
    case("gemm", images((3, 3, 6, 5)), nodes, tensors)
    # A vector on the right, and constants: one on the left, one on each side.
    tensors |= {"v": wave((3,), 4), "m": wave((3, 4), 5), "u": wave((4,), 6), "s": np.array([0, 2, 4, 3], np.int64)}
    nodes = [
        node("Conv", ["x", "w"], ["conv"]),
        node("Reshape", ["conv", "s"], ["maps"]),
        node("MatMul", ["maps", "v"], ["columns"]),
        node("MatMul", ["v", "m"], ["row"]),
        node("MatMul", ["row", "u"], ["number"]),
        node("Add", ["row", "number"], ["shift"]),
        node("Add", ["columns", "shift"], ["shifted"]),
        node("Flatten", ["shifted"], ["y"]),
    ]
    case("vectors", images((3, 3, 6, 5)), nodes, tensors)


OUT = Path(sys.argv[1])
for make in (old_sets, old_softmax, keras, whole_batches, index_tables, borders, layers_between_activations):
    make()
save_file({name: np.ascontiguousarray(array) for name, array in SAVED.items()}, OUT / "expected.safetensors")
