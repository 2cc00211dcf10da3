//! Receptive fields: which pixels of the input a unit can see, computed without running anything.
//!
//! The arithmetic is that of Araujo, Norris, Sim, "Computing Receptive Fields of Convolutional
//! Neural Networks", Distill, 2019 ([doi:10.23915/distill.00021](https://doi.org/10.23915/distill.00021)),
//! for each direction by itself. Beside the field, the dimension is followed along which a direction
//! lies, so that channels-last parts of a network (permute, normalise, permute back) keep theirs.

use super::{Network, Op};
use crate::Result;

/// What the units of a layer see of the input along one direction, height or width.
///
/// The field is a bound: outside it no pixel changes the unit. Padding belongs to it, so it may be
/// larger than the picture and begin before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReceptiveField {
    /// No pixel: a parameter.
    Nothing,
    /// Unit *i* sees the `size` pixels from `start + i·jump` on.
    Window {
        /// How many pixels.
        size: i64,
        /// The distance between the windows of two neighbouring units, also known as the stride.
        jump: i64,
        /// The first pixel of unit 0; negative within the padding.
        start: i64,
    },
    /// Possibly every pixel: behind global pooling, flattening, linear layers and attention.
    Whole,
}

use ReceptiveField::{Nothing, Whole, Window};

impl ReceptiveField {
    /// The number of pixels, 0 for [`ReceptiveField::Nothing`]; `None` for the whole picture.
    pub fn size(self) -> Option<i64> {
        match self {
            Nothing => Some(0),
            Window { size, .. } => Some(size),
            Whole => None,
        }
    }

    /// The field behind windows of the field's units.
    fn behind(self, kernel: i64, stride: i64, padding: i64, dilation: i64) -> ReceptiveField {
        let Window { size, jump, start } = self else { return self };
        let reach = (kernel - 1).saturating_mul(dilation).saturating_mul(jump);
        Window {
            size: size.saturating_add(reach),
            jump: jump.saturating_mul(stride),
            start: start.saturating_sub(padding.saturating_mul(jump)),
        }
    }

    /// What is seen by something that reads both. Windows that move apart have no common one.
    fn union(self, other: ReceptiveField) -> ReceptiveField {
        match (self, other) {
            (Nothing, field) | (field, Nothing) => field,
            (
                Window { size: a, jump, start: a0 },
                Window { size: b, jump: other_jump, start: b0 },
            ) if jump == other_jump => {
                let start = a0.min(b0);
                let end = a0.saturating_add(a).max(b0.saturating_add(b));
                Window { size: end.saturating_sub(start), jump, start }
            }
            _ => Whole,
        }
    }
}

impl Network {
    /// The receptive field of every node, `[height, width]`, for an input of this shape.
    ///
    /// Where branches meet it is their union. Errors: an input that does not fit.
    ///
    /// ```
    /// use convscope::network::ReceptiveField;
    /// use convscope::prelude::*;
    ///
    /// let net = zoo::digits()?; // conv 5×5, pool 2×2, conv 5×5, pool 2×2
    /// let [height, _] = net.receptive_fields(&[1, 1, 28, 28])?[6]; // of `pool2`
    /// assert_eq!(height, ReceptiveField::Window { size: 16, jump: 4, start: 0 });
    /// # Ok::<(), convscope::Error>(())
    /// ```
    pub fn receptive_fields(&self, input: &[i64]) -> Result<Vec<[ReceptiveField; 2]>> {
        let shapes = self.shapes(input)?;
        let mut seen: Vec<[Seen; 2]> = Vec::with_capacity(self.nodes.len());
        for (node, output) in self.nodes.iter().zip(&shapes) {
            let direction = |direction: usize| {
                let inputs: Vec<(Seen, &[i64])> = node
                    .inputs
                    .iter()
                    .map(|&i| (seen[i][direction], shapes[i].as_slice()))
                    .collect();
                after(&node.op, &inputs, output, direction)
            };
            let both = [direction(0), direction(1)];
            seen.push(both);
        }
        Ok(seen.into_iter().map(|both| both.map(|seen| seen.field)).collect())
    }
}

/// The field along one direction, and the dimension of the value along which that direction lies.
/// Only windows have one.
#[derive(Clone, Copy)]
struct Seen {
    field: ReceptiveField,
    dim: usize,
}

impl Seen {
    const WHOLE: Seen = Seen { field: Whole, dim: 0 };
}

