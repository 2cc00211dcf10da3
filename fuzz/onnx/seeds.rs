//! Small networks with all operators, and files that are made to hurt.

use super::message::Message;
use super::write::{Attributes, file, file_of, node, number, row, tensor, weight};

pub const IMAGE: [i64; 3] = [3, 12, 16];

pub fn sound() -> Vec<Vec<u8>> {
    vec![
        convolutions(),
        shapes(),
        attention(),
        pointwise(),
        constants(),
        tables(),
        old(),
        channels_last(),
    ]
}

/// The nodes from a map `from` of `channels` to `y`.
pub fn head(from: &str, channels: i64) -> (Vec<Message>, Vec<Message>) {
    let nodes = vec![
        node("GlobalAveragePool", &[from], &["pooled"]),
        node("Flatten", &["pooled"], &["flat"]).with_int("axis", 1),
        node("Gemm", &["flat", "fc.weight", "fc.bias"], &["y"]).with_int("transB", 1),
    ];
    (nodes, vec![weight("fc.weight", &[4, channels]), weight("fc.bias", &[4])])
}

pub fn with_head(
    mut nodes: Vec<Message>,
    mut tensors: Vec<Message>,
    from: &str,
    channels: i64,
) -> Vec<u8> {
    let (more, weights) = head(from, channels);
    nodes.extend(more);
    tensors.extend(weights);
    file(IMAGE, nodes, tensors)
}

fn convolutions() -> Vec<u8> {
    let nodes = vec![
        node("Conv", &["x", "conv1.weight", "conv1.bias"], &["a"])
            .with_ints("kernel_shape", &[3, 3])
            .with_ints("strides", &[1, 1])
            .with_ints("pads", &[1, 1, 1, 1])
            .with_ints("dilations", &[1, 1])
            .with_int("group", 1),
        node("BatchNormalization", &["a", "s", "b", "m", "v"], &["n"]).with_float("epsilon", 1e-5),
        node("Relu", &["n"], &["r"]),
        node("MaxPool", &["r"], &["p"])
            .with_ints("kernel_shape", &[2, 2])
            .with_ints("strides", &[2, 2])
            .with_int("ceil_mode", 1),
        node("Conv", &["p", "conv2.weight"], &["c"])
            .with_ints("pads", &[1, 0, 1, 0])
            .with_int("group", 2),
        node("AveragePool", &["c"], &["q"])
            .with_ints("kernel_shape", &[2, 2])
            .with_int("count_include_pad", 1)
            .with_text("auto_pad", "NOTSET"),
        node("Concat", &["q", "q"], &["both"]).with_int("axis", 1),
    ];
    let tensors = vec![
        weight("conv1.weight", &[4, 3, 3, 3]),
        weight("conv1.bias", &[4]),
        weight("s", &[4]),
        weight("b", &[4]),
        weight("m", &[4]),
        weight("v", &[4]),
        weight("conv2.weight", &[6, 2, 3, 1]),
    ];
    with_head(nodes, tensors, "both", 12)
}

/// Sizes computed from the images, as exporters write `x.view(x.size(0), -1)`.
fn shapes() -> Vec<u8> {
    let nodes = vec![
        node("Shape", &["x"], &["shape"]),
        node("Gather", &["shape", "zero"], &["count"]).with_int("axis", 0),
        node("Slice", &["shape", "two", "four"], &["sides"]),
        node("Constant", &[], &["minus"]).with_tensor("value", row("", &[-1])),
        node("Concat", &["count", "minus", "sides"], &["wanted"]).with_int("axis", 0),
        node("Reshape", &["x", "wanted"], &["same"]),
        node("Transpose", &["same"], &["turned"]).with_ints("perm", &[0, 1, 3, 2]),
        node("Unsqueeze", &["turned", "two"], &["wide"]),
        node("Squeeze", &["wide", "two"], &["narrow"]),
        node("Pad", &["narrow", "pads"], &["padded"]).with_text("mode", "constant"),
        node("Slice", &["padded", "zero", "four", "two", "one"], &["part"]),
        node("ReduceMean", &["part"], &["mean"]).with_ints("axes", &[3]).with_int("keepdims", 1),
    ];
    let tensors = vec![
        row("zero", &[0]),
        row("one", &[1]),
        row("two", &[2]),
        row("four", &[4]),
        row("pads", &[0, 0, 1, 0, 0, 0, 1, 2]),
    ];
    with_head(nodes, tensors, "mean", 3)
}

