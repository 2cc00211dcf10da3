//! Methods that change the image, and look at what becomes of the score.

mod measure;
mod occlusion;
mod patches;
mod rise;
mod variants;

pub use measure::Measure;
pub use occlusion::occlusion;
pub(super) use patches::baseline;
pub use patches::{Baseline, Patches};
pub use rise::{Rise, rise};
pub(super) use variants::Variants;
