//! Guided backpropagation: gradients of which only positive ones pass back through active ReLUs. Sharp
//! images, but they show edges more than reasons: they hardly change when the network's last layers are
//! re-initialized (Adebayo et al., "Sanity Checks for Saliency Maps", 2018).
//!
//! Springenberg et al., "Striving for Simplicity", 2014
//! ([arXiv:1412.6806](https://arxiv.org/abs/1412.6806)).

use crate::Result;
use crate::attribution::{Attribution, Attributions, Input, Run, Target};
use crate::network::{BackpropRule, Network};
use crate::view::Heatmap;

/// Guided backpropagation: at each ReLU, only positive gradients of active units pass back.
/// The modified gradient, `[N, C, H, W]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GuidedBackprop;

impl Attribution for GuidedBackprop {
    fn name(&self) -> String {
        "Guided backprop".to_owned()
    }

    fn attribute(&self, run: &Run<'_>) -> Result<Attributions> {
        let gradient = run.modified_gradient(BackpropRule::Guided)?;
        Ok(Attributions::positive(gradient, "|modified gradient|")
            .reading("bright pixels are edges that can raise its score"))
    }
}

/// [`GuidedBackprop`] as a figure: values `[H, W]`, at least 0.
///
/// ```
/// use convscope::prelude::*;
/// let map = guided_backprop(&zoo::digits()?, &data::digit(4, 2)?, Target::Top)?;
/// # Ok::<(), convscope::Error>(())
/// ```
///
/// # Errors
///
/// A network without ReLU, or with other non-linear functions such as GELU beside them.
pub fn guided_backprop(
    net: &Network,
    input: &impl Input,
    target: impl Into<Target>,
) -> Result<Heatmap> {
    GuidedBackprop.explain(net, input, target)
}
