//! Batch normalization.

use tch::{Kind, TchError, Tensor};

use super::operation::{Backprop, Operation, Spread};
use super::shape::{Misfit, four, misfit, one};
use super::{Conv2d, Op, Read, Seen, constant, only};
use crate::error::shape_text;
use crate::layer_kind::LayerKind;
use crate::random::Random;

/// Batch normalization by its running statistics; in training, by the batch's.
#[derive(Debug)]
pub struct BatchNorm2d {
    /// Scale, `[C]`.
    pub weight: Tensor,
    /// Shift, `[C]`.
    pub bias: Tensor,
    /// `[C]`
    pub running_mean: Tensor,
    /// `[C]`
    pub running_var: Tensor,
    /// Added to the variance.
    pub eps: f64,
}

impl Clone for BatchNorm2d {
    fn clone(&self) -> BatchNorm2d {
        BatchNorm2d {
            weight: self.weight.shallow_clone(),
            bias: self.bias.shallow_clone(),
            running_mean: self.running_mean.shallow_clone(),
            running_var: self.running_var.shallow_clone(),
            eps: self.eps,
        }
    }
}

impl Operation for BatchNorm2d {
    fn name(&self) -> &'static str {
        "BatchNorm2d"
    }

    fn shape(&self, inputs: &[&[i64]]) -> Result<Vec<i64>, Misfit> {
        let x = one(inputs)?;
        let [_, c, _, _] = four(x)?;
        let channels = self.weight.size().first().copied().unwrap_or_default();
        if c != channels {
            return misfit(format!("{channels} channels"), shape_text(x));
        }
        Ok(x.to_vec())
    }

    fn compute(&self, inputs: &[&Tensor], training: bool) -> Result<Tensor, TchError> {
        const MOMENTUM: f64 = 0.1; // PyTorch's default
        let (mean, var) = (Some(&self.running_mean), Some(&self.running_var));
        let (weight, bias) = (Some(&self.weight), Some(&self.bias));
        only(inputs)?.f_batch_norm(weight, bias, mean, var, training, MOMENTUM, self.eps, true)
    }

    fn terms(&self, _inputs: &[&[i64]]) -> u64 {
        0
    }

    fn kind(&self) -> LayerKind {
        LayerKind::Normalization
    }

    fn parameters(&self) -> Vec<(&'static str, &Tensor)> {
        vec![
            ("weight", &self.weight),
            ("bias", &self.bias),
            ("running_mean", &self.running_mean),
            ("running_var", &self.running_var),
        ]
    }

    fn parameters_mut(&mut self) -> Vec<(&'static str, &mut Tensor)> {
        vec![
            ("weight", &mut self.weight),
            ("bias", &mut self.bias),
            ("running_mean", &mut self.running_mean),
            ("running_var", &mut self.running_var),
        ]
    }

    /// It does nothing afterwards.
    fn reinitialize(&mut self, _random: &mut Random) -> Result<(), TchError> {
        *self = BatchNorm2d {
            weight: constant(&self.weight, 1.0)?,
            bias: constant(&self.bias, 0.0)?,
            running_mean: constant(&self.running_mean, 0.0)?,
            running_var: constant(&self.running_var, 1.0)?,
            eps: self.eps,
        };
        Ok(())
    }

    fn allocates(&self) -> bool {
        true
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

    fn fold_into(&self, before: &Op) -> Option<Result<Op, TchError>> {
        match before {
            Op::Conv2d(conv) => Some(self.folded(conv).map(Op::Conv2d)),
            _ => None,
        }
    }
}

impl BatchNorm2d {
    /// A convolution that does what `conv` and this one after it do. In double precision, so that the
    /// fold itself adds no error.
    fn folded(&self, conv: &Conv2d) -> Result<Conv2d, TchError> {
        let kind = conv.weight.kind();
        let double = |tensor: &Tensor| tensor.f_detach()?.f_to_kind(Kind::Double);
        let deviation = double(&self.running_var)?.f_add_scalar(self.eps)?.f_sqrt()?;
        let factor = double(&self.weight)?.f_div(&deviation)?;
        let mean = double(&self.running_mean)?;
        let before = match &conv.bias {
            Some(bias) => double(bias)?.f_sub(&mean)?,
            None => mean.f_neg()?,
        };
        let bias = before.f_mul(&factor)?.f_add(&double(&self.bias)?)?.f_to_kind(kind)?;
        let weight = double(&conv.weight)?.f_mul(&factor.f_view([-1, 1, 1, 1])?)?;
        Ok(Conv2d { weight: weight.f_to_kind(kind)?, bias: Some(bias), ..conv.clone() })
    }
}
