//! Small networks that normalize whole maps, enlarge them, choose between values, and round.

use super::message::Message;
use super::seeds::{IMAGE, with_head};
use super::write::{Attributes, file_of, node, number, row, weight};

pub fn sound() -> Vec<Vec<u8>> {
    vec![normalized(), enlarged(), reduced(), chosen(), fused(), quantized()]
}

fn normalized() -> Vec<u8> {
    let nodes = vec![
        node("Conv", &["x", "conv.weight"], &["a"]),
        node("InstanceNormalization", &["a", "s", "b"], &["i"]).with_float("epsilon", 1e-4),
        node("LRN", &["i"], &["l"]).with_int("size", 3).with_float("alpha", 0.1),
        node("GroupNormalization", &["l", "s", "b"], &["g"]).with_int("num_groups", 2),
        node("RMSNormalization", &["g", "one"], &["r"]).with_int("axis", -1),
        node("LpNormalization", &["r"], &["p"]).with_int("axis", 1).with_int("p", 2),
        node("MeanVarianceNormalization", &["p"], &["m"]).with_ints("axes", &[2, 3]),
        node("PRelu", &["m", "slope"], &["f"]),
        node("ReduceMax", &["f", "sides"], &["y"]).with_int("keepdims", 0),
    ];
    let tensors = vec![
        weight("conv.weight", &[4, 3, 1, 1]),
        weight("s", &[4]),
        weight("b", &[4]),
        weight("one", &[1]),
        weight("slope", &[4, 1, 1]),
        row("sides", &[2, 3]),
    ];
    let [c, h, w] = IMAGE;
    file_of(23, &[-1, c, h, w], nodes, tensors)
}

fn enlarged() -> Vec<u8> {
    let nodes = vec![
        node("Conv", &["x", "conv.weight"], &["a"]).with_ints("strides", &[2, 2]),
        node("ConvTranspose", &["a", "up.weight"], &["t"])
            .with_ints("strides", &[2, 1])
            .with_ints("pads", &[1, 0, 0, 1])
            .with_ints("output_padding", &[1, 0])
            .with_int("group", 2),
        node("Resize", &["t", "", "scales"], &["u"])
            .with_text("mode", "linear")
            .with_text("coordinate_transformation_mode", "half_pixel"),
        node("Resize", &["u", "", "", "sizes"], &["v"])
            .with_text("mode", "cubic")
            .with_text("coordinate_transformation_mode", "align_corners"),
        node("SpaceToDepth", &["v"], &["s"]).with_int("blocksize", 2),
        node("DepthToSpace", &["s"], &["d"]).with_int("blocksize", 2).with_text("mode", "CRD"),
        node("MaxPool", &["d"], &["m"])
            .with_ints("kernel_shape", &[3, 3])
            .with_ints("pads", &[0, 1, 1, 2])
            .with_ints("dilations", &[2, 1])
            .with_int("ceil_mode", 1),
        node("AveragePool", &["m"], &["p"])
            .with_ints("kernel_shape", &[2, 3])
            .with_ints("pads", &[0, 0, 1, 2])
            .with_ints("strides", &[2, 2])
            .with_int("ceil_mode", 1),
    ];
    let tensors = vec![
        weight("conv.weight", &[4, 3, 2, 2]),
        weight("up.weight", &[4, 2, 3, 2]),
        floats("scales", &[1.0, 1.0, 1.5, 2.0]),
        row("sizes", &[1, 4, 12, 10]),
    ];
    with_head(nodes, tensors, "p", 4)
}

fn floats(name: &str, values: &[f32]) -> Message {
    let mut tensor = weight(name, &[values.len() as i64]);
    tensor.fields.retain(|(field, _)| *field != 9);
    tensor.data(9, values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>())
}

fn reduced() -> Vec<u8> {
    const OPERATORS: [&str; 7] = [
        "ReduceSum",
        "ReduceMin",
        "ReduceProd",
        "ReduceL1",
        "ReduceL2",
        "ReduceSumSquare",
        "ReduceLogSumExp",
    ];
    let mut nodes = Vec::new();
    for operator in OPERATORS {
        nodes.push(node(operator, &["x", "last"], &[operator]).with_int("keepdims", 1));
    }
    nodes.push(node("Sum", &OPERATORS[..4], &["sum"]));
    nodes.push(node("Mean", &OPERATORS[4..], &["mean"]));
    nodes.push(node("Max", &["sum", "mean", "x"], &["max"]));
    nodes.push(node("Min", &["max", "two"], &["min"]));
    nodes.push(node("GlobalMaxPool", &["min"], &["largest"]));
    with_head(nodes, vec![row("last", &[3]), weight("two", &[3, 1, 1])], "largest", 3)
}

