//! Heatmaps, comparisons, occlusion and best guesses.

use std::path::{Path, PathBuf};

use convscope::prelude::*;
use convscope::tch;
use convscope::view::{BoundingBox, Boxes, Guess, Heatmap, Heatmaps, Occlusion, PatchGrid, TopK};

use super::{Done, write};

pub fn draw(folder: &Path, files: &[PathBuf]) -> Done {
    match files {
        [] => {
            let (net, photo) = (zoo::digits()?, data::digit(4, 2)?);
            gallery(folder, &net, &photo, ["relu1", "relu2", "conv2"], &[(7, 1), (3, 1)])
        }
        [photo] => {
            let (net, photo) = (zoo::resnet18()?, Photo::open(photo)?);
            gallery(folder, &net, &photo, ["layer2", "layer3", "layer4"], &[(64, 32), (96, 32)])
        }
        _ => Err("one photo is needed".into()),
    }
}

fn gallery(
    folder: &Path,
    net: &Network,
    photo: &Photo,
    layers: [&str; 3],
    grids: &[(i64, i64)],
) -> Done {
    let guesses = net.classify(photo)?;
    write(folder, "top_k", &guesses)?;
    // A name from a file may hold anything.
    let name = "<img src=x onerror=\"document.title = 'broken'\">".to_owned();
    let guess = Guess { class: 3, name, probability: 0.8 };
    let picture = net.preprocess().view(photo, 1)?;
    write(folder, "hostile", &TopK::new("<b>Hostile</b>", picture, vec![guess])?)?;
    write(folder, "saliency", &saliency(net, photo, Target::Top)?)?;

    let (height, width) = input_size(net);
    let hand = BoundingBox::new(width / 5, height / 5, 3 * width / 4, 7 * height / 8, "by hand");
    let boxes = strength(net, photo, layers[1])?.boxes(Boxes::Largest(0.6));
    write(folder, "boxes", &boxes.boxes(Boxes::Given(vec![hand])))?;

    let mut by_layer = Vec::new();
    for layer in layers {
        by_layer.push((layer, strength(net, photo, layer)?));
    }
    let by_layer = Heatmaps::new("Mean activation by layer", by_layer)?;
    write(folder, "layers", &by_layer.scale_sharing(ScaleSharing::Each))?;

    let methods: [&dyn Attribution; 3] =
        [&Saliency::default(), &InputTimesGradient, &GradCam::at(layers[1])];
    write(folder, "methods", &compare_methods(net, photo, Target::Top, &methods)?)?;

    let mut by_class = Vec::new();
    for guess in guesses.guesses().iter().take(3) {
        by_class.push((guess.name.clone(), saliency(net, photo, guess.class)?));
    }
    write(folder, "classes", &Heatmaps::new("Saliency of the three best guesses", by_class)?)?;

    let mirrored = image::imageops::flip_horizontal(photo.pixels());
    let mut rows = Vec::new();
    for photo in [photo, &Photo::from_image(mirrored, "mirrored")?] {
        let maps = [strength(net, photo, layers[0])?, strength(net, photo, layers[1])?];
        rows.push((photo.title().to_owned(), maps.into()));
    }
    let columns = layers[..2].to_vec();
    write(folder, "grid", &Heatmaps::grid("Mean activation of two pictures", columns, rows)?)?;

    write(folder, "occlusion", &occlusion(net, photo, grids)?)
}

fn input_size(net: &Network) -> (u32, u32) {
    let [_, height, width] = net.preprocess().input_shape();
    (height as u32, width as u32)
}

/// The mean of a layer's channels, which is small where the layer's maps are.
fn strength(net: &Network, photo: &Photo, layer: &str) -> convscope::Result<Heatmap> {
    let maps = net.activations(&net.prepare(photo)?, &[layer])?;
    let mean = maps[0].get(0).mean_dim([0i64].as_slice(), false, Kind::Float);
    let (height, width) = input_size(net);
    let title = format!("Mean activation of {layer} on {}", photo.title());
    let map = Heatmap::new(title, "activation", net.preprocess().view(photo, 1)?, &mean)?;
    Ok(map.input_size(height, width))
}

/// Covers each place in turn, with a patch of the mean color (0 after normalization).
fn occlusion(net: &Network, photo: &Photo, grids: &[(i64, i64)]) -> convscope::Result<Occlusion> {
    let input = net.prepare(photo)?;
    let whole = tch::no_grad(|| net.forward(&input))?;
    let class = whole.argmax(None, false).int64_value(&[]);
    let score = |logits: &Tensor| logits.double_value(&[0, class]);
    let (height, width) = input_size(net);
    let places = |size: u32, patch: i64, stride: i64| (i64::from(size) - patch) / stride + 1;

    let mut figures = Vec::new();
    for &(patch, stride) in grids {
        let (rows, columns) = (places(height, patch, stride), places(width, patch, stride));
        let (mut drops, mut guesses) = (Vec::new(), Vec::new());
        for place in 0..rows * columns {
            let (top, left) = (place / columns * stride, place % columns * stride);
            let covered = input.copy();
            let _ = covered.narrow(2, top, patch).narrow(3, left, patch).zero_();
            let logits = tch::no_grad(|| net.forward(&covered))?;
            drops.push((score(&whole) - score(&logits)) as f32);
            guesses.push(best(net, &logits));
        }
        let drops = Tensor::from_slice(&drops).view([rows, columns]);
        figures.push(PatchGrid::new(patch as u32, stride as u32, &drops, guesses)?);
    }
    let title = format!("Occlusion: {} in {}", net.class_name(class as usize), photo.title());
    let picture = net.preprocess().view(photo, 1)?;
    let figure = Occlusion::new(title, "logit", picture, score(&whole), figures)?;
    Ok(figure.input_size(height, width))
}

fn best(net: &Network, logits: &Tensor) -> Vec<Guess> {
    let (probabilities, classes) = logits.softmax(-1, Kind::Double).topk(5, -1, true, true);
    let guess = |rank: i64| {
        let class = classes.int64_value(&[0, rank]) as usize;
        let probability = probabilities.double_value(&[0, rank]);
        Guess { class, name: net.class_name(class), probability }
    };
    (0..5).map(guess).collect()
}
