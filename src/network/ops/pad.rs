//! Zeros around a value.

use tch::{TchError, Tensor};

use super::operation::{Backprop, Operation};
use super::shape::{Misfit, misfit, one};
use super::{Read, Seen, only};
use crate::error::shape_text;
use crate::layer_kind::LayerKind;

/// Zeros added before and after each dimension; negative numbers cut.
#[derive(Clone, Debug)]
pub struct Pad {
    /// `[before, after]` for each dimension.
    pub amounts: Vec<[i64; 2]>,
}

impl Operation for Pad {
    fn name(&self) -> &'static str {
        "pad"
    }

    fn shape(&self, inputs: &[&[i64]]) -> Result<Vec<i64>, Misfit> {
        let x = one(inputs)?;
        let fits = |(size, [before, after]): (&i64, &[i64; 2])| {
            Some(size.checked_add(*before)?.checked_add(*after)?).filter(|&size| size > 0)
        };
        let padded: Option<Vec<i64>> = x.iter().zip(&self.amounts).map(fits).collect();
        match padded {
            Some(padded) if self.amounts.len() == x.len() => Ok(padded),
            _ => misfit(format!("a shape to pad by {:?}", self.amounts), shape_text(x)),
        }
    }

    fn compute(&self, inputs: &[&Tensor], _training: bool) -> Result<Tensor, TchError> {
        // libtorch counts from the last dimension.
        let amounts: Vec<i64> = self.amounts.iter().rev().flatten().copied().collect();
        only(inputs)?.f_constant_pad_nd(amounts)
    }

    fn terms(&self, _inputs: &[&[i64]]) -> u64 {
        0
    }

    fn kind(&self) -> LayerKind {
        LayerKind::Other
    }

    fn receptive_field(&self, read: &Read<'_>) -> Seen {
        let before = self.amounts.get(read.dim()).map_or(0, |[before, _]| *before);
        read.behind(1, 1, before, 1)
    }

    fn backprop(&self) -> Backprop {
        Backprop::Usual
    }
}
