//! The numbers that figures show.

use serde_json::{Value, json};

use super::color::range;
use crate::error::shape_text;
use crate::{Error, Result};

/// Numbers in rows and columns, `f32`, in the order of a contiguous tensor: what a figure shows.
///
/// ```
/// use convscope::view::Values;
/// let values = Values::new([2, 3], vec![0.0, 1.0, 2.0, 3.0, 4.0, 5.0])?;
/// assert_eq!((values.shape(), values.numbers()[4]), (&[2, 3][..], 4.0));
/// assert_eq!(values.tensor().size(), [2, 3]);
/// # Ok::<(), convscope::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Values {
    shape: Vec<usize>,
    numbers: Vec<f32>,
}

/// What can be shown: [`Values`], and tensors of any kind on any device.
pub trait IntoValues {
    /// The same numbers.
    ///
    /// # Errors
    ///
    /// A tensor that can't be read.
    fn into_values(self) -> Result<Values>;
}

impl IntoValues for Values {
    fn into_values(self) -> Result<Values> {
        Ok(self)
    }
}

impl IntoValues for &Values {
    fn into_values(self) -> Result<Values> {
        Ok(self.clone())
    }
}

/// The number of each thing's class.
pub trait IntoClasses {
    /// The numbers, from 0.
    ///
    /// # Errors
    ///
    /// A tensor that can't be read.
    fn into_classes(self) -> Result<Vec<i64>>;
}

impl IntoClasses for &[i64] {
    fn into_classes(self) -> Result<Vec<i64>> {
        Ok(self.to_vec())
    }
}

impl IntoClasses for &[usize] {
    fn into_classes(self) -> Result<Vec<i64>> {
        Ok(self.iter().map(|&class| class as i64).collect())
    }
}

impl Values {
    /// Numbers of this shape, the last dimension first to move.
    ///
    /// # Errors
    ///
    /// Another number of numbers than the shape has.
    pub fn new(shape: impl Into<Vec<usize>>, numbers: Vec<f32>) -> Result<Values> {
        let shape = shape.into();
        let count = shape.iter().try_fold(1_usize, |all, &size| all.checked_mul(size));
        if count != Some(numbers.len()) {
            return Err(Error::Shape {
                at: "the values of a figure".to_owned(),
                expected: format!("as many numbers as {shape:?} has"),
                got: format!("{} numbers", numbers.len()),
                remedy: "Give a number for each place.".to_owned(),
            });
        }
        Ok(Values { shape, numbers })
    }

    /// How many there are along each dimension.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The numbers, row by row.
    pub fn numbers(&self) -> &[f32] {
        &self.numbers
    }

    /// The size of one dimension; 1 where there is none.
    pub(super) fn size(&self, dim: usize) -> usize {
        self.shape.get(dim).copied().unwrap_or(1)
    }

    /// For messages: `[2, 3]`.
    pub(super) fn shape_text(&self) -> String {
        shape_text(&self.shape.iter().map(|&size| size as i64).collect::<Vec<_>>())
    }

    /// The same numbers in another shape of as many.
    pub(super) fn reshaped(self, shape: impl Into<Vec<usize>>) -> Result<Values> {
        Values::new(shape, self.numbers)
    }

    /// Those at one index of the first dimension.
    pub(super) fn part(&self, index: usize) -> &[f32] {
        let count = self.shape.iter().skip(1).product::<usize>().max(1);
        self.numbers.chunks(count).nth(index).unwrap_or_default()
    }

