//! The dimensions in another order.

use tch::{TchError, Tensor};

use super::operation::{Backprop, Operation};
use super::shape::{Misfit, misfit, one};
use super::{Axes, Read, Seen, only};
use crate::error::shape_text;
use crate::layer_kind::LayerKind;

/// The dimensions in another order.
#[derive(Clone, Debug)]
pub struct Permute {
    /// For each new dimension, which of the old ones it is.
    pub order: Vec<usize>,
}

impl Operation for Permute {
    fn name(&self) -> &'static str {
        "permute"
    }

    fn shape(&self, inputs: &[&[i64]]) -> Result<Vec<i64>, Misfit> {
        let x = one(inputs)?;
        let mut sorted = self.order.clone();
        sorted.sort_unstable();
        if !sorted.into_iter().eq(0..x.len()) {
            return misfit(format!("{} dimensions", self.order.len()), shape_text(x));
        }
        Ok(self.order.iter().map(|&dim| x[dim]).collect())
    }

    fn compute(&self, inputs: &[&Tensor], _training: bool) -> Result<Tensor, TchError> {
        let order: Vec<i64> = self.order.iter().map(|&dim| dim as i64).collect();
        only(inputs)?.f_permute(order)
    }

    fn terms(&self, _inputs: &[&[i64]]) -> u64 {
        0
    }

    fn kind(&self) -> LayerKind {
        LayerKind::Other
    }

    fn axes(&self, x: &Axes, _others: &[&Axes], _output: &[i64]) -> Axes {
        x.permuted(&self.order)
    }

    fn receptive_field(&self, read: &Read<'_>) -> Seen {
        let dim = self.order.iter().position(|&old| old == read.dim());
        dim.map_or(Seen::WHOLE, |dim| read.at(dim))
    }

    fn backprop(&self) -> Backprop {
        Backprop::Usual
    }
}
