//! How an image is written as numbers to be changed.
//!
//! Mordvintsev et al., "Differentiable Image Parameterizations", Distill, 2018
//! ([doi:10.23915/distill.00012](https://doi.org/10.23915/distill.00012)).

use tch::{Device, Kind, TchError, Tensor};

use crate::random::Random;
use crate::{Error, Result};

/// The numbers that are changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Parameters {
    /// The pixels.
    Pixels,
    /// The Fourier coefficients, each scaled by 1 over its frequency as in natural images, so that all
    /// frequencies grow alike and none is favored.
    #[default]
    Fourier,
}

/// What the three planes of a color image stand for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Color {
    /// Red, green and blue.
    Rgb,
    /// Directions along which the colors of natural images don't correlate. Images of other than
    /// three channels keep their channels.
    #[default]
    Decorrelated,
}

/// ImageNet's colors: the root of their correlation, by columns.
const CORRELATION: [[f64; 3]; 3] = [[0.26, 0.09, 0.02], [0.27, 0.00, -0.05], [0.27, -0.09, 0.03]];
/// The deviation of the first parameters where they are squashed.
const DEVIATION: f64 = 0.01;
/// The deviation of the first pixels where they are the image.
const PIXEL_DEVIATION: f64 = 0.05;
/// Fourier images are divided by this, so that one learning rate serves them and pixels.
const FOURIER: f64 = 4.0;

/// A batch of images as parameters.
#[derive(Debug)]
pub(super) struct Images {
    parameters: Parameters,
    /// `[N, C, H, W]`
    shape: [i64; 4],
    /// From the planes to red, green and blue: `[3, 3, 1, 1]`.
    mix: Option<Tensor>,
    /// The scale of each frequency, `[H, W / 2 + 1]`.
    scale: Option<Tensor>,
}

impl Images {
    pub(super) fn new(
        parameters: Parameters,
        color: Color,
        shape: [i64; 4],
        options: (Kind, Device),
    ) -> Result<Images> {
        let [_, channels, height, width] = shape;
        let mix = (color == Color::Decorrelated && channels == 3).then(mix);
        let mix = mix.transpose().map_err(failed)?;
        let scale = (parameters == Parameters::Fourier).then(|| scale(height, width));
        let scale = scale.transpose().map_err(failed)?;
        let moved = |tensor: Option<Tensor>| {
            let moved = tensor.map(|t| t.f_to_kind(options.0)?.f_to_device(options.1));
            moved.transpose().map_err(failed)
        };
        Ok(Images { parameters, shape, mix: moved(mix)?, scale: moved(scale)? })
    }

    /// Whether the parameters are the image itself, to be kept between 0 and 1; else a sigmoid does.
    pub(super) fn is_plain(&self) -> bool {
        self.parameters == Parameters::Pixels && self.mix.is_none()
    }

    /// Parameters for noise of the seed; each image of the batch has its own, by its number.
    pub(super) fn noise(&self, seed: u64, first: usize, options: (Kind, Device)) -> Result<Tensor> {
        let [batch, ..] = self.shape;
        let like = || {
            let shape = self.parameter_shape();
            Tensor::f_zeros(shape.get(1..).unwrap_or_default(), (Kind::Float, Device::Cpu))
        };
        let like = like().map_err(failed)?;
        let one = |image: usize| mixed(seed, image as u64).normal(&like);
        let all = (first..first + batch as usize).map(one).collect::<Result<Vec<_>, _>>();
        let (base, deviation) =
            if self.is_plain() { (0.5, PIXEL_DEVIATION) } else { (0.0, DEVIATION) };
        let noise = all.and_then(|all| {
            let noise = Tensor::f_stack(&all, 0)?.f_mul_scalar(deviation)?.f_add_scalar(base)?;
            noise.f_to_kind(options.0)?.f_to_device(options.1)
        });
        noise.map_err(failed)
    }

