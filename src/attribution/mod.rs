//! Why did the network decide so: one method a file. Network and picture in, figure out.
//!
//! Each method has a second form, `…_tensor`, which takes a prepared batch `[N, C, H, W]` with one
//! target a picture and gives numbers. Nothing is left behind on the network by any of them.

mod ablation_cam;
mod aim;
mod attention;
mod cam;
mod channels;
mod class_map;
mod explained;
mod gradient;
mod guided;
mod integrated;
mod measure;
mod method;
mod mistakes;
mod occlusion;
mod patches;
mod rise;
mod score_cam;
mod smooth_grad;
mod target;
mod tokens;
mod trust;
mod variants;

pub use ablation_cam::{AblationCam, ablation_cam, ablation_cam_tensor};
pub(crate) use aim::by_name;
pub use attention::{
    AttentionMaps, Fusion, Heads, Rollout, attention, attention_rollout, attention_rollout_tensor,
    attention_tensor, gradient_attention, gradient_attention_tensor,
};
pub use cam::{
    Cam, cam, cam_tensor, grad_cam, grad_cam_plus_plus, hires_cam, layer_cam, x_grad_cam,
};
pub use gradient::{Channels, gradient_tensor, input_times_gradient, saliency, saliency_by};
pub use guided::{
    deconvolution, deconvolution_tensor, guided_backprop, guided_backprop_tensor, guided_grad_cam,
    guided_grad_cam_tensor,
};
pub use integrated::{
    Integrated, IntegratedGradients, integrated_gradients, integrated_gradients_tensor,
};
pub use measure::Measure;
pub use method::{Method, compare_methods, explain, explain_tensor};
pub use mistakes::compare_predictions;
pub use occlusion::{occlusion, occlusion_tensor};
pub use patches::{Fill, Patches};
pub use rise::{Rise, rise, rise_tensor};
pub use score_cam::{ScoreCam, score_cam, score_cam_tensor};
pub use smooth_grad::{Smooth, SmoothGrad, smooth_grad, smooth_grad_tensor};
pub use target::{Score, Target, Unit};
pub use trust::{
    Agreement, Cascade, Checks, Confidence, Disturbance, PixelCurves, PixelSteps, Randomisation,
    Stage, Trust, Verdict, agreement, confidence, infidelity, max_sensitivity, pixel_curves,
    randomisation, randomisation_by, trust, trust_by,
};
