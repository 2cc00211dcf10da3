//! Deconvolution: gradients of which only positive ones pass back through ReLUs, active or not.
//!
//! Zeiler and Fergus, "Visualizing and Understanding Convolutional Networks", 2013
//! ([arXiv:1311.2901](https://arxiv.org/abs/1311.2901)).

use crate::Result;
use crate::attribution::{Attribution, Attributions, Input, Run, Target};
use crate::network::{BackpropRule, Network};
use crate::view::Heatmap;

/// Deconvolution: at each ReLU, only positive gradients pass back, of active units or not.
/// The modified gradient, `[N, C, H, W]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Deconvolution;

impl Attribution for Deconvolution {
    fn name(&self) -> String {
        "Deconvolution".to_owned()
    }

    fn attribute(&self, run: &Run<'_>) -> Result<Attributions> {
        let gradient = run.modified_gradient(BackpropRule::Deconvolution)?;
        Ok(Attributions::positive(gradient, "|modified gradient|")
            .reading("bright pixels are edges that can raise its score"))
    }
}

/// [`Deconvolution`] as a figure: values `[H, W]`, at least 0.
///
/// ```
/// use convscope::prelude::*;
/// let map = deconvolution(&zoo::digits()?, &data::digit(4, 2)?, Target::Top)?;
/// # Ok::<(), convscope::Error>(())
/// ```
///
/// # Errors
///
/// A network without ReLU, or with other non-linear functions such as GELU beside them.
pub fn deconvolution(
    net: &Network,
    input: &impl Input,
    target: impl Into<Target>,
) -> Result<Heatmap> {
    Deconvolution.explain(net, input, target)
}
