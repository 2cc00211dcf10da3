//! The library's tests, by topic. One binary, because each loads libtorch anew.

mod attention;
mod attribution;
mod datasets;
mod executor;
mod figures;
mod figures_heat;
mod figures_maps;
mod figures_motion;
mod helpers;
mod leaks;
mod localisation;
mod network;
mod occlusion;
mod onnx;
mod onnx_hostile;
mod parity;
mod parity_cams;
mod perturbation;
mod photo;
mod predict;
mod summary;
mod toolchain;
mod train;
mod trust;
mod weights;
mod zoo;
