//! How much of the neighborhoods a map keeps.

use tch::{Device, Kind, Tensor};

use super::distances::Distances;
use super::features::checked;
use super::{Torch, neighbors};
use crate::batching::Batches;
use crate::error::shape_text;
use crate::parallel::over_rows;
use crate::random::Random;
use crate::{Error, Result};

/// As many points are looked at; of more, so many at random.
const POINTS: usize = 2000;
/// Numbers in a block of votes.
const VOTES: i64 = 1 << 22;

/// How well a map preserves neighborhoods.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Quality {
    /// Trustworthiness for 5 neighbors, 0 to 1: 1 where neighbors in the map are neighbors among
    /// the features; the further away they are there, the less. Venna and Kaski, 2001.
    pub trustworthiness: f64,
    /// The share of each point's 10 nearest among the features that are among its 10 nearest in the
    /// map, 0 to 1.
    pub neighbors_kept: f64,
}

impl Quality {
    /// Of a map `[N, 2]` of features `[N, D]`: for all points up to 2,000, for 2,000 of more, chosen
    /// at random and compared with all. `None` where there are too few points to tell, fewer than 21.
    ///
    /// # Errors
    ///
    /// Shapes that don't fit.
    pub fn of(features: &Tensor, map: &Tensor) -> Result<Option<Quality>> {
        if features.size().first().is_some_and(|&count| count < 21) {
            return Ok(None);
        }
        let ranks = Ranks::new(features, map, 10)?;
        Ok(Some(Quality {
            trustworthiness: ranks.trustworthiness(5)?,
            neighbors_kept: ranks.kept()?,
        }))
    }
}

/// Trustworthiness of a map `[N, 2]` of features `[N, D]` for `k` neighbors, 0 to 1; as
/// [`Quality::of`] from a sample where there are many points.
///
/// # Errors
///
/// Shapes that don't fit, `k` of 0 or at least half the points.
pub fn trustworthiness(features: &Tensor, map: &Tensor, k: usize) -> Result<f64> {
    let ranks = Ranks::new(features, map, k)?;
    ranks.trustworthiness(ranks.k)
}

/// The share of points, `[N, D]`, whose class is that of most of their `k` nearest others: how far
/// classes, `[N]` from 0, lie apart. In a tie the lower class counts.
///
/// # Errors
///
/// Shapes that don't fit, `k` of 0 or as many as there are points.
pub fn neighbor_accuracy(points: &Tensor, classes: &Tensor, k: usize) -> Result<f64> {
    let count = points.size().first().copied().unwrap_or(0);
    if points.dim() != 2 || classes.size() != [count] {
        let got = format!("{} and {}", shape_text(&points.size()), shape_text(&classes.size()));
        return Err(misfit("points [N, D] and classes [N]", got));
    }
    let k = check_neighbors(k, count - 1)?;
    let points = checked(points, "points")?;
    let near = neighbors::among(&points, k)?.indices;
    let share = || -> Torch<f64> {
        // Numbered anew without gaps: however large the numbers are, there is a column for each class.
        let classes = classes.f_to_device(points.device())?.f_to_kind(Kind::Int64)?;
        let (known, classes) = classes.f_internal_unique(true, true)?;
        let theirs = classes.f_index_select(0, &near.f_reshape([-1])?)?.f_view([count, k])?;
        let rows = (VOTES / known.size()[0]).max(1);
        let mut right = 0.0;
        for (theirs, own) in theirs.f_split(rows, 0)?.iter().zip(classes.f_split(rows, 0)?) {
            let shape = [own.size()[0], known.size()[0]];
            let votes = Tensor::f_zeros(shape, (Kind::Float, points.device()))?;
            let one = theirs.f_ones_like()?.f_to_kind(Kind::Float)?;
            let winner = votes.f_scatter_add(1, theirs, &one)?.f_argmax(1, false)?;
            right += winner.f_eq_tensor(&own)?.f_sum(Kind::Double)?.f_double_value(&[])?;
        }
        Ok(right / count as f64)
    };
    share().map_err(failed)
}

/// For each point looked at, how far its neighbors in the map are among the features.
struct Ranks {
    /// Nearest first, `[points, k]`; 1 is the nearest of all.
    ranks: Tensor,
    /// All points.
    count: i64,
    k: i64,
}

