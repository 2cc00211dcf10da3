//! Local response normalization.

use tch::{TchError, Tensor};

use super::operation::{Backprop, Operation, Spread};
use super::shape::{Misfit, at_least_one, misfit, one};
use super::{Read, Seen, only};
use crate::error::shape_text;
use crate::layer_kind::LayerKind;

/// Divides each value by a sum of squares over neighboring channels of its place, as AlexNet and
/// GoogLeNet did: x / (`k` + `alpha`/`size`·Σx²)^`beta` (Krizhevsky et al., 2012).
#[derive(Clone, Copy, Debug)]
pub struct LocalResponseNorm {
    /// How many channels are summed: the value's own, (`size` − 1)/2 before it, the rest behind.
    pub size: i64,
    /// The factor of the sum.
    pub alpha: f64,
    /// The exponent.
    pub beta: f64,
    /// Added to the sum.
    pub k: f64,
}

impl Operation for LocalResponseNorm {
    fn name(&self) -> &'static str {
        "LocalResponseNorm"
    }

    fn shape(&self, inputs: &[&[i64]]) -> Result<Vec<i64>, Misfit> {
        let x = one(inputs)?;
        at_least_one([self.size])?;
        if x.len() < 3 {
            return misfit("[N, C, …], at least three dimensions", shape_text(x));
        }
        Ok(x.to_vec())
    }

    fn compute(&self, inputs: &[&Tensor], _training: bool) -> Result<Tensor, TchError> {
        let x = only(inputs)?;
        let size = x.size();
        // More channels than there are add zeros only.
        let most = size.get(1).copied().unwrap_or(1).saturating_mul(2);
        let before = ((self.size - 1) / 2).min(most);
        let after = (self.size - 1 - (self.size - 1) / 2).min(most);
        let window = before + 1 + after;
        // Channels as the rows of one map, so that a pooling sums them.
        let squares = x.f_square()?.f_flatten(2, -1)?.f_unsqueeze(1)?;
        let squares = squares.f_constant_pad_nd([0, 0, before, after])?;
        let sums = squares.f_avg_pool2d([window, 1], [1, 1], [0, 0], false, true, 1)?;
        let sums = sums.f_mul_scalar(self.alpha / self.size as f64)?.f_add_scalar(self.k)?;
        x.f_div(&sums.f_pow_tensor_scalar(self.beta)?.f_reshape(&size)?)
    }

    fn terms(&self, _inputs: &[&[i64]]) -> u64 {
        0
    }

    fn reads(&self, _inputs: &[&[i64]]) -> u64 {
        self.size.unsigned_abs().max(1)
    }

    fn kind(&self) -> LayerKind {
        LayerKind::Normalization
    }

    /// Channels of one place are mixed, places are not.
    fn receptive_field(&self, read: &Read<'_>) -> Seen {
        read.unless(read.dim() == 1)
    }

    fn spread(&self) -> Spread {
        Spread::Stays
    }

    fn backprop(&self) -> Backprop {
        Backprop::Usual
    }
}
