//! Receptive fields: which pixels of the input a unit can see, computed without running anything.

use super::ops::{Read, Seen};
use super::{Network, Node};
use crate::Result;

/// What the units of a layer see of the input along one direction, height or width.
///
/// The field is a bound: outside it no pixel changes the unit. Padding belongs to it, so it may be
/// larger than the picture and begin before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReceptiveField {
    /// No pixel: a parameter.
    Nothing,
    /// Unit *i* sees the `size` pixels from `start + i·jump` on.
    Window {
        /// How many pixels.
        size: i64,
        /// The distance between the windows of two neighboring units, also known as the stride.
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
    #[must_use]
    pub fn size(self) -> Option<i64> {
        match self {
            Nothing => Some(0),
            Window { size, .. } => Some(size),
            Whole => None,
        }
    }

    /// What is seen by something that reads both. Windows that move apart have no common one.
    pub(super) fn union(self, other: ReceptiveField) -> ReceptiveField {
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
            let direction = |direction| seen_by(node, direction, &seen, &shapes, output);
            let both = [direction(0), direction(1)];
            seen.push(both);
        }
        Ok(seen.into_iter().map(|both| both.map(|seen| seen.field)).collect())
    }
}

/// What a node sees along one direction; `seen` and `shapes` are those of the nodes before it.
fn seen_by(
    node: &Node,
    direction: usize,
    seen: &[[Seen; 2]],
    shapes: &[Vec<i64>],
    output: &[i64],
) -> Seen {
    let operation = node.op.operation();
    if let Some(source) = operation.source(direction) {
        return source;
    }
    let reads = node.inputs.iter().enumerate().map(|(place, &i)| {
        let seen = seen[i][direction];
        match seen.field {
            Window { .. } => {
                operation.receptive_field(&Read { seen, place, shape: &shapes[i], output })
            }
            Nothing | Whole => seen,
        }
    });
    reads.reduce(Seen::union).unwrap_or(Seen::WHOLE)
}
