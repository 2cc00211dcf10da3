//! While a cell runs: pictures that are drawn anew in place, how far a run is, and the stop button.
//!
//! Under the `convscope` kernel all of it happens at once; plain evcxr shows what a cell has when the cell
//! ends, and a program prints lines. [`crate::notebook`] knows which of them it is.

mod frame;
mod handle;
mod preview;
mod progress;
mod slot;

use frame::Forms;
pub(crate) use frame::{Frame, new_id};
pub use handle::Live;
pub(crate) use preview::Preview;
pub(crate) use progress::stopped;
pub use progress::{Progress, Steps};
