//! Values added around.

use tch::{TchError, Tensor};

use super::operation::{Backprop, Operation};
use super::shape::{Misfit, misfit, one};
use super::{Axes, Read, Seen, only};
use crate::error::shape_text;
use crate::layer_kind::LayerKind;

/// Values added before and after each dimension; negative numbers cut.
#[derive(Clone, Debug)]
pub struct Pad {
    /// `[before, after]` for each dimension.
    pub amounts: Vec<[i64; 2]>,
    /// What is added.
    pub mode: PadMode,
}

/// What stands beyond the border.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum PadMode {
    /// The same number everywhere.
    Constant(f64),
    /// What stands within, mirrored at the last value.
    Reflect,
    /// The last value, again and again.
    Edge,
    /// What stands at the other end.
    Wrap,
}

impl Pad {
    /// Zeros.
    pub fn zeros(amounts: Vec<[i64; 2]>) -> Pad {
        Pad { amounts, mode: PadMode::Constant(0.0) }
    }

    /// The indices of a dimension of `size` that stand in its padded form.
    fn places(&self, size: i64, [before, after]: [i64; 2]) -> Vec<i64> {
        let place = |at: i64| match self.mode {
            PadMode::Reflect => {
                let at = at.rem_euclid((2 * size - 2).max(1));
                at.min(2 * size - 2 - at).max(0)
            }
            PadMode::Wrap => at.rem_euclid(size),
            _ => at.clamp(0, size - 1),
        };
        (-before..size + after).map(place).collect()
    }
}

impl Operation for Pad {
    fn name(&self) -> &'static str {
        "pad"
    }

    fn shape(&self, inputs: &[&[i64]]) -> Result<Vec<i64>, Misfit> {
        let x = one(inputs)?;
        let fits = |(size, [before, after]): (&i64, &[i64; 2])| {
            Some(size.checked_add(*before)?.checked_add(*after)?).filter(|&size| size > 0)
        };
        let padded: Option<Vec<i64>> = x.iter().zip(&self.amounts).map(fits).collect();
        match padded {
            Some(padded) if self.amounts.len() == x.len() => Ok(padded),
            _ => misfit(format!("a shape to pad by {:?}", self.amounts), shape_text(x)),
        }
    }

    fn compute(&self, inputs: &[&Tensor], _training: bool) -> Result<Tensor, TchError> {
        let x = only(inputs)?;
        if let PadMode::Constant(value) = self.mode {
            // libtorch counts from the last dimension.
            let amounts: Vec<i64> = self.amounts.iter().rev().flatten().copied().collect();
            return x.f_pad(amounts, "constant", value);
        }
        let mut padded = x.shallow_clone();
        for (dim, (&amount, size)) in self.amounts.iter().zip(x.size()).enumerate() {
            if amount != [0, 0] {
                let places = Tensor::f_from_slice(&self.places(size, amount))?;
                padded = padded.f_index_select(dim as i64, &places.f_to_device(x.device())?)?;
            }
        }
        Ok(padded)
    }

    fn terms(&self, _inputs: &[&[i64]]) -> u64 {
        0
    }

    fn kind(&self) -> LayerKind {
        LayerKind::Other
    }

    fn axes(&self, x: &Axes, _others: &[&Axes], output: &[i64]) -> Axes {
        x.windows(output, false)
    }

    fn receptive_field(&self, read: &Read<'_>) -> Seen {
        match (self.mode, self.amounts.get(read.dim())) {
            (PadMode::Constant(_), Some([before, _])) => read.behind(1, 1, *before, 1),
            (_, Some([0, 0]) | None) => read.seen,
            _ => Seen::WHOLE,
        }
    }

    fn backprop(&self) -> Backprop {
        Backprop::Usual
    }
}
