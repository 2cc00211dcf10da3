//! Several dimensions become one.

use tch::{TchError, Tensor};

use super::operation::{Backprop, Operation};
use super::shape::{Misfit, extent, one, product, too_large};
use super::{Axes, Read, Seen, only};
use crate::layer_kind::LayerKind;

/// The dimensions from `from` on become one: `[N, C, H, W]` from 1 is `[N, C·H·W]`.
#[derive(Clone, Copy, Debug)]
pub struct Flatten {
    /// The first of those that become one.
    pub from: usize,
}

impl Operation for Flatten {
    fn name(&self) -> &'static str {
        "Flatten"
    }

    fn shape(&self, inputs: &[&[i64]]) -> Result<Vec<i64>, Misfit> {
        let x = one(inputs)?;
        extent(x, self.from)?;
        let joined = product(&x[self.from..]).ok_or_else(|| too_large(x))?;
        Ok([&x[..self.from], &[joined]].concat())
    }

    fn compute(&self, inputs: &[&Tensor], _training: bool) -> Result<Tensor, TchError> {
        only(inputs)?.f_flatten(self.from as i64, -1)
    }

    fn terms(&self, _inputs: &[&[i64]]) -> u64 {
        0
    }

    fn kind(&self) -> LayerKind {
        LayerKind::Other
    }

    fn axes(&self, x: &Axes, _others: &[&Axes], output: &[i64]) -> Axes {
        x.reshaped(output)
    }

    fn receptive_field(&self, read: &Read<'_>) -> Seen {
        read.reshaped()
    }

    fn backprop(&self) -> Backprop {
        Backprop::Usual
    }
}
