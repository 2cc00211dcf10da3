//! Small ONNX files of networks that people had trouble with, built by hand. Their values are ONNX Runtime's.

use convscope::prelude::*;

use crate::helpers::{cpu, scratch};
use crate::onnx_bytes::{Message, file_with, ints, node, row, tensor, value};

fn wave(at: usize, phase: f32) -> f32 {
    0.5 * (0.7 * at as f32 + phase).sin()
}

fn floats(name: &str, shape: &[i64], values: impl Fn(usize) -> f32) -> Message {
    let count = shape.iter().product::<i64>() as usize;
    let bytes: Vec<u8> = (0..count).flat_map(|at| values(at).to_le_bytes()).collect();
    tensor(name, 1, shape).bytes(9, &bytes)
}

fn waves(name: &str, shape: &[i64], phase: f32) -> Message {
    floats(name, shape, |at| wave(at, phase))
}

/// 1, and the wave around it.
fn around_one(name: &str, shape: &[i64], phase: f32) -> Message {
    floats(name, shape, |at| 1.0 + wave(at, phase))
}

fn int(name: &str, value: i64) -> Message {
    Message::default().text(1, name).int(20, 2).int(3, value)
}

fn text(name: &str, value: &str) -> Message {
    Message::default().text(1, name).int(20, 3).text(4, value)
}

fn float(name: &str, value: f32) -> Message {
    // Field 2, of four bytes.
    let mut attribute = Message::default().text(1, name).int(20, 1).varint(2 << 3 | 5);
    attribute.0.extend(value.to_le_bytes());
    attribute
}

fn with<const N: usize>(node: Message, attributes: [Message; N]) -> Message {
    attributes.into_iter().fold(node, |node, attribute| node.message(5, attribute))
}

pub fn image(shape: [i64; 4]) -> Tensor {
    let count = shape.iter().product::<i64>();
    let steps = Tensor::arange(count, cpu(Kind::Double)) * 0.3;
    (steps.sin() * 0.5 + 0.5).to_kind(Kind::Float).reshape(shape)
}

pub struct Case {
    pub name: &'static str,
    opset: i64,
    nodes: Vec<Message>,
    tensors: Vec<Message>,
    /// Of the images `[N, C, H, W]`.
    pub shape: [i64; 4],
    /// The first numbers of the result.
    pub expected: &'static [f64],
}

impl Case {
    pub fn open(&self) -> Result<(Network, Tensor), Box<dyn std::error::Error>> {
        let [_, c, h, w] = self.shape;
        let input = [value("x", &[-1, c, h, w])];
        let file = file_with(self.opset, &input, &self.nodes, &self.tensors);
        let folder = scratch(&format!("onnx_operations_{}", self.name));
        let path = folder.join("network.onnx");
        std::fs::write(&path, file.0)?;
        let network = Network::from_onnx(&path)?.to_device(Device::Cpu)?;
        std::fs::remove_dir_all(folder)?;
        Ok((network, image(self.shape)))
    }
}

/// From a map `from` to numbers: its pooled channels through a matrix `fc`.
fn head(from: &str, pool: &str) -> Vec<Message> {
    vec![
        node(pool, &[from], "g"),
        node("Flatten", &["g"], "f"),
        with(node("Gemm", &["f", "fc"], "y"), [int("transB", 1)]),
    ]
}

fn padded_conv(weight: &str) -> Message {
    with(node("Conv", &["x", weight], "c"), [ints("pads", &[1, 1, 1, 1])])
}

/// Keras's segmentation: `[N, H, W, 3]` goes in, probabilities `[N, h, w, 4]` come out.
pub fn channels_last(folder: &std::path::Path) -> convscope::Result<Network> {
    let turned =
        |from, to, order: [i64; 4]| with(node("Transpose", &[from], to), [ints("perm", &order)]);
    let nodes = [
        turned("x", "first", [0, 3, 1, 2]),
        with(node("Conv", &["first", "k"], "c"), [ints("strides", &[2, 2])]),
        turned("c", "last", [0, 2, 3, 1]),
        with(node("Softmax", &["last"], "y"), [int("axis", 3)]),
    ];
    let input = [value("x", &[-1, 9, 7, 3])];
    opened(folder, file_with(13, &input, &nodes, &[waves("k", &[4, 3, 3, 3], 0.2)]))
}

/// A batch normalization by 0.25, which `ConstantOfShape` makes a row of.
pub fn repeated_norm(folder: &std::path::Path) -> convscope::Result<Network> {
    let filled = floats("", &[1], |_| 0.25);
    let filled = Message::default().text(1, "value").int(20, 4).message(5, filled);
    let nodes = [
        with(node("ConstantOfShape", &["three"], "row"), [filled]),
        node("BatchNormalization", &["x", "row", "row", "row", "row"], "y"),
    ];
    opened(folder, file_with(9, &[value("x", &[-1, 3, 6, 5])], &nodes, &[row("three", &[3])]))
}

