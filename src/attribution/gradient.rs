//! The plain gradient: how the target's score moves with each input value.
//!
//! Simonyan, Vedaldi, Zisserman, "Deep Inside Convolutional Networks: Visualising Image
//! Classification Models and Saliency Maps", 2013
//! ([arXiv:1312.6034](https://arxiv.org/abs/1312.6034)); input × gradient: Shrikumar et al., "Not
//! Just a Black Box", 2016 ([arXiv:1605.01713](https://arxiv.org/abs/1605.01713)).

use tch::Tensor;

use super::Target;
use super::aim::Aim;
use super::explained::{Explained, question};
use crate::network::{Gradients, Network, only};
use crate::view::Heatmap;
use crate::{Error, Photo, Result};

/// How a gradient's channels become one value a pixel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Channels {
    /// The largest absolute value: how strongly the pixel matters, at least 0.
    #[default]
    LargestAbsolute,
    /// The sum: signed, whether more light in the pixel raises the score.
    Sum,
    /// The sum of absolute values, at least 0.
    SumAbsolute,
}

impl Channels {
    /// `[N, C, H, W]` to `[N, H, W]`.
    pub(super) fn reduce(self, values: &Tensor) -> Result<Tensor> {
        let sum = |values: &Tensor| values.f_sum_dim_intlist([1_i64].as_slice(), false, None);
        let reduced = match self {
            Channels::LargestAbsolute => values.f_abs().and_then(|v| v.f_amax([1], false)),
            Channels::Sum => sum(values),
            Channels::SumAbsolute => values.f_abs().and_then(|v| sum(&v)),
        };
        reduced.map_err(Error::torch("reducing the channels"))
    }
}

/// The absolute gradient of the target's score with respect to the input, the largest of the
/// channels at each pixel.
///
/// The figure's values are `[H, W]` of the network's input, at least 0, in logits per unit of the
/// normalised input. [`saliency_by`] gives signed and summed forms. Runs on the network's device.
///
/// Errors: an unknown class; a picture that cannot be prepared.
///
/// ```
/// use convscope::prelude::*;
/// let net = zoo::digits()?;
/// let map = saliency(&net, &data::digit(4, 2)?, Target::Top)?;
/// assert_eq!(map.values().size(), [28, 28]);
/// # Ok::<(), convscope::Error>(())
/// ```
pub fn saliency(net: &Network, photo: &Photo, target: impl Into<Target>) -> Result<Heatmap> {
    saliency_by(net, photo, target, Channels::LargestAbsolute)
}

/// The gradient with its channels reduced another way.
pub fn saliency_by(
    net: &Network,
    photo: &Photo,
    target: impl Into<Target>,
    channels: Channels,
) -> Result<Heatmap> {
    let (input, aim) = question(net, photo, target)?;
    let run = input_gradient(net, &input, &aim)?;
    let (unit, reading) = match channels {
        Channels::Sum => {
            ("gradient", "red pixels raise its score when brighter, blue ones lower it")
        }
        _ => ("|gradient|", "bright pixels move its score most"),
    };
    Explained {
        aim: aim.fixed(&run.output)?,
        output: run.output,
        values: single(&channels.reduce(&only(run.gradients)?)?)?,
        method: "Saliency",
        unit,
        reading,
    }
    .figure(net, photo)
}

/// The gradient times the input: each pixel's share of the score, as far as the network is linear.
///
/// The figure's values are `[H, W]`, the sum over channels, signed, in logits.
pub fn input_times_gradient(
    net: &Network,
    photo: &Photo,
    target: impl Into<Target>,
) -> Result<Heatmap> {
    let (input, aim) = question(net, photo, target)?;
    let run = input_gradient(net, &input, &aim)?;
    let input = net.admit(&input)?;
    let product = only(run.gradients)?.f_mul(&input);
    let product = product.map_err(Error::torch("multiplying by the input"))?;
    Explained {
        values: single(&Channels::Sum.reduce(&product)?)?,
        aim: aim.fixed(&run.output)?,
        output: run.output,
        method: "Input × gradient",
        unit: "share of the score",
        reading: "red pixels speak for it, blue ones against",
    }
    .figure(net, photo)
}

/// The gradient of each picture's score with respect to its input, `[N, C, H, W]` as the input; one
/// target a picture. For numbers instead of figures.
pub fn gradient_tensor(net: &Network, input: &Tensor, targets: &[Target]) -> Result<Tensor> {
    let aim = Aim::new(net, input, targets)?;
    only(input_gradient(net, input, &aim)?.gradients)
}

pub(super) fn input_gradient(net: &Network, input: &Tensor, aim: &Aim) -> Result<Gradients> {
    net.differentiate(input, &[0], aim.node, |value| aim.total(value))
}

/// The only picture of a batch of one.
pub(super) fn single(values: &Tensor) -> Result<Tensor> {
    values.f_get(0).map_err(Error::torch("reading the map"))
}
