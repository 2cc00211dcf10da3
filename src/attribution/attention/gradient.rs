//! Attention weighted by its gradient: which patches increase a class's score.
//!
//! Chefer, Gur, Wolf, "Generic Attention-model Explainability for Interpreting Bi-Modal and
//! Encoder-Decoder Transformers", 2021 ([arXiv:2103.15679](https://arxiv.org/abs/2103.15679)), for
//! self-attention.

use tch::{TchError, Tensor};

use super::{Attention, failed};
use crate::Result;
use crate::attribution::{Attribution, Attributions, Input, Run, Target};
use crate::network::Network;
use crate::view::Heatmap;

/// Gradient-weighted attention of a vision transformer: in each layer the heads' mean of attention ×
/// gradient, where that is positive, followed through the layers with their skips. Maps `[N, h, w]` of
/// the patches, at least 0: how much each increases the score on its way to the class token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GradientAttention;

impl Attribution for GradientAttention {
    fn name(&self) -> String {
        "Gradient-weighted attention".to_owned()
    }

    fn attribute(&self, run: &Run<'_>) -> Result<Attributions> {
        let scored = run.targets()?.node;
        let found = Attention::of(run.network(), &run.input().size(), scored)?;
        let pass = run.differentiate(&found.layers)?;
        let follow = || -> Result<Tensor, TchError> {
            let mut relevance = found.identity(&pass.output)?;
            for (maps, gradient) in pass.activations.iter().zip(&pass.gradients) {
                let positive = maps.f_mul(gradient)?.f_clamp_min(0)?;
                let mean = positive.f_mean_dim([1_i64].as_slice(), false, None)?;
                relevance = relevance.f_add(&mean.f_matmul(&relevance)?)?;
            }
            found.on_the_picture(&relevance)
        };
        Ok(Attributions::positive(follow().map_err(failed)?, "relevance"))
    }
}

/// [`GradientAttention`] as a figure: values `[h, w]` of the patches, at least 0.
///
/// ```no_run
/// use convscope::prelude::*;
///
/// let (net, photo) = (zoo::deit_tiny()?, Photo::open("dog.jpg")?);
/// gradient_attention(&net, &photo, "Arctic fox")?
/// # ; Ok::<(), convscope::Error>(())
/// ```
///
/// # Errors
///
/// A network without self-attention of all tokens before the target.
pub fn gradient_attention(
    net: &Network,
    input: &impl Input,
    target: impl Into<Target>,
) -> Result<Heatmap> {
    GradientAttention.explain(net, input, target)
}
