//! Attention rollout: which patches reach the class token through all layers.
//!
//! Abnar and Zuidema, "Quantifying Attention Flow in Transformers", 2020
//! ([arXiv:2005.00928](https://arxiv.org/abs/2005.00928)).

use tch::{TchError, Tensor};

use super::{Attention, failed};
use crate::attribution::Input;
use crate::attribution::figure::{ALONE, input_size};
use crate::attribution::method::single;
use crate::network::Network;
use crate::view::Heatmap;
use crate::{Error, Result};

/// How the heads of a layer become one map.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fusion {
    /// The mean, as published.
    #[default]
    Mean,
    /// The largest value of the heads.
    Max,
    /// The smallest value of the heads: what all of them read.
    Min,
}

/// How rollout is done: by default as published.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rollout {
    fusion: Fusion,
    discard: f64,
}

impl Rollout {
    /// Sets how the heads of a layer become one map.
    #[must_use]
    pub fn fusion(mut self, fusion: Fusion) -> Rollout {
        self.fusion = fusion;
        self
    }

    /// Sets the share of each layer's values that become 0, the smallest first: from 0 (as published)
    /// to below 1. A large share clears the background.
    #[must_use]
    pub fn discard(mut self, share: f64) -> Rollout {
        self.discard = share;
        self
    }
}

/// Attention rollout of a vision transformer: the product of all layers' maps, each mixed half and half
/// with the identity for the skip around it. Values `[h, w]` for the patches, from 0 to 1: how much of
/// each reaches the class token.
///
/// It knows nothing of classes: one picture has one rollout.
///
/// ```no_run
/// use convscope::attribution::{Fusion, Rollout};
/// use convscope::prelude::*;
///
/// let (net, photo) = (zoo::deit_tiny()?, Photo::open("dog.jpg")?);
/// attention_rollout(&net, &photo, Rollout::default().fusion(Fusion::Max).discard(0.9))?
/// # ; Ok::<(), convscope::Error>(())
/// ```
///
/// # Errors
///
/// A network without self-attention of all tokens; a share outside its range.
pub fn attention_rollout(net: &Network, image: &impl Input, options: Rollout) -> Result<Heatmap> {
    let input = image.tensor(net)?;
    let values = attention_rollout_tensor(net, &input, options)?;
    let title = format!("Attention rollout in {}", image.title());
    let fusion = match options.fusion {
        Fusion::Mean => "mean",
        Fusion::Max => "largest",
        Fusion::Min => "smallest",
    };
    let discarded = match options.discard {
        0.0 => String::new(),
        share => format!(", {:.0} % of the values discarded", 100.0 * share),
    };
    let picture = image.shown(net, ALONE)?;
    let [height, width] = input_size(&input);
    let figure = Heatmap::new(title, "share", picture, &single(&values)?)?;
    Ok(figure.input_size(height, width).note(format!(
        "{}: what reaches the class token, whatever the class; {fusion} of the heads{discarded}",
        net.name()
    )))
}

/// Attention rollout of each picture, `[N, h, w]`, for an input `[N, C, H, W]`.
///
/// # Errors
///
/// A network without self-attention of all tokens; a share outside its range.
pub fn attention_rollout_tensor(net: &Network, input: &Tensor, options: Rollout) -> Result<Tensor> {
    if !(0.0..1.0).contains(&options.discard) {
        return Err(Error::Argument(format!(
            "attention rollout can't discard a share of {}; give one from 0 to below 1, such as 0.9",
            options.discard
        )));
    }
    let found = Attention::of(net, &input.size(), net.find(&net.output().name)?)?;
    let maps = net.values(input, &found.layers)?;
    // There is one at least, or nothing would have been found.
    let mut joint = found.identity(&maps[0]).map_err(failed)?;
    for maps in &maps {
        joint = mixed(maps, options).and_then(|mixed| mixed.f_matmul(&joint)).map_err(failed)?;
    }
    found.on_the_picture(&joint).map_err(failed)
}

/// One layer's way from token to token, `[N, T, T]`, each row of which sums to 1.
fn mixed(maps: &Tensor, options: Rollout) -> Result<Tensor, TchError> {
    let fused = match options.fusion {
        Fusion::Mean => maps.f_mean_dim([1_i64].as_slice(), false, None)?,
        Fusion::Max => maps.f_amax([1], false)?,
        Fusion::Min => maps.f_amin([1], false)?,
    };
    let flat = fused.f_flatten(1, 2)?;
    let count = (options.discard * flat.size().get(1).map_or(0.0, |&n| n as f64)) as i64;
    let (_, smallest) = flat.f_topk(count, 1, false, false)?;
    let kept = flat.f_scatter_value(1, &smallest, 0)?.f_view_as(&fused)?;
    let tokens = kept.size().get(1).copied().unwrap_or_default();
    let skip = Tensor::f_eye(tokens, (kept.kind(), kept.device()))?;
    let sum = kept.f_add(&skip)?;
    sum.f_div(&sum.f_sum_dim_intlist([2_i64].as_slice(), true, None)?)
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind};

    use super::*;

    #[test]
    fn each_row_of_every_product_sums_to_1() {
        tch::manual_seed(5);
        for fusion in [Fusion::Mean, Fusion::Max, Fusion::Min] {
            for discard in [0.0, 0.5, 0.95] {
                let mut joint = Tensor::eye(7, (Kind::Double, Device::Cpu)).unsqueeze(0);
                for _ in 0..5 {
                    let scores = Tensor::randn([2, 3, 7, 7], (Kind::Double, Device::Cpu)) * 3.0;
                    let maps = scores.softmax(3, None::<Kind>);
                    joint =
                        mixed(&maps, Rollout { fusion, discard }).expect("mixed").matmul(&joint);
                    let off = (joint.sum_dim_intlist(2, false, None) - 1.0).abs().max();
                    assert!(off.double_value(&[]) < 1e-14, "{fusion:?} {discard}: {off}");
                    assert!(joint.min().double_value(&[]) >= 0.0);
                }
            }
        }
    }

    #[test]
    fn the_smallest_values_are_discarded() {
        let maps = Tensor::from_slice(&[0.1, 0.9, 0.4, 0.6]).view([1, 1, 2, 2]);
        let options = Rollout { discard: 0.5, ..Rollout::default() };
        let mixed = mixed(&maps, options).expect("mixed");
        let expected = [1.0 / 1.9, 0.9 / 1.9, 0.0, 1.0];
        let found: Vec<f64> = Vec::try_from(mixed.reshape([-1])).expect("numbers");
        assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-15), "{found:?}");
    }
}
