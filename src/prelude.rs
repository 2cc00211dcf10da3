//! What a notebook needs: `use convscope::prelude::*;`

pub use crate::attribution::{
    Cam, Channels, IntegratedGradients, Patches, Smooth, SmoothGrad, Target, cam, deconvolution,
    grad_cam, grad_cam_plus_plus, guided_backprop, guided_grad_cam, hires_cam,
    input_times_gradient, integrated_gradients, layer_cam, occlusion, saliency, saliency_by,
    smooth_grad, x_grad_cam,
};
pub use crate::embed::{Features, Pca, Pooling, Start, Tsne, TsneMethod, class_vectors, pca, tsne};
pub use crate::network::{Conv2d, Network, Pool, Preprocess, Resize};
pub use crate::train::{Dataset, Fit, Optimiser, Schedule};
pub use crate::view::{BoundingBox, Boxes, ColourMap, Figure, Heatmaps, Share};
pub use crate::{Photo, data, zoo};
pub use tch::{Device, Kind, Tensor, manual_seed};