/// Windows of 4×4, each less its largest values, in a file exported for so many images: all sizes are written
/// out, as Swin's are.
pub fn exported_windows(folder: &std::path::Path, images: i64) -> convscope::Result<Network> {
    let nodes = [
        node("Reshape", &["x", "apart"], "a"),
        with(node("Transpose", &["a"], "b"), [ints("perm", &[0, 2, 4, 1, 3, 5])]),
        node("Reshape", &["b", "windows"], "w"),
        node("ReduceMax", &["w", "last"], "most"),
        node("Expand", &["most", "windows"], "wide"),
        node("Sub", &["w", "wide"], "less"),
        node("Reshape", &["less", "rows"], "y"),
    ];
    let rows = [
        row("apart", &[images, 3, 2, 4, 2, 4]),
        row("windows", &[4 * images, 3, 4, 4]),
        row("last", &[-1]),
        row("rows", &[images, 192]),
    ];
    opened(folder, file_with(18, &[value("x", &[images, 3, 8, 8])], &nodes, &rows))
}

fn opened(folder: &std::path::Path, file: Message) -> convscope::Result<Network> {
    let path = folder.join("network.onnx");
    std::fs::write(&path, file.0).map_err(|error| convscope::Error::Argument(error.to_string()))?;
    Network::from_onnx(&path)?.to_device(Device::Cpu)
}

/// AlexNet's normalization, a pool with a border at one side, and one that rounds up.
fn local_response() -> Case {
    let mut nodes = vec![
        with(node("Conv", &["x", "w", "b"], "c"), [ints("pads", &[1, 1, 1, 1])]),
        node("Relu", &["c"], "r"),
        with(
            node("LRN", &["r"], "n"),
            [int("size", 5), float("alpha", 0.1), float("beta", 0.75), float("bias", 1.0)],
        ),
        with(
            node("MaxPool", &["n"], "p"),
            [ints("kernel_shape", &[3, 3]), ints("strides", &[2, 2]), ints("pads", &[0, 0, 1, 1])],
        ),
        with(
            node("AveragePool", &["p"], "a"),
            [ints("kernel_shape", &[3, 3]), ints("strides", &[2, 2]), int("ceil_mode", 1)],
        ),
    ];
    nodes.extend(head("a", "GlobalAveragePool"));
    Case {
        name: "lrn",
        opset: 17,
        nodes,
        tensors: vec![
            waves("w", &[8, 3, 3, 3], 1.0),
            waves("b", &[8], 2.0),
            waves("fc", &[5, 8], 3.0),
        ],
        shape: [2, 3, 12, 14],
        expected: &[
            -0.190975, -0.117072, 0.009382, 0.131624, 0.194785, -0.234328, -0.110403, 0.063077,
            0.208245, 0.259938,
        ],
    }
}

/// The same normalization by statistics of the whole map, in three forms.
pub fn whole_map_norms() -> Vec<Case> {
    let of = |name, opset, norm: Vec<Message>, more: Vec<Message>, expected| {
        let mut nodes = vec![node("Conv", &["x", "w"], "c")];
        nodes.extend(norm);
        nodes.push(node("Relu", &["n"], "r"));
        nodes.extend(head("r", "GlobalAveragePool"));
        let tensors =
            [vec![waves("w", &[6, 3, 3, 3], 1.0), waves("fc", &[4, 6], 4.0)], more].concat();
        Case { name, opset, nodes, tensors, shape: [3, 3, 8, 10], expected }
    };
    let scale = |shape: &[i64]| vec![around_one("s", shape, 2.0), waves("b", shape, 3.0)];
    let instance =
        with(node("InstanceNormalization", &["c", "s", "b"], "n"), [float("epsilon", 1e-4)]);
    let pytorch = vec![
        node("Reshape", &["c", "to"], "q"),
        with(node("InstanceNormalization", &["q", "one", "zero"], "i"), [float("epsilon", 1e-5)]),
        node("Shape", &["c"], "sh"),
        node("Reshape", &["i", "sh"], "o"),
        node("Mul", &["o", "s"], "u"),
        node("Add", &["u", "b"], "n"),
    ];
    let of_pytorch =
        vec![row("to", &[0, 3, -1]), floats("one", &[3], |_| 1.0), floats("zero", &[3], |_| 0.0)];
    let group = with(node("GroupNormalization", &["c", "s", "b"], "n"), [int("num_groups", 3)]);
    const GROUPS: &[f64] = &[-0.342102, 0.182430, 0.163225, -0.342476];
    vec![
        of(
            "instance",
            17,
            vec![instance],
            scale(&[6]),
            &[-0.346087, 0.188629, 0.161132, -0.346622],
        ),
        of("group_of_pytorch", 17, pytorch, [scale(&[6, 1, 1]), of_pytorch].concat(), GROUPS),
        of("group", 21, vec![group], scale(&[6]), GROUPS),
    ]
}

