//! Attention weighted by its gradient: which patches speak for a class.
//!
//! Chefer, Gur, Wolf, "Generic Attention-model Explainability for Interpreting Bi-Modal and
//! Encoder-Decoder Transformers", 2021 ([arXiv:2103.15679](https://arxiv.org/abs/2103.15679)), for
//! self-attention.

use tch::{TchError, Tensor};

use super::{Attention, failed};
use crate::attribution::Target;
use crate::attribution::aim::Aim;
use crate::attribution::explained::{Explained, question};
use crate::attribution::gradient::single;
use crate::network::Network;
use crate::view::Heatmap;
use crate::{Photo, Result};

/// Gradient-weighted attention of a vision transformer: in each layer the heads' mean of attention ×
/// gradient, where that is positive, followed through the layers with their skips. Values `[h, w]` for
/// the patches, at least 0: how much each speaks for the target on its way to the class token.
///
/// ```no_run
/// use convscope::prelude::*;
///
/// let (net, photo) = (zoo::deit_tiny()?, Photo::open("dog.jpg")?);
/// gradient_attention(&net, &photo, "Arctic fox")?
/// # ; Ok::<(), convscope::Error>(())
/// ```
///
/// Errors: a network without self-attention of all tokens before the target.
pub fn gradient_attention(
    net: &Network,
    photo: &Photo,
    target: impl Into<Target>,
) -> Result<Heatmap> {
    let (input, aim) = question(net, photo, target)?;
    let (values, output) = relevance(net, &input, &aim)?;
    Explained {
        values: single(&values)?,
        aim: aim.fixed(&output)?,
        output,
        method: "Gradient-weighted attention",
        unit: "relevance",
        reading: "bright regions speak for it",
    }
    .figure(net, photo)
}

/// Gradient-weighted attention of each picture, `[N, h, w]`, at least 0, for an input `[N, C, H, W]`;
/// one target a picture.
///
/// Errors: a network without self-attention of all tokens before the target.
pub fn gradient_attention_tensor(
    net: &Network,
    input: &Tensor,
    targets: &[Target],
) -> Result<Tensor> {
    Ok(relevance(net, input, &Aim::new(net, input, targets)?)?.0)
}

/// The map of each picture, and the scored value.
fn relevance(net: &Network, input: &Tensor, aim: &Aim) -> Result<(Tensor, Tensor)> {
    let found = Attention::of(net, &input.size(), aim.node)?;
    let run = net.differentiate(input, &found.layers, aim.node, |value| aim.total(value))?;
    let follow = || -> Result<Tensor, TchError> {
        let mut relevance = found.identity(&run.output)?;
        for (maps, gradient) in run.activations.iter().zip(&run.gradients) {
            let positive = maps.f_mul(gradient)?.f_clamp_min(0)?;
            let mean = positive.f_mean_dim([1_i64].as_slice(), false, None)?;
            relevance = relevance.f_add(&mean.f_matmul(&relevance)?)?;
        }
        found.on_the_picture(&relevance)
    };
    Ok((follow().map_err(failed)?, run.output))
}
