//! Guided backpropagation and deconvolution: gradients that keep only what speaks for the target on
//! its way back through the ReLUs. Sharp pictures, but they show edges more than reasons: they hardly
//! change when the network's last layers are randomised (Adebayo et al., "Sanity Checks for Saliency
//! Maps", 2018).
//!
//! Springenberg et al., "Striving for Simplicity", 2014
//! ([arXiv:1412.6806](https://arxiv.org/abs/1412.6806)); Zeiler and Fergus, "Visualizing and
//! Understanding Convolutional Networks", 2013 ([arXiv:1311.2901](https://arxiv.org/abs/1311.2901));
//! guided Grad-CAM: Selvaraju et al., 2016 ([arXiv:1610.02391](https://arxiv.org/abs/1610.02391)).

use tch::Tensor;

use super::aim::Aim;
use super::cam::{Cam, cam_values, rectified_map};
use super::explained::{Explained, question};
use super::gradient::single;
use super::{Channels, Target};
use crate::network::{Network, Rule};
use crate::view::Heatmap;
use crate::{Error, Photo, Result};

/// Guided backpropagation: at each ReLU, only positive gradients of active units go back. Values
/// `[H, W]`, at least 0.
///
/// Errors: a network without ReLU, or with smooth functions such as GELU beside them.
///
/// ```
/// use convscope::prelude::*;
/// let map = guided_backprop(&zoo::digits()?, &data::digit(4, 2)?, Target::Top)?;
/// # Ok::<(), convscope::Error>(())
/// ```
pub fn guided_backprop(net: &Network, photo: &Photo, target: impl Into<Target>) -> Result<Heatmap> {
    rectified(net, photo, target, Rule::Guided, "Guided backpropagation")
}

/// Deconvolution: at each ReLU, only positive gradients go back, of active units or not. Values
/// `[H, W]`, at least 0. Errors as [`guided_backprop`].
pub fn deconvolution(net: &Network, photo: &Photo, target: impl Into<Target>) -> Result<Heatmap> {
    rectified(net, photo, target, Rule::Deconvolution, "Deconvolution")
}

/// Guided backpropagation times the Grad-CAM of a layer, enlarged: fine detail where the class is.
/// Values `[H, W]`, at least 0.
pub fn guided_grad_cam(
    net: &Network,
    photo: &Photo,
    layer: &str,
    target: impl Into<Target>,
) -> Result<Heatmap> {
    let (input, aim) = question(net, photo, target)?;
    let (values, output) = guided_grad_cam_values(net, &input, layer, &aim)?;
    Explained {
        values: single(&Channels::LargestAbsolute.reduce(&values)?)?,
        aim: aim.fixed(&output)?,
        output,
        method: "Guided Grad-CAM",
        unit: "|guided gradient| × CAM",
        reading: "bright pixels are detail that speaks for it",
    }
    .figure(net, photo)
}

/// The guided gradient of each picture, `[N, C, H, W]` as the input; one target a picture.
pub fn guided_backprop_tensor(net: &Network, input: &Tensor, targets: &[Target]) -> Result<Tensor> {
    Ok(rectified_gradient(net, input, &Aim::new(net, input, targets)?, Rule::Guided)?.0)
}

/// The same by deconvolution.
pub fn deconvolution_tensor(net: &Network, input: &Tensor, targets: &[Target]) -> Result<Tensor> {
    Ok(rectified_gradient(net, input, &Aim::new(net, input, targets)?, Rule::Deconvolution)?.0)
}

/// Guided Grad-CAM of each picture, `[N, C, H, W]` as the input, signed as the guided gradient. The
/// map is enlarged by repeating its values, as Captum does.
pub fn guided_grad_cam_tensor(
    net: &Network,
    input: &Tensor,
    layer: &str,
    targets: &[Target],
) -> Result<Tensor> {
    Ok(guided_grad_cam_values(net, input, layer, &Aim::new(net, input, targets)?)?.0)
}

/// The values and the scored node's.
fn guided_grad_cam_values(
    net: &Network,
    input: &Tensor,
    layer: &str,
    aim: &Aim,
) -> Result<(Tensor, Tensor)> {
    let map = rectified_map(Cam::GradCam, cam_values(Cam::GradCam, net, input, layer, aim)?.0)?;
    let (guided, output) = rectified_gradient(net, input, aim, Rule::Guided)?;
    let size = &guided.size()[2..];
    let product = map
        .f_unsqueeze(1)
        .and_then(|map| map.f_upsample_nearest2d(size, None, None)?.f_mul(&guided));
    Ok((product.map_err(Error::torch("multiplying by the enlarged map"))?, output))
}

/// The gradient and the scored node's value.
fn rectified_gradient(
    net: &Network,
    input: &Tensor,
    aim: &Aim,
    rule: Rule,
) -> Result<(Tensor, Tensor)> {
    net.rectified_gradient(input, rule, aim.node, |value| aim.total(value))
}

fn rectified(
    net: &Network,
    photo: &Photo,
    target: impl Into<Target>,
    rule: Rule,
    method: &'static str,
) -> Result<Heatmap> {
    let (input, aim) = question(net, photo, target)?;
    let (values, output) = rectified_gradient(net, &input, &aim, rule)?;
    Explained {
        values: single(&Channels::LargestAbsolute.reduce(&values)?)?,
        aim: aim.fixed(&output)?,
        output,
        method,
        unit: "|guided gradient|",
        reading: "bright pixels are edges that can raise its score",
    }
    .figure(net, photo)
}
