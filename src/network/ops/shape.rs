//! Arithmetic of shapes that several operations share.

use tch::{TchError, Tensor};

use crate::error::shape_text;

/// A misfit: what was expected, and what came.
pub(crate) struct Misfit {
    pub expected: String,
    pub got: String,
}

/// The upper bound keeps arithmetic on sizes from overflowing, whatever a file says.
const LARGEST: i64 = 1 << 30;

/// The numbers of a window that moves over a picture.
pub(super) struct Window {
    pub kernel: [i64; 2],
    pub stride: [i64; 2],
    /// `[before, after]` of each direction.
    pub padding: [[i64; 2]; 2],
    pub dilation: [i64; 2],
    /// Whether a last window may reach over the edge.
    pub ceil: bool,
}

impl Window {
    /// How many windows there are along each direction of a value `[N, C, H, W]`.
    pub(super) fn count(&self, x: &[i64], size: [i64; 2]) -> Result<[i64; 2], Misfit> {
        self.check()?;
        match (self.along(0, size[0]), self.along(1, size[1])) {
            (Some(rows), Some(columns)) => Ok([rows, columns]),
            _ => misfit(
                format!("at least one window of {}×{}", self.kernel[0], self.kernel[1]),
                format!("{} (height × width too small)", shape_text(x)),
            ),
        }
    }

    fn check(&self) -> Result<(), Misfit> {
        let sizes = self.kernel.iter().chain(&self.stride).chain(&self.dilation);
        at_least_one(sizes.copied())?;
        at_least_zero(self.padding.into_iter().flatten())
    }

    /// The padding, if libtorch can pool with it: on both sides alike, at most half a window.
    pub(super) fn known_to_libtorch(&self) -> Option<[i64; 2]> {
        let fits = |d: usize| {
            let [before, after] = self.padding[d];
            before == after && before <= self.kernel[d] / 2
        };
        (fits(0) && fits(1)).then(|| self.padding.map(|[before, _]| before))
    }

    /// The border with which exactly the windows fit, none over the edge; negative where the last values
    /// are in no window.
    pub(super) fn sides(&self, x: &Tensor) -> Result<[[i64; 2]; 2], TchError> {
        let (shape, wrong) = (x.size(), |misfit: Misfit| TchError::Shape(misfit.expected));
        let [_, _, h, w] = four(&shape).map_err(wrong)?;
        let count = self.count(&shape, [h, w]).map_err(wrong)?;
        let side = |d: usize, size: i64| {
            let before = self.padding[d][0];
            [before, (count[d] - 1) * self.stride[d] + self.span(d) - before - size]
        };
        Ok([side(0, h), side(1, w)])
    }

    /// From a window's first value to its last.
    fn span(&self, d: usize) -> i64 {
        self.dilation[d] * (self.kernel[d] - 1) + 1
    }

    fn along(&self, d: usize, size: i64) -> Option<i64> {
        let [before, after] = self.padding[d];
        let room = size + before + after - self.span(d);
        if !self.ceil {
            return (room >= 0).then(|| room / self.stride[d] + 1);
        }
        let count = (room + self.stride[d] - 1).div_euclid(self.stride[d]) + 1;
        // PyTorch's rule: the last window must begin inside the picture or its left padding.
        let outside = (count - 1) * self.stride[d] >= size + before;
        Some(count - i64::from(outside)).filter(|&count| count > 0)
    }
}

/// The border that a convolution or pooling adds on both sides alike.
pub(super) fn even(padding: [i64; 2]) -> [[i64; 2]; 2] {
    padding.map(|side| [side; 2])
}

/// The shape after a pooling, of which each window holds a value.
pub(super) fn pooled(window: &Window, inputs: &[&[i64]]) -> Result<Vec<i64>, Misfit> {
    let x = one(inputs)?;
    let [n, c, h, w] = four(x)?;
    let count = window.count(x, [h, w])?;
    if (0..2).any(|d| window.padding[d].iter().any(|&side| side >= window.kernel[d])) {
        return misfit("padding smaller than the kernel", format!("{:?}", window.padding));
    }
    let larger = |d: usize| window.span(d) > [h, w][d] + window.padding[d].iter().sum::<i64>();
    if window.known_to_libtorch().is_none() && (larger(0) || larger(1)) {
        return misfit("a kernel no larger than the picture and its border", shape_text(x));
    }
    Ok(vec![n, c, count[0], count[1]])
}

/// A value `[N, C, H, W]` with a border of that value, `[before, after]` of each direction; negative
/// numbers cut.
pub(super) fn bordered(x: &Tensor, sides: [[i64; 2]; 2], value: f64) -> Result<Tensor, TchError> {
    // libtorch counts from the last dimension.
    x.f_pad([sides[1], sides[0]].concat(), "constant", value)
}

