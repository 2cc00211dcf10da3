"""What PyTorch says of small networks in the page's format: all values, and gradients of one number.

    python page/tests/oracle.py > page/tests/cases.json

The cases are committed, so that the page's tests need nothing but node.
"""

import base64
import json

import numpy as np
import torch
import torch.nn.functional as F

torch.manual_seed(0)
random = np.random.default_rng(0)


class Net:
    """A network in the page's format beside its values in PyTorch."""

    def __init__(self, name, shape, integers=False):
        self.name, self.integers = name, integers
        self.bytes, self.nodes, self.values = b"", [], []
        # Few digits, so that JSON has the very numbers.
        x = torch.from_numpy(random.standard_normal(shape).round(3).astype(np.float32)).requires_grad_()
        self.emit("input", [], x)

    def emit(self, op, inputs, result, **attributes):
        result.retain_grad() if result.requires_grad and not result.is_leaf else None
        node = {"name": f"{op}{len(self.nodes)}", "op": op, "inputs": inputs, "shape": list(result.shape)}
        self.nodes.append(node | {key: found for key, found in attributes.items() if found is not None})
        self.values.append(result)
        return len(self.nodes) - 1

    def tensor(self, *shape, positive=False):
        """A random tensor, and how the format writes it."""
        values = random.standard_normal(shape).astype(np.float32)
        values = np.abs(values) + np.float32(0.1) if positive else values
        offset = len(self.bytes)
        written = {"shape": list(shape), "offset": offset}
        if self.integers and len(shape) > 1:
            rows = values.reshape(shape[0], -1)
            scales = (np.abs(rows).max(axis=1) / 32767).astype(np.float32)
            integers = np.round(rows / scales[:, None]).astype("<i2")
            values = (integers * scales[:, None]).astype(np.float32).reshape(shape)
            written["scales"] = offset + len(padded(integers.tobytes()))
            self.bytes += padded(integers.tobytes()) + scales.tobytes()
        else:
            self.bytes += values.tobytes()
        return torch.from_numpy(values), written

    def conv2d(self, x, out, kernel, stride=(1, 1), padding=((0, 0), (0, 0)), dilation=(1, 1), groups=1, bias=True):
        value = self.values[x]
        weight, written = self.tensor(out, value.shape[0] // groups, *kernel)
        b, written_bias = self.tensor(out) if bias else (None, None)
        bordered = F.pad(value, [*padding[1], *padding[0]])
        result = F.conv2d(bordered[None], weight, b, stride, 0, dilation, groups)[0]
        return self.emit("conv2d", [x], result, weight=written, bias=written_bias, stride=stride, padding=padding,
                         dilation=dilation, groups=groups)

    def linear(self, x, out, bias=True):
        value = self.values[x]
        weight, written = self.tensor(out, value.shape[-1])
        b, written_bias = self.tensor(out) if bias else (None, None)
        return self.emit("linear", [x], F.linear(value, weight, b), weight=written, bias=written_bias)

    def batch_norm(self, x):
        channels = self.values[x].shape[0]
        (weight, w), (bias, b), (mean, m) = (self.tensor(channels) for _ in range(3))
        variance, v = self.tensor(channels, positive=True)
        result = F.batch_norm(self.values[x][None], mean, variance, weight, bias, eps=1e-3)[0]
        return self.emit("batch_norm", [x], result, weight=w, bias=b, mean=m, variance=v, eps=1e-3)

    def prelu(self, x, slopes):
        weight, written = self.tensor(slopes)
        return self.emit("prelu", [x], F.prelu(self.values[x][None], weight)[0], weight=written)

    def pointwise(self, x, function, torch_s, **parameters):
        return self.emit("pointwise", [x], torch_s(self.values[x]), function={"name": function} | parameters)

    def relu(self, x):
        return self.pointwise(x, "relu", F.relu)

    def max_pool(self, x, kernel, stride, padding=((0, 0), (0, 0)), dilation=(1, 1), ceil=False):
        bordered = F.pad(self.values[x], [*padding[1], *padding[0]], value=-torch.inf)
        if padding[0][0] == padding[0][1] and padding[1][0] == padding[1][1]:
            result = F.max_pool2d(self.values[x], kernel, stride, (padding[0][0], padding[1][0]), dilation, ceil)
        else:
            result = F.max_pool2d(bordered, kernel, stride, 0, dilation, ceil)
        return self.emit("max_pool", [x], result, kernel=kernel, stride=stride, padding=padding, dilation=dilation)

    def avg_pool(self, x, kernel, stride, padding=((0, 0), (0, 0)), ceil=False, count=True):
        if padding[0][0] == padding[0][1] and padding[1][0] == padding[1][1]:
            result = F.avg_pool2d(self.values[x], kernel, stride, (padding[0][0], padding[1][0]), ceil, count)
        else:
            sums, ones = ((F.avg_pool2d(F.pad(values, [*padding[1], *padding[0]]), kernel, stride, divisor_override=1))
                          for values in (self.values[x], torch.ones_like(self.values[x])))
            result = sums / (kernel[0] * kernel[1] if count else ones)
        return self.emit("avg_pool", [x], result, kernel=kernel, stride=stride, padding=padding, count_padding=count)

    def adaptive_avg_pool(self, x, size):
        return self.emit("adaptive_avg_pool", [x], F.adaptive_avg_pool2d(self.values[x], size))

    def reduce(self, x, by, dims, keep):
        torch_s = {"mean": torch.mean, "sum": torch.sum, "max": torch.amax, "min": torch.amin}[by]
        return self.emit("reduce", [x], torch_s(self.values[x], dims, keepdim=keep), by=by, dims=dims)

    def arithmetic(self, a, b, by):
        torch_s = {"add": torch.add, "sub": torch.sub, "mul": torch.mul, "div": torch.div, "max": torch.maximum,
                   "min": torch.minimum}[by]
        return self.emit("arithmetic", [a, b], torch_s(self.values[a], self.values[b]), by=by)

    def constant(self, *shape, positive=False):
        value, written = self.tensor(*shape, positive=positive)
        return self.emit("constant", [], value, value=written)

    def concat(self, inputs, dim):
        return self.emit("concat", inputs, torch.cat([self.values[x] for x in inputs], dim), dim=dim)

    def reshape(self, x, *shape):
        return self.emit("reshape", [x], self.values[x].reshape(shape))

    def identity(self, x):
        return self.emit("identity", [x], self.values[x] * 1)

    def permute(self, x, *order):
        return self.emit("permute", [x], self.values[x].permute(order), order=order)

    def slice(self, x, dim, start, end, step):
        where = (*[slice(None)] * dim, slice(start, end, step))
        return self.emit("slice", [x], self.values[x][where], dim=dim, start=start, step=step)

    def pad(self, x, amounts, mode, value=0.0):
        sides = [side for pair in reversed(amounts) for side in pair]
        modes = {"edge": "replicate", "wrap": "circular"}
        if mode == "constant":
            result = F.pad(self.values[x], sides, value=value)
        else:
            result = F.pad(self.values[x][None], sides[:4], modes.get(mode, mode))[0]
        return self.emit("pad", [x], result, amounts=amounts, mode=mode, value=value)

    def softmax(self, x, dim, logarithm=False):
        torch_s = torch.log_softmax if logarithm else torch.softmax
        return self.emit("log_softmax" if logarithm else "softmax", [x], torch_s(self.values[x], dim), dim=dim)

    def case(self, x):
        """Ends in a linear layer, so that all numbers of `x` have a gradient."""
        head, unit = self.linear(self.reshape(x, -1), 2), 1
        self.values[head].flatten()[unit].backward()
        channels, height, width = self.values[0].shape
        # What only has another shape need not be said twice.
        told = [node["op"] != "reshape" for node in self.nodes]
        return {
            "name": self.name,
            "looked_at": x,
            "unit": unit,
            "values": [numbers(value) if tell else None for value, tell in zip(self.values, told)],
            "gradients": [numbers(value.grad) if tell else None for value, tell in zip(self.values, told)],
            "model": {
                "format": 1, "name": self.name, "title": self.name, "classes": [], "examples": [],
                "input": {"channels": channels, "height": height, "width": width, "mean": [], "std": [],
                          "drawing": {"paper": [0] * channels, "ink": [255] * channels, "centering": "none"}},
                "output": {"node": head, "kind": "logits"},
                "nodes": self.nodes,
                "weights": base64.b64encode(self.bytes).decode(),
            },
        }


def padded(data):
    return data + bytes(-len(data) % 4)


def numbers(tensor):
    return None if tensor is None else [float(f"{value:.6g}") for value in tensor.detach().flatten().tolist()]



FUNCTIONS = [
    ("relu", F.relu, {}), ("relu6", F.relu6, {}),
    ("leaky_relu", lambda x: F.leaky_relu(x, 0.2), {"slope": 0.2}), ("gelu", F.gelu, {}),
    ("gelu_tanh", lambda x: F.gelu(x, approximate="tanh"), {}), ("silu", F.silu, {}), ("sigmoid", torch.sigmoid, {}),
    ("hard_sigmoid", F.hardsigmoid, {}), ("hard_swish", F.hardswish, {}), ("tanh", torch.tanh, {}),
    ("softplus", F.softplus, {}), ("softsign", F.softsign, {}), ("elu", lambda x: F.elu(x, 1.5), {"alpha": 1.5}),
    ("celu", lambda x: F.celu(x, 0.7), {"alpha": 0.7}), ("selu", F.selu, {}), ("mish", F.mish, {}),
    ("threshold", lambda x: F.threshold(x, 0.4, 0.0), {"at": 0.4}), ("erf", torch.erf, {}), ("exp", torch.exp, {}),
    ("neg", torch.neg, {}), ("abs", torch.abs, {}), ("sign", torch.sign, {}), ("floor", torch.floor, {}),
    ("ceil", torch.ceil, {}), ("round", torch.round, {}), ("trunc", torch.trunc, {}), ("sin", torch.sin, {}),
    ("cos", torch.cos, {}), ("pow", lambda x: torch.pow(x, 2.0), {"exponent": 2.0}),
    ("scale", lambda x: x * 3.0, {"factor": 3.0}), ("shift", lambda x: x + 0.5, {"term": 0.5}),
    ("clamp", lambda x: x.clamp(-0.5, 1.5), {"low": -0.5, "high": 1.5}),
    ("clamp", lambda x: x.clamp(max=0.3), {"low": None, "high": 0.3}),
]


KINKS = {"relu": [0.0], "relu6": [0.0, 6.0], "leaky_relu": [0.0], "hard_sigmoid": [3.0], "hard_swish": [3.0], "elu": [0.0],
         "celu": [0.0], "selu": [0.0], "threshold": [0.4], "abs": [0.0], "clamp": [-0.5, 1.5]}


def functions():
    for name, torch_s, parameters in FUNCTIONS:
        net = Net(name, (1, 4, 5))
        wide = net.pointwise(0, "scale", lambda x: x * 4.0, factor=4.0)
        yield net.case(net.pointwise(wide, name, torch_s, **parameters))
    for name, torch_s, parameters in FUNCTIONS:
        for kink in KINKS.get(name, []):
            net = Net(f"{name} at {kink}", (1, 1, 2))
            nothing = net.pointwise(0, "scale", lambda x: x * 0.0, factor=0.0)
            there = net.pointwise(nothing, "shift", lambda x, kink=kink: x + kink, term=kink)
            yield net.case(net.pointwise(there, name, torch_s, **parameters))
    for name, torch_s in [("log", torch.log), ("sqrt", torch.sqrt)]:
        net = Net(name, (1, 4, 5))
        yield net.case(net.pointwise(net.pointwise(0, "exp", torch.exp), name, torch_s))
    for slopes in (1, 3):
        net = Net(f"prelu of {slopes}", (3, 2, 3))
        yield net.case(net.prelu(0, slopes))


def convolutions():
    for channels, size, arguments in [
        (3, (5, 7), {"out": 5, "kernel": (3, 3)}),
        (1, (9, 6), {"out": 2, "kernel": (5, 2), "stride": (2, 1), "bias": False}),
        (4, (7, 7), {"out": 6, "kernel": (3, 3), "stride": (2, 2), "padding": ((1, 1), (1, 1)), "groups": 2}),
        (4, (6, 9), {"out": 8, "kernel": (3, 2), "padding": ((0, 1), (2, 0)), "groups": 4, "stride": (1, 3)}),
        (2, (9, 8), {"out": 3, "kernel": (3, 3), "dilation": (2, 3), "padding": ((2, 2), (3, 3))}),
        (3, (4, 5), {"out": 9, "kernel": (1, 1)}),
        (2, (5, 5), {"out": 1, "kernel": (1, 1), "stride": (2, 2)}),
        (2, (3, 3), {"out": 4, "kernel": (3, 3)}),
        (2, (3, 4), {"out": 3, "kernel": (2, 2), "padding": ((3, 2), (4, 1)), "stride": (3, 2)}),
        (6, (5, 4), {"out": 6, "kernel": (3, 3), "padding": ((1, 1), (1, 1)), "groups": 6, "dilation": (1, 2)}),
    ]:
        words = ", ".join(f"{key} {value}" for key, value in arguments.items())
        net = Net(f"convolution of {channels}×{size}: {words}", (channels, *size))
        yield net.case(net.conv2d(0, **arguments))
    net = Net("16-bit weights", (2, 5, 5), integers=True)
    yield net.case(net.conv2d(0, 3, (3, 3)))
    net = Net("two convolutions and a norm", (2, 7, 7))
    x = net.conv2d(0, 3, (3, 3), padding=((1, 1), (1, 1)))
    yield net.case(net.conv2d(net.batch_norm(x), 2, (3, 3), (2, 2)))
    net = Net("linear of rows", (2, 3, 5))
    yield net.case(net.linear(0, 4, bias=False))


def poolings():
    for size, arguments in [
        ((6, 7), {"kernel": (2, 2), "stride": (2, 2)}),
        ((6, 7), {"kernel": (2, 3), "stride": (2, 2), "ceil": True}),
        ((7, 8), {"kernel": (3, 3), "stride": (2, 3), "padding": ((1, 1), (1, 1)), "ceil": True}),
        ((8, 9), {"kernel": (3, 2), "stride": (1, 2), "dilation": (2, 3), "padding": ((1, 1), (1, 1))}),
        ((5, 6), {"kernel": (3, 2), "stride": (2, 2), "padding": ((0, 2), (1, 0))}),
        ((5, 5), {"kernel": (1, 1), "stride": (2, 2)}),
    ]:
        net = Net(f"max pool of {size}: {arguments}", (2, *size))
        yield net.case(net.max_pool(0, **arguments))
    for size, arguments in [
        ((6, 7), {"kernel": (2, 2), "stride": (2, 2)}),
        ((6, 7), {"kernel": (2, 3), "stride": (2, 2), "ceil": True}),
        ((7, 8), {"kernel": (3, 3), "stride": (2, 3), "padding": ((1, 1), (1, 1)), "ceil": True}),
        ((7, 8), {"kernel": (3, 3), "stride": (2, 3), "padding": ((1, 1), (1, 1)), "ceil": True, "count": False}),
        ((6, 5), {"kernel": (3, 3), "stride": (2, 1), "padding": ((1, 1), (1, 1)), "count": False}),
        ((5, 6), {"kernel": (3, 2), "stride": (2, 2), "padding": ((0, 2), (1, 0)), "count": False}),
        ((5, 6), {"kernel": (3, 2), "stride": (2, 2), "padding": ((0, 2), (1, 0))}),
    ]:
        net = Net(f"average pool of {size}: {arguments}", (2, *size))
        yield net.case(net.avg_pool(0, **arguments))
    for size in [(1, 1), (2, 3), (4, 7), (6, 1)]:
        net = Net(f"adaptive pool to {size}", (2, 5, 7))
        yield net.case(net.adaptive_avg_pool(0, size))
    for by, dims, keep in [("mean", [1, 2], True), ("sum", [2], False), ("max", [1, 2], True), ("max", [0], False),
                           ("min", [0, 2], True), ("mean", [1, 2], False)]:
        net = Net(f"{by} over {dims}, {'kept' if keep else 'gone'}", (3, 4, 5))
        yield net.case(net.reduce(0, by, dims, keep))
    net = Net("a maximum that several have", (2, 3, 3))
    yield net.case(net.reduce(net.relu(net.pointwise(0, "neg", torch.neg)), "min", [1, 2], True))


def joins():
    for by in ("add", "sub", "mul", "div", "max", "min"):
        net = Net(f"{by} of two branches", (2, 4, 4))
        a = net.conv2d(0, 3, (3, 3))
        b = net.pointwise(net.conv2d(0, 3, (3, 3), (2, 2), ((1, 1), (1, 1))), "exp", torch.exp)
        yield net.case(net.arithmetic(a, b, by))
        net = Net(f"{by}, repeated", (3, 4, 5))
        yield net.case(net.arithmetic(net.constant(3, 1, 1, positive=True), 0, by))
    net = Net("a gate for each channel", (3, 4, 5))
    gate = net.pointwise(net.adaptive_avg_pool(0, (1, 1)), "sigmoid", torch.sigmoid)
    yield net.case(net.arithmetic(0, gate, "mul"))
    net = Net("a number by itself", (2, 3, 3))
    yield net.case(net.arithmetic(net.arithmetic(0, 0, "mul"), 0, "add"))
    net = Net("missing dimensions", (2, 3, 4))
    yield net.case(net.arithmetic(net.constant(4), 0, "sub"))
    for dim in range(3):
        net = Net(f"concat along {dim}", (2, 3, 4))
        other = net.slice(net.pointwise(0, "tanh", torch.tanh), dim, 0, 2, 1)
        yield net.case(net.concat([0, other, 0], dim))


def rearrangements():
    for dim, start, end, step in [(0, 1, 3, 1), (1, 0, 5, 2), (2, 1, 4, 2)]:
        net = Net(f"slice {start}:{end}:{step} of {dim}", (3, 5, 4))
        yield net.case(net.slice(0, dim, start, end, step))
    net = Net("channel shuffle", (6, 2, 3))
    shuffled = net.reshape(net.permute(net.reshape(0, 2, 3, 2, 3), 1, 0, 2, 3), 6, 2, 3)
    yield net.case(net.conv2d(shuffled, 3, (1, 2), groups=3))
    for amounts, mode, value in [([[1, 2], [0, 1], [2, 0]], "constant", 0.0), ([[0, 0], [-1, 1], [1, -2]], "constant", 1.5),
                                 ([[0, 0], [2, 1], [1, 3]], "reflect", 0.0), ([[0, 0], [2, 1], [1, 3]], "edge", 0.0),
                                 ([[0, 0], [2, 1], [1, 3]], "wrap", 0.0)]:
        net = Net(f"{mode} border {amounts}", (2, 4, 5))
        yield net.case(net.pad(0, amounts, mode, value))
    for logarithm in (False, True):
        for dim in range(3):
            net = Net(f"{'log-' if logarithm else ''}softmax over {dim}", (3, 2, 4))
            yield net.case(net.softmax(0, dim, logarithm))
        net = Net(f"{'log-' if logarithm else ''}softmax of classes", (2, 4, 4))
        yield net.case(net.softmax(net.linear(net.reshape(0, -1), 5), 0, logarithm))


def networks():
    net = Net("a residual block that halves", (4, 6, 6))
    x = net.relu(net.batch_norm(net.conv2d(0, 8, (3, 3), (2, 2), ((1, 1), (1, 1)), bias=False)))
    x = net.batch_norm(net.conv2d(x, 8, (3, 3), padding=((1, 1), (1, 1)), bias=False))
    skip = net.pad(net.max_pool(0, (1, 1), (2, 2)), [[2, 2], [0, 0], [0, 0]], "constant")
    x = net.identity(net.relu(net.arithmetic(x, skip, "add")))
    yield net.case(net.adaptive_avg_pool(x, (1, 1)))
    net = Net("an inception block", (3, 5, 5))
    a = net.relu(net.conv2d(0, 2, (1, 1)))
    b = net.conv2d(net.conv2d(0, 2, (1, 1)), 3, (3, 3), padding=((1, 1), (1, 1)))
    c = net.max_pool(0, (3, 3), (1, 1), ((1, 1), (1, 1)))
    x = net.concat([a, b, c], 0)
    yield net.case(net.softmax(net.linear(net.reshape(net.avg_pool(x, (2, 2), (2, 2), ceil=True), -1), 4), 0))


CASES = [functions, convolutions, poolings, joins, rearrangements, networks]
print("[")
print(",\n".join(json.dumps(case, separators=(",", ":"), ensure_ascii=False) for cases in CASES for case in cases()))
print("]")