fn attention() -> Vec<u8> {
    let nodes = vec![
        node("Conv", &["x", "patches.weight"], &["p"]).with_ints("strides", &[4, 4]),
        node("Reshape", &["p", "tokens"], &["t"]),
        node("Transpose", &["t"], &["u"]).with_ints("perm", &[0, 2, 1]),
        node("LayerNormalization", &["u", "ln.weight", "ln.bias"], &["l"]).with_int("axis", -1),
        node("MatMul", &["l", "qkv.weight"], &["qkv"]),
        node("Split", &["qkv", "thirds"], &["q", "k", "v"]).with_int("axis", 2),
        node("Transpose", &["k"], &["kt"]).with_ints("perm", &[0, 2, 1]),
        node("MatMul", &["q", "kt"], &["scores"]),
        node("Softmax", &["scores"], &["map"]).with_int("axis", -1),
        node("MatMul", &["map", "v"], &["out"]),
        node("Add", &["out", "u"], &["sum"]),
        node("Gelu", &["sum"], &["gelu"]).with_text("approximate", "tanh"),
        node("Gather", &["gelu", "index"], &["first"]).with_int("axis", 1),
        node("MatMul", &["first", "head.weight"], &["y"]),
    ];
    let tensors = vec![
        weight("patches.weight", &[6, 3, 4, 4]),
        row("tokens", &[0, 6, -1]),
        weight("ln.weight", &[6]),
        weight("ln.bias", &[6]),
        weight("qkv.weight", &[6, 18]),
        row("thirds", &[6, 6, 6]),
        number("index", 0),
        weight("head.weight", &[6, 4]),
    ];
    file(IMAGE, nodes, tensors)
}

fn pointwise() -> Vec<u8> {
    const FUNCTIONS: [&str; 13] = [
        "LeakyRelu",
        "Sigmoid",
        "HardSigmoid",
        "HardSwish",
        "Tanh",
        "Erf",
        "Exp",
        "Softplus",
        "Abs",
        "Sqrt",
        "Neg",
        "Identity",
        "Dropout",
    ];
    let mut nodes = vec![
        node("Conv", &["x", "conv.weight"], &["v0"]),
        node("Clip", &["v0", "low", "high"], &["clipped"]),
        node("Mul", &["clipped", "gate"], &["gated"]),
        node("Div", &["gated", "half"], &["f0"]),
    ];
    for (at, function) in FUNCTIONS.iter().enumerate() {
        let (from, to) = (format!("f{at}"), format!("f{}", at + 1));
        nodes.push(node(function, &[&from], &[&to]).with_float("alpha", 0.2));
    }
    nodes.push(node("Pow", &["f13", "half"], &["power"]));
    nodes.push(node("Sub", &["power", "f1"], &["difference"]));
    let scalar = |name: &str| weight(name, &[1]);
    let tensors = vec![
        weight("conv.weight", &[4, 3, 1, 1]),
        weight("gate", &[4, 1, 1]),
        scalar("low"),
        scalar("high"),
        scalar("half"),
    ];
    with_head(nodes, tensors, "difference", 4)
}

/// What is computed when the file is read.
fn constants() -> Vec<u8> {
    let nodes = vec![
        node("ConstantOfShape", &["unit"], &["zeros"]).with_tensor("value", weight("", &[1])),
        node("Range", &["zero", "four", "one"], &["range"]),
        node("Mod", &["range", "two"], &["odd"]),
        node("Equal", &["odd", "zero"], &["even"]),
        node("Where", &["even", "one", "two"], &["chosen"]),
        node("Cast", &["chosen"], &["floats"]).with_int("to", 1),
        node("Reshape", &["floats", "sides"], &["square"]),
        node("Expand", &["square", "wide"], &["expanded"]),
        node("Conv", &["expanded", "conv.weight"], &["folded"]),
        node("GlobalAveragePool", &["folded"], &["mean"]),
        node("Add", &["mean", "zeros"], &["bias"]),
        node("Add", &["x", "bias"], &["sum"]),
    ];
    let tensors = vec![
        row("zero", &[0]),
        row("one", &[1]),
        row("two", &[2]),
        row("four", &[4]),
        row("sides", &[1, 1, 2, 2]),
        row("wide", &[1, 3, 2, 2]),
        row("unit", &[1, 3, 1, 1]),
        weight("conv.weight", &[3, 3, 1, 1]),
    ];
    with_head(nodes, tensors, "sum", 3)
}

