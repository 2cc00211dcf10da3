//! Group and instance normalization.

use tch::{TchError, Tensor};

use super::operation::{Backprop, Operation};
use super::shape::{Misfit, at_least_one, extent, misfit, one};
use super::{Read, Seen, constant, only};
use crate::error::shape_text;
use crate::layer_kind::LayerKind;
use crate::random::Random;

/// Normalization over all places of some channels of one image: `[N, C, …]` in groups of channels, then
/// a scale and a shift for each channel (Wu and He, 2018,
/// [arXiv:1803.08494](https://arxiv.org/abs/1803.08494)). With as many groups as channels it is instance
/// normalization (Ulyanov et al., 2016, [arXiv:1607.08022](https://arxiv.org/abs/1607.08022)).
#[derive(Debug)]
pub struct GroupNorm {
    /// The number of groups, which divides the number of channels.
    pub groups: i64,
    /// Scale, `[C]`.
    pub weight: Tensor,
    /// Shift, `[C]`.
    pub bias: Tensor,
    /// Added to the variance.
    pub eps: f64,
}

impl GroupNorm {
    fn is_instance(&self) -> bool {
        self.weight.size() == [self.groups]
    }
}

impl Clone for GroupNorm {
    fn clone(&self) -> GroupNorm {
        GroupNorm { weight: self.weight.shallow_clone(), bias: self.bias.shallow_clone(), ..*self }
    }
}

impl Operation for GroupNorm {
    fn name(&self) -> &'static str {
        if self.is_instance() { "InstanceNorm" } else { "GroupNorm" }
    }

    fn shape(&self, inputs: &[&[i64]]) -> Result<Vec<i64>, Misfit> {
        let x = one(inputs)?;
        let channels = extent(x, 1)?;
        at_least_one([self.groups])?;
        if x.len() < 3 || self.weight.size() != [channels] || self.bias.size() != [channels] {
            let channels = shape_text(&self.weight.size());
            return misfit(format!("[N, C, …] with C = {channels}"), shape_text(x));
        }
        if channels % self.groups != 0 {
            let groups = self.groups;
            return misfit(format!("channels in {groups} groups of one size"), shape_text(x));
        }
        Ok(x.to_vec())
    }

    fn compute(&self, inputs: &[&Tensor], _training: bool) -> Result<Tensor, TchError> {
        let GroupNorm { groups, weight, bias, eps } = self;
        only(inputs)?.f_group_norm(*groups, Some(weight), Some(bias), *eps, true)
    }

    fn terms(&self, _inputs: &[&[i64]]) -> u64 {
        0
    }

    fn kind(&self) -> LayerKind {
        LayerKind::Normalization
    }

    fn summary(&self) -> String {
        if self.is_instance() {
            return self.name().to_owned();
        }
        format!("{}, {} groups", self.name(), self.groups)
    }

    fn parameters(&self) -> Vec<(&'static str, &Tensor)> {
        vec![("weight", &self.weight), ("bias", &self.bias)]
    }

    fn parameters_mut(&mut self) -> Vec<(&'static str, &mut Tensor)> {
        vec![("weight", &mut self.weight), ("bias", &mut self.bias)]
    }

    /// It only normalizes afterwards.
    fn reinitialize(&mut self, _random: &mut Random) -> Result<(), TchError> {
        self.weight = constant(&self.weight, 1.0)?;
        self.bias = constant(&self.bias, 0.0)?;
        Ok(())
    }

    /// Its mean and variance are of the whole map.
    fn receptive_field(&self, _read: &Read<'_>) -> Seen {
        Seen::WHOLE
    }

    fn backprop(&self) -> Backprop {
        Backprop::Usual
    }
}
