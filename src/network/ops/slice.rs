//! A part along one dimension.

use tch::{TchError, Tensor};

use super::operation::{Backprop, Operation};
use super::shape::{Misfit, extent, misfit, one};
use super::{Axes, Read, Seen, only};
use crate::layer_kind::LayerKind;

/// A part along one dimension.
#[derive(Clone, Copy, Debug)]
pub struct Slice {
    /// The dimension.
    pub dim: usize,
    /// The first index; negative ones count from the end.
    pub start: i64,
    /// The index to end before; beyond the end means to the end.
    pub end: i64,
    /// Step, at least 1.
    pub step: i64,
}

impl Slice {
    /// An index as it counts from the start of a dimension of this size.
    pub(crate) fn place(index: i64, size: i64) -> i64 {
        let index = if index < 0 { index.saturating_add(size) } else { index };
        index.clamp(0, size)
    }
}

impl Operation for Slice {
    fn name(&self) -> &'static str {
        "slice"
    }

    fn shape(&self, inputs: &[&[i64]]) -> Result<Vec<i64>, Misfit> {
        let x = one(inputs)?;
        let size = extent(x, self.dim)?;
        let (start, end) = (Slice::place(self.start, size), Slice::place(self.end, size));
        if self.step < 1 || start >= end {
            return misfit(
                format!("indices within dimension {}'s {size}, a step of at least 1", self.dim),
                format!("{start} to {end}, step {}", self.step),
            );
        }
        let mut shape = x.to_vec();
        shape[self.dim] = (end - start - 1) / self.step + 1;
        Ok(shape)
    }

    fn compute(&self, inputs: &[&Tensor], _training: bool) -> Result<Tensor, TchError> {
        let Slice { dim, start, end, step } = *self;
        only(inputs)?.f_slice(dim as i64, Some(start), Some(end), step)
    }

    fn terms(&self, _inputs: &[&[i64]]) -> u64 {
        0
    }

    fn kind(&self) -> LayerKind {
        LayerKind::Other
    }

    fn axes(&self, x: &Axes, _others: &[&Axes], output: &[i64]) -> Axes {
        let size = output.get(self.dim).copied().unwrap_or(1);
        let start = Slice::place(self.start, x.size(self.dim));
        x.sliced(self.dim, start, self.step, size)
    }

    fn receptive_field(&self, read: &Read<'_>) -> Seen {
        if self.dim != read.dim() {
            return read.seen;
        }
        read.behind(1, self.step, -Slice::place(self.start, read.size()), 1)
    }

    fn backprop(&self) -> Backprop {
        Backprop::Usual
    }
}
