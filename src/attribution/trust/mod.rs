//! How far a map can be trusted: measured, beside the map.
//!
//! A map that looks convincing may only show the image's edges. So each check asks the network:
//! does its score follow the pixels that the map ranks first ([`pixel_curves`])? Does enough of the
//! score stay when only those are shown ([`confidence`])? Does the map predict changes of the score
//! ([`infidelity`]), and stay where it is when the image hardly changes ([`max_sensitivity`])? Does it
//! depend on what was learned ([`randomization`]), and do other methods agree ([`agreement`])?
//! [`trust`] puts the most telling of them into one figure.

mod agreement;
mod confidence;
mod infidelity;
mod pixels;
mod randomization;
mod report;
mod score;
mod sensitivity;
mod similarity;
mod verdict;

pub use agreement::{Agreement, agreement};
pub use confidence::{Confidence, confidence};
pub use infidelity::{Disturbance, infidelity};
pub use pixels::{PixelCurves, PixelSteps, pixel_curves};
pub use randomization::{Cascade, Randomization, Stage, randomization, randomization_with};
pub use report::{Checks, Trust, trust, trust_with};
pub use sensitivity::max_sensitivity;
pub use verdict::Verdict;
