//! The library's tests, by topic. One binary, because each loads libtorch anew.

mod attribution;
mod figures;
mod helpers;
mod network;
mod parity;
mod photo;
mod summary;
mod toolchain;
mod weights;
mod zoo;
