//! Guided Grad-CAM: guided backpropagation where Grad-CAM is bright.
//!
//! Selvaraju et al., "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based
//! Localization", 2016 ([arXiv:1610.02391](https://arxiv.org/abs/1610.02391)).

use super::GradCam;
use crate::attribution::{Attribution, Attributions, GuidedBackprop, Input, Run, Target};
use crate::network::Network;
use crate::view::Heatmap;
use crate::{Error, Result};

/// Guided backpropagation times the Grad-CAM of a layer: fine detail where the class is.
/// `[N, C, H, W]`, signed as the guided gradient. The map is enlarged by repeating its values, as Captum
/// does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuidedGradCam {
    layer: String,
}

impl GuidedGradCam {
    /// With the Grad-CAM at a layer: a name of [`Network::layer_names`] or a prefix.
    pub fn at(layer: &str) -> GuidedGradCam {
        GuidedGradCam { layer: layer.to_owned() }
    }
}

impl Attribution for GuidedGradCam {
    fn name(&self) -> String {
        format!("Guided Grad-CAM at {}", self.layer)
    }

    fn attribute(&self, run: &Run<'_>) -> Result<Attributions> {
        let map = GradCam::at(&self.layer).attribute(run)?.values;
        let guided = GuidedBackprop.attribute(run)?.values;
        let product = map
            .f_unsqueeze(1)
            .and_then(|map| map.f_upsample_nearest2d(&guided.size()[2..], None, None))
            .and_then(|map| guided.f_mul(&map))
            .map_err(Error::torch("multiplying the guided gradient by the map"))?;
        Ok(Attributions::positive(product, "|guided gradient| × CAM")
            .reading("bright pixels are detail that increases its score"))
    }
}

/// [`GuidedGradCam`] as a figure: values `[H, W]`, at least 0.
///
/// # Errors
///
/// As [`grad_cam`](super::grad_cam) and [`guided_backprop`](crate::attribution::guided_backprop).
pub fn guided_grad_cam(
    net: &Network,
    input: &impl Input,
    layer: &str,
    target: impl Into<Target>,
) -> Result<Heatmap> {
    GuidedGradCam::at(layer).explain(net, input, target)
}