/// Kernels, steps, channels, groups.
pub(super) fn at_least_one(sizes: impl IntoIterator<Item = i64>) -> Result<(), Misfit> {
    match sizes.into_iter().find(|size| !(1..=LARGEST).contains(size)) {
        None => Ok(()),
        Some(size) => misfit(
            format!("channels, kernel, stride, dilation and groups from 1 to {LARGEST}"),
            size.to_string(),
        ),
    }
}

/// Paddings.
pub(super) fn at_least_zero(sizes: impl IntoIterator<Item = i64>) -> Result<(), Misfit> {
    match sizes.into_iter().find(|size| !(0..=LARGEST).contains(size)) {
        None => Ok(()),
        Some(size) => misfit(format!("padding from 0 to {LARGEST}"), size.to_string()),
    }
}

/// The only input's shape.
pub(super) fn one<'a>(inputs: &[&'a [i64]]) -> Result<&'a [i64], Misfit> {
    match inputs {
        [x, ..] => Ok(x),
        [] => misfit("at least one input", "none"),
    }
}

/// The input's own shape, of which the last dimensions, not all, are those normalized over.
pub(super) fn over_last(inputs: &[&[i64]], normalized: &[i64]) -> Result<Vec<i64>, Misfit> {
    let x = one(inputs)?;
    if !x.ends_with(normalized) || x.len() == normalized.len() {
        return misfit(format!("last dimensions {normalized:?}"), shape_text(x));
    }
    Ok(x.to_vec())
}

pub(super) fn four(shape: &[i64]) -> Result<[i64; 4], Misfit> {
    match shape.try_into() {
        Ok(shape) => Ok(shape),
        Err(_) => misfit("four dimensions [N, C, H, W]", shape_text(shape)),
    }
}

/// The size of a dimension that must be there.
pub(super) fn extent(shape: &[i64], dim: usize) -> Result<i64, Misfit> {
    match shape.get(dim) {
        Some(&size) => Ok(size),
        None => misfit(format!("a dimension {dim}"), shape_text(shape)),
    }
}

/// The shape of value-by-value arithmetic: dimensions of 1 are repeated, missing ones stand in front.
pub(in crate::network) fn broadcast(a: &[i64], b: &[i64]) -> Option<Vec<i64>> {
    let rank = a.len().max(b.len());
    let size = |shape: &[i64], at: usize| match (at + shape.len()).checked_sub(rank) {
        Some(at) => shape[at],
        None => 1,
    };
    (0..rank)
        .map(|at| match (size(a, at), size(b, at)) {
            (a, b) if a == b => Some(a),
            (1, other) | (other, 1) => Some(other),
            _ => None,
        })
        .collect()
}

pub(super) fn product(sizes: &[i64]) -> Option<i64> {
    sizes.iter().try_fold(1_i64, |all, &size| all.checked_mul(size))
}

/// How many values a shape has.
pub(crate) fn count(sizes: &[i64]) -> u64 {
    sizes.iter().fold(1, |all: u64, &size| all.saturating_mul(size.max(0) as u64))
}

/// Of a value; libtorch stops at 64, some of its functions earlier.
pub(crate) const MOST_DIMS: usize = 16;

/// A shape that can be computed with: whatever files and callers say, products of a few such sizes do
/// not overflow.
pub(in crate::network) fn countable(shape: Vec<i64>) -> Result<Vec<i64>, Misfit> {
    /// 4 TiB of numbers in single precision.
    const MOST_VALUES: u64 = 1 << 40;
    if shape.len() > MOST_DIMS {
        return misfit(format!("at most {MOST_DIMS} dimensions"), format!("{}", shape.len()));
    }
    let sizes = shape.iter().all(|size| (0..=LARGEST).contains(size));
    if sizes && count(&shape) <= MOST_VALUES { Ok(shape) } else { Err(too_large(&shape)) }
}

pub(super) fn too_large(shape: &[i64]) -> Misfit {
    Misfit { expected: "a size that can be counted".to_owned(), got: shape_text(shape) }
}

pub(super) fn misfit<T>(expected: impl Into<String>, got: impl Into<String>) -> Result<T, Misfit> {
    Err(Misfit { expected: expected.into(), got: got.into() })
}

pub(super) fn unlike(expected: &str, inputs: &[&[i64]]) -> Misfit {
    let shapes: Vec<_> = inputs.iter().map(|shape| shape_text(shape)).collect();
    Misfit { expected: expected.to_owned(), got: shapes.join(" and ") }
}
