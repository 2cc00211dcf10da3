//! A dimension of size 1 added.

use tch::{TchError, Tensor};

use super::operation::{Backprop, Operation};
use super::shape::{Misfit, misfit, one};
use super::{Axes, Read, Seen, only};
use crate::error::shape_text;
use crate::layer_kind::LayerKind;

/// A dimension of size 1 added.
#[derive(Clone, Copy, Debug)]
pub struct Unsqueeze {
    /// Where it stands afterwards.
    pub dim: usize,
}

impl Operation for Unsqueeze {
    fn name(&self) -> &'static str {
        "unsqueeze"
    }

    fn shape(&self, inputs: &[&[i64]]) -> Result<Vec<i64>, Misfit> {
        let x = one(inputs)?;
        if self.dim > x.len() {
            return misfit(format!("at least {} dimensions", self.dim), shape_text(x));
        }
        let mut shape = x.to_vec();
        shape.insert(self.dim, 1);
        Ok(shape)
    }

    fn compute(&self, inputs: &[&Tensor], _training: bool) -> Result<Tensor, TchError> {
        only(inputs)?.f_unsqueeze(self.dim as i64)
    }

    fn terms(&self, _inputs: &[&[i64]]) -> u64 {
        0
    }

    fn kind(&self) -> LayerKind {
        LayerKind::Other
    }

    fn axes(&self, x: &Axes, _others: &[&Axes], _output: &[i64]) -> Axes {
        x.unsqueezed(self.dim)
    }

    fn receptive_field(&self, read: &Read<'_>) -> Seen {
        read.at(read.dim() + usize::from(self.dim <= read.dim()))
    }

    fn backprop(&self) -> Backprop {
        Backprop::Usual
    }
}
