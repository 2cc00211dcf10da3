//! The gradient times the input.
//!
//! Shrikumar et al., "Not Just a Black Box", 2016
//! ([arXiv:1605.01713](https://arxiv.org/abs/1605.01713)).

use crate::attribution::{Attribution, Attributions, Input, Run, Target};
use crate::network::{Network, only};
use crate::view::Heatmap;
use crate::{Error, Result};

/// The gradient times the input, `[N, C, H, W]`, signed, in logits: each value's contribution to the
/// score, as far as the network is linear.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InputTimesGradient;

impl Attribution for InputTimesGradient {
    fn name(&self) -> String {
        "Input × gradient".to_owned()
    }

    fn attribute(&self, run: &Run<'_>) -> Result<Attributions> {
        let gradient = only(run.gradients(&["input"])?.gradients)?;
        let product = gradient.f_mul(run.input());
        let product = product.map_err(Error::torch("multiplying by the input"))?;
        Ok(Attributions::signed(product, "contribution to the score").readings(
            "red pixels increase its score, blue ones decrease it",
            "bright pixels increase its score",
        ))
    }
}

/// [`InputTimesGradient`] as a figure: values `[H, W]`, the sum over channels.
///
/// # Errors
///
/// An unknown class; an input that doesn't fit the network.
pub fn input_times_gradient(
    net: &Network,
    input: &impl Input,
    target: impl Into<Target>,
) -> Result<Heatmap> {
    InputTimesGradient.explain(net, input, target)
}
