//! Integrated gradients: the gradient averaged on the straight way from a baseline to the picture,
//! times that way. The shares add up to the difference of the two scores.
//!
//! Sundararajan, Taly, Yan, "Axiomatic Attribution for Deep Networks", 2017
//! ([arXiv:1703.01365](https://arxiv.org/abs/1703.01365)).

use std::time::Duration;

use tch::{Kind, TchError, Tensor};

use super::aim::Aim;
use super::explained::{Explained, question};
use super::gradient::{input_gradient, single};
use super::variants::{Variants, in_form, stopped};
use super::{Channels, Target};
use crate::network::{Network, only};
use crate::view::Heatmap;
use crate::{Error, Photo, Result};

/// How integrated gradients are computed.
#[derive(Debug)]
pub struct IntegratedGradients {
    /// Points on the way (the middles of as many equal steps).
    pub steps: usize,
    /// Where the way begins, of the input's shape or broadcast to it; `None` is 0, ImageNet's mean
    /// colour for ImageNet's networks.
    pub baseline: Option<Tensor>,
    /// After this time the points that are done must do: fewer, but from the whole way.
    pub at_most: Option<Duration>,
}

impl Default for IntegratedGradients {
    fn default() -> Self {
        IntegratedGradients { steps: 50, baseline: None, at_most: None }
    }
}

/// Each value's share of the score, and what the sum of shares lacks.
#[derive(Debug)]
pub struct Integrated {
    /// The shares, `[N, C, H, W]` as the input, signed, in logits.
    pub shares: Tensor,
    /// Score minus the baseline's score minus the sum of the shares, `[N]`: how far the sum is from
    /// complete. It falls with more steps, unless the network has kinks on the way.
    pub residual: Tensor,
    /// How many points on the way were reached: all steps, or fewer where the time was bounded.
    pub steps: usize,
}

/// Integrated gradients of the target's score: values `[H, W]`, the sum over channels, signed, in
/// logits. The note says how complete they are.
///
/// ```
/// use convscope::prelude::*;
/// let net = zoo::digits()?;
/// let map = integrated_gradients(&net, &data::digit(4, 2)?, Target::Top, Default::default())?;
/// # Ok::<(), convscope::Error>(())
/// ```
pub fn integrated_gradients(
    net: &Network,
    photo: &Photo,
    target: impl Into<Target>,
    options: IntegratedGradients,
) -> Result<Heatmap> {
    let (input, aim) = question(net, photo, target)?;
    let (aim, output) = aim.settled(net, &input)?;
    let Integrated { shares, residual, steps } = integrate(net, &input, &aim, &options)?;
    let total = shares.f_sum(Kind::Double).and_then(|sum| sum.f_double_value(&[]));
    let total = total.map_err(Error::torch("summing the shares"))?;
    let residual = residual.f_double_value(&[0]).map_err(Error::torch("reading the residual"))?;
    let figure = Explained {
        values: single(&Channels::Sum.reduce(&shares)?)?,
        output,
        aim,
        method: "Integrated gradients",
        unit: "share of the score",
        reading: "red pixels speak for it, blue ones against",
    }
    .figure(net, photo)?;
    let figure = figure.note(format!(
        "{steps} steps; the shares sum to {total:.3}, {residual:+.3} short of the difference of scores"
    ));
    Ok(figure.unfinished(stopped(steps, options.steps)))
}

/// Integrated gradients of each picture of a batch; one target a picture.
pub fn integrated_gradients_tensor(
    net: &Network,
    input: &Tensor,
    targets: &[Target],
    options: &IntegratedGradients,
) -> Result<Integrated> {
    let (aim, _) = Aim::new(net, input, targets)?.settled(net, input)?;
    integrate(net, input, &aim, options)
}

fn integrate(
    net: &Network,
    input: &Tensor,
    aim: &Aim,
    options: &IntegratedGradients,
) -> Result<Integrated> {
    if options.steps == 0 {
        return Err(Error::Argument("integrated gradients need at least 1 step".to_owned()));
    }
    let failed = || Error::torch("integrating gradients (does the baseline fit the input?)");
    let fast = net.for_inference()?;
    let (net, aim, []) = in_form(net, &fast, aim, []);
    let input = net.admit(input)?;
    let baseline = match &options.baseline {
        Some(baseline) => baseline
            .f_to_device(input.device())
            .and_then(|b| b.f_to_kind(input.kind())?.f_expand_as(&input)?.f_contiguous()),
        None => input.f_zeros_like(),
    };
    let baseline = baseline.map_err(failed())?;
    let way = input.f_sub(&baseline).map_err(failed())?;
    let mut sum = way.f_zeros_like().map_err(failed())?;
    let order = spread(options.steps);
    let variants =
        Variants::new("Integrated gradients", options.steps, net, &way.size(), way.kind(), true)?;
    let steps = variants.at_most(options.at_most).run(|range| {
        let steps = order.get(range).unwrap_or_default();
        let points = points(&baseline, &way, steps, options.steps).map_err(failed())?;
        let aim = aim.repeated(steps.len());
        let gradient = only(input_gradient(net, &points, &aim)?.gradients)?;
        let mut shape = way.size();
        shape.insert(0, -1);
        let total = gradient
            .f_view(shape.as_slice())
            .and_then(|g| g.f_sum_dim_intlist([0_i64].as_slice(), false, None::<Kind>));
        sum = total.and_then(|total| sum.f_add(&total)).map_err(failed())?;
        Ok(())
    })?;
    let shares = sum.f_div_scalar(steps as f64).and_then(|mean| mean.f_mul(&way));
    let shares = shares.map_err(failed())?;
    let score = |input: &Tensor| {
        let value = net.value(input, aim.node)?;
        aim.scores(&value)?.f_to_kind(Kind::Double).map_err(failed())
    };
    let difference = score(&input)?.f_sub(&score(&baseline)?).map_err(failed())?;
    let total = shares.f_sum_dim_intlist([1_i64, 2, 3].as_slice(), false, Kind::Double);
    let residual = total.and_then(|total| difference.f_sub(&total)).map_err(failed())?;
    Ok(Integrated { shares, residual, steps })
}

/// The steps in an order in which the first few, however many, are spread over the whole way (van der
/// Corput's), so that a run may end early.
fn spread(steps: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..steps).collect();
    order.sort_by_key(|step| step.reverse_bits());
    order
}

/// The middles of these steps on the way of the whole batch, one after the other.
fn points(baseline: &Tensor, way: &Tensor, steps: &[usize], of: usize) -> Result<Tensor, TchError> {
    let point = |&step: &usize| {
        let along = (step as f64 + 0.5) / of as f64;
        baseline.f_add(&way.f_mul_scalar(along)?)
    };
    Tensor::f_cat(&steps.iter().map(point).collect::<Result<Vec<_>, _>>()?, 0)
}
