//! Layer normalization.

use tch::{TchError, Tensor};

use super::operation::{Backprop, Operation};
use super::shape::{Misfit, over_last};
use super::{Read, Seen, constant, only, weight_and_bias};
use crate::layer_kind::LayerKind;
use crate::random::Random;

/// Normalization over the last dimensions, those of `weight`.
#[derive(Debug)]
pub struct LayerNorm {
    /// Scale, of the shape normalized over.
    pub weight: Tensor,
    /// Shift, of the same shape.
    pub bias: Option<Tensor>,
    /// Added to the variance.
    pub eps: f64,
}

impl Clone for LayerNorm {
    fn clone(&self) -> LayerNorm {
        LayerNorm {
            weight: self.weight.shallow_clone(),
            bias: self.bias.as_ref().map(Tensor::shallow_clone),
            eps: self.eps,
        }
    }
}

impl Operation for LayerNorm {
    fn name(&self) -> &'static str {
        "LayerNorm"
    }

    fn shape(&self, inputs: &[&[i64]]) -> Result<Vec<i64>, Misfit> {
        over_last(inputs, &self.weight.size())
    }

    fn compute(&self, inputs: &[&Tensor], _training: bool) -> Result<Tensor, TchError> {
        let LayerNorm { weight, bias, eps } = self;
        only(inputs)?.f_layer_norm(weight.size(), Some(weight), bias.as_ref(), *eps, true)
    }

    fn terms(&self, _inputs: &[&[i64]]) -> u64 {
        0
    }

    fn kind(&self) -> LayerKind {
        LayerKind::Normalization
    }

    fn parameters(&self) -> Vec<(&'static str, &Tensor)> {
        weight_and_bias(&self.weight, self.bias.as_ref())
    }

    fn parameters_mut(&mut self) -> Vec<(&'static str, &mut Tensor)> {
        weight_and_bias(&mut self.weight, self.bias.as_mut())
    }

    /// It only normalizes afterwards.
    fn reinitialize(&mut self, _random: &mut Random) -> Result<(), TchError> {
        self.weight = constant(&self.weight, 1.0)?;
        self.bias = self.bias.as_ref().map(|bias| constant(bias, 0.0)).transpose()?;
        Ok(())
    }

    fn receptive_field(&self, read: &Read<'_>) -> Seen {
        read.unless(read.dim() + self.weight.dim() >= read.shape.len())
    }

    fn backprop(&self) -> Backprop {
        Backprop::Usual
    }
}
