//! Every method by one name, with its options: for what works with any of them.

use tch::Tensor;

use super::aim::Aim;
use super::cam::weighted;
use super::explained::{Explained, question};
use super::occlusion::cover;
use super::{
    AblationCam, Cam, Channels, IntegratedGradients, Patches, Rise, ScoreCam, SmoothGrad, Target,
    ablation_cam, ablation_cam_tensor, cam_tensor, deconvolution, deconvolution_tensor,
    gradient_attention, gradient_attention_tensor, gradient_tensor, guided_backprop,
    guided_backprop_tensor, guided_grad_cam, guided_grad_cam_tensor, input_times_gradient,
    integrated_gradients, integrated_gradients_tensor, occlusion_tensor, rise, rise_tensor,
    saliency_by, score_cam, score_cam_tensor, smooth_grad, smooth_grad_tensor,
};
use crate::network::Network;
use crate::view::{Heatmap, Heatmaps, Share};
use crate::{Error, Photo, Result};

/// A method of attribution with its options.
///
/// ```
/// use convscope::prelude::*;
/// let methods = [Method::grad_cam("relu2"), Method::InputTimesGradient];
/// let figure = compare_methods(&zoo::digits()?, &data::digit(4, 2)?, Target::Top, &methods)?;
/// # Ok::<(), convscope::Error>(())
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum Method {
    /// The gradient, its channels reduced this way.
    Saliency(Channels),
    /// Input × gradient, summed over the channels.
    InputTimesGradient,
    /// SmoothGrad, the largest absolute value of the channels.
    SmoothGrad(SmoothGrad),
    /// Integrated gradients, summed over the channels.
    IntegratedGradients(IntegratedGradients),
    /// Guided backpropagation, the largest absolute value of the channels.
    GuidedBackprop,
    /// Deconvolution, the largest absolute value of the channels.
    Deconvolution,
    /// A class activation map at a layer.
    Cam(Cam, String),
    /// Guided Grad-CAM at a layer, the largest absolute value of the channels.
    GuidedGradCam(String),
    /// Occlusion: at each pixel the mean drop over the patches that cover it.
    Occlusion(Patches),
    /// Score-CAM at a layer.
    ScoreCam(ScoreCam, String),
    /// Ablation-CAM at a layer.
    AblationCam(AblationCam, String),
    /// RISE: random masks.
    Rise(Rise),
    /// Gradient-weighted attention of a vision transformer.
    GradientAttention,
}

impl Method {
    /// Grad-CAM at a layer.
    pub fn grad_cam(layer: &str) -> Method {
        Method::Cam(Cam::GradCam, layer.to_owned())
    }

    /// The absolute gradient, the largest of the channels.
    pub fn saliency() -> Method {
        Method::Saliency(Channels::LargestAbsolute)
    }

    /// Its name, as titles and labels have it: `Grad-CAM at layer4`.
    pub fn name(&self) -> String {
        let name = match self {
            Method::Saliency(Channels::LargestAbsolute) => "Saliency",
            Method::Saliency(Channels::Sum) => "Gradient",
            Method::Saliency(Channels::SumAbsolute) => "Saliency (sum)",
            Method::InputTimesGradient => "Input × gradient",
            Method::SmoothGrad(_) => "SmoothGrad",
            Method::IntegratedGradients(_) => "Integrated gradients",
            Method::GuidedBackprop => "Guided backprop",
            Method::Deconvolution => "Deconvolution",
            Method::Cam(cam, layer) => return format!("{} at {layer}", cam.name()),
            Method::GuidedGradCam(layer) => return format!("Guided Grad-CAM at {layer}"),
            Method::Occlusion(patches) => {
                let [height, width] = patches.size;
                return format!("Occlusion by {height}×{width}");
            }
            Method::ScoreCam(_, layer) => return format!("Score-CAM at {layer}"),
            Method::AblationCam(_, layer) => return format!("Ablation-CAM at {layer}"),
            Method::Rise(_) => "RISE",
            Method::GradientAttention => "Gradient-weighted attention",
        };
        name.to_owned()
    }
}

/// The figure of a method: its map over the picture. Values `[h, w]` of the input's size, or, for
/// class activation maps, of the layer's.
///
/// Errors: those of the method.
///
/// ```
/// use convscope::prelude::*;
/// let map = explain(&zoo::digits()?, &data::digit(4, 2)?, Target::Top, &Method::GuidedBackprop)?;
/// assert_eq!(map.values().size(), [28, 28]);
/// # Ok::<(), convscope::Error>(())
/// ```
pub fn explain(
    net: &Network,
    photo: &Photo,
    target: impl Into<Target>,
    method: &Method,
) -> Result<Heatmap> {
    match method {
        Method::Saliency(channels) => saliency_by(net, photo, target, *channels),
        Method::InputTimesGradient => input_times_gradient(net, photo, target),
        Method::SmoothGrad(options) => smooth_grad(net, photo, target, *options),
        Method::IntegratedGradients(options) => {
            integrated_gradients(net, photo, target, copied(options))
        }
        Method::GuidedBackprop => guided_backprop(net, photo, target),
        Method::Deconvolution => deconvolution(net, photo, target),
        Method::Cam(cam, layer) => weighted(*cam, net, photo, layer, target),
        Method::GuidedGradCam(layer) => guided_grad_cam(net, photo, layer, target),
        Method::Occlusion(patches) => occlusion_map(net, photo, target, *patches),
        Method::ScoreCam(options, layer) => score_cam(net, photo, layer, target, *options),
        Method::AblationCam(options, layer) => ablation_cam(net, photo, layer, target, *options),
        Method::Rise(options) => rise(net, photo, target, *options),
        Method::GradientAttention => gradient_attention(net, photo, target),
    }
}

