//! Normalization by the root of the mean square.

use tch::{TchError, Tensor};

use super::operation::{Backprop, Operation};
use super::shape::{Misfit, over_last};
use super::{Read, Seen, constant, only};
use crate::layer_kind::LayerKind;
use crate::random::Random;

/// Layer normalization without the mean: x / √(mean of x² + `eps`) over the last dimensions, those of
/// `weight` (Zhang and Sennrich, 2019, [arXiv:1910.07467](https://arxiv.org/abs/1910.07467)).
#[derive(Debug)]
pub struct RmsNorm {
    /// Scale, of the shape normalized over.
    pub weight: Tensor,
    /// Added to the mean square.
    pub eps: f64,
}

impl Clone for RmsNorm {
    fn clone(&self) -> RmsNorm {
        RmsNorm { weight: self.weight.shallow_clone(), eps: self.eps }
    }
}

impl Operation for RmsNorm {
    fn name(&self) -> &'static str {
        "RMSNorm"
    }

    fn shape(&self, inputs: &[&[i64]]) -> Result<Vec<i64>, Misfit> {
        over_last(inputs, &self.weight.size())
    }

    fn compute(&self, inputs: &[&Tensor], _training: bool) -> Result<Tensor, TchError> {
        only(inputs)?.f_rms_norm(self.weight.size(), Some(&self.weight), self.eps)
    }

    fn terms(&self, _inputs: &[&[i64]]) -> u64 {
        0
    }

    fn kind(&self) -> LayerKind {
        LayerKind::Normalization
    }

    fn parameters(&self) -> Vec<(&'static str, &Tensor)> {
        vec![("weight", &self.weight)]
    }

    fn parameters_mut(&mut self) -> Vec<(&'static str, &mut Tensor)> {
        vec![("weight", &mut self.weight)]
    }

    /// It only normalizes afterwards.
    fn reinitialize(&mut self, _random: &mut Random) -> Result<(), TchError> {
        self.weight = constant(&self.weight, 1.0)?;
        Ok(())
    }

    fn receptive_field(&self, read: &Read<'_>) -> Seen {
        read.unless(read.dim() + self.weight.dim() >= read.shape.len())
    }

    fn backprop(&self) -> Backprop {
        Backprop::Usual
    }
}
