//! What a notebook needs: `use convscope::prelude::*;`

pub use crate::attribution::{Target, saliency};
pub use crate::network::{Conv2d, Network, Pool, Preprocess, Resize};
pub use crate::train::{Dataset, Fit, Optimiser, Schedule};
pub use crate::view::{BoundingBox, Boxes, ColourMap, Figure, Heatmaps, Share};
pub use crate::{Photo, data, zoo};
pub use tch::{Device, Kind, Tensor};
