//! Ablation-CAM: a layer's channels, weighted by what the score loses without each of them. No
//! gradients.
//!
//! Desai and Ramaswamy, "Ablation-CAM: Visual Explanations for Deep Convolutional Network via
//! Gradient-free Localization", 2020
//! ([doi:10.1109/WACV45572.2020.9093360](https://doi.org/10.1109/WACV45572.2020.9093360)).

use std::time::Duration;

use tch::{Kind, TchError, Tensor};

use super::aim::Aim;
use super::channels::{self, Weighed, by_variance};
use super::gradient::single;
use super::tokens::as_map;
use super::variants::{Variants, in_form};
use super::{Measure, Target};
use crate::network::Network;
use crate::view::Heatmap;
use crate::{Error, Photo, Result};

/// How Ablation-CAM is done.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct AblationCam {
    /// Only so many channels, those that vary most over the map; all where `None`.
    pub channels: Option<usize>,
    /// What is compared with and without a channel: the paper's logit, or the probability.
    pub measure: Measure,
    /// After this time the channels that are weighed must do, those that vary most first; the figure
    /// says how many. For each picture of a batch.
    pub at_most: Option<Duration>,
}

/// Ablation-CAM at a layer: values `[h, w]` of the layer, at least 0; the figure enlarges them.
///
/// A channel's weight is how far the score falls when the channel is 0 everywhere, as a share of the
/// score's magnitude. Only what comes after the layer runs anew, once a channel; skips past it keep
/// their values. Of a vision transformer's tokens a feature is taken from all tokens.
///
/// pytorch-grad-cam does the same where the layer's least value is 0, as after a ReLU; elsewhere it sets
/// channels far below their least value instead of to 0, and its weights change their sign with a
/// negative score.
///
/// Errors: a layer without maps or tokens, or that the target does not depend on; an unknown class; 0
/// channels.
///
/// ```
/// use convscope::prelude::*;
/// let net = zoo::digits()?;
/// let map = ablation_cam(&net, &data::digit(4, 2)?, "relu2", Target::Top, Default::default())?;
/// assert_eq!(map.values().size(), [8, 8]);
/// # Ok::<(), convscope::Error>(())
/// ```
pub fn ablation_cam(
    net: &Network,
    photo: &Photo,
    layer: &str,
    target: impl Into<Target>,
    options: AblationCam,
) -> Result<Heatmap> {
    channels::figure(net, photo, layer, target, "Ablation-CAM", |fast, at, input, aim| {
        weigh(net, fast, at, input, aim, options)
    })
}

/// Ablation-CAM of each picture, `[N, h, w]` of the layer, at least 0; one target a picture.
pub fn ablation_cam_tensor(
    net: &Network,
    input: &Tensor,
    layer: &str,
    targets: &[Target],
    options: AblationCam,
) -> Result<Tensor> {
    channels::maps(net, input, layer, targets, |fast, at, input, aim| {
        weigh(net, fast, at, input, aim, options)
    })
}

/// `fast` is `net`'s inference form.
fn weigh(
    net: &Network,
    fast: &Network,
    at: usize,
    input: &Tensor,
    aim: &Aim,
    options: AblationCam,
) -> Result<Weighed> {
    let (net, aim, [at]) = in_form(net, fast, aim, [at]);
    let input = net.admit(input)?;
    let onward = net.onward(&input, at, aim.node)?;
    let maps = single(&as_map(net, at, &input, &onward.value)?)?;
    let order = by_variance(&maps, options.channels)?;
    let maps = maps.f_index_select(0, &order).map_err(failed)?;
    let channels = Vec::<i64>::try_from(&order).map_err(failed)?;
    let mut scores = Vec::new();
    let variants =
        Variants::new("Ablation-CAM", channels.len(), net, &input.size(), input.kind(), false)?;
    variants.at_most(options.at_most).run(|range| {
        let channels = channels.get(range).unwrap_or_default();
        let output = onward.run(&without(&onward.value, channels).map_err(failed)?)?;
        scores.push(aim.repeated(channels.len()).measured(&output, options.measure)?);
        Ok(())
    })?;
    let score = aim.measured(&onward.output, options.measure)?;
    let weights = Tensor::f_cat(&scores, 0).and_then(|scores| losses(&score, &scores));
    Ok(Weighed { maps, weights: weights.map_err(failed)? })
}

/// The layer's value `[1, C, h, w]` or `[1, T, C]` without each of these channels: `[K, …]`.
fn without(value: &Tensor, channels: &[i64]) -> Result<Tensor, TchError> {
    let dim = if value.dim() == 3 { 1 } else { 0 };
    let mut shape = value.size();
    if let Some(batch) = shape.first_mut() {
        *batch = channels.len() as i64;
    }
    let variants = value.f_expand(shape, false)?.f_contiguous()?;
    for (row, &channel) in (0..).zip(channels) {
        let _ = variants.f_select(0, row)?.f_select(dim, channel)?.f_zero_()?;
    }
    Ok(variants)
}

/// What of the score is lost, as a share of its magnitude; as it is where the score is 0.
fn losses(score: &Tensor, scores: &Tensor) -> Result<Tensor, TchError> {
    let magnitude = score.f_abs()?;
    let magnitude = magnitude.f_add(&magnitude.f_eq(0)?.f_to_kind(Kind::Float)?)?;
    score.f_sub(scores)?.f_div(&magnitude)?.f_to_kind(scores.kind())
}

fn failed(error: TchError) -> Error {
    Error::torch("taking channels away")(error)
}
