//! Class activation maps: a layer's channels, weighted by what they do for the score.

mod ablation_cam;
mod cam;
mod channels;
mod finer_cam;
mod grad_cam;
mod grad_cam_plus_plus;
mod guided_grad_cam;
mod hires_cam;
mod layer_cam;
mod score_cam;
mod weighted;
mod x_grad_cam;

pub use ablation_cam::{AblationCam, ablation_cam};
pub use cam::{Cam, cam};
pub use finer_cam::{FinerCam, finer_cam};
pub use grad_cam::{GradCam, grad_cam};
pub use grad_cam_plus_plus::{GradCamPlusPlus, grad_cam_plus_plus};
pub use guided_grad_cam::{GuidedGradCam, guided_grad_cam};
pub use hires_cam::{HiResCam, hires_cam};
pub use layer_cam::{LayerCam, layer_cam};
pub use score_cam::{ScoreCam, score_cam};
pub use x_grad_cam::{XGradCam, x_grad_cam};
