//! Where the largest value stands.

use tch::{TchError, Tensor};

use super::operation::Operation;
use super::shape::{Misfit, extent, one};
use super::{Read, Seen, only};
use crate::layer_kind::LayerKind;

/// The index of the largest value along a dimension. It has no gradient: what
/// is to be explained is a layer before it.
#[derive(Clone, Copy, Debug)]
pub struct ArgMax {
    /// The dimension.
    pub dim: usize,
    /// Whether it stays, with size 1.
    pub keep_dim: bool,
    /// Of several largest values, whether the last is meant or the first.
    pub last: bool,
}

impl Operation for ArgMax {
    fn name(&self) -> &'static str {
        "argmax"
    }

    fn shape(&self, inputs: &[&[i64]]) -> Result<Vec<i64>, Misfit> {
        let mut shape = one(inputs)?.to_vec();
        extent(&shape, self.dim)?;
        match self.keep_dim {
            true => shape[self.dim] = 1,
            false => drop(shape.remove(self.dim)),
        }
        Ok(shape)
    }

    fn compute(&self, inputs: &[&Tensor], _training: bool) -> Result<Tensor, TchError> {
        let (x, dim) = (only(inputs)?, self.dim as i64);
        let index = match self.last {
            false => x.f_argmax(dim, self.keep_dim)?,
            true => {
                let from_end = x.f_flip([dim])?.f_argmax(dim, self.keep_dim)?;
                let size = x.size().get(self.dim).copied().unwrap_or(1);
                from_end.f_neg()?.f_add_scalar(size - 1)?
            }
        };
        index.f_to_kind(x.kind())
    }

    fn terms(&self, _inputs: &[&[i64]]) -> u64 {
        0
    }

    fn kind(&self) -> LayerKind {
        LayerKind::Other
    }

    fn receptive_field(&self, read: &Read<'_>) -> Seen {
        let dim = read.dim();
        let dropped = usize::from(!self.keep_dim && self.dim < dim);
        if self.dim == dim { Seen::WHOLE } else { read.at(dim - dropped) }
    }
}
