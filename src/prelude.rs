//! What a notebook needs: `use convscope::prelude::*;`

pub use crate::attribution::{
    AblationCam, Aggregation, AttentionMaps, Attribution, Baseline, Cam, Channels, Deconvolution,
    FinerCam, Fusion, GradCam, GradCamPlusPlus, GradientAttention, GuidedBackprop, GuidedGradCam,
    Heads, HiResCam, InputTimesGradient, IntegratedGradients, LayerCam, Measure, Patches,
    PixelSteps, Region, Rise, Rollout, Saliency, ScoreCam, SmoothGrad, Target, TensorImage, Unit,
    XGradCam, ablation_cam, agreement, attention, attention_rollout, cam, compare_methods,
    compare_predictions, deconvolution, finer_cam, grad_cam, grad_cam_plus_plus,
    gradient_attention, guided_backprop, guided_grad_cam, hires_cam, input_times_gradient,
    integrated_gradients, layer_cam, occlusion, randomization, rise, saliency, score_cam,
    smooth_grad, trust, x_grad_cam,
};
pub use crate::data::{ImageSet, Samples, Split};
pub use crate::embed::{Features, Pca, Pooling, Start, Tsne, TsneMethod, class_vectors, pca, tsne};
pub use crate::maximize::{
    Maximize, Objective, dataset_examples, maximize, maximize_layer, maximize_units,
};
pub use crate::network::{Conv2d, Detection, Network, Pool, Preprocess, Resize};
pub use crate::train::{Dataset, Fit, Optimizer, Schedule};
pub use crate::view::{BoundingBox, Boxes, CellOutput, ColorMap, Figure, Heatmaps, ScaleSharing};
pub use crate::{Live, Photo, Progress, data, zoo};
pub use tch::{Device, Kind, Tensor, manual_seed};
