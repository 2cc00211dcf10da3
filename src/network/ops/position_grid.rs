//! A position embedding for another grid of patches.

use tch::{TchError, Tensor};

use super::operation::{Backprop, Operation};
use super::shape::{Misfit, at_least_one, misfit, one, product};
use super::{Axes, only};
use crate::error::shape_text;
use crate::layer_kind::LayerKind;

/// Position embedding `[1, T, E]`, learned for one grid of patches, made to one for another grid along a
/// cubic; what stands before the grid (of the class token) stays.
#[derive(Clone, Copy, Debug)]
pub struct PositionGrid {
    /// How many tokens come before the patches.
    pub before: i64,
    /// Rows and columns that it was learned for.
    pub from: [i64; 2],
    /// Rows and columns that there are.
    pub to: [i64; 2],
    /// Added to rows and columns when their scale is computed, as DINOv2's authors do with 0.1.
    pub offset: f64,
    /// Whether a smaller grid is made of means.
    pub antialias: bool,
}

impl Operation for PositionGrid {
    fn name(&self) -> &'static str {
        "position grid"
    }

    fn shape(&self, inputs: &[&[i64]]) -> Result<Vec<i64>, Misfit> {
        let x = one(inputs)?;
        at_least_one(self.from.iter().chain(&self.to).copied())?;
        let tokens = |grid: [i64; 2]| product(&grid)?.checked_add(self.before.max(0));
        match (x, tokens(self.from), tokens(self.to)) {
            (&[n, have, width], Some(from), Some(to)) if have == from => Ok(vec![n, to, width]),
            _ => misfit(
                format!(
                    "positions of {} tokens and {} patches, [1, T, E]",
                    self.before,
                    shape_text(&self.from)
                ),
                shape_text(x),
            ),
        }
    }

    fn compute(&self, inputs: &[&Tensor], _training: bool) -> Result<Tensor, TchError> {
        let x = only(inputs)?;
        let ([rows, columns], before) = (self.from, self.before.max(0));
        let grid = x.f_narrow(1, before, rows * columns)?.f_transpose(1, 2)?;
        let grid = grid.f_reshape([x.size()[0], -1, rows, columns])?.f_contiguous()?;
        let scale = |d: usize| {
            (self.offset != 0.0).then(|| (self.to[d] as f64 + self.offset) / self.from[d] as f64)
        };
        let grid = match self.antialias {
            true => grid.f_internal_upsample_bicubic2d_aa(self.to, false, scale(0), scale(1))?,
            false => grid.f_upsample_bicubic2d(self.to, false, scale(0), scale(1))?,
        };
        let grid = grid.f_flatten(2, -1)?.f_transpose(1, 2)?;
        Tensor::f_cat(&[x.f_narrow(1, 0, before)?, grid], 1)
    }

    fn terms(&self, _inputs: &[&[i64]]) -> u64 {
        0
    }

    fn kind(&self) -> LayerKind {
        LayerKind::Parameter
    }

    fn axes(&self, _x: &Axes, _others: &[&Axes], output: &[i64]) -> Axes {
        Axes::unknown(output)
    }

    fn allocates(&self) -> bool {
        true
    }

    fn backprop(&self) -> Backprop {
        Backprop::Usual
    }
}
