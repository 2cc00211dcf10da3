//! Fully connected layer.

use tch::{TchError, Tensor};

use super::operation::{Backprop, Operation};
use super::shape::{Misfit, at_least_one, count, misfit, one};
use super::{Axes, Read, Seen, only, weight_and_bias};
use crate::error::shape_text;
use crate::layer_kind::LayerKind;
use crate::random::Random;

/// Fully connected layer, on the last dimension.
#[derive(Debug)]
pub struct Linear {
    /// `[out, in]`
    pub weight: Tensor,
    /// `[out]`
    pub bias: Option<Tensor>,
}

impl Clone for Linear {
    fn clone(&self) -> Linear {
        Linear {
            weight: self.weight.shallow_clone(),
            bias: self.bias.as_ref().map(Tensor::shallow_clone),
        }
    }
}

impl Operation for Linear {
    fn name(&self) -> &'static str {
        "Linear"
    }

    fn shape(&self, inputs: &[&[i64]]) -> Result<Vec<i64>, Misfit> {
        let x = one(inputs)?;
        let weight = self.weight.size();
        at_least_one(weight.iter().copied())?;
        match (&weight[..], x.split_last()) {
            (&[out, features], Some((&last, rest))) if last == features && !rest.is_empty() => {
                Ok([rest, &[out]].concat())
            }
            _ => {
                let features = weight.get(1).copied().unwrap_or_default();
                misfit(format!("{features} features: [N, {features}]"), shape_text(x))
            }
        }
    }

    fn compute(&self, inputs: &[&Tensor], _training: bool) -> Result<Tensor, TchError> {
        only(inputs)?.f_linear(&self.weight, self.bias.as_ref())
    }

    fn terms(&self, _inputs: &[&[i64]]) -> u64 {
        count(self.weight.size().get(1..).unwrap_or_default())
    }

    fn kind(&self) -> LayerKind {
        LayerKind::Linear
    }

    fn parameters(&self) -> Vec<(&'static str, &Tensor)> {
        weight_and_bias(&self.weight, self.bias.as_ref())
    }

    fn parameters_mut(&mut self) -> Vec<(&'static str, &mut Tensor)> {
        weight_and_bias(&mut self.weight, self.bias.as_mut())
    }

    fn reinitialize(&mut self, random: &mut Random) -> Result<(), TchError> {
        random.reinitialize_weight(&mut self.weight, self.bias.as_mut())
    }

    fn allocates(&self) -> bool {
        true
    }

    fn axes(&self, x: &Axes, _others: &[&Axes], output: &[i64]) -> Axes {
        x.mixed(output.len().saturating_sub(1), output.last().copied().unwrap_or(1))
    }

    fn receptive_field(&self, read: &Read<'_>) -> Seen {
        read.unless(read.dim() + 1 == read.shape.len())
    }

    fn backprop(&self) -> Backprop {
        Backprop::Usual
    }
}