impl Ranks {
    fn new(features: &Tensor, map: &Tensor, k: usize) -> Result<Ranks> {
        let count = features.size().first().copied().unwrap_or(0);
        let fits = features.dim() == 2 && map.dim() == 2 && map.size().first() == Some(&count);
        if !fits {
            let got = format!("{} and {}", shape_text(&features.size()), shape_text(&map.size()));
            return Err(misfit("features [N, D] and a map [N, 2] of the same points", got));
        }
        let k = check_neighbors(k, (count - 1) / 2)?;
        let features = checked(features, "features")?;
        let map = checked(map, "a map")?.f_to_device(features.device()).map_err(failed)?;
        let mut chosen = Random(0).order(count);
        chosen.truncate(POINTS);
        let chosen = Tensor::f_from_slice(&chosen).and_then(|c| c.f_to_device(features.device()));
        let chosen = chosen.map_err(failed)?;
        let prepare = || Ok((Distances::new(&features)?, features.f_index_select(0, &chosen)?));
        let (distances, rows) = prepare().map_err(failed)?;
        let near = nearest_in_map(&map, &chosen, k)?;
        let most = ((1 << 23) / count.max(1) as usize).max(1);
        let mut batches = Batches::new(chosen.numel(), 32 * count as u64, most, features.device());
        let mut ranks = Vec::new();
        while let Some(block) = batches.next(|range| {
            let part = |tensor: &Tensor| tensor.f_narrow(0, range.start as i64, range.len() as i64);
            let block = || {
                let distance = distances.between(&part(&rows)?, Some(&part(&chosen)?))?;
                ranks_of(&distance, &part(&near)?)
            };
            block().map_err(failed)
        })? {
            ranks.push(block);
        }
        Ok(Ranks { ranks: Tensor::f_cat(&ranks, 0).map_err(failed)?, count, k })
    }

    fn trustworthiness(&self, k: i64) -> Result<f64> {
        let beyond = || {
            let ranks = self.ranks.f_narrow(1, 0, k)?;
            ranks.f_sub_scalar(k)?.f_clamp_min(0)?.f_sum(Kind::Double)?.f_double_value(&[])
        };
        let (points, n, near) = (self.ranks.size()[0] as f64, self.count as f64, k as f64);
        let worst = points * near * (2.0 * n - 3.0 * near - 1.0) / 2.0;
        Ok(1.0 - beyond().map_err(failed)? / worst)
    }

    fn kept(&self) -> Result<f64> {
        let share = || self.ranks.f_le(self.k)?.f_to_kind(Kind::Double)?.f_mean(Kind::Double);
        share().and_then(|share| share.f_double_value(&[])).map_err(failed)
    }
}

/// The `k` nearest in the map to each point chosen, itself left out.
fn nearest_in_map(map: &Tensor, chosen: &Tensor, k: i64) -> Result<Tensor> {
    if chosen.size() == [map.size()[0]] {
        let all = neighbors::among(map, k)?.indices;
        return all.f_index_select(0, chosen).map_err(failed);
    }
    let rows = map.f_index_select(0, chosen).map_err(failed)?;
    let near = neighbors::of(&rows, map, k + 1)?.indices;
    // Each is its own nearest, but for points that lie on it.
    let without = || {
        let own = near.f_eq_tensor(&chosen.f_unsqueeze(1)?)?;
        let last = own.f_to_kind(Kind::Int64)?;
        // Whatever stands at its own place moves to the end.
        let order = last.f_sort_stable(true, 1, false)?.1;
        near.f_gather(1, &order, false)?.f_narrow(1, 0, k)
    };
    without().map_err(failed)
}

/// The rank of each of `near`, `[B, k]`, among the distances `[B, N]`; ties in order of their number.
fn ranks_of(distance: &Tensor, near: &Tensor) -> Torch<Tensor> {
    let (width, k) = (distance.size()[1] as usize, near.size()[1] as usize);
    let mut ranks: Vec<i64> = Vec::try_from(near.f_reshape([-1])?)?;
    let mut distances = vec![0.0; distance.numel()];
    distance.f_to_device(Device::Cpu)?.f_copy_data(&mut distances, distance.numel())?;
    over_rows(&mut ranks, k, 1, |row, numbers| {
        let distances = &distances[row * width..][..width];
        for number in numbers {
            let limit = distances[*number as usize];
            let (before, after) = distances.split_at(*number as usize);
            let nearer = before.iter().filter(|&&distance| distance <= limit).count()
                + after.iter().filter(|&&distance| distance < limit).count();
            *number = 1 + nearer as i64;
        }
    });
    Tensor::f_from_slice(&ranks)?.f_view_as(near)
}

/// `k`, unless it is more than `most` or none.
fn check_neighbors(k: usize, most: i64) -> Result<i64> {
    match i64::try_from(k) {
        Ok(k) if (1..=most).contains(&k) => Ok(k),
        _ => Err(Error::Argument(format!(
            "{k} neighbors of each point: expected at least 1 and, for so many points, at most {}",
            most.max(0)
        ))),
    }
}

fn misfit(expected: &str, got: String) -> Error {
    Error::Shape {
        at: "the quality of a map".to_owned(),
        expected: expected.to_owned(),
        got,
        remedy: "Give the features and the points of one embedding.".to_owned(),
    }
}

fn failed(error: tch::TchError) -> Error {
    Error::torch("comparing neighbors")(error)
}
