"""A small network as an ONNX file, with borders that differ from side to side, groups, dilation and steps."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def wave(shape, phase, scale):
    count = int(np.prod(shape))
    return (scale * np.sin(0.7 * np.arange(count) + phase)).reshape(shape).astype(np.float32)


def write(path):
    node = helper.make_node
    nodes = [
        node("Conv", ["x", "w1", "b1"], ["a"], pads=[1, 0, 2, 3], strides=[2, 1], group=3, name="first"),
        node("PRelu", ["a", "slopes"], ["b"]),
        node("Conv", ["b", "w2"], ["c"], auto_pad="SAME_UPPER", strides=[2, 2], name="second"),
        node("Conv", ["b", "w3"], ["d"], pads=[2, 2, 2, 2], dilations=[2, 2], strides=[2, 2], name="third"),
        node("Concat", ["c", "d"], ["e"], axis=1),
        node("BatchNormalization", ["e", "scale", "shift", "mean", "variance"], ["f"]),
        node("HardSwish", ["f"], ["g"]),
        node("MaxPool", ["g"], ["h"], kernel_shape=[2, 3], pads=[0, 1, 1, 0]),
        node("AveragePool", ["h"], ["i"], kernel_shape=[3, 2], strides=[2, 1], pads=[1, 0, 0, 1]),
        node("Add", ["i", "constant"], ["j"]),
        node("ReduceMean", ["j"], ["k"], axes=[3], keepdims=0),
        node("Flatten", ["k"], ["l"]),
        node("Gemm", ["l", "w4", "b4"], ["m"], transB=1, name="classes"),
        node("Softmax", ["m"], ["y"], axis=1),
    ]
    tensors = {
        "w1": wave((6, 1, 3, 2), 1, 0.8),
        "b1": wave((6,), 2, 0.2),
        "slopes": wave((6, 1, 1), 3, 0.3),
        "w2": wave((4, 6, 3, 3), 4, 0.4),
        "w3": wave((4, 6, 3, 3), 5, 0.4),
        "scale": 1 + wave((8,), 6, 0.5),
        "shift": wave((8,), 7, 0.3),
        "mean": wave((8,), 8, 0.3),
        "variance": 1 + wave((8,), 9, 0.6),
        "constant": wave((1, 8, 1, 1), 10, 0.3),
        "w4": wave((4, 16), 11, 0.6),
        "b4": wave((4,), 12, 0.3),
    }
    fixed = [numpy_helper.from_array(value, name) for name, value in tensors.items()]
    image = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 3, 17, 23])
    result = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 4])
    graph = helper.make_graph(nodes, "graph", [image], [result], fixed)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)])
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return path
