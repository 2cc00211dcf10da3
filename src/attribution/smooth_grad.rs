//! SmoothGrad: the gradient averaged over noisy copies of the picture, which takes away much of what
//! is only sensitivity to noise.
//!
//! Smilkov et al., "SmoothGrad: removing noise by adding noise", 2017
//! ([arXiv:1706.03825](https://arxiv.org/abs/1706.03825)); squared and variance: Hooker et al., 2018
//! ([arXiv:1806.10758](https://arxiv.org/abs/1806.10758)) and Adebayo et al., 2018
//! ([arXiv:1810.03292](https://arxiv.org/abs/1810.03292)).

use std::time::Duration;

use tch::{Kind, TchError, Tensor};

use super::aim::Aim;
use super::explained::{Explained, question};
use super::gradient::{input_gradient, single};
use super::variants::{Variants, in_form, stopped};
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
    /// One seed always gives the same noise.
    pub seed: u64,
    /// After this time the samples that are done must do; the figure says how many.
    pub at_most: Option<Duration>,
}

impl Default for SmoothGrad {
    fn default() -> Self {
        SmoothGrad { samples: 50, noise: 0.15, form: Smooth::Mean, seed: 0, at_most: None }
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
    let (aim, output) = aim.settled(net, &input)?;
    let (values, done) = smoothed(net, &input, &aim, options)?;
    let unit = match options.form {
        Smooth::Mean => "|mean gradient|",
        Smooth::Squared => "mean squared gradient",
        Smooth::Variance => "variance of the gradient",
    };
    let figure = Explained {
        values: single(&Channels::LargestAbsolute.reduce(&values)?)?,
        output,
        aim,
        method: "SmoothGrad",
        unit,
        reading: "bright pixels move its score most, whatever the noise",
    }
    .figure(net, photo)?;
    Ok(figure.unfinished(stopped(done, options.samples)))
}

/// SmoothGrad of each picture, `[N, C, H, W]` as the input; one target a picture.
pub fn smooth_grad_tensor(
    net: &Network,
    input: &Tensor,
    targets: &[Target],
    options: SmoothGrad,
) -> Result<Tensor> {
    let (aim, _) = Aim::new(net, input, targets)?.settled(net, input)?;
    Ok(smoothed(net, input, &aim, options)?.0)
}

/// The values, and of how many samples.
fn smoothed(
    net: &Network,
    input: &Tensor,
    aim: &Aim,
    options: SmoothGrad,
) -> Result<(Tensor, usize)> {
    if options.samples == 0 || !(options.noise >= 0.0 && options.noise.is_finite()) {
        return Err(Error::Argument(format!(
            "SmoothGrad with {} samples and a noise of {}: at least 1 sample and a noise from 0 on \
             are needed, such as 50 and 0.15",
            options.samples, options.noise
        )));
    }
    let failed = || Error::torch("averaging noisy gradients");
    let fast = net.for_inference()?;
    let (net, aim, []) = in_form(net, &fast, aim, []);
    let input = net.admit(input)?;
    let range =
        input.f_amax([1, 2, 3], true).and_then(|most| most.f_sub(&input.f_amin([1, 2, 3], true)?));
    let deviation = range.and_then(|range| range.f_mul_scalar(options.noise)).map_err(failed())?;
    let mut random = Random(options.seed);
    // In double precision: variances are differences of large sums.
    let zeros = || input.f_zeros_like().and_then(|z| z.f_to_kind(Kind::Double)).map_err(failed());
    let (mut sum, mut squares) = (zeros()?, zeros()?);
    let variants =
        Variants::new("SmoothGrad", options.samples, net, &input.size(), input.kind(), true)?;
    let done = variants.at_most(options.at_most).run(|samples| {
        let mut random_here = Random(random.0);
        let noisy = noisy(&input, &deviation, samples.len(), &mut random_here).map_err(failed())?;
        let aim = aim.repeated(samples.len());
        let gradient = only(input_gradient(net, &noisy, &aim)?.gradients)?;
        let mut shape = input.size();
        shape.insert(0, -1);
        let gradients = gradient.f_to_kind(Kind::Double).and_then(|g| g.f_view(shape.as_slice()));
        let gradients = gradients.map_err(failed())?;
        let total = |g: &Tensor| g.f_sum_dim_intlist([0_i64].as_slice(), false, Kind::Double);
        let more = total(&gradients).and_then(|g| Ok((g, total(&gradients.f_square()?)?)));
        let (gradients, gradient_squares) = more.map_err(failed())?;
        sum = sum.f_add(&gradients).map_err(failed())?;
        squares = squares.f_add(&gradient_squares).map_err(failed())?;
        random = random_here;
        Ok(())
    })?;
    let count = done as f64;
    let mean = sum.f_div_scalar(count).map_err(failed())?;
    let square = squares.f_div_scalar(count).map_err(failed())?;
    let values = match options.form {
        Smooth::Mean => Ok(mean),
        Smooth::Squared => Ok(square),
        Smooth::Variance => mean.f_square().and_then(|m| square.f_sub(&m)?.f_clamp_min(0)),
    };
    Ok((values.and_then(|values| values.f_to_kind(input.kind())).map_err(failed())?, done))
}

/// Noisy copies of the whole batch, one after the other.
fn noisy(
    input: &Tensor,
    deviation: &Tensor,
    copies: usize,
    random: &mut Random,
) -> Result<Tensor, TchError> {
    let copy = |_| input.f_add(&random.normal(input)?.f_mul(deviation)?);
    Tensor::f_cat(&(0..copies).map(copy).collect::<Result<Vec<_>, _>>()?, 0)
}
