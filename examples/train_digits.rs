//! Trains the digits network on MNIST and writes the weights that the crate carries.
//!
//! ```text
//! cargo run --release --example train_digits -- OUTPUT.safetensors
//! ```
//!
//! Seeded: on one machine with one number of threads it gives the same weights each time, bit for bit.
//! About a minute on two cores.

use std::error::Error;
use std::path::PathBuf;

use convscope::prelude::*;
use tch::TchError;

const SEED: u64 = 17;

fn main() -> Result<(), Box<dyn Error>> {
    let output = std::env::args_os().nth(1).map(PathBuf::from);
    let output = output.ok_or("usage: train_digits OUTPUT.safetensors")?;

    tch::manual_seed(SEED as i64);
    let mut net = zoo::digits_untrained()?;
    let train = Dataset::prepare(&net, &data::mnist(Split::Train)?)?;
    let test = Dataset::prepare(&net, &data::mnist(Split::Test)?)?;
    let fit = Fit::new(14).batch(100).learning_rate(4e-3).seed(SEED);
    net.fit(&train, fit.augment(distort).validate(&test))?.save(output.with_extension("png"))?;
    net.save_weights(&output)?;
    println!("wrote {}", output.display());
    Ok(())
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
    // Outside lies background, which is not 0 after normalization.
    let background = -0.1307 / 0.3081;
    Ok((pictures - background).f_grid_sampler(&grid, 0, 0, false)? + background)
}
