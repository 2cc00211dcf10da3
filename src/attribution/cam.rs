//! Class activation maps: the channels of a layer, weighted by how they speak for the target.
//!
//! - CAM: Zhou et al., 2015 ([arXiv:1512.04150](https://arxiv.org/abs/1512.04150))
//! - Grad-CAM: Selvaraju et al., 2016 ([arXiv:1610.02391](https://arxiv.org/abs/1610.02391))
//! - Grad-CAM++: Chattopadhyay et al., 2017 ([arXiv:1710.11063](https://arxiv.org/abs/1710.11063))
//! - XGrad-CAM: Fu et al., 2020 ([arXiv:2008.02312](https://arxiv.org/abs/2008.02312))
//! - HiResCAM: Draelos and Carin, 2020 ([arXiv:2011.08891](https://arxiv.org/abs/2011.08891))
//! - LayerCAM: Jiang et al., 2021 ([doi:10.1109/TIP.2021.3089943](https://doi.org/10.1109/TIP.2021.3089943))

use tch::{Kind, TchError, Tensor};

use super::aim::Aim;
use super::explained::{Explained, question};
use super::gradient::single;
use super::tokens::as_map;
use super::{Target, class_map};
use crate::network::{Network, only};
use crate::view::Heatmap;
use crate::{Error, Photo, Result};

/// How channels are weighted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cam {
    /// By the weights of the linear layer after global average pooling; for networks that end so.
    Cam,
    /// By the mean of their gradient.
    #[default]
    GradCam,
    /// By a mean of their positive gradients in which each place counts as much as it contributes.
    GradCamPlusPlus,
    /// By the mean of their gradient, each place counting as much as the channel is active there.
    XGradCam,
    /// By the gradient at each place.
    HiResCam,
    /// By the positive gradient at each place.
    LayerCam,
}

impl Cam {
    /// As titles and labels have it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Cam::Cam => "CAM",
            Cam::GradCam => "Grad-CAM",
            Cam::GradCamPlusPlus => "Grad-CAM++",
            Cam::XGradCam => "XGrad-CAM",
            Cam::HiResCam => "HiResCAM",
            Cam::LayerCam => "LayerCAM",
        }
    }
}

/// CAM of the last convolutional layer: for networks that end in global average pooling and one
/// linear layer, such as ResNet, DenseNet and GoogLeNet. Values `[h, w]`, signed, in logits: their
/// mean plus the bias is the class's logit.
pub fn cam(net: &Network, photo: &Photo, target: impl Into<Target>) -> Result<Heatmap> {
    let layer = class_map::pooled_layer(net)?;
    weighted(Cam::Cam, net, photo, &layer, target)
}

/// Grad-CAM at a layer: where in the picture is what speaks for the target. Values `[h, w]` of the
/// layer, at least 0; the figure enlarges them.
///
/// Any layer of a convolutional network, usually the last (`layer4` of a ResNet); for a vision
/// transformer a layer of tokens, usually the last block's first norm
/// (`encoder.layers.encoder_layer_11.ln_1`).
///
/// ```
/// use convscope::prelude::*;
/// let map = grad_cam(&zoo::digits()?, &data::digit(4, 2)?, "relu2", Target::Top)?;
/// assert_eq!(map.values().size(), [8, 8]);
/// # Ok::<(), convscope::Error>(())
/// ```
pub fn grad_cam(
    net: &Network,
    photo: &Photo,
    layer: &str,
    target: impl Into<Target>,
) -> Result<Heatmap> {
    weighted(Cam::GradCam, net, photo, layer, target)
}

/// Grad-CAM++ at a layer; see [`grad_cam`].
pub fn grad_cam_plus_plus(
    net: &Network,
    photo: &Photo,
    layer: &str,
    target: impl Into<Target>,
) -> Result<Heatmap> {
    weighted(Cam::GradCamPlusPlus, net, photo, layer, target)
}

/// XGrad-CAM at a layer; see [`grad_cam`].
pub fn x_grad_cam(
    net: &Network,
    photo: &Photo,
    layer: &str,
    target: impl Into<Target>,
) -> Result<Heatmap> {
    weighted(Cam::XGradCam, net, photo, layer, target)
}

/// HiResCAM at a layer; see [`grad_cam`].
pub fn hires_cam(
    net: &Network,
    photo: &Photo,
    layer: &str,
    target: impl Into<Target>,
) -> Result<Heatmap> {
    weighted(Cam::HiResCam, net, photo, layer, target)
}

