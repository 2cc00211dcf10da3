//! LayerCAM: each place of each channel weighted by its own gradient, where that is positive.
//!
//! Jiang et al., "LayerCAM: Exploring Hierarchical Class Activation Maps for Localization", 2021
//! ([doi:10.1109/TIP.2021.3089943](https://doi.org/10.1109/TIP.2021.3089943)).

use super::weighted::{found, weighted};
use crate::Result;
use crate::attribution::{Attribution, Attributions, Input, Run, Target};
use crate::network::Network;
use crate::view::Heatmap;

/// LayerCAM at a layer, also an early one: maps `[N, h, w]` of the layer, at least 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerCam {
    layer: String,
}

impl LayerCam {
    /// At a layer: a name of [`Network::layer_names`] or a prefix.
    pub fn at(layer: &str) -> LayerCam {
        LayerCam { layer: layer.to_owned() }
    }
}

impl Attribution for LayerCam {
    fn name(&self) -> String {
        format!("LayerCAM at {}", self.layer)
    }

    fn attribute(&self, run: &Run<'_>) -> Result<Attributions> {
        let maps = weighted(run, &self.layer, |_, gradient| gradient.f_relu())?;
        Ok(found(maps))
    }
}

/// [`LayerCam`] as a figure; see [`grad_cam`](super::grad_cam).
///
/// # Errors
///
/// As [`grad_cam`](super::grad_cam).
pub fn layer_cam(
    net: &Network,
    input: &impl Input,
    layer: &str,
    target: impl Into<Target>,
) -> Result<Heatmap> {
    LayerCam::at(layer).explain(net, input, target)
}
