//! Tensors as figures hold and read them.

use tch::{Device, Kind, Tensor};

use crate::{Error, Result};

/// The same values detached, on the CPU, float32, contiguous.
pub(super) fn held(values: &Tensor) -> Result<Tensor> {
    values
        .f_detach()
        .and_then(|v| v.f_to_device(Device::Cpu)?.f_to_kind(Kind::Float)?.f_contiguous())
        .map_err(Error::torch("reading the figure's values"))
}

/// Row by row.
pub(super) fn numbers(held: &Tensor) -> Result<Vec<f32>> {
    held.f_reshape([-1])
        .and_then(Vec::try_from)
        .map_err(Error::torch("reading the figure's values"))
}
