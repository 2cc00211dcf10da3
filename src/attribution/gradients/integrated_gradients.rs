//! Integrated gradients: the gradient averaged on the straight path from a baseline to the image, times
//! that path. The attributions add up to the difference of the two scores.
//!
//! Sundararajan, Taly, Yan, "Axiomatic Attribution for Deep Networks", 2017
//! ([arXiv:1703.01365](https://arxiv.org/abs/1703.01365)).

use std::time::Duration;

use tch::{Kind, TchError, Tensor};

use crate::attribution::perturbation::Variants;
use crate::attribution::{Attribution, Attributions, Input, Run, Target};
use crate::limits::check_count;
use crate::live::stopped;
use crate::network::Network;
use crate::view::Heatmap;
use crate::{Error, Result};

/// Integrated gradients, `[N, C, H, W]`, signed, in logits.
///
/// By default 50 steps from a baseline of 0: ImageNet's mean color for ImageNet's networks.
///
/// ```
/// use convscope::prelude::*;
/// let method = IntegratedGradients::default().steps(100);
/// let map = method.explain(&zoo::digits()?, &data::digit(4, 2)?, Target::Top)?;
/// # Ok::<(), convscope::Error>(())
/// ```
#[derive(Debug)]
pub struct IntegratedGradients {
    steps: usize,
    baseline: Option<Tensor>,
    time_limit: Option<Duration>,
}

impl Default for IntegratedGradients {
    fn default() -> Self {
        IntegratedGradients { steps: 50, baseline: None, time_limit: None }
    }
}

impl Clone for IntegratedGradients {
    fn clone(&self) -> Self {
        let baseline = self.baseline.as_ref().map(Tensor::shallow_clone);
        IntegratedGradients { baseline, ..*self }
    }
}

/// Integrated gradients with what they lack.
#[derive(Debug)]
#[non_exhaustive]
pub struct Integrated {
    /// The attributions, `[N, C, H, W]` as the input, signed, in logits.
    pub values: Tensor,
    /// The convergence delta, `[N]`: score minus the baseline's score minus the sum of the
    /// attributions. It falls with more steps, unless the network has kinks on the path.
    pub convergence_delta: Tensor,
    /// How many points on the path were reached: all steps, or fewer under a time limit.
    pub steps: usize,
}

impl IntegratedGradients {
    /// Sets the number of points on the path (the middles of as many equal steps).
    #[must_use]
    pub fn steps(mut self, steps: usize) -> IntegratedGradients {
        self.steps = steps;
        self
    }

    /// Sets where the path begins: of the input's shape, or broadcast to it.
    #[must_use]
    pub fn baseline(mut self, baseline: &Tensor) -> IntegratedGradients {
        self.baseline = Some(baseline.shallow_clone());
        self
    }

    /// After this time the points that are done must do: fewer, but from the whole path.
    #[must_use]
    pub fn time_limit(mut self, time: Duration) -> IntegratedGradients {
        self.time_limit = Some(time);
        self
    }

