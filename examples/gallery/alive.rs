//! Networks in a page. Beside each figure `NAME.page.html` and, to hold the page against, what libtorch
//! computes: `NAME.layers.json` names and sizes of the layers; `NAME.values` for each picture, as float32,
//! every layer's value, then the input's gradient of the best class.

use std::fs;
use std::path::{Path, PathBuf};

use convscope::network::ops::{self, PadMode, Slice};
use convscope::network::{Arithmetic, Pointwise};
use convscope::prelude::*;
use serde_json::json;

use super::{Done, write};

pub fn draw(folder: &Path, files: &[PathBuf]) -> Done {
    let digits: Vec<Photo> = data::digits(100, 7)?.into_iter().map(|(photo, _)| photo).collect();
    answered(folder, "digits", &zoo::digits()?, &digits, &data::digits(10, 1)?)?;
    let sheets: Vec<Photo> = (0..10).map(painted).collect::<Result<_, _>>()?;
    answered(folder, "odd", &odd()?, &sheets, &sheets)?;
    answered(folder, "wide", &wide()?, &sheets, &sheets)?;
    if let Some(onnx) = files.first() {
        answered(folder, "onnx", &Network::from_onnx(onnx)?, &sheets, &sheets)?;
    }
    // As large as with its weights, for those who measure.
    let untrained = zoo::untrained("cifar_resnet20")?;
    answered(folder, "untrained", &untrained, &sheets[..2], &sheets[..2])?;
    // Its weights are a file that not every machine has.
    if let (Some(set), Ok(net)) = (files.get(1), zoo::cifar_resnet20()) {
        let set = ImageSet::open(set)?.first(20)?;
        let photos = (0..20).map(|at| set.photo(at)).collect::<Result<Vec<_>, _>>()?;
        answered(folder, "resnet20", &net, &photos, &set)?;
    }
    Ok(())
}

/// Writes the figure with `examples`, and what libtorch makes of `photos`.
fn answered(
    folder: &Path,
    name: &str,
    net: &Network,
    photos: &[Photo],
    examples: &(impl Samples + ?Sized),
) -> Done {
    let alive = net.alive(examples)?;
    write(folder, name, &alive)?;
    alive.save(folder.join(format!("{name}.page.html")))?;
    let layers = net.layer_names();
    let mut bytes = Vec::new();
    let mut sizes = Vec::new();
    for photo in photos {
        let input = net.prepare(photo)?;
        let values = net.activations(&input, &layers)?;
        let best = values.last().ok_or("no layer")?.argmax(1, false).int64_value(&[0]);
        let score = |output: &Tensor| output.f_select(1, best)?.f_sum(Kind::Float);
        let gradient = net.gradients(&input, &["input"], score)?.gradients.remove(0);
        sizes = values.iter().map(Tensor::numel).collect();
        for tensor in values.iter().chain([&gradient]) {
            let numbers = Vec::<f32>::try_from(tensor.to_kind(Kind::Float).reshape(-1))?;
            bytes.extend(numbers.into_iter().flat_map(f32::to_le_bytes));
        }
    }
    fs::write(folder.join(format!("{name}.values")), bytes)?;
    let layers = json!({"names": layers, "sizes": sizes, "pictures": photos.len()});
    fs::write(folder.join(format!("{name}.layers.json")), layers.to_string())?;
    Ok(())
}

/// A picture of waves, wider than high.
fn painted(seed: u32) -> convscope::Result<Photo> {
    let pixels = image::RgbImage::from_fn(23, 17, |x, y| {
        let wave = |a: u32, b: u32| ((a * x * x + b * y + 31 * seed * (x + y)) % 256) as u8;
        image::Rgb([wave(1, 11), wave(2, 23), wave(0, 7)])
    });
    Photo::from_image(pixels, &format!("waves {seed}"))
}

/// Every kind of operation, on pictures that aren't square.
fn odd() -> convscope::Result<Network> {
    manual_seed(3);
    let mut b = Network::builder("odd", [3, 17, 23]);
    b.preprocess(Preprocess::plain([3, 17, 23]).normalize(&[0.5, 0.4, 0.3], &[0.2, 0.25, 0.3]));
    b.classes(["one", "two", "three", "four", "five"]);
    let conv = |channels, kernel, stride, padding, dilation, groups| Conv2d {
        stride,
        padding,
        dilation,
        kernel,
        groups,
        ..Conv2d::new(channels, 1)
    };
    let x = b.conv2d(b.input(), "conv1", conv(12, [3, 2], [2, 1], [2, 1], [1, 2], 3));
    let x = b.batch_norm(x, "bn");
    let x = b.pointwise(x, "leaky", Pointwise::LeakyRelu { slope: 0.2 });
    let depthwise = b.conv2d(x, "depthwise", Conv2d::new(12, 3).padding(1).groups(12).no_bias());
    let depthwise = b.pointwise(depthwise, "gelu", Pointwise::Gelu);
    let pooled = ops::MaxPool2d {
        kernel: [3, 2],
        stride: [1, 1],
        padding: [[2, 0], [0, 1]],
        dilation: [1, 1],
        ceil: false,
    };
    let pooled = b.op("pool", pooled, &[x]);
    let x = b.concat(&[depthwise, pooled, x], "concat");
    let x = b.prelu(x, "prelu");
    let x = b.op(
        "same",
        ops::SamePad { kernel: [3, 3], stride: [2, 2], dilation: [1, 1], lower: false, value: 0.0 },
        &[x],
    );
    let x = b.conv2d(x, "conv2", Conv2d::new(8, 3).stride(2));
    let gate = b.global_avg_pool(x, "squeeze");
    let gate = b.conv2d(gate, "excite", Conv2d::new(8, 1));
    let gate = b.pointwise(gate, "sigmoid", Pointwise::Sigmoid);
    let x = b.mul(x, gate, "gated");
    let average = b.avg_pool(x, "average", Pool::new(3, 2).padding(1).ceil());
    let largest = b.max_pool(x, "largest", Pool::new(3, 2).padding(1).ceil());
    let x = b.op("difference", Arithmetic::Sub, &[largest, average]);
    let mode = PadMode::Reflect;
    let x = b.op("mirror", ops::Pad { amounts: vec![[0, 0], [0, 0], [1, 0], [0, 2]], mode }, &[x]);
    let x = b.op("every second", Slice { dim: 3, start: 1, end: 99, step: 2 }, &[x]);
    let x = b.op("turned", ops::Permute { order: vec![0, 1, 3, 2] }, &[x]);
    let x = b.adaptive_avg_pool(x, "adaptive", [2, 3]);
    let x = b.dropout(x, "dropout", 0.5);
    let x = b.flatten(x, "flatten");
    let x = b.linear(x, "fc1", 16);
    let x = b.pointwise(x, "tanh", Pointwise::Tanh);
    let x = b.linear(x, "fc2", 5);
    b.op("log_softmax", ops::LogSoftmax { dim: 1 }, &[x]);
    b.build()
}

/// So many parameters that they travel with 16 bits.
fn wide() -> convscope::Result<Network> {
    manual_seed(4);
    let mut b = Network::builder("wide", [1, 17, 23]);
    let x = b.conv2d(b.input(), "conv1", Conv2d::new(16, 3).padding(1));
    let x = b.relu(x, "relu1");
    let x = b.conv2d(x, "conv2", Conv2d::new(32, 3).stride(2));
    let x = b.relu(x, "relu2");
    let x = b.flatten(x, "flatten");
    let x = b.linear(x, "fc1", 160);
    let x = b.relu(x, "relu3");
    b.linear(x, "fc2", 3);
    b.build()
}