/// The field of a node that reads `inputs`, each with its shape.
fn after(op: &Op, inputs: &[(Seen, &[i64])], output: &[i64], direction: usize) -> Seen {
    match op {
        Op::Input => {
            return Seen { field: Window { size: 1, jump: 1, start: 0 }, dim: 2 + direction };
        }
        Op::Parameter { .. } => return Seen { field: Nothing, dim: 0 },
        _ => {}
    }
    let reads = inputs.iter().enumerate().map(|(place, &(seen, shape))| match seen.field {
        Window { .. } => through(op, place, seen, shape, output),
        Nothing | Whole => seen,
    });
    let both = |a: Seen, b: Seen| {
        let apart = a.dim != b.dim && a.field != Nothing && b.field != Nothing;
        let dim = if a.field == Nothing { b.dim } else { a.dim };
        if apart { Seen::WHOLE } else { Seen { field: a.field.union(b.field), dim } }
    };
    reads.reduce(both).unwrap_or(Seen::WHOLE)
}

/// What becomes of one input's window. `place` says which of the inputs it is.
fn through(op: &Op, place: usize, seen: Seen, shape: &[i64], output: &[i64]) -> Seen {
    let Seen { field, dim } = seen;
    let (size, rank) = (shape.get(dim).copied().unwrap_or(1), shape.len());
    let at = |dim: usize| Seen { field, dim };
    let unless = |mixed: bool| if mixed { Seen::WHOLE } else { seen };
    // Convolutions and pools move over dimensions 2 and 3.
    let windows =
        |kernel: [i64; 2], stride: [i64; 2], padding: [i64; 2], dilation: [i64; 2]| match dim {
            2 | 3 => {
                let i = dim - 2;
                let field = field.behind(kernel[i], stride[i], padding[i], dilation[i]);
                Seen { field, dim }
            }
            _ => Seen::WHOLE,
        };
    // Dimensions missing in front are added; one of size 1 may be repeated.
    let repeated = || {
        let dim = dim + output.len().saturating_sub(rank);
        if output.get(dim) == Some(&size) { at(dim) } else { Seen::WHOLE }
    };
    match op {
        Op::Conv2d { weight, stride, padding, dilation, .. } => match weight.size()[..] {
            [_, _, height, width] => windows([height, width], *stride, *padding, *dilation),
            _ => Seen::WHOLE,
        },
        Op::MaxPool2d { kernel, stride, padding, .. }
        | Op::AvgPool2d { kernel, stride, padding, .. } => {
            windows(*kernel, *stride, *padding, [1, 1])
        }
        Op::AdaptiveAvgPool2d { .. } => {
            let windows_count = output.get(dim).copied().unwrap_or(1).max(1);
            match size / windows_count {
                _ if size % windows_count != 0 => Seen::WHOLE, // windows of unequal size
                1 => seen,
                kernel if kernel == size => Seen::WHOLE,
                kernel => windows([kernel; 2], [kernel; 2], [0; 2], [1; 2]),
            }
        }
        Op::Input
        | Op::Parameter { .. }
        | Op::Pointwise(_)
        | Op::Dropout { .. }
        | Op::BatchNorm2d { .. } => seen,
        Op::LayerNorm { weight, .. } => unless(dim + weight.dim() >= rank),
        Op::Softmax { dim: over } | Op::LogSoftmax { dim: over } => unless(dim == *over),
        Op::Linear { .. } => unless(dim + 1 == rank),
        Op::Mean { dims, keep_dims } => {
            let dropped = dims.iter().filter(|&&other| other < dim && !keep_dims).count();
            if dims.contains(&dim) { Seen::WHOLE } else { at(dim - dropped) }
        }
        Op::Flatten { .. } | Op::Reshape { .. } => {
            // A dimension stays one if it has its size still, and as many values behind it.
            let behind = |shape: &[i64], dim: usize| shape[dim + 1..].iter().product::<i64>();
            let same =
                |&new: &usize| output[new] == size && behind(output, new) == behind(shape, dim);
            (0..output.len()).find(same).map_or(Seen::WHOLE, at)
        }
        Op::Permute { order } => order.iter().position(|&old| old == dim).map_or(Seen::WHOLE, at),
        Op::Slice { dim: cut, start, step, .. } if *cut == dim => {
            let first = if *start < 0 { start.saturating_add(size) } else { *start };
            let field = field.behind(1, *step, first.clamp(0, size).saturating_neg(), 1);
            Seen { field, dim }
        }
        Op::Slice { .. } => seen,
        Op::Unsqueeze { dim: added } => at(dim + usize::from(*added <= dim)),
        Op::Select { dim: dropped, .. } => match dropped.cmp(&dim) {
            std::cmp::Ordering::Less => at(dim - 1),
            std::cmp::Ordering::Equal => Seen::WHOLE,
            std::cmp::Ordering::Greater => seen,
        },
        Op::Pad { amounts } => {
            let before = amounts.get(dim).map_or(0, |[before, _]| *before);
            Seen { field: field.behind(1, 1, before, 1), dim }
        }
        // Rows of the first factor and columns of the second stay; the others are summed.
        Op::MatMul => {
            let summed = rank - if place == 0 { 1 } else { 2 };
            if dim == summed { Seen::WHOLE } else { repeated() }
        }
        Op::Arithmetic(_) => repeated(),
        Op::Concat { dim: along } => unless(dim == *along),
    }
}
