//! Chosen indices of one dimension.

use tch::{TchError, Tensor};

use super::operation::{Backprop, Operation};
use super::shape::{Misfit, extent, misfit, one};
use super::{Axes, Read, Seen, only};
use crate::layer_kind::LayerKind;

/// Chosen indices of one dimension, in any order and as often as they are named.
#[derive(Clone, Debug)]
pub struct IndexSelect {
    /// The dimension.
    pub dim: usize,
    /// The indices, from 0.
    pub indices: Vec<i64>,
}

impl Operation for IndexSelect {
    fn name(&self) -> &'static str {
        "index_select"
    }

    fn shape(&self, inputs: &[&[i64]]) -> Result<Vec<i64>, Misfit> {
        let x = one(inputs)?;
        let size = extent(x, self.dim)?;
        if let Some(index) = self.indices.iter().find(|index| !(0..size).contains(index)) {
            let expected = format!("indices of dimension {}'s {size}", self.dim);
            return misfit(expected, index.to_string());
        }
        let mut shape = x.to_vec();
        shape[self.dim] = self.indices.len() as i64;
        Ok(shape)
    }

    fn compute(&self, inputs: &[&Tensor], _training: bool) -> Result<Tensor, TchError> {
        let x = only(inputs)?;
        let indices = Tensor::f_from_slice(&self.indices)?.f_to_device(x.device())?;
        x.f_index_select(self.dim as i64, &indices)
    }

    fn terms(&self, _inputs: &[&[i64]]) -> u64 {
        0
    }

    fn kind(&self) -> LayerKind {
        LayerKind::Other
    }

    fn allocates(&self) -> bool {
        true
    }

    fn axes(&self, x: &Axes, _others: &[&Axes], output: &[i64]) -> Axes {
        x.picked(self.dim, &self.indices, output)
    }

    fn receptive_field(&self, read: &Read<'_>) -> Seen {
        read.unless(read.dim() == self.dim)
    }

    fn backprop(&self) -> Backprop {
        Backprop::Usual
    }
}
