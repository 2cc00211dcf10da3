//! Methods by the gradient with respect to the input.

mod deconvolution;
mod guided_backprop;
mod input_times_gradient;
mod integrated_gradients;
mod saliency;
mod smooth_grad;

pub use deconvolution::{Deconvolution, deconvolution};
pub use guided_backprop::{GuidedBackprop, guided_backprop};
pub use input_times_gradient::{InputTimesGradient, input_times_gradient};
pub use integrated_gradients::{Integrated, IntegratedGradients, integrated_gradients};
pub use saliency::{Saliency, saliency};
pub use smooth_grad::{Aggregation, SmoothGrad, smooth_grad};
