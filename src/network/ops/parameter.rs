//! A tensor that belongs to no layer.

use tch::{Kind, TchError, Tensor};

use super::Seen;
use super::operation::{Backprop, Operation};
use super::shape::Misfit;
use crate::layer_kind::LayerKind;
use crate::random::Random;

/// A tensor that belongs to no layer and that others read: a class token, a position embedding, a
/// scale for each channel.
#[derive(Debug)]
pub struct Parameter {
    /// Its values.
    pub value: Tensor,
}

impl Clone for Parameter {
    fn clone(&self) -> Parameter {
        Parameter { value: self.value.shallow_clone() }
    }
}

impl Operation for Parameter {
    fn name(&self) -> &'static str {
        "Parameter"
    }

    fn shape(&self, _inputs: &[&[i64]]) -> Result<Vec<i64>, Misfit> {
        Ok(self.value.size())
    }

    fn compute(&self, _inputs: &[&Tensor], _training: bool) -> Result<Tensor, TchError> {
        Ok(self.value.shallow_clone())
    }

    fn terms(&self, _inputs: &[&[i64]]) -> u64 {
        0
    }

    fn kind(&self) -> LayerKind {
        LayerKind::Parameter
    }

    fn parameters(&self) -> Vec<(&'static str, &Tensor)> {
        vec![("", &self.value)]
    }

    fn parameters_mut(&mut self) -> Vec<(&'static str, &mut Tensor)> {
        vec![("", &mut self.value)]
    }

    /// Its mean and deviation stay.
    fn reinitialize(&mut self, random: &mut Random) -> Result<(), TchError> {
        let old = self.value.f_detach()?.f_to_kind(Kind::Double)?;
        let mean = old.f_mean(Kind::Double)?;
        let deviation = old.f_sub(&mean)?.f_square()?.f_mean(Kind::Double)?.f_sqrt()?;
        let new = random.normal(&old)?.f_mul(&deviation)?.f_add(&mean)?;
        self.value = new.f_to_kind(self.value.kind())?;
        Ok(())
    }

    fn source(&self, _direction: usize) -> Option<Seen> {
        Some(Seen::NOTHING)
    }

    fn backprop(&self) -> Backprop {
        Backprop::Usual
    }
}
