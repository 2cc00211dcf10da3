//! ReLU with a learned slope.

use tch::{TchError, Tensor};

use super::operation::{Operation, Spread};
use super::shape::{Misfit, broadcast, misfit, one};
use super::{Read, Seen, only};
use crate::error::shape_text;
use crate::layer_kind::LayerKind;
use crate::random::Random;

/// x where positive, else weight·x (He et al., 2015,
/// [doi:10.1109/ICCV.2015.123](https://doi.org/10.1109/ICCV.2015.123)).
#[derive(Debug)]
pub struct PRelu {
    /// The slopes: `[C]` for each channel, `[1]` for all, or a shape that is repeated over one image's,
    /// such as `[C, 1, 1]`.
    pub weight: Tensor,
}

impl PRelu {
    /// The slopes in a shape that is repeated over values of `rank` dimensions.
    fn slopes(&self, rank: usize) -> Vec<i64> {
        match self.weight.size().as_slice() {
            &[channels] => {
                let mut slopes = vec![1; rank];
                slopes[1.min(rank.saturating_sub(1))] = channels;
                slopes
            }
            slopes => slopes.to_vec(),
        }
    }
}

impl Clone for PRelu {
    fn clone(&self) -> PRelu {
        PRelu { weight: self.weight.shallow_clone() }
    }
}

impl Operation for PRelu {
    fn name(&self) -> &'static str {
        "PReLU"
    }

    fn shape(&self, inputs: &[&[i64]]) -> Result<Vec<i64>, Misfit> {
        let x = one(inputs)?;
        let slopes = self.slopes(x.len());
        if x.len() < 2 || broadcast(&slopes, x).as_deref() != Some(x) {
            let slopes = shape_text(&self.weight.size());
            return misfit(format!("values that slopes {slopes} fit"), shape_text(x));
        }
        Ok(x.to_vec())
    }

    fn compute(&self, inputs: &[&Tensor], _training: bool) -> Result<Tensor, TchError> {
        let x = only(inputs)?;
        if self.weight.dim() == 1 {
            return x.f_prelu(&self.weight);
        }
        x.f_relu()?.f_add(&x.f_clamp_max(0)?.f_mul(&self.weight)?)
    }

    fn terms(&self, _inputs: &[&[i64]]) -> u64 {
        0
    }

    fn kind(&self) -> LayerKind {
        LayerKind::Activation
    }

    fn parameters(&self) -> Vec<(&'static str, &Tensor)> {
        vec![("weight", &self.weight)]
    }

    fn parameters_mut(&mut self) -> Vec<(&'static str, &mut Tensor)> {
        vec![("weight", &mut self.weight)]
    }

    /// PyTorch's first slope.
    fn reinitialize(&mut self, _random: &mut Random) -> Result<(), TchError> {
        self.weight = super::constant(&self.weight, 0.25)?;
        Ok(())
    }

    fn receptive_field(&self, read: &Read<'_>) -> Seen {
        read.seen
    }

    /// Slopes that differ from place to place do not hold for a window.
    fn spread(&self) -> Spread {
        let slopes = self.slopes(4);
        let places = &slopes[slopes.len().saturating_sub(2)..];
        if places.iter().all(|&size| size == 1) { Spread::Stays } else { Spread::Everywhere }
    }
}
