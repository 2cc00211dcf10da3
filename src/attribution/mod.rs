//! Why did the network decide so: one method a file. Network and picture in, figure out.
//!
//! Each method has a second form, `…_tensor`, which takes a prepared batch `[N, C, H, W]` with one
//! target a picture and gives numbers. Nothing is left behind on the network by any of them.

mod aim;
mod cam;
mod class_map;
mod explained;
mod gradient;
mod guided;
mod integrated;
mod occlusion;
mod smooth_grad;
mod target;
mod tokens;

pub(crate) use aim::by_name;
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
pub use occlusion::{Fill, Patches, occlusion, occlusion_tensor};
pub use smooth_grad::{Smooth, SmoothGrad, smooth_grad, smooth_grad_tensor};
pub use target::{Score, Target, Unit};
