//! Nearest neighbors: exact, by Euclidean distance, a block of rows at a time.

use tch::{Kind, Tensor};

use super::Torch;
use crate::batching::Batches;
use crate::progress::Progress;
use crate::{Error, Result};

/// A row's columns are divided into so many stripes, to choose among the stripes' smallest first.
const STRIPES: i64 = 32;
/// Numbers in a block of distances. More at once is no faster.
const BLOCK: usize = 1 << 24;

/// The nearest of some points to each of `M` others, nearest first.
pub(super) struct Neighbors {
    /// Numbers of the points, `[M, k]`, `Kind::Int64`.
    pub indices: Tensor,
    /// Squared distances, `[M, k]`, float32.
    pub distances: Tensor,
}

/// For each point of `[N, D]` its `k` nearest others.
pub(super) fn among(points: &Tensor, k: i64) -> Result<Neighbors> {
    nearest(points, points, k, true, true)
}

/// The same with lines about progress, unless `quiet`.
pub(super) fn among_reported(points: &Tensor, k: i64, quiet: bool) -> Result<Neighbors> {
    nearest(points, points, k, true, quiet)
}

/// For each of `others`, `[M, D]`, the `k` nearest of `points`, `[N, D]`.
pub(super) fn of(others: &Tensor, points: &Tensor, k: i64) -> Result<Neighbors> {
    nearest(others, points, k, false, true)
}

fn nearest(
    queries: &Tensor,
    points: &Tensor,
    k: i64,
    themselves: bool,
    quiet: bool,
) -> Result<Neighbors> {
    let failed = |error| Error::torch("finding nearest neighbors")(error);
    let table = Table::new(points, k).map_err(failed)?;
    let rows = queries.size()[0] as usize;
    let bytes = 4 * (3 * table.width() + 4 * k * table.points.size()[1]) as u64;
    let most = (BLOCK / table.width().max(1) as usize).max(1);
    let mut batches = Batches::new(rows, bytes, most, points.device());
    let mut progress = Progress::new("nearest neighbors").quiet(quiet);
    let (mut indices, mut distances) = (Vec::new(), Vec::new());
    loop {
        let found = batches.next(|range| {
            let start = themselves.then_some(range.start as i64);
            let block = queries.f_narrow(0, range.start as i64, range.len() as i64);
            block.and_then(|block| table.block(&block, k, start)).map_err(failed)
        })?;
        let Some((near, distance)) = found else { break };
        indices.push(near);
        distances.push(distance);
        progress.step(batches.done(), rows, || format!("{} of {rows} points", batches.done()));
    }
    let whole = || {
        Ok(Neighbors {
            indices: Tensor::f_cat(&indices, 0)?,
            distances: Tensor::f_cat(&distances, 0)?,
        })
    };
    whole().map_err(failed)
}

/// The points, ready to be compared with a block of others by one multiplication of matrices.
struct Table {
    mean: Tensor,
    /// Centered, `[N, D]`.
    points: Tensor,
    /// -2 times them, `[D, width]`.
    doubled: Tensor,
    /// Their squared lengths, `[width]`; infinite for the columns beyond N.
    lengths: Tensor,
    striped: bool,
}

impl Table {
    fn new(points: &Tensor, k: i64) -> Torch<Table> {
        let count = points.size()[0];
        // Centered, because squared lengths far from 0 would swallow small differences.
        let mean = points.f_mean_dim(0, true, Kind::Float)?;
        let points = points.f_sub(&mean)?;
        // Of k stripes and all their columns few enough must be left to be worth the detour.
        let striped = count >= 4 * STRIPES * k;
        let beyond = if striped { (STRIPES - count % STRIPES) % STRIPES } else { 0 };
        let lengths = points.f_square()?.f_sum_dim_intlist(1, false, Kind::Float)?;
        let lengths = lengths.f_pad([0, beyond], "constant", f64::INFINITY)?;
        let doubled = points.f_mul_scalar(-2.0)?.f_pad([0, 0, 0, beyond], "constant", 0.0)?;
        let doubled = doubled.f_transpose(0, 1)?;
        Ok(Table { mean, points, doubled, lengths, striped })
    }

