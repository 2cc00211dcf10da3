//! Where the places of a picture lie in a layer's values: which dimension runs along its rows, which along
//! its columns, whatever order the network keeps them in.
//!
//! A dimension is a product of parts, the slowest first, as the digits of a number are: tokens are rows ×
//! columns, and windows of 7×7 split a map's rows into 8 × 7 of them. So permutations, reshapes,
//! concatenations and slices are followed part by part, and what can't be followed is plain.

use std::collections::VecDeque;

/// What a part of a dimension counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::network) enum Counts {
    /// Channels, heads, or nothing that is known.
    Other,
    Images,
    /// Every so many rows of the map.
    Rows {
        step: i64,
    },
    Columns {
        step: i64,
    },
    /// A grid of places row by row, with other tokens before it (class, registers) or behind it.
    Tokens {
        before: i64,
        grid: [i64; 2],
    },
}

/// A part of a dimension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::network) struct Part {
    pub counts: Counts,
    pub size: i64,
}

use Counts::{Columns, Images, Other, Rows, Tokens};

impl Part {
    /// The slower of two parts, of this size, and the faster one.
    fn split(self, size: i64) -> Option<[Part; 2]> {
        let low = self.size / size;
        let high = match self.counts {
            Rows { step } => Rows { step: step.checked_mul(low)? },
            Columns { step } => Columns { step: step.checked_mul(low)? },
            Other => Other,
            Images | Tokens { .. } => return None,
        };
        Some([Part { counts: high, size }, Part { counts: self.counts, size: low }])
    }

    /// One part, if the other one counts on where this one ends.
    fn joined(self, faster: Part) -> Option<Part> {
        let size = self.size.checked_mul(faster.size)?;
        let fits = match (self.counts, faster.counts) {
            (Other, Other) => true,
            (Rows { step }, Rows { step: fine }) | (Columns { step }, Columns { step: fine }) => {
                Some(step) == fine.checked_mul(faster.size)
            }
            _ => false,
        };
        fits.then_some(Part { counts: faster.counts, size })
    }
}

/// The parts of one dimension; none where it has size 1 and means nothing.
type Dim = Vec<Part>;

/// The parts of all dimensions of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Axes(Vec<Dim>);

fn size(dim: &[Part]) -> i64 {
    dim.iter().fold(1, |all: i64, part| all.saturating_mul(part.size))
}

fn plain(size: i64) -> Dim {
    if size == 1 { Vec::new() } else { vec![Part { counts: Other, size }] }
}

fn is_plain(dim: &[Part]) -> bool {
    dim.iter().all(|part| part.counts == Other)
}

fn merged(parts: impl IntoIterator<Item = Part>) -> Dim {
    let mut dim = Dim::new();
    for part in parts {
        let joined = dim.last().and_then(|last| last.joined(part));
        if joined.is_some() {
            dim.pop();
        }
        dim.push(joined.unwrap_or(part));
    }
    dim
}

/// The same counted in the finest steps that it has: of a coarser map, where the finer parts are gone.
fn coarse(dim: &[Part]) -> Dim {
    let finest = |of: fn(Counts) -> Option<i64>| {
        dim.iter().filter_map(|part| of(part.counts)).min().map_or(1, |step| step.max(1))
    };
    let rows = finest(|counts| if let Rows { step } = counts { Some(step) } else { None });
    let columns = finest(|counts| if let Columns { step } = counts { Some(step) } else { None });
    let counted = |counts| match counts {
        Rows { step } => Rows { step: step / rows },
        Columns { step } => Columns { step: step / columns },
        other => other,
    };
    dim.iter().map(|part| Part { counts: counted(part.counts), ..*part }).collect()
}

/// A grid's rows and columns, where a dimension is nothing else.
fn grid(dim: &[Part]) -> Option<[i64; 2]> {
    match *coarse(dim) {
        [
            Part { counts: Rows { step: 1 }, size: rows },
            Part { counts: Columns { step: 1 }, size: columns },
        ] => Some([rows, columns]),
        _ => None,
    }
}

/// What is known of a dimension from two values in which it is the same one.
fn agreed(a: &[Part], b: &[Part]) -> Dim {
    match (size(a), size(b)) {
        (1, other) if other != 1 => b.to_vec(),
        (other, 1) if other != 1 => a.to_vec(),
        _ if is_plain(a) => b.to_vec(),
        _ if is_plain(b) || coarse(a) == coarse(b) => a.to_vec(),
        (all, _) => plain(all),
    }
}

impl Axes {
    /// Nothing is known.
    pub(in crate::network) fn unknown(shape: &[i64]) -> Axes {
        Axes(shape.iter().map(|&size| plain(size)).collect())
    }

