//! Arithmetic of receptive fields that several operations share.
//!
//! Araujo, Norris, Sim, "Computing Receptive Fields of Convolutional Neural Networks", Distill, 2019
//! ([doi:10.23915/distill.00021](https://doi.org/10.23915/distill.00021)), for each direction by
//! itself. Beside the field, the dimension is followed along which a direction lies, so that
//! channels-last parts of a network (permute, normalize, permute back) keep theirs.

use super::super::ReceptiveField;
use ReceptiveField::{Nothing, Whole, Window};

/// The field along one direction, and the dimension of the value along which that direction lies.
/// Only windows have one.
#[derive(Clone, Copy)]
pub(crate) struct Seen {
    pub field: ReceptiveField,
    pub dim: usize,
}

impl Seen {
    pub(crate) const WHOLE: Seen = Seen { field: Whole, dim: 0 };
    pub(crate) const NOTHING: Seen = Seen { field: Nothing, dim: 0 };

    /// What is seen by something that reads both.
    pub(crate) fn union(self, other: Seen) -> Seen {
        let apart = self.dim != other.dim && self.field != Nothing && other.field != Nothing;
        let dim = if self.field == Nothing { other.dim } else { self.dim };
        if apart { Seen::WHOLE } else { Seen { field: self.field.union(other.field), dim } }
    }
}

/// One input of a node whose field along one direction is a window.
pub(crate) struct Read<'a> {
    pub seen: Seen,
    /// Which of the node's inputs it is.
    pub place: usize,
    /// The input's shape.
    pub shape: &'a [i64],
    /// The node's.
    pub output: &'a [i64],
}

impl Read<'_> {
    /// The dimension of the input along which the direction lies.
    pub(super) fn dim(&self) -> usize {
        self.seen.dim
    }

    /// The input's size along the direction.
    pub(super) fn size(&self) -> i64 {
        self.shape.get(self.seen.dim).copied().unwrap_or(1)
    }

    /// The same field, along dimension `dim` of the output.
    pub(super) fn at(&self, dim: usize) -> Seen {
        Seen { field: self.seen.field, dim }
    }

    /// The same, unless places along the direction are mixed.
    pub(super) fn unless(&self, mixed: bool) -> Seen {
        if mixed { Seen::WHOLE } else { self.seen }
    }

    /// Behind windows of the units: `kernel` of them, `dilation` apart.
    pub(super) fn behind(&self, kernel: i64, stride: i64, padding: i64, dilation: i64) -> Seen {
        let Window { size, jump, start } = self.seen.field else { return self.seen };
        let reach = (kernel - 1).saturating_mul(dilation).saturating_mul(jump);
        let field = Window {
            size: size.saturating_add(reach),
            jump: jump.saturating_mul(stride),
            start: start.saturating_sub(padding.saturating_mul(jump)),
        };
        Seen { field, dim: self.seen.dim }
    }

    /// Behind an enlargement of the direction by `scale`: unit i reads units from i/`scale` + `reach[0]`
    /// to i/`scale` + `reach[1]`.
    pub(super) fn between(&self, scale: f64, reach: [f64; 2]) -> Seen {
        let Window { size, jump, start } = self.seen.field else { return self.seen };
        let step = jump as f64 / scale;
        if step < 1.0 || step.fract() != 0.0 {
            return Seen::WHOLE;
        }
        // Numbers beyond what this counts exactly are far larger than any picture.
        let [before, behind] = reach.map(|units| units * jump as f64);
        let (before, behind) = (before.floor() as i64, behind.ceil() as i64);
        let field = Window {
            size: size.saturating_add(behind.saturating_sub(before)),
            jump: step as i64,
            start: start.saturating_add(before),
        };
        Seen { field, dim: self.seen.dim }
    }

    /// Behind a convolution's or a pooling's windows, which move over dimensions 2 and 3.
    pub(super) fn windows(
        &self,
        kernel: [i64; 2],
        stride: [i64; 2],
        padding: [i64; 2],
        dilation: [i64; 2],
    ) -> Seen {
        match self.seen.dim {
            2 => self.behind(kernel[0], stride[0], padding[0], dilation[0]),
            3 => self.behind(kernel[1], stride[1], padding[1], dilation[1]),
            _ => Seen::WHOLE,
        }
    }

    /// Behind broadcasting: dimensions missing in front are added; one of size 1 may be repeated.
    pub(super) fn broadcast(&self) -> Seen {
        let dim = self.seen.dim + self.output.len().saturating_sub(self.shape.len());
        if self.output.get(dim) == Some(&self.size()) { self.at(dim) } else { Seen::WHOLE }
    }

    /// Behind another shape over the same values in their order. A dimension stays one if it has its
    /// size still, and as many values behind it.
    pub(super) fn reshaped(&self) -> Seen {
        let behind = |shape: &[i64], dim: usize| shape[dim + 1..].iter().product::<i64>();
        let same = |&new: &usize| {
            self.output[new] == self.size()
                && behind(self.output, new) == behind(self.shape, self.seen.dim)
        };
        (0..self.output.len()).find(same).map_or(Seen::WHOLE, |dim| self.at(dim))
    }
}