/// Masks and tables of indices, as windowed attention makes them.
fn tables() -> Vec<u8> {
    let nodes = vec![
        node("ConstantOfShape", &["plane"], &["zeros"]).with_tensor("value", weight("", &[1])),
        node("ScatterND", &["zeros", "pairs", "two"], &["written"]),
        node("Gather", &["written", "order"], &["mixed"]).with_int("axis", 1),
        node("Slice", &["mixed", "back", "end", "one", "back"], &["turned"]),
        node("Greater", &["turned", "zero"], &["greater"]),
        node("Not", &["greater"], &["not"]),
        node("And", &["not", "not"], &["mask"]),
        node("Where", &["mask", "turned", "zero"], &["chosen"]),
        node("Trilu", &["chosen", "zero"], &["upper"]).with_int("upper", 0),
        node("CumSum", &["upper", "one"], &["sums"]).with_int("reverse", 1),
        node("Tile", &["sums", "two"], &["tiled"]),
        node("GatherND", &["tiled", "pairs"], &["few"]),
        node("ReduceSum", &["few"], &["total"]).with_int("keepdims", 1),
        node("OneHot", &["order", "three", "onoff"], &["hot"]),
        node("ArgMax", &["hot"], &["arg"]).with_int("axis", 1),
        node("NonZero", &["hot"], &["found"]),
        node("Max", &["arg", "one"], &["most"]),
        node("ReduceProd", &["most"], &["product"]).with_int("keepdims", 0),
        node("Add", &["total", "product"], &["sum"]),
        node("Cast", &["sum"], &["float"]).with_int("to", 1),
        node("Cos", &["float"], &["cos"]),
        node("Ceil", &["cos"], &["ceil"]),
        node("Add", &["x", "ceil"], &["shifted"]),
        node("Gather", &["shifted", "order"], &["shuffled"]).with_int("axis", 3),
        node("Slice", &["shuffled", "back", "end", "two_row", "back"], &["upside"]),
    ];
    let tensors = vec![
        row("plane", &[3, 3]),
        tensor("pairs", 7, &[2, 2]).data(9, [0, 1, 2, 2].map(i64::to_le_bytes).concat()),
        row("order", &[2, 0, 1]),
        row("back", &[-1]),
        row("end", &[i64::MIN]),
        row("zero", &[0]),
        row("one", &[1]),
        row("two", &[1, 2]),
        row("two_row", &[2]),
        row("three", &[3]),
        row("onoff", &[0, 1]),
    ];
    with_head(nodes, tensors, "upside", 3)
}

/// As files of operator set 9 have it.
fn old() -> Vec<u8> {
    let (nodes, weights) = head("narrow", 3);
    let all = vec![
        node("Pad", &["x"], &["padded"])
            .with_ints("pads", &[0, 0, 1, 0, 0, 0, 1, 2])
            .with_text("mode", "reflect"),
        node("Clip", &["padded"], &["clipped"]).with_float("min", 0.0).with_float("max", 6.0),
        node("Slice", &["clipped"], &["part"])
            .with_ints("starts", &[1])
            .with_ints("ends", &[9])
            .with_ints("axes", &[2]),
        node("Split", &["part"], &["left", "right"])
            .with_int("axis", 1)
            .with_ints("split", &[1, 2]),
        node("Concat", &["right", "left"], &["joined"]).with_int("axis", 1),
        node("Dropout", &["joined"], &["dropped", "mask"]).with_float("ratio", 0.5),
        node("Softmax", &["dropped"], &["soft"]).with_int("axis", 1),
        node("Unsqueeze", &["soft"], &["wide"]).with_ints("axes", &[1]),
        node("Squeeze", &["wide"], &["narrow"]).with_ints("axes", &[1]),
    ];
    file_of(9, &[-1, 3, 12, 16], [all, nodes].concat(), weights)
}

/// As Keras has it, for two images at once.
fn channels_last() -> Vec<u8> {
    let (more, mut tensors) = head("pooled_most", 4);
    let mut nodes = vec![
        node("Sub", &["x", "mean"], &["centered"]),
        node("Transpose", &["centered"], &["first"]).with_ints("perm", &[0, 3, 1, 2]),
        node("Conv", &["first", "conv.weight"], &["c"])
            .with_text("auto_pad", "SAME_UPPER")
            .with_ints("strides", &[2, 2]),
        node("AveragePool", &["c"], &["pooled_most"])
            .with_text("auto_pad", "SAME_LOWER")
            .with_ints("kernel_shape", &[3, 2])
            .with_ints("strides", &[2, 2]),
    ];
    nodes.extend(more);
    tensors.extend([weight("mean", &[3]), weight("conv.weight", &[4, 3, 3, 3])]);
    file_of(13, &[2, 12, 16, 3], nodes, tensors)
}

/// Each takes little to write and much to read, or can't be used.
pub fn hostile() -> Vec<Vec<u8>> {
    let mut files = vec![axes(), slices(), parts(), products(), modules(), groups(), dimensions()];
    let window = |op: &str| node(op, &["c"], &["d"]).with_ints("kernel_shape", &[1450, 1450]);
    files.push(folded(vec![window("AveragePool")], vec![]));
    files.push(folded(vec![window("MaxPool")], vec![]));
    let kernel = node("ConstantOfShape", &["t"], &["k"]);
    let conv = node("Conv", &["c", "k"], &["d"]);
    files.push(folded(vec![kernel, conv], vec![row("t", &[1, 1, 1450, 1450])]));
    let relu = || vec![node("Relu", &["x"], &["y"])];
    files.push(file([3, 65_536, 65_536], relu(), vec![]));
    files.push(file([65_536, 1, 1], relu(), vec![]));
    files.push(file([1, 1, 65_536], relu(), vec![]));
    files
}