fn chosen() -> Vec<u8> {
    const FUNCTIONS: [&str; 12] = [
        "Elu",
        "Celu",
        "Selu",
        "Softsign",
        "ThresholdedRelu",
        "Mish",
        "Swish",
        "Sin",
        "Floor",
        "Sign",
        "Round",
        "Cos",
    ];
    let mut nodes = vec![
        node("Greater", &["x", "half"], &["g"]),
        node("LessOrEqual", &["x", "half"], &["l"]),
        node("Or", &["g", "l"], &["o"]),
        node("Xor", &["o", "g"], &["e"]),
        node("Not", &["e"], &["n"]),
        node("Where", &["n", "x", "half"], &["w"]),
        node("Tile", &["w", "twice"], &["t"]),
        node("Trilu", &["t"], &["v0"]).with_int("upper", 0),
    ];
    for (at, function) in FUNCTIONS.iter().enumerate() {
        let (from, to) = (format!("v{at}"), format!("v{}", at + 1));
        nodes.push(node(function, &[&from], &[&to]).with_float("alpha", 0.7));
    }
    nodes.push(node("ArgMax", &["v12"], &["a"]).with_int("axis", 1).with_int("keepdims", 1));
    nodes.push(node("Cast", &["a"], &["c"]).with_int("to", 1));
    nodes.push(node("Add", &["c", "v0"], &["last"]));
    with_head(nodes, vec![weight("half", &[1]), row("twice", &[1, 2, 1, 1])], "last", 6)
}

fn fused() -> Vec<u8> {
    let nodes = vec![
        node("Conv", &["x", "patches.weight"], &["p"]).with_ints("strides", &[4, 4]),
        node("Reshape", &["p", "tokens"], &["t"]),
        node("Transpose", &["t"], &["u"]).with_ints("perm", &[0, 2, 1]),
        node("Attention", &["u", "u", "u", "mask"], &["m"])
            .with_int("q_num_heads", 2)
            .with_int("kv_num_heads", 2)
            .with_int("is_causal", 1),
        node("Einsum", &["m", "u"], &["s"]).with_text("equation", "bie,bje->bij"),
        node("Einsum", &["s", "m"], &["o"]).with_text("equation", "...ij,...jk->...ki"),
        node("ReduceSum", &["o", "two"], &["r"]).with_int("keepdims", 0),
        node("Slice", &["r", "zero", "four", "one"], &["y"]),
    ];
    let tensors = vec![
        weight("patches.weight", &[6, 3, 4, 4]),
        row("tokens", &[0, 6, -1]),
        weight("mask", &[12, 12]),
        row("two", &[2]),
        row("zero", &[0]),
        row("four", &[4]),
        row("one", &[1]),
    ];
    let [c, h, w] = IMAGE;
    file_of(23, &[-1, c, h, w], nodes, tensors)
}

fn quantized() -> Vec<u8> {
    let nodes = vec![
        node("QuantizeLinear", &["x", "scale", "zero"], &["q"]),
        node("DequantizeLinear", &["q", "scale", "zero"], &["d"]),
        node("DequantizeLinear", &["whole", "scales"], &["w"]).with_int("axis", 0),
        node("Conv", &["d", "w"], &["c"]),
        node("QuantizeLinear", &["c", "scales"], &["p"])
            .with_int("axis", 1)
            .with_int("output_dtype", 3),
        node("DequantizeLinear", &["p", "scales"], &["e"]).with_int("axis", 1),
    ];
    let mut zero = number("zero", 0);
    zero.fields.retain(|(field, _)| ![2, 9].contains(field));
    let whole = (0..12).map(|at| at * 20).collect::<Vec<i64>>();
    let mut whole = row("whole", &whole);
    whole.fields.retain(|(field, _)| *field != 1);
    let tensors = vec![
        weight("scale", &[]),
        zero.int(2, 3).data(9, vec![3_u8]),
        whole.int(1, 4).int(1, 3).int(1, 1).int(1, 1),
        weight("scales", &[4]),
    ];
    let [c, h, w] = IMAGE;
    let (more, weights) = super::seeds::head("e", 4);
    file_of(21, &[-1, c, h, w], [nodes, more].concat(), [tensors, weights].concat())
}
