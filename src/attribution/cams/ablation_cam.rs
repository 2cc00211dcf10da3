//! Ablation-CAM: a layer's channels, weighted by what the score loses without each of them. No
//! gradients.
//!
//! Desai and Ramaswamy, "Ablation-CAM: Visual Explanations for Deep Convolutional Network via
//! Gradient-free Localization", 2020
//! ([doi:10.1109/WACV45572.2020.9093360](https://doi.org/10.1109/WACV45572.2020.9093360)).

use std::time::Duration;

use tch::{Kind, TchError, Tensor};

use super::channels::{Weighed, by_variance, weighed};
use crate::attribution::method::single;
use crate::attribution::perturbation::Variants;
use crate::attribution::{Attribution, Attributions, Input, Measure, Run, Target};
use crate::network::ops::repeated;
use crate::network::{Maps, Network};
use crate::view::Heatmap;
use crate::{Error, Result};

/// Ablation-CAM at a layer: maps `[N, h, w]` of the layer, at least 0.
///
/// A channel's weight is how far the score falls when the channel is 0 everywhere, as a share of the
/// score's magnitude. Only what comes after the layer runs again, once per channel; branches that
/// bypass it keep their values. Of a vision transformer's tokens a feature is taken from all tokens.
///
/// pytorch-grad-cam does the same where the layer's least value is 0, as after a ReLU; elsewhere it sets
/// channels far below their least value instead of to 0, and its weights change their sign with a
/// negative score.
///
/// ```
/// use convscope::prelude::*;
/// let method = AblationCam::at("relu2").measure(Measure::Probability);
/// let map = method.explain(&zoo::digits()?, &data::digit(4, 2)?, Target::Top)?;
/// assert_eq!(map.values().shape(), [8, 8]);
/// # Ok::<(), convscope::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct AblationCam {
    layer: String,
    channels: Option<usize>,
    measure: Measure,
    time_limit: Option<Duration>,
}

impl AblationCam {
    /// At a layer: a name of [`Network::layer_names`] or a prefix.
    pub fn at(layer: &str) -> AblationCam {
        let measure = Measure::Score;
        AblationCam { layer: layer.to_owned(), channels: None, measure, time_limit: None }
    }

    /// Takes only this many channels: those that vary most over the map.
    #[must_use]
    pub fn channels(mut self, channels: usize) -> AblationCam {
        self.channels = Some(channels);
        self
    }

    /// Sets what is compared with and without a channel: the paper's logit (the default), or the
    /// probability.
    #[must_use]
    pub fn measure(mut self, measure: Measure) -> AblationCam {
        self.measure = measure;
        self
    }

    /// After this time the channels that are weighed must do, those that vary most first; the figure
    /// says how many. For each image of a batch.
    #[must_use]
    pub fn time_limit(mut self, time: Duration) -> AblationCam {
        self.time_limit = Some(time);
        self
    }

    fn weigh(&self, run: &Run<'_>) -> Result<Weighed> {
        let (net, targets, [at]) = run.fast([run.layer(&self.layer)?])?;
        let input = run.input();
        let resumed = net.resume_at(input, at, targets.node)?;
        let layer = net.maps(at, &input.size())?;
        let maps = single(&layer.of(&resumed.value)?)?;
        let order = by_variance(&maps, self.channels)?;
        let maps = maps.f_index_select(0, &order).map_err(failed)?;
        let channels = Vec::<i64>::try_from(&order).map_err(failed)?;
        let score = targets.measured(&resumed.output, self.measure)?;
        let mut scores = Vec::new();
        let weights = |scores: &[Tensor]| losses(&score, &Tensor::f_cat(scores, 0)?);
        let (size, kind) = (input.size(), input.kind());
        let variants = Variants::new("Ablation-CAM", channels.len(), net, &size, kind, false)?;
        variants.time_limit(self.time_limit).run(|range| {
            let channels = channels.get(range).unwrap_or_default();
            let output =
                resumed.run(&without(&layer, &resumed.value, channels).map_err(failed)?)?;
            scores.push(targets.repeated(channels.len()).measured(&output, self.measure)?);
            run.show(|| Weighed::new(&maps, weights(&scores))?.so_far());
            Ok(())
        })?;
        Weighed::new(&maps, weights(&scores))
    }
}

impl Attribution for AblationCam {
    fn name(&self) -> String {
        format!("Ablation-CAM at {}", self.layer)
    }

    fn attribute(&self, run: &Run<'_>) -> Result<Attributions> {
        weighed(run, |one| self.weigh(one))
    }
}

/// The layer's value `[1, …]` without each of these channels: `[K, …]`.
fn without(maps: &Maps, value: &Tensor, channels: &[i64]) -> Result<Tensor, TchError> {
    let variants = repeated(value, channels.len() as i64)?.f_contiguous()?;
    for (row, &channel) in (0..).zip(channels) {
        let _ = maps.channel(&variants.f_narrow(0, row, 1)?, channel)?.f_zero_()?;
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
    Error::torch("ablating channels")(error)
}

/// [`AblationCam`] with its defaults, as a figure: values `[h, w]` of the layer, at least 0.
///
/// # Errors
///
/// A layer without maps or tokens, or that the target does not depend on; an unknown class.
pub fn ablation_cam(
    net: &Network,
    input: &impl Input,
    layer: &str,
    target: impl Into<Target>,
) -> Result<Heatmap> {
    AblationCam::at(layer).explain(net, input, target)
}
