//! What an import may make and compute of what a file holds. A file that makes much of little is a
//! bomb: whatever it asks for is counted before it is done.

use super::dims::product;
use super::value::Outcome;
use crate::error::shape_text;
use crate::network::ops::count;

/// What is left.
pub(super) struct Budget {
    /// Numbers that may still be made of constants: a few times as many as were read.
    numbers: u64,
    /// Numbers that constants may still be filled with, the same one everywhere: it takes no memory
    /// until a convolution's are laid out.
    filled: u64,
    /// Values that may still be looked at to compute constants.
    work: u64,
}

/// This much may be made of nothing, in a second or so.
const NUMBERS: u64 = 1 << 24;
const WORK: u64 = 1 << 29;

/// The files of 9 kB that stand for a VGG-19 fill 144 million.
const FILLED: u64 = 1 << 28;

/// For each number read. Weights that are standardized whenever they are used are made several times.
const NUMBERS_PER_NUMBER: u64 = 8;

/// For each number read. Weights that are products of two matrices, of rank 64 and less, are computed.
const WORK_PER_NUMBER: u64 = 64;

impl Budget {
    pub(super) fn new() -> Budget {
        Budget { numbers: NUMBERS, filled: FILLED, work: WORK }
    }

    /// Numbers that the file really holds.
    pub(super) fn earn(&mut self, numbers: usize) {
        let numbers = numbers as u64;
        self.numbers = self.numbers.saturating_add(NUMBERS_PER_NUMBER.saturating_mul(numbers));
        self.work = self.work.saturating_add(WORK_PER_NUMBER.saturating_mul(numbers));
    }

    /// Counts a constant of that shape.
    pub(super) fn spend(&mut self, sizes: &[i64]) -> Outcome<()> {
        self.numbers = left(self.numbers, sizes)?;
        Ok(())
    }

    /// Counts a constant of that shape that is one number everywhere.
    pub(super) fn fill(&mut self, sizes: &[i64]) -> Outcome<()> {
        self.filled = left(self.filled, sizes)?;
        Ok(())
    }

    /// Counts so many values that are looked at.
    pub(super) fn work(&mut self, values: u64) -> Outcome<()> {
        self.work = self.work.checked_sub(values).ok_or_else(|| {
            let values = values as f64;
            format!(
                "a constant takes {values:.0e} operations to compute, too many for a file of this \
                 size: refused"
            )
        })?;
        Ok(())
    }
}

fn left(numbers: u64, sizes: &[i64]) -> Outcome<u64> {
    let left = numbers.checked_sub(count(sizes)).ok_or_else(|| {
        let shape = shape_text(sizes);
        format!("constants of {shape}, together far larger than the file: refused")
    })?;
    product(sizes)?;
    Ok(left)
}
