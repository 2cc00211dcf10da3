//! New points on a map that stays as it is.

use tch::{Kind, Tensor};

use super::super::{Torch, neighbors};
use super::affinities::conditional;
use super::interpolated::Background;
use super::optimizer::Descent;
use crate::{Error, Result};

/// New points keep to few neighbors: they are to find their place, not to form groups.
const PERPLEXITY: f64 = 5.0;
const NEIGHBORS: i64 = 15;
const ITERATIONS: usize = 150;
const EXAGGERATION: f64 = 1.5;
const RATE: f64 = 0.1;
const MOMENTUM: f64 = 0.8;

/// Where `features`, `[M, D]`, belong on the map `[N, 2]` of `known`, `[N, D]`: `[M, 2]`.
///
/// Each starts at the weighted mean of its neighbors and descends by its own divergence. New points
/// neither move the map's nor one another.
pub(in super::super) fn place(known: &Tensor, map: &Tensor, features: &Tensor) -> Result<Tensor> {
    let k = NEIGHBORS.min(known.size()[0]);
    let near = neighbors::of(features, known, k)?;
    settle(map, &near.indices, &near.distances).map_err(Error::torch("placing new points on a map"))
}

fn settle(map: &Tensor, near: &Tensor, distances: &Tensor) -> Torch<Tensor> {
    let [m, k] = [near.size()[0], near.size()[1]];
    let p = conditional(distances, PERPLEXITY.min(k as f64 / 2.0))?;
    let map = map.f_to_device(near.device())?.f_transpose(0, 1)?.f_contiguous()?;
    let background = Background::new(&map)?;
    let there = map.f_index_select(1, &near.f_view([-1])?)?.f_view([2, m, k])?;
    let mut points = there.f_mul(&p)?.f_sum_dim_intlist(2, false, Kind::Float)?;
    let mut descent = Descent::new(&points)?;
    for _ in 0..ITERATIONS {
        let between = there.f_sub(&points.f_unsqueeze(2)?)?;
        let far = between.f_square()?.f_sum_dim_intlist(0, false, Kind::Float)?;
        let weight = p.f_div(&far.f_add_scalar(1)?)?;
        let drawn = between.f_mul(&weight)?.f_sum_dim_intlist(2, false, Kind::Float)?;
        let (sum, pushed) = background.read(&points)?;
        let pushed = pushed.f_div(&sum.f_clamp_min(1e-6)?)?;
        let force = drawn.f_mul_scalar(EXAGGERATION)?.f_add(&pushed)?.f_mul_scalar(4)?;
        descent.step(&mut points, &force, RATE, MOMENTUM)?;
    }
    points.f_transpose(0, 1)?.f_contiguous()
}