/// The parts of a U-Net.
pub fn enlarging() -> Vec<Case> {
    let nearest = [
        text("mode", "nearest"),
        text("coordinate_transformation_mode", "asymmetric"),
        text("nearest_mode", "floor"),
    ];
    let unet = vec![
        padded_conv("w"),
        node("PRelu", &["c", "slope"], "p"),
        with(
            node("MaxPool", &["p"], "m"),
            [ints("kernel_shape", &[2, 2]), ints("strides", &[2, 2])],
        ),
        with(node("Conv", &["m", "d"], "e"), [ints("pads", &[1, 1, 1, 1])]),
        with(node("Resize", &["e", "", "twice"], "u"), nearest),
        with(node("Concat", &["u", "p"], "k"), [int("axis", 1)]),
    ];
    let weights = || vec![waves("w", &[4, 3, 3, 3], 1.0)];
    let twice = floats("twice", &[4], |at| if at < 2 { 1.0 } else { 2.0 });
    let of_unet = || {
        let slope = waves("slope", &[4, 1, 1], 2.0);
        let last = waves("last", &[5, 8, 1, 1], 4.0);
        [weights(), vec![slope, twice.clone(), waves("d", &[4, 4, 3, 3], 3.0), last]].concat()
    };
    let pooled = [vec![node("Conv", &["k", "last"], "t")], head("t", "GlobalMaxPool")].concat();
    let bilinear = vec![
        padded_conv("w"),
        with(
            node("Resize", &["c", "", "more"], "u"),
            [text("mode", "linear"), text("coordinate_transformation_mode", "half_pixel")],
        ),
        with(node("ReduceMax", &["u"], "y"), [ints("axes", &[2, 3]), int("keepdims", 0)]),
    ];
    let transposed = vec![
        padded_conv("w"),
        with(node("ConvTranspose", &["c", "t"], "u"), [ints("strides", &[2, 2])]),
        node("GlobalAveragePool", &["u"], "g"),
        node("Flatten", &["g"], "y"),
    ];
    let of = |name, nodes, more: Vec<Message>, expected| Case {
        name,
        opset: 17,
        nodes,
        tensors: more,
        shape: [2, 3, 8, 12],
        expected,
    };
    let more = floats("more", &[4], |at| [1.0, 1.0, 1.5, 2.5][at]);
    vec![
        of(
            "unet",
            [unet.clone(), pooled].concat(),
            [of_unet(), vec![waves("fc", &[3, 5], 5.0)]].concat(),
            &[-1.686108, 0.187730, 1.334505, -2.932416, 0.856419, 1.328417],
        ),
        of(
            "unet_mask",
            [unet, vec![node("Conv", &["k", "last"], "y")]].concat(),
            of_unet(),
            &[-2.329170, -2.347392, -1.419861, -1.419214, -0.066186, -0.066680],
        ),
        of(
            "bilinear",
            bilinear,
            [weights(), vec![more]].concat(),
            &[1.064260, 1.017996, 0.969142, 0.917823, 1.179704],
        ),
        of(
            "transposed",
            transposed,
            [weights(), vec![waves("t", &[4, 2, 2, 2], 6.0)]].concat(),
            &[0.051232, -0.101317, 0.050946, -0.101335],
        ),
    ]
}

/// A convolution of 8 bits, with its input rounded.
pub fn quantized() -> Case {
    let rounded = |at: usize| (wave(at, 1.0) / 0.004).round_ties_even().clamp(-128.0, 127.0);
    let bytes: Vec<u8> = (0..108).map(|at| rounded(at) as i8 as u8).collect();
    let number = |name: &str, value: f32| floats(name, &[], |_| value);
    let mut nodes = vec![
        node("QuantizeLinear", &["x", "s", "z"], "q"),
        node("DequantizeLinear", &["q", "s", "z"], "dx"),
        node("DequantizeLinear", &["weight", "ws", "wz"], "dw"),
        node("Conv", &["dx", "dw"], "c"),
    ];
    nodes.extend([node("GlobalAveragePool", &["c"], "g"), node("Flatten", &["g"], "y")]);
    Case {
        name: "quantized",
        opset: 17,
        nodes,
        tensors: vec![
            number("s", 0.02),
            number("ws", 0.004),
            tensor("z", 2, &[]).bytes(9, &[128]),
            tensor("wz", 3, &[]).bytes(9, &[0]),
            tensor("weight", 3, &[4, 3, 3, 3]).bytes(9, &bytes),
        ],
        shape: [1, 3, 6, 6],
        expected: &[-0.069015, -0.064895, -0.064510, -0.063285],
    }
}

pub fn smooth_cases() -> Vec<Case> {
    let all = [vec![local_response()], whole_map_norms(), enlarging()];
    all.into_iter().flatten().collect()
}
