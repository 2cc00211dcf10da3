//! Matrix product.

use tch::{TchError, Tensor};

use super::operation::{Backprop, Operation};
use super::shape::{Misfit, broadcast, count, unlike};
use super::{Axes, Read, Seen, both};
use crate::layer_kind::LayerKind;

/// Matrix product over the last two dimensions.
#[derive(Clone, Copy, Debug)]
pub struct MatMul;

impl Operation for MatMul {
    fn name(&self) -> &'static str {
        "matmul"
    }

    fn shape(&self, inputs: &[&[i64]]) -> Result<Vec<i64>, Misfit> {
        match inputs {
            [[a @ .., m, k], [b @ .., k1, n]] if k == k1 => {
                let batch = broadcast(a, b)
                    .ok_or_else(|| unlike("two batches of matrices of one shape", inputs))?;
                Ok([batch.as_slice(), &[*m, *n]].concat())
            }
            _ => Err(unlike("matrices [.., m, k] and [.., k, n]", inputs)),
        }
    }

    fn compute(&self, inputs: &[&Tensor], _training: bool) -> Result<Tensor, TchError> {
        let [a, b] = both(inputs)?;
        a.f_matmul(b)
    }

    fn terms(&self, inputs: &[&[i64]]) -> u64 {
        let inner = inputs.first().and_then(|shape| shape.last());
        inner.map_or(0, |&inner| count(&[inner]))
    }

    fn kind(&self) -> LayerKind {
        LayerKind::Attention
    }

    fn broadcasts(&self) -> bool {
        true
    }

    /// Rows of the first factor and columns of the second stay; the others are summed.
    fn axes(&self, x: &Axes, others: &[&Axes], output: &[i64]) -> Axes {
        others.first().map_or_else(|| Axes::unknown(output), |b| Axes::product(x, b, output))
    }

    fn receptive_field(&self, read: &Read<'_>) -> Seen {
        let summed = read.shape.len() - if read.place == 0 { 1 } else { 2 };
        if read.dim() == summed { Seen::WHOLE } else { read.broadcast() }
    }

    fn backprop(&self) -> Backprop {
        Backprop::Usual
    }
}
