//! Inputs joined along a dimension.

use tch::{TchError, Tensor};

use super::operation::{Backprop, Operation, Spread};
use super::shape::{Misfit, extent, one, too_large, unlike};
use super::{Axes, Read, Seen, repeated};
use crate::layer_kind::LayerKind;

/// Inputs joined along a dimension; an input of batch 1 is repeated for the others' batch.
#[derive(Clone, Copy, Debug)]
pub struct Concat {
    /// The dimension along which they are joined.
    pub dim: usize,
}

impl Operation for Concat {
    fn name(&self) -> &'static str {
        "Concat"
    }

    /// All sizes are summed along `dim`; elsewhere they are one, but that a batch of 1 is repeated.
    fn shape(&self, inputs: &[&[i64]]) -> Result<Vec<i64>, Misfit> {
        let dim = self.dim;
        let mut shape = one(inputs)?.to_vec();
        extent(&shape, dim)?;
        shape[dim] = 0;
        for input in inputs {
            if input.len() != shape.len() {
                return Err(unlike("inputs of as many dimensions", inputs));
            }
            for (at, (have, &size)) in shape.iter_mut().zip(*input).enumerate() {
                if at == dim {
                    *have = have.checked_add(size).ok_or_else(|| too_large(input))?;
                } else if at == 0 && (*have == 1 || size == 1) {
                    *have = size.max(*have);
                } else if *have != size {
                    return Err(unlike(&format!("inputs alike but for dimension {dim}"), inputs));
                }
            }
        }
        Ok(shape)
    }

    fn compute(&self, inputs: &[&Tensor], _training: bool) -> Result<Tensor, TchError> {
        let batch = |input: &&Tensor| input.size().first().copied().unwrap_or(1);
        let most = inputs.iter().map(batch).max().unwrap_or(1);
        if self.dim == 0 || inputs.iter().all(|input| batch(input) == most) {
            return Tensor::f_cat(inputs, self.dim as i64);
        }
        let inputs: Vec<Tensor> =
            inputs.iter().map(|input| repeated(input, most)).collect::<Result<_, _>>()?;
        Tensor::f_cat(&inputs, self.dim as i64)
    }

    fn terms(&self, _inputs: &[&[i64]]) -> u64 {
        0
    }

    fn kind(&self) -> LayerKind {
        LayerKind::Join
    }

    fn axes(&self, x: &Axes, others: &[&Axes], output: &[i64]) -> Axes {
        Axes::concatenated(&[&[x], others].concat(), self.dim, output)
    }

    fn receptive_field(&self, read: &Read<'_>) -> Seen {
        read.unless(read.dim() == self.dim)
    }

    fn spread(&self) -> Spread {
        if self.dim == 1 { Spread::Aligned } else { Spread::Everywhere }
    }

    fn backprop(&self) -> Backprop {
        Backprop::Usual
    }
}
