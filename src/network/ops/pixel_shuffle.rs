//! Channels made places, and places channels.

use tch::{TchError, Tensor};

use super::operation::{Backprop, Operation};
use super::shape::{Misfit, at_least_one, four, misfit, one};
use super::{Axes, Read, Seen, only};
use crate::error::shape_text;
use crate::layer_kind::LayerKind;

/// Channels of `factor`² become places: `[N, C·factor², H, W]` to `[N, C, H·factor, W·factor]` (Shi et
/// al., 2016, [arXiv:1609.05158](https://arxiv.org/abs/1609.05158)).
#[derive(Clone, Copy, Debug)]
pub struct PixelShuffle {
    /// By how much height and width grow.
    pub factor: i64,
    /// Whether a place's channels lie apart (TensorFlow's order), or beside one another (PyTorch's).
    pub places_first: bool,
}

/// The inverse of [`PixelShuffle`]: `[N, C, H·factor, W·factor]` to `[N, C·factor², H, W]`.
#[derive(Clone, Copy, Debug)]
pub struct PixelUnshuffle {
    /// By how much height and width shrink.
    pub factor: i64,
    /// As in [`PixelShuffle`].
    pub places_first: bool,
}

impl Operation for PixelShuffle {
    fn name(&self) -> &'static str {
        "PixelShuffle"
    }

    fn shape(&self, inputs: &[&[i64]]) -> Result<Vec<i64>, Misfit> {
        let (x, factor) = (one(inputs)?, self.factor);
        let [n, c, h, w] = four(x)?;
        at_least_one([factor])?;
        let channels = c / factor / factor;
        if channels * factor * factor != c {
            return misfit(format!("channels in groups of {factor}·{factor}"), shape_text(x));
        }
        Ok(vec![n, channels, h * factor, w * factor])
    }

    fn compute(&self, inputs: &[&Tensor], _training: bool) -> Result<Tensor, TchError> {
        let (x, factor) = (only(inputs)?, self.factor);
        if !self.places_first {
            return x.f_pixel_shuffle(factor);
        }
        let [n, c, h, w] = sizes(x)?;
        let channels = c / factor / factor;
        x.f_reshape([n, factor, factor, channels, h, w])?
            .f_permute([0, 3, 4, 1, 5, 2])?
            .f_reshape([n, channels, h * factor, w * factor])
    }

    fn terms(&self, _inputs: &[&[i64]]) -> u64 {
        0
    }

    fn kind(&self) -> LayerKind {
        LayerKind::Other
    }

    fn axes(&self, x: &Axes, _others: &[&Axes], output: &[i64]) -> Axes {
        x.windows(output, true)
    }

    fn receptive_field(&self, read: &Read<'_>) -> Seen {
        let factor = self.factor as f64;
        if read.dim() < 2 {
            return Seen::WHOLE;
        }
        // Place i is of unit i/factor, rounded down.
        read.between(factor, [1.0 / factor - 1.0, 0.0])
    }

    fn backprop(&self) -> Backprop {
        Backprop::Usual
    }
}

impl Operation for PixelUnshuffle {
    fn name(&self) -> &'static str {
        "PixelUnshuffle"
    }

    fn shape(&self, inputs: &[&[i64]]) -> Result<Vec<i64>, Misfit> {
        let (x, factor) = (one(inputs)?, self.factor);
        let [n, c, h, w] = four(x)?;
        at_least_one([factor])?;
        if h % factor != 0 || w % factor != 0 || factor > h.min(w) {
            return misfit(format!("height and width in steps of {factor}"), shape_text(x));
        }
        Ok(vec![n, c * factor * factor, h / factor, w / factor])
    }

    fn compute(&self, inputs: &[&Tensor], _training: bool) -> Result<Tensor, TchError> {
        let (x, factor) = (only(inputs)?, self.factor);
        if !self.places_first {
            return x.f_pixel_unshuffle(factor);
        }
        let [n, c, h, w] = sizes(x)?;
        let (rows, columns) = (h / factor, w / factor);
        x.f_reshape([n, c, rows, factor, columns, factor])?
            .f_permute([0, 3, 5, 1, 2, 4])?
            .f_reshape([n, c * factor * factor, rows, columns])
    }

    fn terms(&self, _inputs: &[&[i64]]) -> u64 {
        0
    }

    fn kind(&self) -> LayerKind {
        LayerKind::Other
    }

    fn axes(&self, x: &Axes, _others: &[&Axes], output: &[i64]) -> Axes {
        x.windows(output, true)
    }

    fn receptive_field(&self, read: &Read<'_>) -> Seen {
        read.windows([self.factor; 2], [self.factor; 2], [0; 2], [1; 2])
    }

    fn backprop(&self) -> Backprop {
        Backprop::Usual
    }
}

fn sizes(x: &Tensor) -> Result<[i64; 4], TchError> {
    four(&x.size()).map_err(|misfit| TchError::Shape(misfit.expected))
}
