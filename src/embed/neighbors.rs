//! Nearest neighbors: exact, by Euclidean distance, a block of rows at a time.
//!
//! A multiplication of matrices in single precision, which is twice as fast, only chooses candidates,
//! some more than are asked for. Their distances are then computed from differences. Where rounding
//! might have left a nearer point out, a row is compared with all points in double precision.

use std::cell::OnceCell;
use std::ops::RangeInclusive;

use tch::{Device, Kind, Tensor};

use super::Torch;
use super::distances::Distances;
use super::smallest::Smallest;
use crate::allocator::keep_large_blocks;
use crate::batching::Batches;
use crate::live::Progress;
use crate::{Error, Result};

/// A row's columns are divided into so many stripes, to choose among the stripes' smallest first.
const STRIPES: i64 = 32;
/// Numbers in a block of distances. More at once is no faster.
const BLOCK: usize = 1 << 24;
/// Rows and columns of distances that are computed together where they are scanned: they stay in the cache.
const ROWS: usize = 512;
const COLUMNS: i64 = 4096;
/// Numbers in a block of distances in double precision.
const DOUBLE_BLOCK: i64 = 1 << 21;
/// Candidates beyond those that are asked for.
const MORE: i64 = 4;
/// Points whose longest is within these have differences whose squares single precision can hold.
const ORDINARY: RangeInclusive<f64> = 1e-6..=1e15;

