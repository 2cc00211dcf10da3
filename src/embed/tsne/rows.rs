//! Neighbors of each point one after the other: attraction on a CPU, in one pass over them.

use tch::{Kind, Tensor};

use super::super::Torch;
use crate::parallel::over_rows;

/// So many neighbors are computed together.
const LANES: usize = 8;
/// Points that a thread takes at a time.
const BLOCK: usize = 512;

/// The joint probabilities of points with their neighbors.
pub(super) struct Rows {
    /// Where each point's neighbors begin, and where the last one's end.
    starts: Vec<usize>,
    neighbors: Vec<i32>,
    p: Vec<f32>,
}

impl Rows {
    /// From how many neighbors each point has, and all points' neighbors and probabilities on end.
    pub(super) fn new(degrees: &Tensor, neighbors: &Tensor, p: &Tensor) -> Torch<Rows> {
        let degrees: Vec<i64> = Vec::try_from(degrees)?;
        let ends = degrees.iter().scan(0, |end, &degree| {
            *end += degree as usize;
            Some(*end)
        });
        Ok(Rows {
            starts: std::iter::once(0).chain(ends).collect(),
            neighbors: Vec::try_from(neighbors.f_to_kind(Kind::Int)?)?,
            p: Vec::try_from(p)?,
        })
    }

    /// The sum of p (y' - y) / (1 + d²) for each point of a map, `[2, N]`.
    pub(super) fn attraction(&self, map: &Tensor) -> Torch<Tensor> {
        let points = points(map)?;
        let mut forces = vec![[0.0; 2]; points.len()];
        over_rows(&mut forces, 1, BLOCK, |first, block| {
            for (at, force) in (first..).zip(block) {
                let (neighbors, p) = self.row(at);
                *force = drawn(&points, points[at], neighbors, p);
            }
        });
        let along = |axis: usize| forces.iter().map(move |force| force[axis]);
        let both: Vec<f32> = along(0).chain(along(1)).collect();
        Tensor::f_from_slice(&both)?.f_view_as(map)
    }

    /// The sum of p ln(1 + d²).
    pub(super) fn cross_entropy(&self, map: &Tensor) -> Torch<f64> {
        let points = points(map)?;
        let mut sums = vec![0.0; points.len()];
        over_rows(&mut sums, 1, BLOCK, |first, block| {
            for (at, sum) in (first..).zip(block) {
                let ([x, y], (neighbors, p)) = (points[at], self.row(at));
                let terms = neighbors.iter().zip(p).map(|(&there, p)| {
                    let [dx, dy] = [points[there as usize][0] - x, points[there as usize][1] - y];
                    f64::from(p * (1.0 + dx * dx + dy * dy).ln())
                });
                *sum = terms.sum();
            }
        });
        Ok(sums.iter().sum())
    }

    fn row(&self, at: usize) -> (&[i32], &[f32]) {
        let row = self.starts[at]..self.starts[at + 1];
        (&self.neighbors[row.clone()], &self.p[row])
    }
}

/// The points of a map, `[2, N]`: both numbers of one lie together.
pub(super) fn points(map: &Tensor) -> Torch<Vec<[f32; 2]>> {
    let along = |axis: i64| Vec::<f32>::try_from(map.f_select(0, axis)?.f_to_kind(Kind::Float)?);
    let (x, y) = (along(0)?, along(1)?);
    Ok(x.into_iter().zip(y).map(|(x, y)| [x, y]).collect())
}

/// What draws a point at `own`.
fn drawn(points: &[[f32; 2]], own: [f32; 2], neighbors: &[i32], p: &[f32]) -> [f32; 2] {
    let mut sums = [[0.0; LANES]; 2];
    let mut add = |neighbors: &[i32; LANES], p: &[f32; LANES]| {
        // In loops, which the compiler makes into vectors, as it does not with `map`.
        let mut between = [[0.0; LANES]; 2];
        for lane in 0..LANES {
            let there = points[neighbors[lane] as usize];
            between[0][lane] = there[0] - own[0];
            between[1][lane] = there[1] - own[1];
        }
        let [dx, dy] = between;
        for lane in 0..LANES {
            let weight = p[lane] / (1.0 + dx[lane] * dx[lane] + dy[lane] * dy[lane]);
            sums[0][lane] += weight * dx[lane];
            sums[1][lane] += weight * dy[lane];
        }
    };
    let (whole, rest) = neighbors.as_chunks();
    let (whole_p, rest_p) = p.as_chunks();
    for (neighbors, p) in whole.iter().zip(whole_p) {
        add(neighbors, p);
    }
    // Filled up with what has no weight.
    let (mut last, mut last_p) = ([0; LANES], [0.0; LANES]);
    last[..rest.len()].copy_from_slice(rest);
    last_p[..rest.len()].copy_from_slice(rest_p);
    add(&last, &last_p);
    sums.map(|lanes| lanes.iter().sum())
}
