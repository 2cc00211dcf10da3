//! Whole numbers that are known at the import: shapes taken apart, computed with, put together.

use tch::{Kind, Tensor};

use crate::error::first_line;

/// A whole number: `count`, or `count` for each image of the batch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Size {
    pub count: i64,
    pub batch: bool,
}

/// One number, or a row of them.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sizes {
    pub values: Vec<Size>,
    pub scalar: bool,
}

/// Longer rows are data, not shapes.
const LONGEST: usize = 4096;

impl Size {
    pub(super) fn fixed(count: i64) -> Size {
        Size { count, batch: false }
    }

    /// `[2·N, 3]`
    pub(super) fn text(sizes: &[Size]) -> String {
        let text = |size: &Size| match size {
            Size { count: 1, batch: true } => "N".to_owned(),
            Size { count, batch: true } => format!("{count}·N"),
            Size { count, batch: false } => count.to_string(),
        };
        format!("[{}]", sizes.iter().map(text).collect::<Vec<_>>().join(", "))
    }
}

impl Sizes {
    pub(super) fn row(values: Vec<Size>) -> Sizes {
        Sizes { values, scalar: false }
    }

    /// A small tensor of whole numbers of at most one dimension.
    pub(super) fn of(tensor: &Tensor) -> Option<Sizes> {
        let small = tensor.kind() == Kind::Int64 && tensor.dim() <= 1 && tensor.numel() <= LONGEST;
        let values = if small {
            Vec::<i64>::try_from(tensor.f_reshape(-1).ok()?).ok()?
        } else {
            return None;
        };
        let values = values.into_iter().map(Size::fixed).collect();
        Some(Sizes { values, scalar: tensor.dim() == 0 })
    }

    /// The numbers, where none depends on the batch.
    pub(super) fn numbers(&self) -> Option<Vec<i64>> {
        self.values.iter().map(|size| (!size.batch).then_some(size.count)).collect()
    }

    pub(super) fn tensor(&self) -> Result<Tensor, String> {
        let numbers = self.numbers().ok_or("values computed from the size of the batch")?;
        let shape: &[i64] = if self.scalar { &[] } else { &[numbers.len() as i64] };
        Tensor::f_from_slice(&numbers)
            .and_then(|tensor| tensor.f_reshape(shape))
            .map_err(|error| first_line(&error.to_string()))
    }

    pub(super) fn concat(parts: &[Sizes]) -> Result<Sizes, String> {
        let values: Vec<Size> = parts.iter().flat_map(|part| part.values.iter().copied()).collect();
        if values.len() > LONGEST {
            return Err(format!("a shape of {} numbers", values.len()));
        }
        Ok(Sizes::row(values))
    }

    pub(super) fn gather(&self, indices: &Sizes) -> Result<Sizes, String> {
        let count = self.values.len() as i64;
        let at = |index: &Size| {
            let index = if index.count < 0 { index.count.checked_add(count)? } else { index.count };
            self.values.get(usize::try_from(index).ok()?).copied()
        };
        let values: Option<Vec<Size>> = indices.values.iter().map(at).collect();
        let values =
            values.ok_or_else(|| format!("an index beyond {}", Size::text(&self.values)))?;
        Ok(Sizes { values, scalar: indices.scalar })
    }

    /// Python's `self[start:end:step]`, forwards.
    pub(super) fn slice(&self, start: i64, end: i64, step: i64) -> Result<Sizes, String> {
        let count = self.values.len() as i64;
        let place = |index: i64| {
            let index = if index < 0 { index.saturating_add(count) } else { index };
            usize::try_from(index.clamp(0, count)).unwrap_or_default()
        };
        let (start, end) = (place(start), place(end));
        let step = usize::try_from(step).ok().filter(|&step| step > 0);
        let step = step.ok_or("a shape taken backwards is not supported")?;
        let part = self.values.get(start..end.max(start)).unwrap_or_default();
        Ok(Sizes::row(part.iter().step_by(step).copied().collect()))
    }

    /// Number by number; a single one is repeated.
    pub(super) fn with(
        &self,
        other: &Sizes,
        compute: impl Fn(Size, Size) -> Option<Size>,
    ) -> Result<Sizes, String> {
        let count = match (self.values.len(), other.values.len()) {
            (a, b) if a == b => a,
            (1, other) | (other, 1) => other,
            (a, b) => return Err(format!("{a} numbers with {b}")),
        };
        let of = |sizes: &Sizes, i: usize| match sizes.values.as_slice() {
            [one] => Some(*one),
            many => many.get(i).copied(),
        };
        let values: Option<Vec<Size>> =
            (0..count).map(|i| compute(of(self, i)?, of(other, i)?)).collect();
        let values = values.ok_or_else(|| {
            let [a, b] = [self, other].map(|sizes| Size::text(&sizes.values));
            format!("{a} with {b} depends on the batch in a way that is not supported")
        })?;
        Ok(Sizes { values, scalar: self.scalar && other.scalar })
    }
}

/// The arithmetic of ONNX's integer operators; `None` where the result is no plain multiple of the
/// batch.
pub(super) fn arithmetic(operator: &str, a: Size, b: Size) -> Option<Size> {
    let (x, y) = (a.count, b.count);
    let both = a.batch && b.batch;
    let alike = a.batch == b.batch;
    let zero = |size: Size| size == Size::fixed(0);
    match operator {
        "Add" if zero(a) => Some(b),
        "Add" | "Sub" if zero(b) => Some(a),
        "Add" if alike => Some(Size { count: x.checked_add(y)?, batch: both }),
        "Sub" if alike => {
            let count = x.checked_sub(y)?;
            Some(Size { count, batch: both && count != 0 })
        }
        "Mul" if !both => Some(Size { count: x.checked_mul(y)?, batch: a.batch || b.batch }),
        "Div" if !a.batch && !b.batch => x.checked_div(y).map(Size::fixed),
        "Div" if x.checked_rem(y)? == 0 && (a.batch || !b.batch) => {
            Some(Size { count: x.checked_div(y)?, batch: !b.batch })
        }
        "Mod" if !b.batch => {
            let left = x.checked_rem_euclid(y)?;
            (!a.batch || left == 0).then_some(Size::fixed(left))
        }
        "Equal" if alike => Some(Size::fixed(i64::from(x == y))),
        // A batch is at least 1, so it is no -1 and no 0.
        "Equal" if (a.batch && x > 0 && y < 1) || (b.batch && y > 0 && x < 1) => {
            Some(Size::fixed(0))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_with_the_batch() {
        let n = |count| Size { count, batch: true };
        let c = Size::fixed;
        for (operator, a, b, expected) in [
            ("Mul", n(1), c(12), Some(n(12))),
            ("Mul", n(1), n(1), None),
            ("Add", n(2), n(3), Some(n(5))),
            ("Add", n(1), c(1), None),
            ("Sub", n(2), n(2), Some(c(0))),
            ("Div", n(12), c(4), Some(n(3))),
            ("Div", n(12), n(4), Some(c(3))),
            ("Div", c(7), c(2), Some(c(3))),
            ("Div", c(7), c(0), None),
            ("Mod", n(12), c(4), Some(c(0))),
            ("Equal", n(1), c(-1), Some(c(0))),
            ("Equal", n(1), c(1), None),
            ("Mul", c(i64::MAX), c(2), None),
        ] {
            assert_eq!(arithmetic(operator, a, b), expected, "{operator} {a:?} {b:?}");
        }
    }
}
