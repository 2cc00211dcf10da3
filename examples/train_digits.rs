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
use std::time::Instant;

use convscope::prelude::*;
use tch::Reduction;

const SEED: i64 = 17;
const EPOCHS: usize = 14;
const BATCH: i64 = 100;
const PEAK_RATE: f64 = 4e-3;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(data), Some(output)) = (arguments.next(), arguments.next()) else {
        return Err("usage: train_digits DATA_FOLDER OUTPUT.safetensors".into());
    };
    let (images, labels) = read(&data.join("mnist_train.safetensors"))?;
    let (test_images, test_labels) = read(&data.join("mnist_test.safetensors"))?;

    tch::manual_seed(SEED);
    let net = zoo::digits_untrained()?;
    train(&net, &images, &labels, |epoch, loss| {
        let accuracy = accuracy(&net, &test_images, &test_labels)?;
        println!("epoch {epoch:2}  loss {loss:.4}  test {:.2} %", 100.0 * accuracy);
        Ok(())
    })?;

    let parameters: Vec<(String, Tensor)> =
        net.parameters().into_iter().map(|(name, tensor)| (name, tensor.detach())).collect();
    Tensor::write_safetensors(&parameters, &output)?;
    let bytes = std::fs::metadata(&output)?.len();
    println!("wrote {} ({:.0} KB)", output.display(), bytes as f64 / 1000.0);
    Ok(())
}

/// Images `[N, 1, 28, 28]` normalised as the network wants them, and labels `[N]`.
fn read(path: &Path) -> Result<(Tensor, Tensor), Box<dyn Error>> {
    let mut images = None;
    let mut labels = None;
    for (name, tensor) in Tensor::read_safetensors(path)? {
        match name.as_str() {
            "images" => images = Some((tensor.to_kind(Kind::Float) / 255.0 - 0.1307) / 0.3081),
            "labels" => labels = Some(tensor.to_kind(Kind::Int64)),
            _ => {}
        }
    }
    images.zip(labels).ok_or_else(|| format!("{} lacks images or labels", path.display()).into())
}

/// Adam under a one-cycle learning rate, on images that are shifted, turned and scaled a little.
fn train(
    net: &Network,
    images: &Tensor,
    labels: &Tensor,
    mut each_epoch: impl FnMut(usize, f64) -> Result<(), Box<dyn Error>>,
) -> Result<(), Box<dyn Error>> {
    let parameters: Vec<Tensor> =
        net.parameters().into_iter().map(|(_, tensor)| tensor.set_requires_grad(true)).collect();
    let mut adam = Adam::new(&parameters);
    let count = images.size()[0];
    let steps = (count / BATCH) * EPOCHS as i64;
    let mut step = 0;
    for epoch in 1..=EPOCHS {
        let start = Instant::now();
        let order = Tensor::randperm(count, (Kind::Int64, Device::Cpu));
        let mut sum = 0.0;
        for batch in 0..count / BATCH {
            let chosen = order.narrow(0, batch * BATCH, BATCH);
            let pictures = distort(&images.index_select(0, &chosen));
            let logits = net.forward(&pictures)?;
            let wanted = labels.index_select(0, &chosen);
            let loss =
                logits.cross_entropy_loss::<Tensor>(&wanted, None, Reduction::Mean, -100, 0.0);
            let gradients = Tensor::f_run_backward(&[&loss], &parameters, false, false)?;
            adam.step(&parameters, &gradients, one_cycle(step as f64 / steps as f64));
            sum += loss.double_value(&[]);
            step += 1;
        }
        each_epoch(epoch, sum / (count / BATCH) as f64)?;
        println!("          {:.0} s", start.elapsed().as_secs_f64());
    }
    for tensor in &parameters {
        let _ = tensor.set_requires_grad(false);
    }
    Ok(())
}

/// Up to the peak in the first quarter, then down to nothing along a cosine.
fn one_cycle(progress: f64) -> f64 {
    const RISE: f64 = 0.25;
    if progress < RISE {
        return PEAK_RATE * (0.1 + 0.9 * progress / RISE);
    }
    let fall = (progress - RISE) / (1.0 - RISE);
    PEAK_RATE * 0.5 * (1.0 + (std::f64::consts::PI * fall).cos())
}

/// A random small turn, scale and shift for each picture of `[N, 1, 28, 28]`.
fn distort(pictures: &Tensor) -> Tensor {
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
    (pictures - background).grid_sampler(&grid, 0, 0, false) + background
}

/// Adam (Kingma and Ba, 2014) with its usual constants.
struct Adam {
    moments: Vec<(Tensor, Tensor)>,
    steps: i32,
}

impl Adam {
    fn new(parameters: &[Tensor]) -> Adam {
        let zeros = |tensor: &Tensor| (tensor.zeros_like(), tensor.zeros_like());
        Adam { moments: parameters.iter().map(zeros).collect(), steps: 0 }
    }

    fn step(&mut self, parameters: &[Tensor], gradients: &[Tensor], rate: f64) {
        const BETAS: (f64, f64) = (0.9, 0.999);
        self.steps += 1;
        let correct = |beta: f64| 1.0 - beta.powi(self.steps);
        tch::no_grad(|| {
            for ((parameter, gradient), (mean, square)) in
                parameters.iter().zip(gradients).zip(&mut self.moments)
            {
                *mean = &*mean * BETAS.0 + gradient * (1.0 - BETAS.0);
                *square = &*square * BETAS.1 + gradient.square() * (1.0 - BETAS.1);
                let root = (&*square / correct(BETAS.1)).sqrt() + 1e-8;
                let change = (&*mean / correct(BETAS.0)) / root * rate;
                let _ = parameter.shallow_clone().g_sub_(&change);
            }
        });
    }
}

fn accuracy(net: &Network, images: &Tensor, labels: &Tensor) -> Result<f64, Box<dyn Error>> {
    let logits = tch::no_grad(|| net.forward(images))?;
    let right = logits.argmax(-1, false).eq_tensor(labels);
    Ok(right.to_kind(Kind::Double).mean(Kind::Double).double_value(&[]))
}
