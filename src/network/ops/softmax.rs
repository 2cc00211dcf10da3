//! Softmax and its logarithm.

use tch::{Kind, TchError, Tensor};

use super::operation::Operation;
use super::shape::{Misfit, extent, one};
use super::{Read, Seen, only};
use crate::layer_kind::LayerKind;

/// Exponentials that sum to 1 along a dimension.
#[derive(Clone, Copy, Debug)]
pub struct Softmax {
    /// The dimension.
    pub dim: usize,
}

/// The logarithm of [`Softmax`], without its loss of small numbers.
#[derive(Clone, Copy, Debug)]
pub struct LogSoftmax {
    /// The dimension.
    pub dim: usize,
}

fn shape(dim: usize, inputs: &[&[i64]]) -> Result<Vec<i64>, Misfit> {
    let x = one(inputs)?;
    extent(x, dim)?;
    Ok(x.to_vec())
}

impl Operation for Softmax {
    fn name(&self) -> &'static str {
        "Softmax"
    }

    fn shape(&self, inputs: &[&[i64]]) -> Result<Vec<i64>, Misfit> {
        shape(self.dim, inputs)
    }

    fn compute(&self, inputs: &[&Tensor], _training: bool) -> Result<Tensor, TchError> {
        only(inputs)?.f_softmax(self.dim as i64, None::<Kind>)
    }

    fn terms(&self, _inputs: &[&[i64]]) -> u64 {
        0
    }

    fn kind(&self) -> LayerKind {
        LayerKind::Attention
    }

    fn receptive_field(&self, read: &Read<'_>) -> Seen {
        read.unless(read.dim() == self.dim)
    }
}

impl Operation for LogSoftmax {
    fn name(&self) -> &'static str {
        "LogSoftmax"
    }

    fn shape(&self, inputs: &[&[i64]]) -> Result<Vec<i64>, Misfit> {
        shape(self.dim, inputs)
    }

    fn compute(&self, inputs: &[&Tensor], _training: bool) -> Result<Tensor, TchError> {
        only(inputs)?.f_log_softmax(self.dim as i64, None::<Kind>)
    }

    fn terms(&self, _inputs: &[&[i64]]) -> u64 {
        0
    }

    fn kind(&self) -> LayerKind {
        LayerKind::Attention
    }

    fn receptive_field(&self, read: &Read<'_>) -> Seen {
        read.unless(read.dim() == self.dim)
    }
}
