//! Known networks with their weights, one file an architecture. Parameters have torchvision's names.

mod classes;
mod digits;
mod resnet;
mod weights;

pub use digits::{digits, digits_untrained};
pub use resnet::{resnet18, resnet18_from};
pub use weights::weights_folder;
