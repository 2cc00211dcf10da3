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

/// Maps `[C, H, W]` with sides of at most `side`: each value the mean of a square of so many by so
/// many, and how many.
pub(super) fn reduced(maps: &Tensor, side: i64) -> Result<(Tensor, i64)> {
    let longest = maps.size().into_iter().skip(1).max().unwrap_or(1);
    let factor = (longest + side.max(1) - 1) / side.max(1);
    if factor <= 1 {
        return Ok((maps.shallow_clone(), 1));
    }
    let (kernel, none) = ([factor; 2], [0; 2]);
    let reduced = maps.f_avg_pool2d(kernel, kernel, none, true, false, None);
    Ok((reduced.map_err(Error::torch("reducing the maps"))?, factor))
}
