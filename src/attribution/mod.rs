//! Attribution methods: which parts of an input drove a prediction.
//!
//! A method is a struct of its options that implements [`Attribution`], in a file of its own. It computes
//! its values for a [`Run`]: the network, a prepared input and the resolved targets. Figures
//! ([`Attribution::explain`]), comparisons ([`compare_methods`], [`compare_predictions`]) and checks
//! ([`trust`]) work with any method. For each method there is a function with its defaults:
//! `grad_cam(&net, &photo, "layer4", target)`. Nothing is left behind on the network by any of them.

mod attention;
mod cams;
mod compare;
mod figure;
mod gradients;
mod input;
mod method;
mod mistakes;
mod object;
mod perturbation;
mod pick;

mod region;
mod resolved;
mod run;
mod scored;
mod target;
mod trust;
mod watch;

pub use attention::{
    AttentionMaps, Fusion, GradientAttention, Heads, Rollout, attention, attention_rollout,
    attention_rollout_tensor, attention_tensor, gradient_attention,
};
pub use cams::{
    AblationCam, Cam, FinerCam, GradCam, GradCamPlusPlus, GuidedGradCam, HiResCam, LayerCam,
    ScoreCam, XGradCam, ablation_cam, cam, finer_cam, grad_cam, grad_cam_plus_plus,
    guided_grad_cam, hires_cam, layer_cam, score_cam, x_grad_cam,
};
pub use compare::compare_methods;
pub(crate) use figure::{ALONE, input_size};
pub use gradients::{
    Aggregation, Deconvolution, GuidedBackprop, InputTimesGradient, Integrated,
    IntegratedGradients, Saliency, SmoothGrad, deconvolution, guided_backprop,
    input_times_gradient, integrated_gradients, saliency, smooth_grad,
};
pub use input::{Input, TensorImage};
pub use method::{Attribution, Attributions, Channels, explain};
pub use mistakes::compare_predictions;
pub use perturbation::{Baseline, Measure, Patches, Rise, occlusion, rise};
pub use region::Region;
pub use run::Run;
pub(crate) use scored::by_name;
pub use target::{AtOutput, ClassChoice, ClassRegion, Object, Score, Target, Unit};
pub use trust::{
    Agreement, Cascade, Checks, Confidence, Disturbance, PixelCurves, PixelSteps, Randomization,
    Stage, Trust, Verdict, agreement, confidence, infidelity, max_sensitivity, pixel_curves,
    randomization, randomization_with, trust, trust_with,
};
