//! Official weights for convscope's networks, and the files of data sets: which there are, where they
//! lie, and how they are fetched. Knows nothing of libtorch, so that the command `convscope` can use it too.
//!
//! ```no_run
//! use convscope_weights::Lines;
//! let folder = convscope_weights::weights_folder()?;
//! let resnet = convscope_weights::find("resnet18").expect("in the catalog");
//! let file = resnet.obtain(&folder, &Lines::new(|line| eprintln!("{line}")))?;
//! # Ok::<(), convscope_weights::Error>(())
//! ```
//!
//! Files that PyTorch's hub has fetched already (`$TORCH_HOME/hub/checkpoints`) are used from there.
//! `CONVSCOPE_HOME` moves the folders, `CONVSCOPE_OFFLINE` forbids the network, and
//! `CONVSCOPE_MIRROR` names an address that has the official files as they lie in the folders.

#![warn(missing_docs, unreachable_pub)]

mod catalog;
mod data;
mod error;
mod fetch;
mod folder;
mod hub;
mod listener;
mod official;
mod published;

pub use catalog::{catalog, find};
pub use data::{DataFile, data_files, find_data};
pub use error::{Error, Result};
pub use folder::{data_folder, weights_folder};
pub use hub::Repository;
pub use listener::{Came, Lines, Listener};
pub use official::Official;
