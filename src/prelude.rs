//! What a notebook needs: `use convscope::prelude::*;`

pub use crate::attribution::{
    AblationCam, AttentionMaps, Cam, Channels, Fill, Fusion, Heads, IntegratedGradients, Measure,
    Method, Patches, Rise, Rollout, ScoreCam, Smooth, SmoothGrad, Target, Unit, ablation_cam,
    agreement, attention, attention_rollout, cam, compare_methods, compare_predictions,
    deconvolution, explain, grad_cam, grad_cam_plus_plus, gradient_attention, guided_backprop,
    guided_grad_cam, hires_cam, input_times_gradient, integrated_gradients, layer_cam, occlusion,
    randomisation, rise, saliency, saliency_by, score_cam, smooth_grad, trust, x_grad_cam,
};
pub use crate::data::{ImageSet, Split};
pub use crate::embed::{Features, Pca, Pooling, Start, Tsne, TsneMethod, class_vectors, pca, tsne};
pub use crate::maximize::{
    Maximize, Objective, dataset_examples, dataset_examples_in, maximize, maximize_layer,
    maximize_units,
};
pub use crate::network::{Conv2d, Network, Pool, Preprocess, Resize};
pub use crate::train::{Dataset, Fit, Optimiser, Schedule};
pub use crate::view::{BoundingBox, Boxes, ColourMap, Figure, Heatmaps, Share};
pub use crate::{Photo, data, zoo};
pub use tch::{Device, Kind, Tensor, manual_seed};
