//! Dropout.

use tch::{TchError, Tensor};

use super::operation::{Backprop, Operation, Spread};
use super::shape::{Misfit, one};
use super::{Read, Seen, only};
use crate::layer_kind::LayerKind;

/// In training, values set to 0 at random; else nothing.
#[derive(Clone, Copy, Debug)]
pub struct Dropout {
    /// The probability of being set to 0.
    pub p: f64,
}

impl Operation for Dropout {
    fn name(&self) -> &'static str {
        "Dropout"
    }

    fn shape(&self, inputs: &[&[i64]]) -> Result<Vec<i64>, Misfit> {
        Ok(one(inputs)?.to_vec())
    }

    fn compute(&self, inputs: &[&Tensor], training: bool) -> Result<Tensor, TchError> {
        let x = only(inputs)?;
        if training { x.f_dropout(self.p, true) } else { Ok(x.shallow_clone()) }
    }

    fn terms(&self, _inputs: &[&[i64]]) -> u64 {
        0
    }

    fn kind(&self) -> LayerKind {
        LayerKind::Other
    }

    fn receptive_field(&self, read: &Read<'_>) -> Seen {
        read.seen
    }

    fn spread(&self) -> Spread {
        Spread::Stays
    }

    fn backprop(&self) -> Backprop {
        Backprop::Usual
    }

    fn is_identity(&self) -> bool {
        true
    }
}