    /// Those of pictures `[N, C, H, W]`.
    pub(in crate::network) fn of_pictures(shape: &[i64]) -> Axes {
        let counts = [Images, Other, Rows { step: 1 }, Columns { step: 1 }];
        let parts = shape.iter().zip(counts).map(|(&size, counts)| vec![Part { counts, size }]);
        Axes(parts.collect())
    }

    pub(in crate::network) fn dims(&self) -> &[Dim] {
        &self.0
    }

    fn dim(&self, dim: usize) -> Dim {
        self.0.get(dim).cloned().unwrap_or_default()
    }

    /// The size of a dimension.
    pub(super) fn size(&self, dim: usize) -> i64 {
        self.0.get(dim).map_or(1, |dim| size(dim))
    }

    fn shape(&self) -> Vec<i64> {
        self.0.iter().map(|dim| size(dim)).collect()
    }

    /// Whether they are those of maps `[N, h, w, K]`.
    pub(in crate::network) fn are_channels_last(&self) -> bool {
        let [images, rows, columns, channels] = self.0.as_slice() else {
            return false;
        };
        let along = |dim: &Dim, known: fn(Counts) -> bool| {
            !dim.is_empty() && dim.iter().all(|part| known(part.counts))
        };
        along(images, |counts| counts == Images)
            && along(rows, |counts| matches!(counts, Rows { .. }))
            && along(columns, |counts| matches!(counts, Columns { .. }))
            && is_plain(channels)
    }

    /// The same where the output has the same shape.
    pub(super) fn kept(&self, output: &[i64]) -> Axes {
        if self.shape() == output { self.clone() } else { Axes::unknown(output) }
    }

    pub(super) fn permuted(&self, order: &[usize]) -> Axes {
        Axes(order.iter().map(|&dim| self.dim(dim)).collect())
    }

    /// Without these dimensions, or with size 1 in their place.
    pub(super) fn without(&self, dropped: &[usize], keep: bool) -> Axes {
        let mut dims = Vec::new();
        for (at, dim) in self.0.iter().enumerate() {
            match dropped.contains(&at) {
                false => dims.push(dim.clone()),
                true if keep => dims.push(Dim::new()),
                true => {}
            }
        }
        Axes(dims)
    }

    /// With a dimension of size 1 added.
    pub(super) fn unsqueezed(&self, dim: usize) -> Axes {
        let mut dims = self.0.clone();
        dims.insert(dim.min(dims.len()), Dim::new());
        Axes(dims)
    }

    /// With nothing known of one dimension, which has this size.
    pub(super) fn mixed(&self, dim: usize, size: i64) -> Axes {
        let mut axes = self.clone();
        if let Some(dim) = axes.0.get_mut(dim) {
            *dim = plain(size);
        }
        axes
    }

    /// With these indices picked along `dim`. Rows of which every so many come first, then the next of each,
    /// are rows still: so patches are cut by index.
    pub(super) fn picked(&self, dim: usize, indices: &[i64], output: &[i64]) -> Axes {
        let mut axes = self.mixed(dim, output.get(dim).copied().unwrap_or(1));
        let size = self.size(dim);
        let every = indices.get(1).copied().filter(|&every| every > 1 && size % every == 0);
        let parts = self.dim(dim);
        let (Some(every), [part]) = (every, parts.as_slice()) else {
            return axes;
        };
        let each = size / every;
        let in_turn = (0..size).map(|at| at % each * every + at / each);
        if let Some([slow, fast]) = part.split(each)
            && indices.iter().copied().eq(in_turn)
        {
            axes.0[dim] = vec![fast, slow];
        }
        axes
    }

    /// Behind another shape over the same values in their order.
    pub(super) fn reshaped(&self, shape: &[i64]) -> Axes {
        let parts = self.0.iter().flatten().copied().filter(|part| part.size != 1);
        let mut left: VecDeque<Part> = parts.collect();
        if left.iter().any(|part| part.size < 1) {
            return Axes::unknown(shape);
        }
        let mut dims = Vec::new();
        for &size in shape {
            match taken(&mut left, size) {
                Some(dim) => dims.push(dim),
                None => break,
            }
        }
        let rest = Axes::unknown(shape.get(dims.len()..).unwrap_or_default());
        Axes(dims.into_iter().chain(rest.0).collect())
    }

