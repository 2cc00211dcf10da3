//! The library's tests, by topic. One binary, because each loads libtorch anew.

mod attribution;
mod executor;
mod figures;
mod figures_maps;
mod helpers;
mod network;
mod parity;
mod photo;
mod predict;
mod toolchain;
mod train;
mod weights;
mod zoo;
