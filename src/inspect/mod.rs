//! What a network holds and what it makes of a picture: network in, figure out.

mod classify;
mod feature_maps;
mod filters;
mod predict;
mod summary;
