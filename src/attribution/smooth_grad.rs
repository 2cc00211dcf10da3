//! SmoothGrad: the gradient averaged over noisy copies of the picture, which takes away much of what
//! is only sensitivity to noise.
//!
//! Smilkov et al., "SmoothGrad: removing noise by adding noise", 2017
//! ([arXiv:1706.03825](https://arxiv.org/abs/1706.03825)); squared and variance: Hooker et al., 2018
//! ([arXiv:1806.10758](https://arxiv.org/abs/1806.10758)) and Adebayo et al., 2018
//! ([arXiv:1810.03292](https://arxiv.org/abs/1810.03292)).

use tch::{Kind, Tensor};

use super::aim::Aim;
use super::explained::{Explained, question};
use super::gradient::{input_gradient, single};
use super::{Channels, Target};
use crate::network::{Network, only};
use crate::random::Random;
use crate::view::Heatmap;
use crate::{Error, Photo, Result};

/// What is made of the noisy gradients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Smooth {
    /// Their mean.
    #[default]
    Mean,
    /// The mean of their squares.
    Squared,
    /// Their variance.
    Variance,
}

/// How SmoothGrad is done.
#[derive(Clone, Copy, Debug)]
pub struct SmoothGrad {
    /// How many noisy copies.
    pub samples: usize,
    /// The noise's standard deviation as a share of the input's range, 0.1 to 0.2 in the paper.
    pub noise: f64,
    /// What is made of the gradients.
    pub form: Smooth,
    /// One seed always gives one map, on the CPU bit for bit.
    pub seed: u64,
}

impl Default for SmoothGrad {
    fn default() -> Self {
        SmoothGrad { samples: 50, noise: 0.15, form: Smooth::Mean, seed: 0 }
    }
}

/// SmoothGrad of the target's score: values `[H, W]`, at least 0 (the largest absolute value of the
/// channels).
///
/// ```
/// use convscope::prelude::*;
/// let net = zoo::digits()?;
/// let options = SmoothGrad { samples: 10, ..SmoothGrad::default() };
/// let map = smooth_grad(&net, &data::digit(4, 2)?, Target::Top, options)?;
/// # Ok::<(), convscope::Error>(())
/// ```
pub fn smooth_grad(
    net: &Network,
    photo: &Photo,
    target: impl Into<Target>,
    options: SmoothGrad,
) -> Result<Heatmap> {
    let (input, aim) = question(net, photo, target)?;
    let output = tch::no_grad(|| net.forward(&input))?;
    let aim = aim.fixed(&output)?;
    let values = smoothed(net, &input, &aim, options)?;
    let unit = match options.form {
        Smooth::Mean => "|mean gradient|",
        Smooth::Squared => "mean squared gradient",
        Smooth::Variance => "variance of the gradient",
    };
    Explained {
        values: single(&Channels::LargestAbsolute.reduce(&values)?)?,
        output,
        aim,
        method: "SmoothGrad",
        unit,
        reading: "bright pixels move its score most, whatever the noise",
    }
    .figure(net, photo)
}

/// SmoothGrad of each picture, `[N, C, H, W]` as the input; one target a picture.
pub fn smooth_grad_tensor(
    net: &Network,
    input: &Tensor,
    targets: &[Target],
    options: SmoothGrad,
) -> Result<Tensor> {
    let aim = Aim::new(net, input, targets)?;
    let aim = aim.fixed(&tch::no_grad(|| net.forward(input))?)?;
    smoothed(net, input, &aim, options)
}

fn smoothed(net: &Network, input: &Tensor, aim: &Aim, options: SmoothGrad) -> Result<Tensor> {
    if options.samples == 0 || !(options.noise >= 0.0 && options.noise.is_finite()) {
        return Err(Error::Argument(format!(
            "SmoothGrad with {} samples and a noise of {}: at least 1 sample and a noise from 0 on \
             are needed, such as 50 and 0.15",
            options.samples, options.noise
        )));
    }
    let failed = || Error::torch("averaging noisy gradients");
    let input = net.admit(input)?;
    let range =
        input.f_amax([1, 2, 3], true).and_then(|most| most.f_sub(&input.f_amin([1, 2, 3], true)?));
    let deviation = range.and_then(|range| range.f_mul_scalar(options.noise)).map_err(failed())?;
    let mut random = Random(options.seed);
    // In double precision: variances are differences of large sums.
    let zeros = || input.f_zeros_like().and_then(|z| z.f_to_kind(Kind::Double)).map_err(failed());
    let (mut sum, mut squares) = (zeros()?, zeros()?);
    for _ in 0..options.samples {
        let noise = random.normal(&input).and_then(|noise| noise.f_mul(&deviation));
        let noisy = noise.and_then(|noise| input.f_add(&noise)).map_err(failed())?;
        let gradient = only(input_gradient(net, &noisy, aim)?.gradients)?;
        let gradient = gradient.f_to_kind(Kind::Double).map_err(failed())?;
        sum = sum.f_add(&gradient).map_err(failed())?;
        squares = gradient.f_square().and_then(|s| squares.f_add(&s)).map_err(failed())?;
    }
    let count = options.samples as f64;
    let mean = sum.f_div_scalar(count).map_err(failed())?;
    let square = squares.f_div_scalar(count).map_err(failed())?;
    let values = match options.form {
        Smooth::Mean => Ok(mean),
        Smooth::Squared => Ok(square),
        Smooth::Variance => mean.f_square().and_then(|m| square.f_sub(&m)?.f_clamp_min(0)),
    };
    values.and_then(|values| values.f_to_kind(input.kind())).map_err(failed())
}
