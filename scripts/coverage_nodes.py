"""Cases for single operators as networks over images.

As a layer: the first input is made of the images, the others are fixed, and the operator's first output
is the network's. As constants: all inputs are fixed, so that the import computes all outputs; they are
added to zeros made of the images.
"""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import save_file

from coverage_files import NotMade

NEWEST = 23


def parts(case):
    """The case's graph, operator set, inputs and outputs by name."""
    model, graph = case.model, case.model.graph
    if len(model.functions) or any(o.domain not in ("", "ai.onnx") for o in model.opset_import):
        raise NotMade("operators of another domain")
    opset = next(o.version for o in model.opset_import)
    if not case.data_sets:
        raise NotMade("no data")
    given, expected = case.data_sets[0]
    arrays = [*given, *expected]
    if not all(isinstance(array, (np.ndarray, np.generic)) and np.asarray(array).dtype.kind in "fiub" for array in arrays):
        raise NotMade("inputs that are no numbers")
    if any(np.asarray(array).size == 0 for array in arrays):
        raise NotMade("tensors without values")
    named = lambda specs, values: {spec.name: np.asarray(value) for spec, value in zip(specs, values)}
    return graph, opset, named(graph.input, given), named(graph.output, expected)


def write(path, nodes, tensors, image, output, opset, expected):
    fixed = [numpy_helper.from_array(np.ascontiguousarray(value), name) for name, value in tensors.items()]
    inputs = [helper.make_tensor_value_info("image", TensorProto.FLOAT, image.shape)]
    outputs = [helper.make_tensor_value_info(output, TensorProto.FLOAT, expected.shape)]
    graph = helper.make_graph(nodes, "case", inputs, outputs, fixed)
    # Newer sets mostly add kinds of numbers: what is valid in the newest that we read is the same there.
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", min(opset, NEWEST))])
    try:
        onnx.checker.check_model(model)
    except Exception as error:
        raise NotMade(f"not an operator of set {NEWEST}") from error
    onnx.save(model, path)
    arrays = {"input": image.astype(np.float32), "output": expected.astype(np.float32)}
    save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, path.with_suffix(".safetensors"))


def as_layer(case, path):
    graph, opset, inputs, outputs = parts(case)
    name, x = next(iter(inputs.items()), ("", np.zeros(0)))
    result, expected = next(iter(outputs.items()))
    if not (x.dtype == np.float32 and 2 <= x.ndim <= 5 and expected.dtype == np.float32):
        raise NotMade("no images go in or none come out")
    if expected.ndim < 2 or expected.shape[0] != x.shape[0]:
        raise NotMade("not a row for each image")
    shape = {2: (*x.shape, 1, 1), 3: (x.shape[0], 1, *x.shape[1:]), 4: x.shape}.get(x.ndim)
    shape = shape or (*x.shape[:3], x.shape[3] * x.shape[4])
    tensors = {other: value for other, value in inputs.items() if other != name}
    tensors["image.shape"] = np.array(x.shape, np.int64)
    first = helper.make_node("Reshape", ["image", "image.shape"], [name])
    nodes = [first, *graph.node] if name != "image" else list(graph.node)
    write(path, nodes, tensors, x.reshape(shape), result, opset, expected)


def as_constants(case, path):
    graph, opset, inputs, outputs = parts(case)
    nodes, rows = list(graph.node), []
    for output in outputs:
        nodes.append(helper.make_node("Cast", [output], [f"{output}.float"], to=TensorProto.FLOAT))
        nodes.append(helper.make_node("Reshape", [f"{output}.float", "row"], [f"{output}.row"]))
        rows.append(f"{output}.row")
    tensors = inputs | {"row": np.array([1, -1], np.int64), "zero": np.zeros(1, np.float32)}
    nodes += [
        helper.make_node("Concat", rows, ["known"], axis=1),
        helper.make_node("GlobalAveragePool", ["image"], ["mean"]),
        helper.make_node("Flatten", ["mean"], ["means"]),
        helper.make_node("Mul", ["means", "zero"], ["zeros"]),
        helper.make_node("Add", ["zeros", "known"], ["sum"]),
    ]
    expected = np.concatenate([value.reshape(1, -1).astype(np.float32) for value in outputs.values()], axis=1)
    image = np.ones((1, 1, 2, 2), np.float32)
    write(path, nodes, tensors, image, "sum", opset, expected)
