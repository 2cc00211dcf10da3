//! What a notebook needs: `use convscope::prelude::*;`

pub use crate::attribution::{
    Cam, Channels, IntegratedGradients, Patches, Smooth, SmoothGrad, Target, Unit, cam,
    deconvolution, grad_cam, grad_cam_plus_plus, guided_backprop, guided_grad_cam, hires_cam,
    input_times_gradient, integrated_gradients, layer_cam, occlusion, saliency, saliency_by,
    smooth_grad, x_grad_cam,
};
pub use crate::maximize::{
    Maximize, Objective, dataset_examples, dataset_examples_in, maximize, maximize_layer,
    maximize_units,
};
pub use crate::network::{Conv2d, Network, Pool, Preprocess, Resize};
pub use crate::train::{Dataset, Fit, Optimiser, Schedule};
pub use crate::view::{BoundingBox, Boxes, ColourMap, Figure, Heatmaps, Share};
pub use crate::{Photo, data, zoo};
pub use tch::{Device, Kind, Tensor, manual_seed};
