//! Rounding to whole numbers of few bits.

use tch::{TchError, Tensor};

use super::operation::{Operation, Spread};
use super::shape::{Misfit, extent, misfit, one};
use super::{Read, Seen, only};
use crate::error::shape_text;
use crate::layer_kind::LayerKind;

/// x/scale + zero point, rounded (of two as near to the even one) and kept from `low` to `high`.
///
/// Rounding has no slope. The gradient is that of x/scale where the result is within the bounds, else
/// 0: the straight-through estimator (Bengio et al., 2013, [arXiv:1308.3432](https://arxiv.org/abs/1308.3432)).
#[derive(Clone, Debug)]
pub struct Quantize {
    /// One for all values, or one for each index of `dim`.
    pub scale: Vec<f64>,
    /// What 0 becomes; as many as scales.
    pub zero_point: Vec<i64>,
    /// The dimension along which scales differ.
    pub dim: usize,
    /// The smallest number.
    pub low: i64,
    /// The largest number.
    pub high: i64,
}

impl Quantize {
    /// Numbers for each index of `dim`, in a shape to be repeated over `x`.
    fn along(&self, x: &Tensor, numbers: &[f64]) -> Result<Tensor, TchError> {
        let mut shape = vec![1; x.dim()];
        if let (Some(size), false) = (shape.get_mut(self.dim), numbers.len() == 1) {
            *size = -1;
        }
        let row = Tensor::f_from_slice(numbers)?.f_reshape(&shape)?;
        row.f_to_kind(x.kind())?.f_to_device(x.device())
    }
}

impl Operation for Quantize {
    fn name(&self) -> &'static str {
        "quantize"
    }

    fn shape(&self, inputs: &[&[i64]]) -> Result<Vec<i64>, Misfit> {
        let x = one(inputs)?;
        let scales = self.scale.len();
        let fits = scales == 1 || usize::try_from(extent(x, self.dim)?) == Ok(scales);
        if !fits || self.zero_point.len() != scales {
            let dim = self.dim;
            return misfit(format!("{scales} values along dimension {dim}"), shape_text(x));
        }
        Ok(x.to_vec())
    }

    fn compute(&self, inputs: &[&Tensor], _training: bool) -> Result<Tensor, TchError> {
        let x = only(inputs)?;
        let zero_point: Vec<f64> = self.zero_point.iter().map(|&number| number as f64).collect();
        let zero_point = self.along(x, &zero_point)?;
        let divided = x.f_div(&self.along(x, &self.scale)?)?;
        let mut rounded = divided.f_detach()?.f_round()?;
        if divided.requires_grad() {
            // The rounded values, and the slope of those before.
            rounded = rounded.f_add(&divided.f_sub(&divided.f_detach()?)?)?;
        }
        rounded.f_add(&zero_point)?.f_clamp(self.low, self.high)
    }

    fn terms(&self, _inputs: &[&[i64]]) -> u64 {
        0
    }

    fn kind(&self) -> LayerKind {
        LayerKind::Other
    }

    fn receptive_field(&self, read: &Read<'_>) -> Seen {
        read.seen
    }

    /// Scales that differ from place to place do not hold for a window.
    fn spread(&self) -> Spread {
        if self.scale.len() == 1 || self.dim < 2 { Spread::Stays } else { Spread::Everywhere }
    }
}