/// The nearest of some points to each of `M` others, nearest first.
pub(super) struct Neighbors {
    /// Numbers of the points, `[M, k]`, `Kind::Int64`. Of equally near ones the lower comes first.
    pub indices: Tensor,
    /// Squared distances, `[M, k]`, double.
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
    keep_large_blocks();
    let search = Search::new(points, k, themselves).map_err(failed)?;
    let rows = queries.size()[0] as usize;
    let (width, features) = (search.width() as usize, points.size()[1] as usize);
    let (width, most) = match search.scanned {
        true => (width.min(COLUMNS as usize), ROWS),
        false => (width, (BLOCK / width.max(1)).max(1)),
    };
    let bytes = (12 * width + 12 * search.candidates as usize * (features + 2)) as u64;
    let mut batches = Batches::new(rows, bytes, most, points.device());
    let mut progress = Progress::new("nearest neighbors").quiet(quiet);
    let (mut indices, mut distances) = (Vec::new(), Vec::new());
    loop {
        let found = batches.next(|range| {
            let start = themselves.then_some(range.start as i64);
            let block = queries.f_narrow(0, range.start as i64, range.len() as i64);
            block.and_then(|block| search.block(&block, start)).map_err(failed)
        })?;
        let Some((near, distance)) = found else { break };
        indices.push(near);
        distances.push(distance);
        let done = batches.done();
        progress.step(done, rows, || format!("{done} of {rows} points"));
        progress.check(done, rows)?;
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
struct Search {
    points: Tensor,
    k: i64,
    candidates: i64,
    /// Whether the candidates are all points there are.
    all: bool,
    mean: Tensor,
    /// The points less their mean, -2 times, `[D, width]`, float32.
    doubled: Tensor,
    /// Their squared lengths, `[width]`, float32; infinite for the columns beyond N.
    lengths: Tensor,
    /// The longest one's length.
    longest: f64,
    /// The kind in which differences are taken.
    precision: Kind,
    /// Whether rows are searched a piece at a time; else all of a row at once, ...
    scanned: bool,
    /// ... by stripes or not.
    striped: bool,
    /// Made when the first row needs them.
    exact: OnceCell<Distances>,
}

impl Search {
    fn new(points: &Tensor, k: i64, themselves: bool) -> Torch<Search> {
        let count = points.size()[0];
        let others = count - i64::from(themselves);
        let candidates = (k + MORE).min(others);
        // Centered, because squared lengths far from 0 would swallow small differences.
        let mean = points.f_mean_dim(0, true, Kind::Double)?.f_to_kind(points.kind())?;
        let centered = points.f_sub(&mean)?.f_to_kind(Kind::Float)?;
        let lengths = centered.f_square()?.f_sum_dim_intlist(1, false, Kind::Float)?;
        let longest = lengths.f_max()?.f_double_value(&[])?.sqrt();
        // Within these no distance is infinite or not a number.
        let scanned = points.device() == Device::Cpu && ORDINARY.contains(&longest);
        // Of the stripes and all their columns few enough must be left to be worth the detour.
        let striped = !scanned && count >= 4 * STRIPES * candidates;
        let beyond = if striped { (STRIPES - count % STRIPES) % STRIPES } else { 0 };
        let lengths = lengths.f_pad([0, beyond], "constant", f64::INFINITY)?;
        let single = points.kind() == Kind::Float && ORDINARY.contains(&longest);
        let doubled = centered.f_mul_scalar(-2.0)?.f_pad([0, 0, 0, beyond], "constant", 0.0)?;
        Ok(Search {
            points: points.shallow_clone(),
            k,
            candidates,
            all: candidates == others,
            mean,
            doubled: doubled.f_transpose(0, 1)?,
            lengths,
            longest,
            precision: if single { Kind::Float } else { Kind::Double },
            scanned,
            striped,
            exact: OnceCell::new(),
        })
    }

    fn width(&self) -> i64 {
        self.lengths.size()[0]
    }

    /// The `k` nearest to each row of `block`, with their squared distances; the rows are the points
    /// from `start` on, or others.
    fn block(&self, block: &Tensor, start: Option<i64>) -> Torch<(Tensor, Tensor)> {
        let centered = block.f_sub(&self.mean)?.f_to_kind(Kind::Float)?;
        // Others than the points may lie so far away that their distances overflow.
        let furthest = centered.f_abs()?.f_max()?.f_double_value(&[])?;
        let (near, worst) = match self.scanned && furthest <= *ORDINARY.end() {
            true => self.scan(&centered, start)?,
            false => {
                let distance = self.distances(&centered, 0, self.width(), start)?;
                let near = match self.striped {
                    true => striped(&distance, self.candidates)?,
                    false => smallest(&distance, self.candidates)?,
                };
                let worst = distance.f_gather(1, &near, false)?.f_amax(1, false)?;
                (near, worst)
            }
        };
        let (near, exact) = self.sorted(block, &near)?;
        if self.all {
            return Ok((near, exact));
        }
        let settled = self.settled(&centered, &worst, &exact.f_select(1, self.k - 1)?)?;
        let rows = settled.f_logical_not()?.f_nonzero()?.f_view([-1])?;
        match rows.numel() {
            0 => Ok((near, exact)),
            _ => {
                let (better, distance) = self.among_all(block, &rows, start)?;
                Ok((
                    near.f_index_copy(0, &rows, &better)?,
                    exact.f_index_copy(0, &rows, &distance)?,
                ))
            }
        }
    }

    /// Squared distances from each row to `width` columns from `first` on, up to the row's own squared
    /// length, which changes no order; infinite to itself.
    fn distances(
        &self,
        centered: &Tensor,
        first: i64,
        width: i64,
        start: Option<i64>,
    ) -> Torch<Tensor> {
        let doubled = self.doubled.f_narrow(1, first, width)?;
        let distance = self.lengths.f_narrow(0, first, width)?.f_addmm(centered, &doubled)?;
        if let Some(start) = start {
            let _ = distance.f_diagonal(start - first, 0, 1)?.f_fill_(f64::INFINITY)?;
        }
        Ok(distance)
    }

    /// Each row's candidates, and how far the worst of them is.
    fn scan(&self, centered: &Tensor, start: Option<i64>) -> Torch<(Tensor, Tensor)> {
        let mut smallest = Smallest::new(centered.size()[0] as usize, self.candidates as usize);
        for first in (0..self.width()).step_by(COLUMNS as usize) {
            let width = COLUMNS.min(self.width() - first);
            smallest.read(first, &self.distances(centered, first, width, start)?)?;
        }
        smallest.columns()
    }

    /// Of each row's candidates, `[rows, candidates]`, the `k` nearest, with their squared distances.
    fn sorted(&self, block: &Tensor, candidates: &Tensor) -> Torch<(Tensor, Tensor)> {
        let [rows, count] = [candidates.size()[0], candidates.size()[1]];
        let candidates = candidates.f_sort(1, false)?.0; // ties go to the lower number
        let there = self.points.f_index_select(0, &candidates.f_reshape([-1])?)?;
        let mut there = there.f_to_kind(self.precision)?.f_view([rows, count, -1])?;
        let mut between = there.f_sub_(&block.f_unsqueeze(1)?)?;
        let exact = between.f_square_()?.f_sum_dim_intlist(2, false, self.precision)?;
        let (exact, order) = exact.f_sort_stable(true, 1, false)?;
        let near = candidates.f_gather(1, &order, false)?;
        let exact = exact.f_narrow(1, 0, self.k)?.f_to_kind(Kind::Double)?;
        Ok((near.f_narrow(1, 0, self.k)?, exact))
    }

    /// Whether no point can be nearer than `furthest`, each row's k-th candidate: all others are in
    /// single precision at least as far as its worst candidate, so further than that less its error.
    fn settled(&self, centered: &Tensor, worst: &Tensor, furthest: &Tensor) -> Torch<Tensor> {
        // Higham and Mary, "A new approach to probabilistic rounding error analysis", 2019: rounding
        // grows as the root of the number of additions.
        let additions = self.doubled.size()[0] as f64;
        let unit = f64::from(f32::EPSILON) / 2.0 * (4.0 * additions.sqrt() + 8.0);
        let length = centered.f_square()?.f_sum_dim_intlist(1, false, Kind::Double)?;
        let reach = length.f_sqrt()?.f_add_scalar(self.longest)?.f_square()?;
        let smallest = additions * f64::from(f32::MIN_POSITIVE);
        let error = reach.f_mul_scalar(unit)?.f_add_scalar(smallest)?;
        // The k-th candidate's distance is rounded too.
        let bound = worst.f_add(&length)?.f_sub(&error)?.f_mul_scalar(1.0 - unit)?;
        // Nothing is nearer than 0.
        furthest.f_le_tensor(&bound)?.f_logical_or(&furthest.f_eq(0.0)?)
    }

    /// The nearest of all points to some rows of a block, in double precision.
    fn among_all(
        &self,
        block: &Tensor,
        rows: &Tensor,
        start: Option<i64>,
    ) -> Torch<(Tensor, Tensor)> {
        let exact = match self.exact.get() {
            Some(exact) => exact,
            None => {
                let made = Distances::new(&self.points)?;
                self.exact.get_or_init(|| made)
            }
        };
        let (mut indices, mut distances) = (Vec::new(), Vec::new());
        for rows in rows.f_split((DOUBLE_BLOCK / self.points.size()[0]).max(1), 0)? {
            let own = start.map(|start| rows.f_add_scalar(start)).transpose()?;
            let all = exact.between(&block.f_index_select(0, &rows)?, own.as_ref())?;
            let near = smallest(&all, self.k)?.f_sort(1, false)?.0;
            let (distance, order) = all.f_gather(1, &near, false)?.f_sort_stable(true, 1, false)?;
            indices.push(near.f_gather(1, &order, false)?);
            distances.push(distance);
        }
        Ok((Tensor::f_cat(&indices, 0)?, Tensor::f_cat(&distances, 0)?))
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
        let points = Tensor::randn([2501, 7], (Kind::Float, tch::Device::Cpu)) + 100.0;
        let found = among(&points, 9)?;
        let distance = Tensor::rand([20, 4096], (Kind::Float, tch::Device::Cpu));
        let near = |found: Torch<Tensor>| found.expect("columns").sort(1, false).0;
        assert_eq!(near(striped(&distance, 9)), near(smallest(&distance, 9)));
        let double = points.to_kind(Kind::Double);
        let all = Tensor::cdist(&double, &double, 2.0, 2);
        let _ = all.diagonal(0, 0, 1).fill_(f64::INFINITY);
        let (expected, indices) = all.topk(9, 1, false, true);
        assert_eq!(found.indices, indices);
        let off = (found.distances - expected.square()).abs().max().double_value(&[]);
        assert!(off < 1e-4, "{off}");
        Ok(())
    }

    #[test]
    fn groups_far_apart_keep_their_neighbors() -> Result<()> {
        tch::manual_seed(1);
        // Single precision can't tell the points of a group apart beside the way to the other one.
        let group = Tensor::arange(3000, (Kind::Double, tch::Device::Cpu)).remainder(2);
        let near = Tensor::randn([3000, 4], (Kind::Double, tch::Device::Cpu));
        for apart in [0.0, 2e4, 1e8] {
            let points = &near + group.unsqueeze(1) * apart - apart / 2.0;
            for points in [points.to_kind(Kind::Float), points] {
                let found = among(&points, 9)?;
                let double = points.to_kind(Kind::Double);
                let all = Tensor::cdist(&double, &double, 2.0, 2);
                let _ = all.diagonal(0, 0, 1).fill_(f64::INFINITY);
                let (expected, _) = all.topk(9, 1, false, true);
                let off = (found.distances.sqrt() - expected).abs().max().double_value(&[]);
                assert!(off < 1e-5, "{apart}: {off}");
            }
        }
        Ok(())
    }

    #[test]
    fn those_far_beyond_all_points_have_neighbors() -> Result<()> {
        let points = Tensor::arange(100, (Kind::Float, tch::Device::Cpu)).unsqueeze(1);
        let others = Tensor::from_slice(&[3e38f32, -3e38, 41.2]).unsqueeze(1);
        let found = of(&others, &points, 3)?;
        assert_eq!(found.indices.size(), [3, 3]);
        assert_eq!(Vec::<i64>::try_from(found.indices.get(2)).unwrap_or_default(), [41, 42, 40]);
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
