//! Scatter plots, films, curves and a summary.

use std::path::{Path, PathBuf};

use convscope::prelude::*;
use convscope::view::{Curves, Film, Frame, Panel, Scatter, Series};
use image::RgbImage;

use super::{Done, write};

pub fn draw(folder: &Path, files: &[PathBuf]) -> Done {
    let (scatter, film) = (digits(400)?, film()?);
    write(folder, "scatter", &scatter)?;
    write(folder, "scatter_many", &many(70_003)?)?;
    write(folder, "scatter_choice", &choice()?)?;
    write(folder, "scatter_panels", &panels()?)?;
    write(folder, "film", &film)?;
    write(folder, "film_long", &long_film()?)?;
    write(folder, "curves", &curves())?;
    write(folder, "summary", &zoo::digits()?.summary()?)?;
    // With a build of Vega a figure moves without a notebook.
    if let Some(vega) = files.first() {
        scatter.save_page(folder.join("scatter_page.html"), vega)?;
        film.save_page(folder.join("film_page.html"), vega)?;
    }
    Ok(())
}

/// Ten clouds in a plane, turned by `seed`; the class of point `i` is `i % 10`.
fn clouds(count: i64, seed: i64) -> (Tensor, Tensor) {
    tch::manual_seed(seed);
    let labels = Tensor::arange(count, (Kind::Int64, Device::Cpu)).remainder(10);
    let angle = labels.to_kind(Kind::Float) * (0.628 * seed as f64);
    let middle = Tensor::stack(&[angle.cos(), angle.sin()], 1) * 10.0;
    (middle + Tensor::randn([count, 2], (Kind::Float, Device::Cpu)) * 1.8, labels)
}

const NAMES: [&str; 10] =
    ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];

/// Digits with their thumbnails, labels and neighbors.
fn digits(count: usize) -> Result<Scatter, convscope::Error> {
    let samples = data::digits(count, 1)?;
    let pictures: Vec<RgbImage> = samples.iter().map(|(photo, _)| photo.pixels().clone()).collect();
    let labels: Vec<String> = (0..count).map(|index| format!("digits/{index:05}.png")).collect();
    let (points, classes) = clouds(count as i64, 3);
    let distance = Tensor::cdist(&points, &points, 2.0, None);
    let nearest = distance.topk(6, 1, false, true).1;
    let near = |row: i64| {
        let row = Vec::<i64>::try_from(nearest.get(row).slice(0, 1, 6, 1)).unwrap_or_default();
        row.into_iter().map(|point| point as usize).collect()
    };
    let neighbors: Vec<Vec<usize>> = (0..count as i64).map(near).collect();
    Scatter::new("Digits in the plane", &points)?
        .classes(&classes, &NAMES)?
        .labels(&labels)?
        .thumbnails(&pictures)?
        .neighbors(&neighbors)
}

/// As many points as the interactive form takes, and three that can't be drawn.
fn many(count: i64) -> Result<Scatter, convscope::Error> {
    let (points, classes) = clouds(count, 1);
    let _ = points.narrow(0, 5, 3).fill_(f64::NAN);
    Scatter::new("Many points", &points)?.classes(&classes, &NAMES)
}

fn choice() -> Result<Scatter, convscope::Error> {
    let [a, b, c] = [1, 3, 7].map(|seed| clouds(600, seed).0);
    let layouts = [("5", &a), ("30", &b), ("100", &c)];
    let scatter = Scatter::layouts("One perplexity after the other", &layouts)?;
    scatter.choice("perplexity").classes(&clouds(600, 1).1, &NAMES)
}

fn panels() -> Result<Scatter, convscope::Error> {
    let [a, b] = [1, 3].map(|seed| clouds(600, seed).0);
    let scatter = Scatter::layouts("Side by side", &[("PCA", &a), ("t-SNE", &b)])?;
    // Fourteen classes: more than there are colors.
    let classes = Tensor::arange(600, (Kind::Int64, Device::Cpu)).remainder(14);
    let hostile = "</script><b>\"four\"";
    Ok(scatter.choice("").side_by_side().classes(&classes, &[hostile])?.note("two layouts"))
}

/// A disc that grows; the red of frame `i` is its number.
fn film() -> Result<Film, convscope::Error> {
    let picture = |step: u64| {
        RgbImage::from_fn(56, 56, |x, y| {
            let distance = (f64::from(x) - 27.5).hypot(f64::from(y) - 27.5);
            let inside = distance < 3.0 + step as f64;
            image::Rgb(if inside { [8 * step as u8, 114, 178] } else { [240, 228, 66] })
        })
    };
    let frames = (0..24).map(|step| Frame::new(10 * step, picture(step))).collect();
    let curve = |name: &str, f: fn(f64) -> f64| {
        Series::new(name, (0..231).map(|step| (f64::from(step), f(f64::from(step)))).collect())
    };
    let score = vec![curve("score", |x| x.sqrt()), curve("penalty", |x| 0.02 * x)];
    let variation = vec![curve("variation", |x| 50.0 / (1.0 + 0.05 * x))];
    let panels = vec![Panel::new("objective", score), Panel::new("smoothness", variation)];
    let film = Film::new("A disc forms", frames)?.note("the channel's score, a penalty, and both");
    Ok(film.curves(panels).step_label("iteration"))
}

/// Loss and accuracy of six epochs; in the fourth the loss was not measured.
fn curves() -> Curves {
    let curve = |name: &str, values: [f64; 6]| {
        Series::new(name, (1..).map(f64::from).zip(values).collect())
    };
    let loss = vec![
        curve("training", [2.25, 1.125, 0.5, 0.375, 0.25, 0.125]),
        curve("validation", [2.5, 1.5, 0.75, f64::NAN, 0.625, 0.875]),
    ];
    let accuracy = vec![curve("training", [11.0, 52.0, 73.0, 84.0, 95.0, 96.0])];
    let panels = vec![Panel::new("loss", loss), Panel::new("accuracy, %", accuracy)];
    Curves::new("Six epochs", "epoch", panels).note("made up")
}

/// Noise, which nothing makes small: a notebook takes only some of the frames.
fn long_film() -> Result<Film, convscope::Error> {
    let noise = |step: u64| {
        tch::manual_seed(step as i64);
        let bytes = Tensor::randint(256, [3 * 224 * 224], (Kind::Uint8, Device::Cpu));
        let bytes = Vec::<u8>::try_from(bytes).unwrap_or_default();
        Frame::new(step, RgbImage::from_raw(224, 224, bytes).unwrap_or_default())
    };
    Film::new("Noise", (0..30).map(noise).collect())
}
