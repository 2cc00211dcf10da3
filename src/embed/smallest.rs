//! The smallest numbers of long rows, on a CPU: pieces of the rows are read once, while they are in the
//! cache. Few of a piece are below the bound that those before have set.

use tch::Tensor;

use super::Torch;
use crate::parallel::over_rows;

/// Rows that a thread takes at a time.
const ROWS: usize = 32;
/// So many numbers are compared together.
const LANES: usize = 16;

/// Each row's smallest numbers so far.
pub(super) struct Smallest {
    parts: Vec<Part>,
    count: usize,
}

/// Some rows, and a piece of them.
struct Part {
    rows: Vec<Row>,
    piece: Torch<Tensor>,
    values: Vec<f32>,
}

struct Row {
    /// What is not below it is not wanted.
    bound: f32,
    /// Numbers and their columns, up to twice as many as are wanted.
    found: Vec<(f32, i32)>,
}

impl Smallest {
    /// For the `count` smallest of each of so many rows, which have no fewer finite numbers.
    pub(super) fn new(rows: usize, count: usize) -> Smallest {
        let row = || Row { bound: f32::INFINITY, found: Vec::with_capacity(2 * count) };
        let part = |first: usize| Part {
            rows: (first..rows.min(first + ROWS)).map(|_| row()).collect(),
            piece: Ok(Tensor::new()),
            values: Vec::new(),
        };
        Smallest { parts: (0..rows).step_by(ROWS).map(part).collect(), count }
    }

    /// Reads `piece`, `[rows, width]`, float32, whose first column is `first`; the pieces come in order.
    pub(super) fn read(&mut self, first: i64, piece: &Tensor) -> Torch<()> {
        let mut start = 0;
        for part in &mut self.parts {
            let rows = part.rows.len() as i64;
            part.piece = piece.f_narrow(0, start, rows);
            start += rows;
        }
        let count = self.count;
        over_rows(&mut self.parts, 1, 1, |_, parts| {
            for part in parts {
                let read = part.read(first as i32, count).map(|()| Tensor::new());
                part.piece = read;
            }
        });
        self.parts
            .iter_mut()
            .try_for_each(|part| std::mem::replace(&mut part.piece, Ok(Tensor::new())).map(|_| ()))
    }

    /// The columns, `[rows, count]`, in no order, and each row's largest of these numbers, `[rows]`.
    pub(super) fn columns(self) -> Torch<(Tensor, Tensor)> {
        let count = self.count;
        let mut rows: Vec<Row> = self.parts.into_iter().flat_map(|part| part.rows).collect();
        rows.iter_mut().for_each(|row| row.settle(count));
        let columns = rows.iter().flat_map(|row| row.found.iter().map(|found| i64::from(found.1)));
        let columns: Vec<i64> = columns.collect();
        let largest: Vec<f32> = rows.iter().map(|row| row.bound).collect();
        let columns = Tensor::f_from_slice(&columns)?.f_view([rows.len() as i64, count as i64])?;
        Ok((columns, Tensor::f_from_slice(&largest)?))
    }
}

impl Part {
    fn read(&mut self, first: i32, count: usize) -> Torch<()> {
        let Ok(piece) = &self.piece else { return Ok(()) };
        let width = piece.numel() / self.rows.len().max(1);
        self.values.resize(piece.numel(), 0.0);
        piece.f_copy_data(&mut self.values, piece.numel())?;
        for (row, values) in self.rows.iter_mut().zip(self.values.chunks_exact(width.max(1))) {
            row.read(values, first, count);
        }
        Ok(())
    }
}

impl Row {
    fn read(&mut self, values: &[f32], first: i32, count: usize) {
        let (whole, rest) = values.as_chunks::<LANES>();
        let mut column = first;
        for values in whole {
            // Without leaving early, so that they are compared at once.
            if values.iter().fold(false, |any, value| any | (*value < self.bound)) {
                self.take(values, column, count);
            }
            column += LANES as i32;
        }
        self.take(rest, column, count);
    }

    fn take(&mut self, values: &[f32], first: i32, count: usize) {
        for (&value, column) in values.iter().zip(first..) {
            if value < self.bound {
                self.found.push((value, column));
                if self.found.len() >= 2 * count {
                    self.settle(count);
                }
            }
        }
    }

    /// Keeps the `count` smallest alone; of equal ones those in lower columns.
    fn settle(&mut self, count: usize) {
        if self.found.len() > count {
            let order = |a: &(f32, i32), b: &(f32, i32)| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1));
            self.found.select_nth_unstable_by(count - 1, order);
            self.found.truncate(count);
        }
        if self.found.len() == count {
            self.bound = self.found.iter().map(|found| found.0).fold(f32::NEG_INFINITY, f32::max);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::{Device, Kind};

    #[test]
    fn pieces_give_what_a_sort_of_all_gives() -> Torch<()> {
        tch::manual_seed(5);
        // Few different numbers, so that many are equal; rows and columns that fill no part.
        let rows = Tensor::f_randint(300, [70, 1001], (Kind::Float, Device::Cpu))?;
        let mut smallest = Smallest::new(70, 37);
        for (first, width) in [(0, 10), (10, 500), (510, 491)] {
            smallest.read(first, &rows.f_narrow(1, first, width)?.f_contiguous()?)?;
        }
        let (columns, largest) = smallest.columns()?;
        let (expected, order) = rows.f_sort_stable(true, 1, false)?;
        let order = order.f_narrow(1, 0, 37)?.f_sort(1, false)?.0;
        assert_eq!(columns.f_sort(1, false)?.0, order);
        assert_eq!(largest, expected.f_select(1, 36)?);
        Ok(())
    }
}
