//! Why did the network decide so: one method a file. Network and picture in, figure out.

mod saliency;
mod target;

pub use saliency::saliency;
pub use target::Target;
