//! Score-CAM: a layer's channels, weighted by the score of the image masked by each of them. No
//! gradients.
//!
//! Wang et al., "Score-CAM: Score-Weighted Visual Explanations for Convolutional Neural Networks", 2019
//! ([arXiv:1910.01279](https://arxiv.org/abs/1910.01279)).

use std::time::Duration;

use tch::{Kind, TchError, Tensor};

use super::channels::{Weighed, by_variance, weighed};
use crate::attribution::method::single;
use crate::attribution::perturbation::Variants;
use crate::attribution::{Attribution, Attributions, Input, Measure, Run, Target};
use crate::network::Network;
use crate::view::Heatmap;
use crate::{Error, Result};

/// Score-CAM at a layer: maps `[N, h, w]` of the layer, at least 0. One run of the network per channel.
///
/// Each channel, enlarged to the input's size and scaled to 0…1, masks the image; the channels' weights
/// are the softmax of what the target then scores. Enlarged as everything here: bilinearly, corners not
/// aligned, as the authors do. pytorch-grad-cam aligns the corners, and torchcam scales the maps to 0…1
/// before it enlarges them; both weight by logits ([`Measure::Score`]) unless told otherwise.
///
/// ```
/// use convscope::prelude::*;
/// let method = ScoreCam::at("relu2").channels(8);
/// let map = method.explain(&zoo::digits()?, &data::digit(4, 2)?, Target::Top)?;
/// assert_eq!(map.values().shape(), [8, 8]);
/// # Ok::<(), convscope::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ScoreCam {
    layer: String,
    channels: Option<usize>,
    measure: Measure,
    time_limit: Option<Duration>,
}

impl ScoreCam {
    /// At a layer: a name of [`Network::layer_names`] or a prefix.
    pub fn at(layer: &str) -> ScoreCam {
        let measure = Measure::Probability;
        ScoreCam { layer: layer.to_owned(), channels: None, measure, time_limit: None }
    }

    /// Takes only this many channels: those that vary most over the map.
    #[must_use]
    pub fn channels(mut self, channels: usize) -> ScoreCam {
        self.channels = Some(channels);
        self
    }

    /// Sets what the channels are weighted by: the paper's probability (the default), or the logit,
    /// which tells channels apart more strongly.
    #[must_use]
    pub fn measure(mut self, measure: Measure) -> ScoreCam {
        self.measure = measure;
        self
    }

    /// After this time the channels that are weighed must do, those that vary most first; the figure
    /// says how many. For each image of a batch.
    #[must_use]
    pub fn time_limit(mut self, time: Duration) -> ScoreCam {
        self.time_limit = Some(time);
        self
    }

    fn weigh(&self, run: &Run<'_>) -> Result<Weighed> {
        let (net, targets, [at]) = run.fast([run.layer(&self.layer)?])?;
        let input = run.input();
        let maps = net.maps(at, &input.size())?;
        let maps = single(&maps.of(&net.value(input, at)?)?)?;
        let order = by_variance(&maps, self.channels)?;
        let maps = maps.f_index_select(0, &order).map_err(failed)?;
        let mut scores = Vec::new();
        let weights = |scores: &[Tensor]| Tensor::f_cat(scores, 0)?.f_softmax(0, None::<Kind>);
        let count = maps.size().first().map_or(0, |&count| count as usize);
        let variants = Variants::new("Score-CAM", count, net, &input.size(), input.kind(), false)?;
        variants.time_limit(self.time_limit).run(|range| {
            let (start, length) = (range.start as i64, range.len() as i64);
            let seen = maps.f_narrow(0, start, length).and_then(|maps| masked(input, &maps));
            let output = net.value(&seen.map_err(failed)?, targets.node)?;
            scores.push(targets.repeated(range.len()).measured(&output, self.measure)?);
            run.show(|| Weighed::new(&maps, weights(&scores))?.so_far());
            Ok(())
        })?;
        Weighed::new(&maps, weights(&scores))
    }
}

impl Attribution for ScoreCam {
    fn name(&self) -> String {
        format!("Score-CAM at {}", self.layer)
    }

    fn attribute(&self, run: &Run<'_>) -> Result<Attributions> {
        weighed(run, |one| self.weigh(one))
    }
}

/// The image masked by each of the maps `[K, h, w]`: `[K, C, H, W]`.
fn masked(input: &Tensor, maps: &Tensor) -> Result<Tensor, TchError> {
    const TINY: f64 = 1e-8;
    let size = input.size();
    let size = size.get(2..).unwrap_or_default();
    let large = maps.f_unsqueeze(1)?.f_upsample_bilinear2d(size, false, None, None)?;
    let (low, high) = (large.f_amin([2, 3], true)?, large.f_amax([2, 3], true)?);
    // Nothing is left of the image where a map is the same everywhere.
    let masks = large.f_sub(&low)?.f_div(&high.f_sub(&low)?.f_add_scalar(TINY)?)?;
    input.f_mul(&masks)
}

fn failed(error: TchError) -> Error {
    Error::torch("masking the image by a layer's maps")(error)
}

/// [`ScoreCam`] with its defaults, as a figure: values `[h, w]` of the layer, at least 0.
///
/// # Errors
///
/// A layer without maps or tokens; an unknown class.
pub fn score_cam(
    net: &Network,
    input: &impl Input,
    layer: &str,
    target: impl Into<Target>,
) -> Result<Heatmap> {
    ScoreCam::at(layer).explain(net, input, target)
}
