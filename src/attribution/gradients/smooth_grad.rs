//! SmoothGrad: the gradient averaged over noisy copies of the image, which takes away much of what is
//! only sensitivity to noise.
//!
//! Smilkov et al., "SmoothGrad: removing noise by adding noise", 2017
//! ([arXiv:1706.03825](https://arxiv.org/abs/1706.03825)); squared and variance: Hooker et al., 2018
//! ([arXiv:1806.10758](https://arxiv.org/abs/1806.10758)) and Adebayo et al., 2018
//! ([arXiv:1810.03292](https://arxiv.org/abs/1810.03292)).

use std::time::Duration;

use tch::{Kind, TchError, Tensor};

use crate::attribution::perturbation::Variants;
use crate::attribution::{Attribution, Attributions, Input, Run, Target};
use crate::limits::check_count;
use crate::live::stopped;
use crate::network::Network;
use crate::random::Random;
use crate::view::Heatmap;
use crate::{Error, Result};

/// What is made of the noisy gradients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Aggregation {
    /// Their mean.
    #[default]
    Mean,
    /// The mean of their squares.
    Squared,
    /// Their variance.
    Variance,
}

/// SmoothGrad: the gradients of noisy copies, aggregated, `[N, C, H, W]`.
///
/// By default 50 copies, noise of 0.15 of the input's range, their mean.
///
/// ```
/// use convscope::prelude::*;
/// let method = SmoothGrad::default().samples(10).aggregation(Aggregation::Variance);
/// let map = method.explain(&zoo::digits()?, &data::digit(4, 2)?, Target::Top)?;
/// assert!(map.values().tensor().min().double_value(&[]) >= 0.0);
/// # Ok::<(), convscope::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SmoothGrad {
    samples: usize,
    noise: f64,
    aggregation: Aggregation,
    seed: u64,
    time_limit: Option<Duration>,
}

impl Default for SmoothGrad {
    fn default() -> Self {
        let aggregation = Aggregation::Mean;
        SmoothGrad { samples: 50, noise: 0.15, aggregation, seed: 0, time_limit: None }
    }
}

impl SmoothGrad {
    /// Sets the number of noisy copies.
    #[must_use]
    pub fn samples(mut self, samples: usize) -> SmoothGrad {
        self.samples = samples;
        self
    }

    /// Sets the noise's standard deviation, as a share of the input's range; 0.1 to 0.2 in the paper.
    #[must_use]
    pub fn noise(mut self, noise: f64) -> SmoothGrad {
        self.noise = noise;
        self
    }

    /// Sets what is made of the gradients.
    #[must_use]
    pub fn aggregation(mut self, aggregation: Aggregation) -> SmoothGrad {
        self.aggregation = aggregation;
        self
    }

    /// Sets the seed; one seed always gives the same noise.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> SmoothGrad {
        self.seed = seed;
        self
    }

    /// After this time the samples that are done must do; the figure says how many.
    #[must_use]
    pub fn time_limit(mut self, time: Duration) -> SmoothGrad {
        self.time_limit = Some(time);
        self
    }

    fn check(&self) -> Result<()> {
        check_count("samples of SmoothGrad", self.samples, 50)?;
        if !(self.noise >= 0.0 && self.noise.is_finite()) {
            return Err(Error::Argument(format!(
                "SmoothGrad with a noise of {}: at least 0 is needed, such as 0.15",
                self.noise
            )));
        }
        Ok(())
    }
}

impl Attribution for SmoothGrad {
    fn name(&self) -> String {
        "SmoothGrad".to_owned()
    }

    fn attribute(&self, run: &Run<'_>) -> Result<Attributions> {
        self.check()?;
        let failed = || Error::torch("averaging noisy gradients");
        let (net, targets, []) = run.fast([])?;
        let input = run.input();
        let range = input
            .f_amax([1, 2, 3], true)
            .and_then(|most| most.f_sub(&input.f_amin([1, 2, 3], true)?));
        let deviation = range.and_then(|range| range.f_mul_scalar(self.noise)).map_err(failed())?;
        let mut random = Random(self.seed);
        // In double precision: variances are differences of large sums.
        let zeros =
            || input.f_zeros_like().and_then(|z| z.f_to_kind(Kind::Double)).map_err(failed());
        let (mut sum, mut squares) = (zeros()?, zeros()?);
        let variants =
            Variants::new("SmoothGrad", self.samples, net, &input.size(), input.kind(), true)?;
        let found = |sum: &Tensor, squares: &Tensor, count: usize| {
            let values = self.aggregation.of(sum, squares, count);
            let values = values.and_then(|values| values.f_to_kind(input.kind()));
            Ok(Attributions::positive(values.map_err(failed())?, self.aggregation.unit())
                .reading("bright pixels change its score most, whatever the noise"))
        };
        let done = variants.time_limit(self.time_limit).run(|samples| {
            let mut random_here = Random(random.0);
            let noisy = noisy(input, &deviation, samples.len(), &mut random_here);
            let targets = targets.repeated(samples.len());
            let gradient = targets.input_gradient(net, &noisy.map_err(failed())?)?;
            let mut shape = input.size();
            shape.insert(0, -1);
            let gradients =
                gradient.f_to_kind(Kind::Double).and_then(|g| g.f_view(shape.as_slice()));
            let gradients = gradients.map_err(failed())?;
            let total = |g: &Tensor| g.f_sum_dim_intlist([0_i64].as_slice(), false, Kind::Double);
            let more = total(&gradients).and_then(|g| Ok((g, total(&gradients.f_square()?)?)));
            let (gradients, gradient_squares) = more.map_err(failed())?;
            sum = sum.f_add(&gradients).map_err(failed())?;
            squares = squares.f_add(&gradient_squares).map_err(failed())?;
            random = random_here;
            run.show(|| found(&sum, &squares, samples.end));
            Ok(())
        })?;
        Ok(Attributions { stopped: stopped(done, self.samples), ..found(&sum, &squares, done)? })
    }
}

impl Aggregation {
    /// Of `count` gradients with this sum and sum of squares, double.
    fn of(self, sum: &Tensor, squares: &Tensor, count: usize) -> Result<Tensor, TchError> {
        let mean = sum.f_div_scalar(count as f64)?;
        let square = squares.f_div_scalar(count as f64)?;
        match self {
            Aggregation::Mean => Ok(mean),
            Aggregation::Squared => Ok(square),
            Aggregation::Variance => square.f_sub(&mean.f_square()?)?.f_clamp_min(0),
        }
    }

    fn unit(self) -> &'static str {
        match self {
            Aggregation::Mean => "|mean gradient|",
            Aggregation::Squared => "mean squared gradient",
            Aggregation::Variance => "variance of the gradient",
        }
    }
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

/// [`SmoothGrad`] with its defaults, as a figure: values `[H, W]`, at least 0 (the largest absolute
/// value of the channels).
///
/// # Errors
///
/// An unknown class; an input that doesn't fit the network.
pub fn smooth_grad(
    net: &Network,
    input: &impl Input,
    target: impl Into<Target>,
) -> Result<Heatmap> {
    SmoothGrad::default().explain(net, input, target)
}