/// The map of each picture of a batch `[N, C, H, W]`, `[N, H, W]` of the input's size, in the
/// method's unit; one target a picture. Class activation maps are enlarged bilinearly, corners not
/// aligned.
///
/// ```
/// use convscope::attribution::explain_tensor;
/// use convscope::prelude::*;
/// let net = zoo::digits()?;
/// let input = net.prepare(&data::digit(4, 2)?)?;
/// let maps = explain_tensor(&net, &input, &[Target::Top], &Method::grad_cam("relu2"))?;
/// assert_eq!(maps.size(), [1, 28, 28]);
/// # Ok::<(), convscope::Error>(())
/// ```
pub fn explain_tensor(
    net: &Network,
    input: &Tensor,
    targets: &[Target],
    method: &Method,
) -> Result<Tensor> {
    let largest = |values: Result<Tensor>| Channels::LargestAbsolute.reduce(&values?);
    match method {
        Method::Saliency(channels) => channels.reduce(&gradient_tensor(net, input, targets)?),
        Method::InputTimesGradient => {
            let gradient = gradient_tensor(net, input, targets)?;
            let product = gradient.f_mul(&net.admit(input)?);
            Channels::Sum.reduce(&product.map_err(Error::torch("multiplying by the input"))?)
        }
        Method::SmoothGrad(options) => largest(smooth_grad_tensor(net, input, targets, *options)),
        Method::IntegratedGradients(options) => {
            Channels::Sum.reduce(&integrated_gradients_tensor(net, input, targets, options)?.shares)
        }
        Method::GuidedBackprop => largest(guided_backprop_tensor(net, input, targets)),
        Method::Deconvolution => largest(deconvolution_tensor(net, input, targets)),
        Method::Cam(cam, layer) => over(input, cam_tensor(*cam, net, input, layer, targets)),
        Method::GuidedGradCam(layer) => largest(guided_grad_cam_tensor(net, input, layer, targets)),
        Method::Occlusion(patches) => occlusion_tensor(net, input, targets, *patches),
        Method::ScoreCam(options, layer) => {
            over(input, score_cam_tensor(net, input, layer, targets, *options))
        }
        Method::AblationCam(options, layer) => {
            over(input, ablation_cam_tensor(net, input, layer, targets, *options))
        }
        Method::Rise(options) => rise_tensor(net, input, targets, *options),
        Method::GradientAttention => over(input, gradient_attention_tensor(net, input, targets)),
    }
}

/// Maps at the input's size.
fn over(input: &Tensor, maps: Result<Tensor>) -> Result<Tensor> {
    let maps = maps?;
    match input.size()[..] {
        [_, _, height, width] => enlarged(&maps, [height, width]),
        _ => Ok(maps),
    }
}

/// The maps of several methods side by side, each on its own scale, since their units differ.
///
/// Errors: no methods; those of a method.
pub fn compare_methods(
    net: &Network,
    photo: &Photo,
    target: impl Into<Target>,
    methods: &[Method],
) -> Result<Heatmaps> {
    let input = net.prepare(photo)?;
    let (aim, targets) = fixed(net, &input, &[target.into()])?;
    let maps = methods.iter().map(|method| {
        let map = explain(net, photo, only_target(&targets), method)?;
        Ok((method.name(), map))
    });
    let title = format!("{} in {}, by method", aim.name(net, 0), photo.title());
    Ok(Heatmaps::new(title, maps.collect::<Result<Vec<_>>>()?)?.share(Share::Each))
}

/// Maps `[N, h, w]` at another size: bilinear, corners not aligned.
pub(super) fn enlarged(maps: &Tensor, size: [i64; 2]) -> Result<Tensor> {
    let enlarged = maps
        .f_unsqueeze(1)
        .and_then(|maps| maps.f_upsample_bilinear2d(size, false, None, None)?.f_squeeze_dim(1));
    enlarged.map_err(Error::torch("enlarging the maps"))
}

/// The targets made ready, with the top classes found, and the same as targets: to explain another
/// network's or another picture's score of that very class.
pub(super) fn fixed(
    net: &Network,
    input: &Tensor,
    targets: &[Target],
) -> Result<(Aim, Vec<Target>)> {
    let (aim, _) = Aim::new(net, input, targets)?.settled(net, input)?;
    let targets = targets.iter().enumerate();
    let class = |(index, target): (usize, &Target)| {
        aim.class(index).map_or_else(|| target.clone(), Target::Class)
    };
    let targets = targets.map(class).collect();
    Ok((aim, targets))
}

/// The target of a batch of one picture.
pub(super) fn only_target(targets: &[Target]) -> Target {
    targets.first().cloned().unwrap_or_default()
}

fn copied(options: &IntegratedGradients) -> IntegratedGradients {
    let baseline = options.baseline.as_ref().map(Tensor::shallow_clone);
    IntegratedGradients { steps: options.steps, baseline, at_most: options.at_most }
}

/// Occlusion as a map like the others', instead of its own figure.
fn occlusion_map(
    net: &Network,
    photo: &Photo,
    target: impl Into<Target>,
    patches: Patches,
) -> Result<Heatmap> {
    let (input, aim) = question(net, photo, target)?;
    let (aim, output) = aim.settled(net, &input)?;
    let covered = cover(net, &net.for_inference()?, &input, &aim, patches)?;
    let unit = match aim.unit(0, patches.measure) {
        "probability" => "drop of probability",
        "logit" => "drop of logit",
        _ => "drop of score",
    };
    let figure = Explained {
        values: covered.map().map_err(Error::torch("spreading the drops over the pixels"))?,
        output,
        aim,
        method: "Occlusion",
        unit,
        reading: "covering red or bright regions lowers its score",
    }
    .figure(net, photo)?;
    Ok(figure.unfinished(covered.stopped()))
}
