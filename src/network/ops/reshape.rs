//! The same values in another shape.

use tch::{TchError, Tensor};

use super::operation::{Backprop, Operation};
use super::shape::{Misfit, one, product};
use super::{Axes, Read, Seen, only};
use crate::error::shape_text;
use crate::layer_kind::LayerKind;

/// The same values in another shape.
#[derive(Clone, Debug)]
pub struct Reshape {
    /// The new shape; a single `-1` takes what is left, and with it the batch.
    pub shape: Vec<i64>,
}

impl Operation for Reshape {
    fn name(&self) -> &'static str {
        "reshape"
    }

    /// The shape with its `-1` filled in.
    fn shape(&self, inputs: &[&[i64]]) -> Result<Vec<i64>, Misfit> {
        let (x, target) = (one(inputs)?, &self.shape);
        let known: Vec<i64> = target.iter().copied().filter(|&size| size != -1).collect();
        let wrong = || Misfit {
            expected: format!("as many values as {target:?} holds"),
            got: shape_text(x),
        };
        let (all, known_product) =
            product(x).zip(product(&known)).filter(|&(_, known)| known > 0).ok_or_else(wrong)?;
        let free = target.len() - known.len();
        if free > 1 || all % known_product != 0 || (free == 0 && all != known_product) {
            return Err(wrong());
        }
        let fill = |&size: &i64| if size == -1 { all / known_product } else { size };
        Ok(target.iter().map(fill).collect())
    }

    fn compute(&self, inputs: &[&Tensor], _training: bool) -> Result<Tensor, TchError> {
        only(inputs)?.f_reshape(&self.shape)
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
