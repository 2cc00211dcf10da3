//! XGrad-CAM: channels weighted by the mean of their gradient, in which each place counts as much as the
//! channel is active there.
//!
//! Fu et al., "Axiom-based Grad-CAM", 2020 ([arXiv:2008.02312](https://arxiv.org/abs/2008.02312)).

use super::weighted::{found, total, weighted};
use crate::Result;
use crate::attribution::{Attribution, Attributions, Input, Run, Target};
use crate::network::Network;
use crate::view::Heatmap;

/// XGrad-CAM at a layer: maps `[N, h, w]` of the layer, at least 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct XGradCam {
    layer: String,
}

impl XGradCam {
    /// At a layer: a name of [`Network::layer_names`] or a prefix.
    pub fn at(layer: &str) -> XGradCam {
        XGradCam { layer: layer.to_owned() }
    }
}

impl Attribution for XGradCam {
    fn name(&self) -> String {
        format!("XGrad-CAM at {}", self.layer)
    }

    fn attribute(&self, run: &Run<'_>) -> Result<Attributions> {
        const TINY: f64 = 1e-7;
        let maps = weighted(run, &self.layer, |activation, gradient| {
            let share = activation.f_div(&total(activation)?.f_add_scalar(TINY)?)?;
            total(&gradient.f_mul(&share)?)
        })?;
        Ok(found(maps))
    }
}

/// [`XGradCam`] as a figure; see [`grad_cam`](super::grad_cam).
///
/// # Errors
///
/// As [`grad_cam`](super::grad_cam).
pub fn x_grad_cam(
    net: &Network,
    input: &impl Input,
    layer: &str,
    target: impl Into<Target>,
) -> Result<Heatmap> {
    XGradCam::at(layer).explain(net, input, target)
}
