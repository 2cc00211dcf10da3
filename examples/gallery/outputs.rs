//! Class maps and boxes, of digits on a sheet of paper.

use std::path::{Path, PathBuf};

use convscope::network::{BoxForm, Detection, ops};
use convscope::prelude::*;
use convscope::view::{Segmentation, Values};
use image::RgbImage;

use super::{Done, write};

const HEIGHT: i64 = 84;
const WIDTH: i64 = 140;

pub fn draw(folder: &Path, files: &[PathBuf]) -> Done {
    if !files.is_empty() {
        return Err("no file is needed".into());
    }
    let (sheet, net) = (sheet()?, reader()?);
    write(folder, "segmentation", &net.segment(&sheet)?.note("made of the digits network"))?;
    let region = saliency(&net, &sheet, Target::region("3", convscope::attribution::Region::Own))?;
    write(folder, "region", &region)?;

    // As many classes as there are anywhere, most of them without a key.
    let many: Vec<usize> =
        (0..48 * 64).map(|at| (at % 64 / 4 * 7 + at / 64 / 4 * 5) % 90).collect();
    let sure = Values::new([48, 64], (0..48 * 64).map(|at| (at % 64) as f32 / 64.0).collect())?;
    let picture =
        image::imageops::resize(sheet.pixels(), 320, 240, image::imageops::FilterType::Triangle);
    write(
        folder,
        "many",
        &Segmentation::new("Many classes", picture, many.as_slice(), sure, Vec::new())?,
    )?;

    let net = finder()?;
    let found = net.detect(&sheet)?;
    write(folder, "detections", &found)?;
    if let Some(object) = found.objects().first() {
        write(folder, "object", &saliency(&net, &sheet, object)?)?;
    }
    Ok(())
}

/// Some digits on a sheet.
pub fn sheet() -> convscope::Result<Photo> {
    let mut pixels = RgbImage::new(WIDTH as u32, HEIGHT as u32);
    for (digit, seed, x, y) in
        [(3, 1, 8, 10), (8, 2, 52, 6), (5, 3, 100, 14), (0, 1, 20, 48), (7, 0, 72, 50)]
    {
        image::imageops::overlay(&mut pixels, data::digit(digit, seed)?.pixels(), x, y);
    }
    Photo::from_image(pixels, "a sheet of digits")
}

/// The digits network on each window of a sheet, four pixels apart: `[N, 11, h, w]`, the last class where there
/// is no ink.
fn windows() -> convscope::Result<(convscope::network::Builder, convscope::network::NodeId)> {
    let mut b = Network::builder("sheet reader", [1, HEIGHT, WIDTH]);
    b.preprocess(Preprocess::plain([1, HEIGHT, WIDTH]).normalize(&[0.1307], &[0.3081]));
    let border = vec![[0, 0], [0, 0], [12, 12], [12, 12]];
    let border = b.op("border", ops::Pad::zeros(border), &[b.input()]);
    let paper = b.conv2d(border, "paper", Conv2d::new(1, 28).stride(4));
    let x = b.conv2d(border, "conv1", Conv2d::new(12, 5));
    let x = b.relu(x, "relu1");
    let x = b.max_pool(x, "pool1", Pool::new(2, 2));
    let x = b.conv2d(x, "conv2", Conv2d::new(24, 5));
    let x = b.relu(x, "relu2");
    let x = b.max_pool(x, "pool2", Pool::new(2, 2));
    let x = b.conv2d(x, "fc1", Conv2d::new(64, 4));
    let x = b.relu(x, "relu3");
    let digits = b.conv2d(x, "fc2", Conv2d::new(10, 1));
    let all = b.concat(&[digits, paper], "classes");
    Ok((b, all))
}

/// The digits network's own weights, and those by which there is paper.
fn weights(inside: [i64; 2], around: f64) -> convscope::Result<Vec<(String, Tensor)>> {
    let mut all = zoo::digits()?.state_dict();
    for (name, tensor) in &mut all {
        match name.as_str() {
            "fc1.weight" => *tensor = tensor.view([64, 24, 4, 4]),
            "fc2.weight" => *tensor = tensor.view([10, 64, 1, 1]),
            _ => {}
        }
    }
    // Ink within a box speaks against paper, ink around it for it.
    let weight = Tensor::full([1, 1, 28, 28], around, (Kind::Float, Device::Cpu));
    let [height, width] = inside;
    let mut middle = weight.narrow(2, 14 - height / 2, height).narrow(3, 14 - width / 2, width);
    let _ = middle.fill_(-40.0 / (height * width) as f64);
    // Of paper alone, whose values are -0.42, this makes 20.
    let bias = weight.sum(Kind::Float) * 0.4242 + 20.0;
    all.push(("paper.bias".to_owned(), bias.view([1])));
    all.push(("paper.weight".to_owned(), weight));
    Ok(all)
}

fn names() -> impl Iterator<Item = String> {
    ('0'..='9').map(String::from).chain(["background".to_owned()])
}

/// A class for each window: a map of classes.
fn reader() -> convscope::Result<Network> {
    let (mut b, _) = windows()?;
    b.classes(names());
    b.build()?.load_tensors(weights([4, 4], 0.0)?)
}

/// A box and a row of scores for each window.
fn finder() -> convscope::Result<Network> {
    let (mut b, classes) = windows()?;
    let [rows, columns] = [HEIGHT / 4, WIDTH / 4];
    let rest = b.shape(classes)[1];
    let order = |b: &mut convscope::network::Builder, from, name: &str, numbers| {
        let x = b.op(&format!("{name}_last"), ops::Permute { order: vec![0, 2, 3, 1] }, &[from]);
        b.op(name, ops::Reshape { shape: vec![-1, rows * columns, numbers] }, &[x])
    };
    let offsets = b.conv2d(classes, "offset", Conv2d::new(4, 1));
    order(&mut b, offsets, "offsets", 4);
    order(&mut b, classes, "scores", rest);
    let mut weights = weights([24, 20], 0.3)?;
    let zeros = |shape: &[i64]| Tensor::zeros(shape, (Kind::Float, Device::Cpu));
    weights.push(("offset.weight".to_owned(), zeros(&[4, rest, 1, 1])));
    weights.push(("offset.bias".to_owned(), zeros(&[4])));
    let net = b.build()?.load_tensors(weights)?;
    let anchor = |at: i64| {
        let (row, column) = (at / columns, at % columns);
        [4.0 * column as f32 + 2.0, 4.0 * row as f32 + 2.0, 20.0, 24.0]
    };
    let anchors: Vec<f32> = (0..rows * columns).flat_map(anchor).collect();
    let anchors = Tensor::from_slice(&anchors).view([-1, 4]);
    let how = Detection::new("offsets", "scores").form(BoxForm::CenterSize).pixels().overlap(0.2);
    net.with_detection(how.anchors(&anchors, [0.1, 0.2])?.background(Some(10)))?
        .with_classes(names())
}