    fn width(&self) -> i64 {
        self.lengths.size()[0]
    }

    /// The `k` nearest to each row of `block`, with their squared distances; the rows are the points
    /// from `start` on, or others.
    fn block(&self, block: &Tensor, k: i64, start: Option<i64>) -> Torch<(Tensor, Tensor)> {
        let block = block.f_sub(&self.mean)?;
        // Up to the row's own squared length, which changes no order.
        let distance = self.lengths.f_addmm(&block, &self.doubled)?;
        if let Some(start) = start {
            let _ = distance.f_diagonal(start, 0, 1)?.f_fill_(f64::INFINITY)?;
        }
        let near = if self.striped { striped(&distance, k)? } else { smallest(&distance, k)? };
        // Exact distances, as differences.
        let [rows, width] = [block.size()[0], block.size()[1]];
        let there = self.points.f_index_select(0, &near.f_reshape([-1])?)?;
        let mut between = there.f_view([rows, k, width])?.f_sub_(&block.f_unsqueeze(1)?)?;
        let exact = between.f_square_()?.f_sum_dim_intlist(2, false, Kind::Float)?;
        let (exact, order) = exact.f_sort_stable(true, 1, false)?;
        Ok((near.f_gather(1, &order, false)?, exact))
    }
}

/// The columns of each row's `k` smallest numbers.
fn smallest(rows: &Tensor, k: i64) -> Torch<Tensor> {
    // A stable sort gives ties to the lower number; of long rows it would take too long.
    match rows.size()[1] {
        ..=1024 => rows.f_sort_stable(true, 1, false)?.1.f_narrow(1, 0, k),
        _ => Ok(rows.f_topk(k, 1, false, true)?.1),
    }
}

/// The same for long rows. The k smallest lie in at most k stripes of columns, which are those with
/// the smallest minima; a minimum of stripes is far faster than a search through all.
fn striped(rows: &Tensor, k: i64) -> Torch<Tensor> {
    let [count, width] = [rows.size()[0], rows.size()[1]];
    let apart = width / STRIPES;
    let minima = rows.f_view([count, STRIPES, apart])?.f_amin(1, false)?;
    let stripes = minima.f_topk(k, 1, false, false)?.1;
    let steps = Tensor::f_arange(STRIPES, (Kind::Int64, rows.device()))?.f_mul_scalar(apart)?;
    let columns = stripes.f_unsqueeze(1)?.f_add(&steps.f_view([1, STRIPES, 1])?)?;
    let columns = columns.f_view([count, STRIPES * k])?;
    let best = rows.f_gather(1, &columns, false)?.f_topk(k, 1, false, true)?.1;
    columns.f_gather(1, &best, false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stripes_find_what_a_search_through_all_finds() -> Result<()> {
        tch::manual_seed(1);
        // Not a multiple of the stripes, far from 0.
        let points = Tensor::randn([1501, 7], (Kind::Float, tch::Device::Cpu)) + 100.0;
        let found = among(&points, 9)?;
        assert!(Table::new(&points, 9).map(|table| table.striped).unwrap_or(false));
        let double = points.to_kind(Kind::Double);
        let all = Tensor::cdist(&double, &double, 2.0, None);
        let _ = all.diagonal(0, 0, 1).fill_(f64::INFINITY);
        let (expected, indices) = all.topk(9, 1, false, true);
        assert_eq!(found.indices, indices);
        let off = (found.distances - expected.square()).abs().max().double_value(&[]);
        assert!(off < 1e-3, "{off}");
        Ok(())
    }

    #[test]
    fn a_point_is_no_neighbor_of_itself_even_among_its_doubles() -> Result<()> {
        let points = Tensor::zeros([6, 2], (Kind::Float, tch::Device::Cpu));
        let found = among(&points, 5)?;
        for row in 0..6 {
            let near: Vec<i64> = Vec::try_from(found.indices.get(row)).unwrap_or_default();
            assert!(near.len() == 5 && !near.contains(&row), "{row}: {near:?}");
        }
        let others = Tensor::ones([1, 2], (Kind::Float, tch::Device::Cpu));
        assert_eq!(of(&others, &points, 3)?.indices.size(), [1, 3]);
        Ok(())
    }
}
