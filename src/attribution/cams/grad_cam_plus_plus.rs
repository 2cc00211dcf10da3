//! Grad-CAM++: channels weighted by a mean of their positive gradients in which each place counts as
//! much as it contributes.
//!
//! Chattopadhyay, Sarkar, Howlader, Balasubramanian, "Grad-CAM++: Improved Visual Explanations for Deep
//! Convolutional Networks", 2017 ([arXiv:1710.11063](https://arxiv.org/abs/1710.11063)).

use super::weighted::{total, weighted};
use crate::Result;
use crate::attribution::{Attribution, Attributions, Input, Run, Target};
use crate::network::Network;
use crate::view::Heatmap;

/// Grad-CAM++ at a layer: maps `[N, h, w]` of the layer, at least 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GradCamPlusPlus {
    layer: String,
}

impl GradCamPlusPlus {
    /// At a layer: a name of [`Network::layer_names`] or a prefix.
    pub fn at(layer: &str) -> GradCamPlusPlus {
        GradCamPlusPlus { layer: layer.to_owned() }
    }
}

impl Attribution for GradCamPlusPlus {
    fn name(&self) -> String {
        format!("Grad-CAM++ at {}", self.layer)
    }

    fn attribute(&self, run: &Run<'_>) -> Result<Attributions> {
        const TINY: f64 = 1e-6;
        let maps = weighted(run, &self.layer, |activation, gradient| {
            let square = gradient.f_square()?;
            let cube = square.f_mul(gradient)?;
            let below = total(activation)?.f_mul(&cube)?;
            let below = below.f_add(&square.f_mul_scalar(2)?)?.f_add_scalar(TINY)?;
            let kept = gradient.f_ne(0)?.f_to_kind(activation.kind())?;
            let share = square.f_div(&below)?.f_mul(&kept)?;
            total(&gradient.f_relu()?.f_mul(&share)?)
        })?;
        Ok(Attributions::positive(maps, "weighted activation"))
    }
}

/// [`GradCamPlusPlus`] as a figure; see [`grad_cam`](super::grad_cam).
///
/// # Errors
///
/// As [`grad_cam`](super::grad_cam).
pub fn grad_cam_plus_plus(
    net: &Network,
    input: &impl Input,
    layer: &str,
    target: impl Into<Target>,
) -> Result<Heatmap> {
    GradCamPlusPlus::at(layer).explain(net, input, target)
}