    /// Adds noise of the seed, `strength` times that of the start, to the parameters of images whose
    /// gradient is 0 everywhere: all units on the way may be silent on flat images. Whether there was
    /// one.
    pub(super) fn wake(
        &self,
        parameters: &Tensor,
        gradient: &Tensor,
        Noise { seed, first, strength }: Noise,
    ) -> Result<bool> {
        let wake = || {
            let largest = gradient.f_flatten(1, -1)?.f_abs()?.f_amax([1], false)?;
            let largest = Vec::<f64>::try_from(largest.f_to_kind(Kind::Double)?)?;
            let deviation = if self.is_plain() { PIXEL_DEVIATION } else { DEVIATION };
            for (at, _) in largest.iter().enumerate().filter(|(_, largest)| **largest == 0.0) {
                let mut one = parameters.f_get(at as i64)?;
                let like = one.f_to_kind(Kind::Float)?.f_to_device(Device::Cpu)?;
                let noise = mixed(seed, (first + at) as u64).normal(&like)?;
                let noise = noise.f_mul_scalar(strength * deviation)?.f_to_kind(one.kind())?;
                let _ = one.f_add_(&noise.f_to_device(one.device())?)?;
            }
            Ok(largest.contains(&0.0))
        };
        wake().map_err(failed)
    }

    /// The parameters of given images `[N, C, H, W]`, 0 to 1. Where a sigmoid follows, black and white
    /// are moved a little inwards, since they lie at infinity.
    pub(super) fn of(&self, images: &Tensor) -> Result<Tensor> {
        let make = || {
            if self.is_plain() {
                return images.f_clamp(0.0, 1.0);
            }
            let mut planes = images.f_clamp(0.01, 0.99)?.f_logit(None)?;
            if let Some(mix) = &self.mix {
                let inverse = mix.f_view([3, 3])?.f_to_kind(Kind::Double)?.f_inverse()?;
                let inverse = inverse.f_to_kind(planes.kind())?.f_view([3, 3, 1, 1])?;
                planes = mixed_by(&planes, &inverse)?;
            }
            match &self.scale {
                None => Ok(planes),
                Some(scale) => {
                    let spectrum =
                        planes.f_fft_rfft2(None::<i64>, [-2_i64, -1].as_slice(), "ortho")?;
                    spectrum.f_view_as_real()?.f_div(&scale.f_unsqueeze(-1)?)
                }
            }
        };
        make().map_err(failed)
    }

    /// The images `[N, C, H, W]`, values from 0 to 1; a gradient goes back to the parameters.
    pub(super) fn draw(&self, parameters: &Tensor) -> Result<Tensor> {
        let [_, _, height, width] = self.shape;
        let make = || {
            if self.is_plain() {
                return Ok(parameters.shallow_clone());
            }
            let planes = match &self.scale {
                None => parameters.shallow_clone(),
                Some(scale) => {
                    let spectrum =
                        parameters.f_mul(&scale.f_unsqueeze(-1)?)?.f_view_as_complex()?;
                    let dims = [-2_i64, -1];
                    let size = [height, width];
                    spectrum.f_fft_irfft2(size.as_slice(), dims.as_slice(), "ortho")?
                }
            };
            match &self.mix {
                None => planes,
                Some(mix) => mixed_by(&planes, mix)?,
            }
            .f_sigmoid()
        };
        make().map_err(failed)
    }

    pub(super) fn parameter_shape(&self) -> Vec<i64> {
        let [batch, channels, height, width] = self.shape;
        match self.parameters {
            Parameters::Pixels => vec![batch, channels, height, width],
            Parameters::Fourier => vec![batch, channels, height, width / 2 + 1, 2],
        }
    }
}

/// The noise that wakes images.
#[derive(Clone, Copy)]
pub(super) struct Noise {
    pub seed: u64,
    /// The number of the batch's first image among all.
    pub first: usize,
    /// 1 is that of the start.
    pub strength: f64,
}

/// A generator for this image of the batch.
pub(super) fn mixed(seed: u64, image: u64) -> Random {
    let mut random = Random(seed);
    Random(random.bits() ^ image.wrapping_mul(0xD134_2543_DE82_EF95))
}

/// Each pixel's planes by a 3×3 matrix.
fn mixed_by(planes: &Tensor, matrix: &Tensor) -> Result<Tensor, TchError> {
    planes.f_conv2d(matrix, None::<&Tensor>, [1, 1], [0, 0], [1, 1], 1)
}

fn mix() -> Result<Tensor, TchError> {
    let column = |at: usize| CORRELATION.iter().map(|row| row[at] * row[at]).sum::<f64>().sqrt();
    let longest = (0..3).map(column).fold(0.0, f64::max);
    let values: Vec<f64> = CORRELATION.iter().flatten().map(|value| value / longest).collect();
    Tensor::f_from_slice(&values)?.f_view([3, 3, 1, 1])
}

