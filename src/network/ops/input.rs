//! The network's input.

use tch::{TchError, Tensor};

use super::operation::{Backprop, Operation};
use super::shape::{Misfit, one};
use super::{Seen, only};
use crate::layer_kind::LayerKind;
use crate::network::ReceptiveField;

/// The network's input, `[N, C, H, W]`.
#[derive(Clone, Copy, Debug)]
pub struct Input;

impl Operation for Input {
    fn name(&self) -> &'static str {
        "Input"
    }

    fn shape(&self, inputs: &[&[i64]]) -> Result<Vec<i64>, Misfit> {
        Ok(one(inputs)?.to_vec())
    }

    fn compute(&self, inputs: &[&Tensor], _training: bool) -> Result<Tensor, TchError> {
        Ok(only(inputs)?.shallow_clone())
    }

    fn terms(&self, _inputs: &[&[i64]]) -> u64 {
        0
    }

    fn kind(&self) -> LayerKind {
        LayerKind::Input
    }

    fn source(&self, direction: usize) -> Option<Seen> {
        let field = ReceptiveField::Window { size: 1, jump: 1, start: 0 };
        Some(Seen { field, dim: 2 + direction })
    }

    fn backprop(&self) -> Backprop {
        Backprop::Usual
    }
}