    /// Of arithmetic by value: dimensions count from the last.
    pub(super) fn broadcast(inputs: &[&Axes], output: &[i64]) -> Axes {
        let dim = |at: usize| {
            let theirs = |axes: &&Axes| {
                let at = (at + axes.0.len()).checked_sub(output.len());
                at.map(|at| axes.dim(at)).unwrap_or_default()
            };
            inputs.iter().map(theirs).reduce(|a, b| agreed(&a, &b)).unwrap_or_default()
        };
        Axes((0..output.len()).map(dim).collect())
    }

    /// Of a matrix product: the first's rows, the second's columns.
    pub(super) fn product(a: &Axes, b: &Axes, output: &[i64]) -> Axes {
        let matrices = |axes: &Axes| {
            let (batch, last) = axes.0.split_at(axes.0.len().saturating_sub(2));
            (Axes(batch.to_vec()), last.to_vec())
        };
        let ((a, rows), (b, columns)) = (matrices(a), matrices(b));
        let batch = output.split_at(output.len().saturating_sub(2)).0;
        let mut axes = Axes::broadcast(&[&a, &b], batch);
        axes.0.extend(rows.into_iter().take(1).chain(columns.into_iter().skip(1)));
        axes
    }

    /// Inputs side by side along `dim`. Tokens beside a grid leave it a grid.
    pub(super) fn concatenated(inputs: &[&Axes], dim: usize, output: &[i64]) -> Axes {
        let mut axes = Axes::broadcast(inputs, output);
        let parts: Vec<Dim> = inputs.iter().map(|axes| axes.dim(dim)).collect();
        let all = output.get(dim).copied().unwrap_or(1);
        let mut along = plain(all);
        let mut places = parts.iter().enumerate().filter(|(_, dim)| !is_plain(dim));
        if let (Some((at, places)), None) = (places.next(), places.next()) {
            let before: i64 = parts.iter().take(at).map(|dim| size(dim)).sum();
            let found = match *places.as_slice() {
                [Part { counts: Tokens { before: within, grid }, .. }] => Some((within, grid)),
                _ => grid(places).map(|grid| (0, grid)),
            };
            if let Some((within, grid)) = found {
                let counts = Tokens { before: before.saturating_add(within), grid };
                along = vec![Part { counts, size: all }];
            }
        }
        if let Some(dim) = axes.0.get_mut(dim) {
            *dim = along;
        }
        axes
    }

    /// From `start` on along `dim`, which has `size` afterwards.
    pub(super) fn sliced(&self, dim: usize, start: i64, step: i64, size: i64) -> Axes {
        let old = self.dim(dim);
        let new = match *old.as_slice() {
            _ if self::size(&old) == size => old,
            [Part { counts: Tokens { before, grid: [rows, columns] }, .. }]
                if step == 1 && start <= before && before + rows * columns <= start + size =>
            {
                let grid = [rows, columns];
                match size == rows * columns {
                    true => merged([
                        Part { counts: Rows { step: 1 }, size: rows },
                        Part { counts: Columns { step: 1 }, size: columns },
                    ]),
                    false => {
                        vec![Part { counts: Tokens { before: before - start, grid }, size }]
                    }
                }
            }
            _ => resized(&old, size),
        };
        let mut axes = self.clone();
        if let Some(dim) = axes.0.get_mut(dim) {
            *dim = new;
        }
        axes
    }

    /// Behind windows that move along dimensions 2 and 3 or other changes of size in place. Channels,
    /// dimension 1, are `mixed` by convolutions.
    pub(super) fn windows(&self, output: &[i64], mixed: bool) -> Axes {
        let dim = |(at, &new): (usize, &i64)| {
            let old = self.dim(at);
            match at {
                1 if mixed => plain(new),
                _ if size(&old) == new => old,
                _ => resized(&old, new),
            }
        };
        Axes(output.iter().enumerate().map(dim).collect())
    }
}

/// A dimension at another size: along rows or columns it is still, if it was along nothing else.
fn resized(dim: &[Part], size: i64) -> Dim {
    let counts = match *dim {
        [Part { counts: Rows { .. }, .. }] => Rows { step: 1 },
        [Part { counts: Columns { .. }, .. }] => Columns { step: 1 },
        _ => return plain(size),
    };
    vec![Part { counts, size }]
}

/// The parts that make up a dimension of this size, taken off the front.
fn taken(left: &mut VecDeque<Part>, size: i64) -> Option<Dim> {
    let (mut dim, mut rest) = (Dim::new(), size);
    while rest > 1 {
        let part = left.pop_front()?;
        if rest % part.size == 0 {
            rest /= part.size;
            dim.push(part);
        } else if part.size % rest == 0 {
            let [high, low] = part.split(rest)?;
            dim.push(high);
            left.push_front(low);
            rest = 1;
        } else {
            return None;
        }
    }
    Some(merged(dim))
}
