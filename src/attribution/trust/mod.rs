//! How far a map can be trusted: measured, beside the map.
//!
//! A map that looks convincing may only show the picture's edges. So each check asks the network:
//! does its score follow the pixels that the map ranks first ([`pixel_curves`])? Does enough of the
//! score stay when only those are shown ([`confidence`])? Does the map foretell changes of the score
//! ([`infidelity`]), and stay where it is when the picture hardly changes ([`max_sensitivity`])? Does it
//! depend on what was learned ([`randomisation`]), and do other methods agree ([`agreement`])?
//! [`trust`] puts the most telling of them into one figure.

mod agreement;
mod confidence;
mod infidelity;
mod pixels;
mod randomisation;
mod report;
mod score;
mod sensitivity;
mod similarity;
mod verdict;

pub use agreement::{Agreement, agreement};
pub use confidence::{Confidence, confidence};
pub use infidelity::{Disturbance, infidelity};
pub use pixels::{PixelCurves, PixelSteps, pixel_curves};
pub use randomisation::{Cascade, Randomisation, Stage, randomisation, randomisation_by};
pub use report::{Checks, Trust, trust, trust_by};
pub use sensitivity::max_sensitivity;
pub use verdict::Verdict;
