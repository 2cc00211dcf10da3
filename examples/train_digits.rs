//! Trains the digits network on MNIST and writes the weights that the crate carries.
//!
//! ```text
//! cargo run --release --example train_digits -- DATA_FOLDER OUTPUT.safetensors
//! ```
//!
//! DATA_FOLDER holds `mnist_train.safetensors` and `mnist_test.safetensors`, each with `images`
//! (u8, `[N, 1, 28, 28]`) and `labels` (u8, `[N]`). Seeded: on one machine with one number of
//! threads it gives the same weights each time, bit for bit. About a minute on two cores.

use std::error::Error;
use std::path::{Path, PathBuf};

use convscope::prelude::*;
use tch::TchError;

const SEED: u64 = 17;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(data), Some(output)) = (arguments.next(), arguments.next()) else {
        return Err("usage: train_digits DATA_FOLDER OUTPUT.safetensors".into());
    };
    let train = read(&data.join("mnist_train.safetensors"))?;
    let test = read(&data.join("mnist_test.safetensors"))?;

    tch::manual_seed(SEED as i64);
    let mut net = zoo::digits_untrained()?;
    let fit = Fit::new(14).batch(100).learning_rate(4e-3).seed(SEED);
    net.fit(&train, fit.augment(distort).validate(&test))?.save(output.with_extension("png"))?;
    net.save_weights(&output)?;
    println!("wrote {}", output.display());
    Ok(())
}

/// Images `[N, 1, 28, 28]` normalised as the network wants them, and labels `[N]`.
fn read(path: &Path) -> Result<Dataset, Box<dyn Error>> {
    let arrays = Tensor::read_safetensors(path)?;
    let array = |name| arrays.iter().find(|(known, _)| known == name).map(|(_, array)| array);
    let (Some(images), Some(labels)) = (array("images"), array("labels")) else {
        return Err(format!("{} lacks images or labels", path.display()).into());
    };
    let images = (images.to_kind(Kind::Float) / 255.0 - 0.1307) / 0.3081;
    Ok(Dataset::new(images, labels.shallow_clone())?)
}

/// A random small turn, scale and shift for each picture of `[N, 1, 28, 28]`.
fn distort(pictures: &Tensor) -> Result<Tensor, TchError> {
    let count = pictures.size()[0];
    let within =
        |reach: f64| (Tensor::rand([count], (Kind::Float, Device::Cpu)) * 2.0 - 1.0) * reach;
    let (angle, scale) = (within(0.2), within(0.1) + 1.0);
    let (cos, sin) = (angle.cos() * &scale, angle.sin() * &scale);
    // ±0.14 of the half width is two pixels.
    let rows = [&cos, &(-&sin), &within(0.14), &sin, &cos, &within(0.14)];
    let matrix = Tensor::stack(&rows, 1).view([count, 2, 3]);
    let grid = Tensor::affine_grid_generator(&matrix, pictures.size(), false);
    // Outside lies background, which is not 0 after normalisation.
    let background = -0.1307 / 0.3081;
    Ok((pictures - background).f_grid_sampler(&grid, 0, 0, false)? + background)
}