/// LayerCAM at a layer, also an early one; see [`grad_cam`].
pub fn layer_cam(
    net: &Network,
    photo: &Photo,
    layer: &str,
    target: impl Into<Target>,
) -> Result<Heatmap> {
    weighted(Cam::LayerCam, net, photo, layer, target)
}

/// The map of each picture, `[N, h, w]` of the layer; one target a picture. At least 0, except for
/// [`Cam::Cam`].
pub fn cam_tensor(
    method: Cam,
    net: &Network,
    input: &Tensor,
    layer: &str,
    targets: &[Target],
) -> Result<Tensor> {
    let aim = Aim::new(net, input, targets)?;
    rectified_map(method, cam_values(method, net, input, layer, &aim)?.0)
}

/// Only what speaks for the target, except for [`Cam::Cam`], which is signed.
pub(super) fn rectified_map(method: Cam, values: Tensor) -> Result<Tensor> {
    match method {
        Cam::Cam => Ok(values),
        _ => values.f_relu().map_err(Error::torch("rectifying the map")),
    }
}

pub(super) fn weighted(
    method: Cam,
    net: &Network,
    photo: &Photo,
    layer: &str,
    target: impl Into<Target>,
) -> Result<Heatmap> {
    let (input, aim) = question(net, photo, target)?;
    let (values, output) = cam_values(method, net, &input, layer, &aim)?;
    let unit = match method {
        Cam::Cam => "logit",
        Cam::GradCamPlusPlus => "weighted activation",
        _ => "gradient × activation",
    };
    let reading = match method {
        Cam::Cam => "regions above 0 speak for it, regions below against",
        _ => "bright regions speak for it",
    };
    Explained {
        values: single(&rectified_map(method, values)?)?,
        aim: aim.fixed(&output)?,
        output,
        method: method.name(),
        unit,
        reading,
    }
    .figure(net, photo)
}

/// The weighted sum of the layer's channels before any ReLU, `[N, h, w]`, and the scored value.
pub(super) fn cam_values(
    method: Cam,
    net: &Network,
    input: &Tensor,
    layer: &str,
    aim: &Aim,
) -> Result<(Tensor, Tensor)> {
    let at = net.find(layer)?;
    if method == Cam::Cam {
        // Weights, not gradients.
        let mut values = net.values(input, &[aim.node, at])?;
        let activation = as_map(net, at, input, &values.remove(1))?;
        let output = only(values)?;
        let classes = aim.clone().fixed(&output)?;
        return Ok((class_map::values(net, at, &activation, &classes)?, output));
    }
    let run = net.differentiate(input, &[at], aim.node, |value| aim.total(value))?;
    let activation = as_map(net, at, input, &only(run.activations)?)?;
    let gradient = as_map(net, at, input, &only(run.gradients)?)?;
    let map = combine(method, &activation, &gradient);
    Ok((map.map_err(Error::torch("weighting the channels"))?, run.output))
}

/// Activation and gradient `[N, C, h, w]` to a map `[N, h, w]`.
fn combine(method: Cam, activation: &Tensor, gradient: &Tensor) -> Result<Tensor, TchError> {
    let kind = activation.kind();
    let places = |t: &Tensor| t.f_sum_dim_intlist([2_i64, 3].as_slice(), true, None::<Kind>);
    let weights = match method {
        Cam::Cam | Cam::GradCam => {
            gradient.f_mean_dim([2_i64, 3].as_slice(), true, None::<Kind>)?
        }
        Cam::HiResCam => gradient.shallow_clone(),
        Cam::LayerCam => gradient.f_relu()?,
        Cam::XGradCam => {
            const TINY: f64 = 1e-7;
            let share = activation.f_div(&places(activation)?.f_add_scalar(TINY)?)?;
            places(&gradient.f_mul(&share)?)?
        }
        Cam::GradCamPlusPlus => {
            const TINY: f64 = 1e-6;
            let square = gradient.f_square()?;
            let cube = square.f_mul(gradient)?;
            let below = places(activation)?.f_mul(&cube)?;
            let below = below.f_add(&square.f_mul_scalar(2)?)?.f_add_scalar(TINY)?;
            let share = square.f_div(&below)?.f_mul(&gradient.f_ne(0)?.f_to_kind(kind)?)?;
            places(&gradient.f_relu()?.f_mul(&share)?)?
        }
    };
    activation.f_mul(&weights)?.f_sum_dim_intlist([1_i64].as_slice(), false, None::<Kind>)
}
