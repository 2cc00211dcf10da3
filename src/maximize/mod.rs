//! What does a unit look for? An image that it answers to, made by following the gradient.
//!
//! Erhan et al., "Visualizing Higher-Layer Features of a Deep Network", 2009; Olah, Mordvintsev,
//! Schubert, "Feature Visualization", Distill, 2017
//! ([doi:10.23915/distill.00007](https://doi.org/10.23915/distill.00007)).
//!
//! An [`Objective`] says what is to be large, [`Maximize`] how the image is made: from what it starts,
//! which numbers are changed ([`Parameters`], [`Color`]), how it is moved meanwhile ([`Robust`]), and
//! how the gradient is followed ([`Ascent`]). Images hold values from 0 to 1 and are normalized as
//! the network wants it.
//!
//! ```
//! use convscope::prelude::*;
//!
//! let net = zoo::digits()?;
//! let brief = Maximize::lucid().steps(20);
//! let image = brief.run(&net, Unit::channel("conv2", 5))?;      // a film of its making
//! assert_eq!(image.values()?.size(), [1, 1, 28, 28]);
//! let grid = brief.units(&net, "conv1", &[0, 3, 7])?;           // several units in one batch
//! grid.save(std::env::temp_dir().join("units.png"))?;
//! # Ok::<(), convscope::Error>(())
//! ```

mod ascent;
mod examples;
mod goal;
mod group;
mod image;
mod layers;
mod maximized;
mod objective;
mod options;
mod penalty;
mod pictures;
mod robust;
mod run;
mod smoothing;
mod start;

pub use crate::attribution::ClassChoice;
pub use examples::{Example, Examples, dataset_examples};
pub use image::{Color, Parameters};
pub use maximized::{Maximized, Step};
pub use objective::Objective;
pub use options::{Ascent, Maximize};
pub use robust::{Beyond, Robust};
pub use run::{maximize, maximize_layer, maximize_units};
pub use start::Start;