/// Makes `d` of a large constant `c`, and adds it to the image.
fn folded(nodes: Vec<Message>, mut tensors: Vec<Message>) -> Vec<u8> {
    tensors.push(row("s", &[1, 1, 2900, 2900]));
    let mut all = vec![node("ConstantOfShape", &["s"], &["c"])];
    all.extend(nodes);
    all.push(node("Add", &["x", "d"], &["y"]));
    file(IMAGE, all, tensors)
}

/// Five nodes that share one list of 4,096 axes.
fn axes() -> Vec<u8> {
    let axes: Vec<i64> = (0..4_096).collect();
    let names = ["x", "a", "b", "c", "d", "y"];
    let nodes = names.windows(2).map(|two| node("Unsqueeze", &[two[0], "axes"], &[two[1]]));
    file(IMAGE, nodes.collect(), vec![row("axes", &axes)])
}

/// Many nodes, each with long lists.
fn slices() -> Vec<u8> {
    let (zeros, many) = (vec![0; 2_000], vec![i64::MAX; 2_000]);
    let names: Vec<String> = (0..200).map(|at| format!("v{at}")).collect();
    let mut nodes = vec![node("Relu", &["x"], &["v0"])];
    let slice = |two: &[String]| node("Slice", &[&two[0], "from", "to", "from"], &[&two[1]]);
    nodes.extend(names.windows(2).map(slice));
    let (more, weights) = head("v199", 3);
    nodes.extend(more);
    let tensors = [vec![row("from", &zeros), row("to", &many)], weights].concat();
    file(IMAGE, nodes, tensors)
}

/// Nodes that split into thousands of empty parts, which nobody takes.
fn parts() -> Vec<u8> {
    let mut sizes = vec![0; 4_000];
    sizes[0] = 3;
    let names: Vec<String> = (0..200).map(|at| format!("v{at}")).collect();
    let mut nodes = vec![node("Relu", &["x"], &["v0"])];
    nodes.extend(
        names
            .windows(2)
            .map(|two| node("Split", &[&two[0], "sizes"], &[&two[1]]).with_int("axis", 1)),
    );
    let (more, weights) = head("v199", 3);
    nodes.extend(more);
    file(IMAGE, nodes, [vec![row("sizes", &sizes)], weights].concat())
}

/// Large constants multiplied again and again.
fn products() -> Vec<u8> {
    let names: Vec<String> = (0..200).map(|at| format!("m{at}")).collect();
    let mut nodes = vec![node("ConstantOfShape", &["s"], &["m0"])];
    nodes.extend(names.windows(2).map(|two| node("MatMul", &[&two[0], "m0"], &[&two[1]])));
    nodes.push(node("Add", &["x", "m199"], &["y"]));
    file(IMAGE, nodes, vec![row("s", &[1_500, 1_500])])
}

/// Nodes deep in modules, each named after all of them.
fn modules() -> Vec<u8> {
    let module = "m/".repeat(200);
    let names: Vec<String> = (0..500).map(|at| format!("v{at}")).collect();
    let named = |two: &[String]| {
        let mut relu = node("Relu", &[&two[0]], &[&two[1]]);
        relu.fields.retain(|(field, _)| *field != 3);
        relu.data(3, format!("/{module}{}/Relu", two[1]))
    };
    let mut nodes = vec![node("Relu", &["x"], &["v0"])];
    nodes.extend(names.windows(2).map(named));
    let (more, weights) = head("v499", 3);
    nodes.extend(more);
    file(IMAGE, nodes, weights)
}

/// A convolution whose outputs can't be divided into its groups.
fn groups() -> Vec<u8> {
    let conv = node("Conv", &["x", "w"], &["c"]).with_int("group", 3);
    with_head(vec![conv], vec![weight("w", &[4, 1, 1, 1])], "c", 4)
}

/// More dimensions than libtorch's functions take.
fn dimensions() -> Vec<u8> {
    let axes: Vec<i64> = (4..17).collect();
    let nodes = vec![
        node("Unsqueeze", &["x", "axes"], &["wide"]),
        node("Gelu", &["wide"], &["gelu"]),
        node("ReduceMean", &["gelu", "axes"], &["mean"]).with_int("keepdims", 0),
        node("Flatten", &["mean"], &["y"]),
    ];
    file(IMAGE, nodes, vec![row("axes", &axes)])
}