    /// Maps `[…, H, W]` with each value the mean of a square of `factor` by `factor`, or of what there
    /// is of it at the right and below.
    pub(super) fn block_means(&self, factor: usize) -> Result<Values> {
        let [.., height, width] = self.shape[..] else { return Ok(self.clone()) };
        let (rows, columns) = (height.div_ceil(factor), width.div_ceil(factor));
        let mut means = Vec::with_capacity(self.numbers.len() / factor.pow(2) + 1);
        for map in self.numbers.chunks((height * width).max(1)) {
            for (row, column) in (0..rows).flat_map(|row| (0..columns).map(move |c| (row, c))) {
                let (mut sum, mut count) = (0.0_f64, 0_u32);
                for y in row * factor..((row + 1) * factor).min(height) {
                    let right = ((column + 1) * factor).min(width);
                    for &value in &map[y * width + column * factor..y * width + right] {
                        sum += f64::from(value);
                        count += 1;
                    }
                }
                means.push((sum / f64::from(count.max(1))) as f32);
            }
        }
        let mut shape = self.shape.clone();
        let kept = shape.len() - 2;
        shape.truncate(kept);
        shape.extend([rows, columns]);
        Values::new(shape, means)
    }
}

/// A map of `width` columns at another size, `[width, height]`: bilinear, corners not aligned, as
/// OpenCV and libtorch do.
pub(super) fn bilinear(map: &[f32], width: usize, to: [usize; 2]) -> Vec<f32> {
    let width = width.max(1);
    let across = taps(width, to[0]);
    let down = taps(map.len() / width, to[1]);
    let mut enlarged = Vec::with_capacity(to[0] * to[1]);
    for &(top, bottom, low) in &down {
        for &(left, right, far) in &across {
            let row = |y: usize| (1.0 - far) * map[y * width + left] + far * map[y * width + right];
            enlarged.push((1.0 - low) * row(top) + low * row(bottom));
        }
    }
    enlarged
}

/// For each of `to` places the two of `from` values it lies between, and the weight of the second.
fn taps(from: usize, to: usize) -> Vec<(usize, usize, f32)> {
    let scale = from as f32 / to as f32;
    let tap = |place: usize| {
        let at = (scale * (place as f32 + 0.5) - 0.5).max(0.0);
        let first = (at as usize).min(from.saturating_sub(1));
        (first, (first + 1).min(from.saturating_sub(1)), at - first as f32)
    };
    (0..to).map(tap).collect()
}

/// The same, each place with the value it lies in.
pub(super) fn nearest(map: &[f32], width: usize, to: [usize; 2]) -> Vec<f32> {
    let width = width.max(1);
    let height = map.len() / width;
    let place = |at: usize, from: usize, to: usize| {
        ((at as f32 * (from as f32 / to as f32)) as usize).min(from.saturating_sub(1))
    };
    let columns: Vec<usize> = (0..to[0]).map(|x| place(x, width, to[0])).collect();
    (0..to[1])
        .flat_map(|y| {
            let row = place(y, height, to[1]) * width;
            columns.iter().map(move |column| map[row + column])
        })
        .collect()
}

/// Values as whole numbers of a step, so that many of them stay short in JSON: four digits and a
/// sign. What is not finite becomes the words by which JavaScript's arithmetic knows it.
pub(super) fn quantized(values: &[f32]) -> (f64, Vec<Value>) {
    const STEPS: f64 = 9999.0;
    let (low, high) = range(values);
    let step = match f64::from(high).max(-f64::from(low)) / STEPS {
        0.0 => 1.0,
        step => step,
    };
    let short = |&value: &f32| match value {
        f32::INFINITY => json!("Infinity"),
        f32::NEG_INFINITY => json!("-Infinity"),
        value if value.is_nan() => json!("NaN"),
        value => json!((f64::from(value) / step).round() as i32),
    };
    (step, values.iter().map(short).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantized_values_are_near_and_odd_ones_kept() {
        let values = [0.0, -2.5, 1.25e-3, 2.0, f32::NAN, f32::INFINITY];
        let (step, short) = quantized(&values);
        for (value, short) in values.iter().zip(&short).take(4) {
            let back = step * short.as_f64().expect("a number");
            assert!((back - f64::from(*value)).abs() <= step / 2.0 + 1e-12, "{value}: {back}");
        }
        assert_eq!(short[4..], [json!("NaN"), json!("Infinity")]);
        assert_eq!(quantized(&[0.0; 2]), (1.0, vec![json!(0), json!(0)]));
    }
}
