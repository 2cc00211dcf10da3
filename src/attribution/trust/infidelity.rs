//! Infidelity: does the map predict how the score changes when the image is disturbed?
//!
//! Yeh, Hsieh, Suggala, Inouye, Ravikumar, "On the (In)fidelity and Sensitivity of Explanations",
//! 2019 ([arXiv:1901.09392](https://arxiv.org/abs/1901.09392)).

use tch::{Kind, TchError, Tensor};

use super::score::Scorer;
use crate::attribution::Run;
use crate::error::shape_text;
use crate::limits::{check_count, check_memory};
use crate::random::Random;
use crate::{Error, Result};

/// Random disturbances of images: each value moved evenly by up to a radius, up or down.
///
/// By default 20 of each image, by up to 0.05 of its range.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Disturbance {
    samples: usize,
    radius: f64,
    seed: u64,
}

impl Default for Disturbance {
    fn default() -> Self {
        Disturbance { samples: 20, radius: 0.05, seed: 0 }
    }
}

impl Disturbance {
    /// Sets how many there are of each image.
    #[must_use]
    pub fn samples(mut self, samples: usize) -> Disturbance {
        self.samples = samples;
        self
    }

    /// Sets the farthest a value is moved, as a share of its image's range.
    #[must_use]
    pub fn radius(mut self, radius: f64) -> Disturbance {
        self.radius = radius;
        self
    }

    /// Sets the seed; one seed always gives the same disturbances.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Disturbance {
        self.seed = seed;
        self
    }

    /// The disturbances of a batch `[N, C, H, W]`: `[samples, N, C, H, W]`, on the CPU.
    ///
    /// # Errors
    ///
    /// No samples; a radius that is no number of at least 0.
    pub fn of(&self, input: &Tensor) -> Result<Tensor> {
        check_count("disturbances", self.samples, 20)?;
        if !(self.radius >= 0.0 && self.radius.is_finite()) {
            return Err(Error::Argument(format!(
                "disturbances of radius {}: at least 0 is needed, such as 0.05",
                self.radius
            )));
        }
        let mut random = Random(self.seed);
        let count = self.samples.saturating_mul(input.numel());
        let bytes = (count as u64).saturating_mul(4);
        check_memory("making disturbances", bytes, tch::Device::Cpu)?;
        let numbers: Vec<f32> = (0..count).map(|_| 2.0 * random.unit() - 1.0).collect();
        let shape: Vec<i64> = [self.samples as i64].into_iter().chain(input.size()).collect();
        let disturbances = || -> Result<Tensor, TchError> {
            let input = input.f_detach()?.f_to_device(tch::Device::Cpu)?;
            let range = input.f_amax([1, 2, 3], true)?.f_sub(&input.f_amin([1, 2, 3], true)?)?;
            let numbers = Tensor::f_from_slice(&numbers)?.f_view(shape.as_slice())?;
            numbers.f_to_kind(input.kind())?.f_mul(&range.f_mul_scalar(self.radius)?)
        };
        disturbances().map_err(Error::torch("disturbing the images"))
    }
}

/// The infidelity of each image's attribution, `[N]`, double: the mean square of what the attribution
/// predicts (disturbance · attribution) less what the score (a class's logit) really loses when the
/// disturbance is taken from the image. 0 is perfect; a linear network's gradient has it.
///
/// `attributions` are `[N, C, H, W]`, in score per unit of the input, as gradients are; those that
/// are contributions to the score (input × gradient) must be divided by the input first. `disturbances`
/// are `[samples, N, C, H, W]`: [`Disturbance::of`] or your own.
///
/// ```
/// use convscope::attribution::{Attribution, Disturbance, Run, infidelity};
/// use convscope::prelude::*;
/// let net = zoo::digits()?;
/// let run = Run::of(&net, &data::digit(4, 2)?, 4)?;
/// let gradient = Saliency::default().attribute(&run)?.values;
/// let disturbances = Disturbance::default().of(run.input())?;
/// let ours = infidelity(&run, &gradient, &disturbances)?;
/// let blank = infidelity(&run, &gradient.zeros_like(), &disturbances)?;
/// assert!(ours.double_value(&[0]) < blank.double_value(&[0]));
/// # Ok::<(), convscope::Error>(())
/// ```
///
/// # Errors
///
/// Attributions or disturbances of another size.
pub fn infidelity(run: &Run<'_>, attributions: &Tensor, disturbances: &Tensor) -> Result<Tensor> {
    let scorer = Scorer::new(run)?;
    let samples = check_disturbances(scorer.input, disturbances)?;
    if attributions.size() != scorer.input.size() {
        return Err(Error::Shape {
            at: "the infidelity of attributions".to_owned(),
            expected: format!("the input's shape, {}", shape_text(&scorer.input.size())),
            got: shape_text(&attributions.size()),
            remedy: "`Attributions::values` of a gradient method fits.".to_owned(),
        });
    }
    let failed = || Error::torch("measuring infidelity");
    let mut all = Vec::with_capacity(run.images());
    for index in 0..run.images() {
        let of_one = |tensor: &Tensor, dim: i64| {
            let one = tensor.f_detach()?.f_select(dim, index as i64)?;
            one.f_to_device(scorer.input.device())?.f_to_kind(scorer.input.kind())
        };
        let image = of_one(scorer.input, 0).and_then(|one| one.f_unsqueeze(0));
        let image = image.map_err(failed())?;
        let moves = of_one(disturbances, 1).map_err(failed())?;
        let before = scorer.logits(1, index, |_| Ok(image.shallow_clone()))?;
        let after = scorer.logits(samples, index, |range| {
            image.f_sub(&moves.f_narrow(0, range.start as i64, range.len() as i64)?)
        })?;
        let infidelity = of_one(attributions, 0).and_then(|attribution| {
            let predicted = moves.f_mul(&attribution)?.f_to_kind(Kind::Double)?;
            let predicted =
                predicted.f_sum_dim_intlist([1, 2, 3].as_slice(), false, Kind::Double)?;
            let lost = before.f_sub(&after)?;
            predicted.f_sub(&lost)?.f_square()?.f_mean(Kind::Double)
        });
        all.push(infidelity.map_err(failed())?);
    }
    Tensor::f_stack(&all, 0).map_err(failed())
}

/// How many disturbances `[samples, N, C, H, W]` there are of each image.
pub(super) fn check_disturbances(input: &Tensor, disturbances: &Tensor) -> Result<usize> {
    match disturbances.size().split_first() {
        Some((&samples, shape)) if samples > 0 && shape == input.size() => Ok(samples as usize),
        _ => Err(Error::Shape {
            at: "disturbances".to_owned(),
            expected: format!("[samples, …] with the input's {}", shape_text(&input.size())),
            got: shape_text(&disturbances.size()),
            remedy: "`Disturbance::default().of(&input)` gives fitting ones.".to_owned(),
        }),
    }
}
