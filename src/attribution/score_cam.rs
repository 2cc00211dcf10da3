//! Score-CAM: a layer's channels, weighted by the score of the picture seen through each of them. No
//! gradients.
//!
//! Wang et al., "Score-CAM: Score-Weighted Visual Explanations for Convolutional Neural Networks", 2019
//! ([arXiv:1910.01279](https://arxiv.org/abs/1910.01279)).

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

/// How Score-CAM is done.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScoreCam {
    /// Only so many channels, those that vary most over the map; all where `None`.
    pub channels: Option<usize>,
    /// What the channels are weighted by: the paper's probability, or the logit, which tells channels
    /// apart more strongly.
    pub measure: Measure,
    /// After this time the channels that are weighed must do, those that vary most first; the figure
    /// says how many. For each picture of a batch.
    pub at_most: Option<Duration>,
}

impl Default for ScoreCam {
    fn default() -> Self {
        ScoreCam { channels: None, measure: Measure::Probability, at_most: None }
    }
}

/// Score-CAM at a layer: values `[h, w]` of the layer, at least 0; the figure enlarges them.
///
/// Each channel, enlarged to the input's size and brought to 0 to 1, masks the picture; the channels'
/// weights are the softmax of what the target then scores. A run of the network a channel.
///
/// Enlarged as everything here: bilinearly, corners not aligned, as the authors do. pytorch-grad-cam
/// aligns the corners, and torchcam brings the maps to 0 to 1 before it enlarges them; both weight by
/// logits ([`Measure::Score`]) unless told otherwise.
///
/// Errors: a layer without maps or tokens; an unknown class; 0 channels.
///
/// ```
/// use convscope::prelude::*;
/// let options = ScoreCam { channels: Some(8), ..ScoreCam::default() };
/// let map = score_cam(&zoo::digits()?, &data::digit(4, 2)?, "relu2", Target::Top, options)?;
/// assert_eq!(map.values().size(), [8, 8]);
/// # Ok::<(), convscope::Error>(())
/// ```
pub fn score_cam(
    net: &Network,
    photo: &Photo,
    layer: &str,
    target: impl Into<Target>,
    options: ScoreCam,
) -> Result<Heatmap> {
    channels::figure(net, photo, layer, target, "Score-CAM", |fast, at, input, aim| {
        weigh(net, fast, at, input, aim, options)
    })
}

/// Score-CAM of each picture, `[N, h, w]` of the layer, at least 0; one target a picture.
pub fn score_cam_tensor(
    net: &Network,
    input: &Tensor,
    layer: &str,
    targets: &[Target],
    options: ScoreCam,
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
    options: ScoreCam,
) -> Result<Weighed> {
    let (net, aim, [at]) = in_form(net, fast, aim, [at]);
    let input = net.admit(input)?;
    let maps = single(&as_map(net, at, &input, &net.value(&input, at)?)?)?;
    let order = by_variance(&maps, options.channels)?;
    let maps = maps.f_index_select(0, &order).map_err(failed)?;
    let mut scores = Vec::new();
    let count = maps.size().first().map_or(0, |&count| count as usize);
    let variants = Variants::new("Score-CAM", count, net, &input.size(), input.kind(), false)?;
    variants.at_most(options.at_most).run(|range| {
        let (start, length) = (range.start as i64, range.len() as i64);
        let seen = maps.f_narrow(0, start, length).and_then(|maps| masked(&input, &maps));
        let output = net.value(&seen.map_err(failed)?, aim.node)?;
        scores.push(aim.repeated(range.len()).measured(&output, options.measure)?);
        Ok(())
    })?;
    let weights = Tensor::f_cat(&scores, 0).and_then(|scores| scores.f_softmax(0, None::<Kind>));
    Ok(Weighed { maps, weights: weights.map_err(failed)? })
}

/// The picture through each of the maps `[K, h, w]`: `[K, C, H, W]`.
fn masked(input: &Tensor, maps: &Tensor) -> Result<Tensor, TchError> {
    const TINY: f64 = 1e-8;
    let size = input.size();
    let size = size.get(2..).unwrap_or_default();
    let large = maps.f_unsqueeze(1)?.f_upsample_bilinear2d(size, false, None, None)?;
    let end = |large: &Tensor, most: bool| {
        let dims = [2_i64, 3];
        if most { large.f_amax(dims, true) } else { large.f_amin(dims, true) }
    };
    let (low, high) = (end(&large, false)?, end(&large, true)?);
    // Nothing is left of the picture where a map is the same everywhere.
    let masks = large.f_sub(&low)?.f_div(&high.f_sub(&low)?.f_add_scalar(TINY)?)?;
    input.f_mul(&masks)
}

fn failed(error: TchError) -> Error {
    Error::torch("looking at the picture through a layer's maps")(error)
}