/// 1 over the frequency, that of the mean as the lowest beside it; and over [`FOURIER`].
fn scale(height: i64, width: i64) -> Result<Tensor, TchError> {
    let lowest = 1.0 / height.max(width).max(1) as f64;
    let frequency = |at: i64, size: i64| {
        let at = if 2 * at > size { at - size } else { at };
        at as f64 / size.max(1) as f64
    };
    let mut values = Vec::new();
    for y in 0..height {
        for x in 0..=width / 2 {
            let length = frequency(y, height).hypot(frequency(x, width));
            values.push(1.0 / length.max(lowest));
        }
    }
    let scale = Tensor::f_from_slice(&values)?.f_view([height, width / 2 + 1])?;
    scale.f_div_scalar(FOURIER)
}

fn failed(error: TchError) -> Error {
    Error::torch("making an image of its parameters")(error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::maximize::Ascent;
    use crate::maximize::ascent::Climber;

    const CPU: (Kind, Device) = (Kind::Double, Device::Cpu);

    /// A stand-in for a photo: slow waves of color, edges and texture, from almost black to almost
    /// white.
    fn photo(height: i64, width: i64) -> Tensor {
        let y = Tensor::arange(height, CPU).view([1, -1, 1]);
        let x = Tensor::arange(width, CPU).view([1, 1, -1]);
        let plane = Tensor::arange(3, CPU).view([-1, 1, 1]);
        let waves = (&x * 0.11 + &y * 0.07 + &plane).sin() * 0.25;
        let texture = (&x * 2.1 + &y * (&plane * 0.4 + 1.3)).sin() * 0.1;
        let disc = ((&x - 20.0).square() + (&y - 15.0).square()).lt(100.0).to_kind(Kind::Double);
        (waves + texture + disc * 0.12 + 0.45).clamp(0.02, 0.98).unsqueeze(0)
    }

    fn forms(shape: [i64; 4]) -> Vec<(String, Images)> {
        let mut all = Vec::new();
        for parameters in [Parameters::Pixels, Parameters::Fourier] {
            for color in [Color::Rgb, Color::Decorrelated] {
                let images = Images::new(parameters, color, shape, CPU).expect("a form");
                all.push((format!("{parameters:?} {color:?}"), images));
            }
        }
        all
    }

    #[test]
    fn parameters_of_an_image_draw_that_image() {
        for (height, width) in [(24, 24), (33, 48), (40, 27), (1, 5), (7, 1)] {
            let photo = photo(height, width);
            for (name, form) in forms([1, 3, height, width]) {
                let drawn = form.draw(&form.of(&photo).expect("parameters")).expect("an image");
                let off = (drawn - &photo).abs().max().double_value(&[]);
                assert!(off < 1e-12, "{name} at {height}×{width}: {off}");
            }
        }
    }

    #[test]
    fn every_form_fits_a_photo_within_a_thousand_steps() {
        let photo = photo(45, 60);
        for (name, form) in forms([1, 3, 45, 60]) {
            let parameters = form.noise(3, 0, CPU).expect("noise");
            let mut climber = Climber::default();
            for _ in 0..1000 {
                let leaf = parameters.detach().set_requires_grad(true);
                let off = form.draw(&leaf).expect("an image") - &photo;
                let score = -off.square().mean(Kind::Double);
                let gradient = Tensor::run_backward(&[&score], &[&leaf], false, false).remove(0);
                let ascent = Ascent::Adam { rate: 0.05 };
                tch::no_grad(|| climber.step(ascent, &parameters, &gradient, None))
                    .expect("a step");
            }
            let drawn = form.draw(&parameters).expect("an image");
            let off = (drawn - &photo).abs().mean(Kind::Double).double_value(&[]);
            assert!(off < 0.01, "{name}: {off}");
        }
    }

    #[test]
    fn noise_belongs_to_the_image_not_to_the_batch() {
        let noise = |batch: i64, first: usize| {
            let form = Images::new(Parameters::Fourier, Color::Rgb, [batch, 3, 9, 8], CPU);
            form.expect("a form").noise(5, first, CPU).expect("noise")
        };
        let (all, third) = (noise(4, 0), noise(1, 2));
        assert_eq!((all.get(2) - third.get(0)).abs().max().double_value(&[]), 0.0);
        assert!((all.get(2) - all.get(3)).abs().max().double_value(&[]) > 1e-3);
    }
}
