//! HiResCAM: each place of each channel weighted by its own gradient.
//!
//! Draelos and Carin, "Use HiResCAM instead of Grad-CAM for faithful explanations of convolutional
//! neural networks", 2020 ([arXiv:2011.08891](https://arxiv.org/abs/2011.08891)).

use super::weighted::{found, weighted};
use crate::Result;
use crate::attribution::{Attribution, Attributions, Input, Run, Target};
use crate::network::Network;
use crate::view::Heatmap;

/// HiResCAM at a layer: maps `[N, h, w]` of the layer, at least 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HiResCam {
    layer: String,
}

impl HiResCam {
    /// At a layer: a name of [`Network::layer_names`] or a prefix.
    pub fn at(layer: &str) -> HiResCam {
        HiResCam { layer: layer.to_owned() }
    }
}

impl Attribution for HiResCam {
    fn name(&self) -> String {
        format!("HiResCAM at {}", self.layer)
    }

    fn attribute(&self, run: &Run<'_>) -> Result<Attributions> {
        let maps = weighted(run, &self.layer, |_, gradient| Ok(gradient.shallow_clone()))?;
        Ok(found(maps))
    }
}

/// [`HiResCam`] as a figure; see [`grad_cam`](super::grad_cam).
///
/// # Errors
///
/// As [`grad_cam`](super::grad_cam).
pub fn hires_cam(
    net: &Network,
    input: &impl Input,
    layer: &str,
    target: impl Into<Target>,
) -> Result<Heatmap> {
    HiResCam::at(layer).explain(net, input, target)
}
