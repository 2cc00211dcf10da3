//! The library's tests, by topic. One binary, because each loads libtorch anew.

mod attribution;
mod executor;
mod figures;
mod figures_heat;
mod figures_maps;
mod figures_motion;
mod helpers;
mod network;
mod occlusion;
mod onnx;
mod onnx_hostile;
mod parity;
mod photo;
mod predict;
mod summary;
mod toolchain;
mod train;
mod trust;
mod trust_report;
mod weights;
mod zoo;
