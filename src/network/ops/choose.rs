//! One of two inputs, place by place.

use tch::{TchError, Tensor};

use super::operation::{Backprop, Operation, Spread};
use super::shape::{Misfit, broadcast, unlike};
use super::{Read, Seen};
use crate::layer_kind::LayerKind;

/// Of three inputs, the second where the first is not 0, else the third; dimensions of 1 are repeated.
#[derive(Clone, Copy, Debug)]
pub struct Choose;

impl Operation for Choose {
    fn name(&self) -> &'static str {
        "where"
    }

    fn shape(&self, inputs: &[&[i64]]) -> Result<Vec<i64>, Misfit> {
        match inputs {
            [condition, a, b] => broadcast(a, b)
                .and_then(|both| broadcast(condition, &both))
                .ok_or_else(|| unlike("three inputs of one shape", inputs)),
            _ => Err(unlike("three inputs", inputs)),
        }
    }

    fn compute(&self, inputs: &[&Tensor], _training: bool) -> Result<Tensor, TchError> {
        match inputs {
            [condition, a, b] => a.f_where_self(&condition.f_ne(0)?, b),
            _ => Err(TchError::Shape(format!("three inputs are needed, not {}", inputs.len()))),
        }
    }

    fn terms(&self, _inputs: &[&[i64]]) -> u64 {
        0
    }

    fn kind(&self) -> LayerKind {
        LayerKind::Join
    }

    fn broadcasts(&self) -> bool {
        true
    }

    fn receptive_field(&self, read: &Read<'_>) -> Seen {
        read.broadcast()
    }

    fn spread(&self) -> Spread {
        Spread::Aligned
    }

    fn backprop(&self) -> Backprop {
        Backprop::Usual
    }
}
