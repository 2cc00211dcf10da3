//! One index of one dimension.

use std::cmp::Ordering;

use tch::{TchError, Tensor};

use super::operation::{Backprop, Operation};
use super::shape::{Misfit, extent, misfit, one};
use super::{Axes, Read, Seen, only};
use crate::layer_kind::LayerKind;

/// One index of one dimension, which is dropped.
#[derive(Clone, Copy, Debug)]
pub struct Select {
    /// The dimension.
    pub dim: usize,
    /// The index; negative ones count from the end.
    pub index: i64,
}

impl Operation for Select {
    fn name(&self) -> &'static str {
        "select"
    }

    fn shape(&self, inputs: &[&[i64]]) -> Result<Vec<i64>, Misfit> {
        let x = one(inputs)?;
        let size = extent(x, self.dim)?;
        if !(-size..size).contains(&self.index) {
            let expected = format!("an index of dimension {}'s {size}", self.dim);
            return misfit(expected, self.index.to_string());
        }
        let mut shape = x.to_vec();
        shape.remove(self.dim);
        Ok(shape)
    }

    fn compute(&self, inputs: &[&Tensor], _training: bool) -> Result<Tensor, TchError> {
        only(inputs)?.f_select(self.dim as i64, self.index)
    }

    fn terms(&self, _inputs: &[&[i64]]) -> u64 {
        0
    }

    fn kind(&self) -> LayerKind {
        LayerKind::Other
    }

    fn axes(&self, x: &Axes, _others: &[&Axes], _output: &[i64]) -> Axes {
        x.without(&[self.dim], false)
    }

    fn receptive_field(&self, read: &Read<'_>) -> Seen {
        match self.dim.cmp(&read.dim()) {
            Ordering::Less => read.at(read.dim() - 1),
            Ordering::Equal => Seen::WHOLE,
            Ordering::Greater => read.seen,
        }
    }

    fn backprop(&self) -> Backprop {
        Backprop::Usual
    }
}
