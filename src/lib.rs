//! Look inside convolutional networks from a Rust Jupyter notebook.
//!
//! Filters, feature maps, predictions and saliency, each one line, drawn inline, computed by
//! libtorch (through [`tch`]) on the CPU or the GPU. The same calls work in an ordinary program.
//!
//! ```
//! use convscope::prelude::*;
//!
//! let net = zoo::digits()?;                        // a small network, its weights in the crate
//! let three = data::digit(3, 1)?;                  // a digit drawn by the crate: nothing to fetch
//! net.filters("conv1")?;                           // a grid of the filters
//! net.feature_maps(&three, "relu1")?;              // a grid of activations
//! net.classify(&three)?;                           // the picture beside its top-5 bars
//! saliency(&net, &three, Target::Top)?             // heatmap over the picture
//!     .save(std::env::temp_dir().join("three.png"))?;
//! # Ok::<(), convscope::Error>(())
//! ```
//!
//! In a notebook, a figure that ends a cell is drawn, and [`show`](view::Figure::show) draws one anywhere in a
//! cell. Under the `convscope` kernel long runs show what forms, say how far they are ([`Progress`]) and end with
//! what there is when the stop button is pressed; [`Live`] is a figure of your own that is drawn anew in place.
//! Anywhere, [`save`](view::Figure::save) writes
//! it to a file, [`image`](view::Figure::image) gives its picture, and its `values()` gives the
//! numbers.
//!
//! Modules: [`network`] (the network as data, and the one executor that runs it), [`zoo`] (known
//! networks with their weights), [`train`] (to train one of your own), [`attribution`] (why the
//! network decided so), [`maximize`] (what its units look for), [`embed`] (what lies near what),
//! [`view`] (figures), [`alive`] (a network in a page, where one draws) and [`data`] (pictures to try
//! things on).

#![warn(missing_docs, unreachable_pub)]

pub mod alive;
mod allocator;
mod atomic_write;
pub mod attribution;
mod batching;
#[cfg(target_os = "linux")]
mod class_names;
mod cuda;
pub mod data;
mod download;
pub mod embed;
mod error;
mod files;
mod inspect;
mod layer_kind;
mod limits;
mod live;
pub mod maximize;
pub mod network;
mod notebook;
mod outputs;
mod parallel;
mod photo;
mod picture;
pub mod prelude;
mod random;
mod tensors;
pub mod train;
mod vectorized;
pub mod view;
pub mod zoo;

pub use error::{Error, Result};
pub use image;
pub use live::{Live, Progress, Steps};
pub use photo::Photo;
pub use tch;
