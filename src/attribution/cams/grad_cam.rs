//! Grad-CAM: channels weighted by the mean of their gradient.
//!
//! Selvaraju et al., "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based
//! Localization", 2016 ([arXiv:1610.02391](https://arxiv.org/abs/1610.02391)).

use super::weighted::{found, mean, weighted};
use crate::Result;
use crate::attribution::{Attribution, Attributions, Input, Run, Target};
use crate::network::Network;
use crate::view::Heatmap;

/// Grad-CAM at a layer: maps `[N, h, w]` of the layer, at least 0.
///
/// Any layer of a convolutional network, usually the last (`layer4` of a ResNet); for a vision
/// transformer a layer of tokens, usually the last block's first norm
/// (`encoder.layers.encoder_layer_11.ln_1`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GradCam {
    layer: String,
}

impl GradCam {
    /// At a layer: a name of [`Network::layer_names`] or a prefix.
    pub fn at(layer: &str) -> GradCam {
        GradCam { layer: layer.to_owned() }
    }
}

impl Attribution for GradCam {
    fn name(&self) -> String {
        format!("Grad-CAM at {}", self.layer)
    }

    fn attribute(&self, run: &Run<'_>) -> Result<Attributions> {
        let maps = weighted(run, &self.layer, |_, gradient| mean(gradient))?;
        Ok(found(maps))
    }
}

/// [`GradCam`] as a figure: which regions increase the score. Values `[h, w]` of the layer, at least 0;
/// the figure enlarges them.
///
/// ```
/// use convscope::prelude::*;
/// let map = grad_cam(&zoo::digits()?, &data::digit(4, 2)?, "relu2", Target::Top)?;
/// assert_eq!(map.values().shape(), [8, 8]);
/// # Ok::<(), convscope::Error>(())
/// ```
///
/// # Errors
///
/// An unknown layer or class; a layer without maps or tokens, or one that the target does not depend
/// on.
pub fn grad_cam(
    net: &Network,
    input: &impl Input,
    layer: &str,
    target: impl Into<Target>,
) -> Result<Heatmap> {
    GradCam::at(layer).explain(net, input, target)
}