    /// The attributions of each image, with their convergence delta.
    ///
    /// # Errors
    ///
    /// No steps; a baseline that doesn't fit the input.
    pub fn integrate(&self, run: &Run<'_>) -> Result<Integrated> {
        check_count("steps of integrated gradients", self.steps, 50)?;
        let failed = || Error::torch("integrating gradients (does the baseline fit the input?)");
        let (net, targets, []) = run.fast([])?;
        let input = run.input();
        let baseline = match &self.baseline {
            Some(baseline) => baseline
                .f_to_device(input.device())
                .and_then(|b| b.f_to_kind(input.kind())?.f_expand_as(input)?.f_contiguous()),
            None => input.f_zeros_like(),
        };
        let baseline = baseline.map_err(failed())?;
        let path = input.f_sub(&baseline).map_err(failed())?;
        let mut sum = path.f_zeros_like().map_err(failed())?;
        let values = |sum: &Tensor, steps: usize| sum.f_div_scalar(steps as f64)?.f_mul(&path);
        let (order, mut done) = (spread(self.steps), 0);
        let variants = Variants::new(
            "Integrated gradients",
            self.steps,
            net,
            &path.size(),
            path.kind(),
            true,
        )?;
        let steps = variants.time_limit(self.time_limit).run(|range| {
            let steps = order.get(range).unwrap_or_default();
            let points = points(&baseline, &path, steps, self.steps).map_err(failed())?;
            let gradient = targets.repeated(steps.len()).input_gradient(net, &points)?;
            let mut shape = path.size();
            shape.insert(0, -1);
            let total = gradient
                .f_view(shape.as_slice())
                .and_then(|g| g.f_sum_dim_intlist([0_i64].as_slice(), false, None::<Kind>));
            sum = total.and_then(|total| sum.f_add(&total)).map_err(failed())?;
            done += steps.len();
            run.show(|| {
                let found = signed(values(&sum, done).map_err(failed())?);
                Ok(Attributions { notes: vec![format!("{done} steps")], ..found })
            });
            Ok(())
        })?;
        let values = values(&sum, steps).map_err(failed())?;
        let score = |input: &Tensor| {
            let value = net.value(input, targets.node)?;
            targets.scores(&value)?.f_to_kind(Kind::Double).map_err(failed())
        };
        let difference = score(input)?.f_sub(&score(&baseline)?).map_err(failed())?;
        let total = values.f_sum_dim_intlist([1_i64, 2, 3].as_slice(), false, Kind::Double);
        let convergence_delta =
            total.and_then(|total| difference.f_sub(&total)).map_err(failed())?;
        Ok(Integrated { values, convergence_delta, steps })
    }
}

impl Attribution for IntegratedGradients {
    fn name(&self) -> String {
        "Integrated gradients".to_owned()
    }

    fn attribute(&self, run: &Run<'_>) -> Result<Attributions> {
        let Integrated { values, convergence_delta, steps } = self.integrate(run)?;
        let failed = || Error::torch("summing the attributions");
        let total = values.f_sum(Kind::Double).and_then(|sum| sum.f_double_value(&[]));
        let delta = convergence_delta.f_sum(Kind::Double).and_then(|sum| sum.f_double_value(&[]));
        let note = format!(
            "{steps} steps; the attributions sum to {:.3}, convergence delta {:+.3}",
            total.map_err(failed())?,
            delta.map_err(failed())?
        );
        let stopped = stopped(steps, self.steps);
        Ok(Attributions { notes: vec![note], stopped, ..signed(values) })
    }
}

/// What is found, `[N, C, H, W]`.
fn signed(values: Tensor) -> Attributions {
    Attributions::signed(values, "contribution to the score").readings(
        "red pixels increase its score, blue ones decrease it",
        "bright pixels increase its score",
    )
}

/// The steps in an order in which the first few, however many, are spread over the whole path (van der
/// Corput's), so that a run may end early.
fn spread(steps: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..steps).collect();
    order.sort_by_key(|step| step.reverse_bits());
    order
}

/// The middles of these steps on the path of the whole batch, one after the other.
fn points(
    baseline: &Tensor,
    path: &Tensor,
    steps: &[usize],
    of: usize,
) -> Result<Tensor, TchError> {
    let point = |&step: &usize| {
        let along = (step as f64 + 0.5) / of as f64;
        baseline.f_add(&path.f_mul_scalar(along)?)
    };
    Tensor::f_cat(&steps.iter().map(point).collect::<Result<Vec<_>, _>>()?, 0)
}

/// [`IntegratedGradients`] with its defaults, as a figure: values `[H, W]`, the sum over channels,
/// signed, in logits. The note gives the convergence delta.
///
/// # Errors
///
/// An unknown class; an input that doesn't fit the network.
pub fn integrated_gradients(
    net: &Network,
    input: &impl Input,
    target: impl Into<Target>,
) -> Result<Heatmap> {
    IntegratedGradients::default().explain(net, input, target)
}
