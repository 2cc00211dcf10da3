//! All pairs: exact, in time and memory that grow as the square of the number of points.

use tch::{Kind, Tensor};

use super::super::Torch;
use super::super::distances::Distances;
use super::affinities::conditional;

/// Pairs in a block: as many as stay in the cache.
const BLOCK: i64 = 1 << 18;

/// The joint probabilities of all pairs.
pub(super) struct AllPairs {
    /// Symmetric, `[N, N]`, 0 on the diagonal, their sum 1.
    p: Tensor,
    /// The sum of p ln p.
    entropy: f64,
}

impl AllPairs {
    /// Of features `[N, D]`.
    pub(super) fn new(features: &Tensor, perplexity: f64) -> Torch<AllPairs> {
        let n = features.size()[0];
        let distances = Distances::new(features)?;
        let p = Tensor::f_zeros([n, n], (Kind::Float, features.device()))?;
        for (start, count) in blocks(n) {
            let own =
                Tensor::f_arange_start(start, start + count, (Kind::Int64, features.device()))?;
            let distance = distances.between(&features.f_narrow(0, start, count)?, Some(&own))?;
            // A point is no neighbor of itself: the diagonal is left out, and put back as 0.
            let others = others(n, &own)?;
            let distance = distance.f_gather(1, &others, false)?;
            let mut rows = p.f_narrow(0, start, count)?;
            let _ = rows.f_scatter_(1, &others, &conditional(&distance, perplexity)?)?;
        }
        let p = p.f_add(&p.f_transpose(0, 1)?)?.f_mul_scalar_(0.5 / n as f64)?;
        AllPairs::given(p)
    }

    /// Of joint probabilities.
    pub(super) fn given(p: Tensor) -> Torch<AllPairs> {
        let mut entropy = 0.0;
        for (start, count) in blocks(p.size()[0]) {
            let rows = p.f_narrow(0, start, count)?;
            entropy += rows.f_xlogy(&rows)?.f_sum(Kind::Double)?.f_double_value(&[])?;
        }
        Ok(AllPairs { p, entropy })
    }

    /// Attraction, repulsion and the sum of weights of a map, `[2, N]`, as [`Forces`](super::Forces)
    /// has them.
    pub(super) fn forces(&self, map: &Tensor) -> Torch<(Tensor, Tensor, Tensor)> {
        let n = map.size()[1];
        let (attraction, repulsion) = (map.f_empty_like()?, map.f_empty_like()?);
        let mut sum = Tensor::f_zeros([1], (Kind::Double, map.device()))?;
        for (start, count) in blocks(n) {
            let [dx, dy] = between(map, start, count)?;
            let weight = squared(&dx, &dy)?.f_reciprocal_()?;
            sum = sum.f_add_(&weight.f_sum(Kind::Double)?)?;
            let drawn = self.p.f_narrow(0, start, count)?.f_mul(&weight)?;
            let pushed = weight.f_square()?;
            for (axis, difference) in [(0, dx), (1, dy)] {
                let along = |weight: &Tensor| {
                    weight.f_mul(&difference)?.f_sum_dim_intlist(1, false, Kind::Float)
                };
                attraction
                    .f_select(0, axis)?
                    .f_narrow(0, start, count)?
                    .f_copy_(&along(&drawn)?)?;
                let push = along(&pushed)?.f_neg()?;
                repulsion.f_select(0, axis)?.f_narrow(0, start, count)?.f_copy_(&push)?;
            }
        }
        // Each point with itself has weight 1.
        let sum = sum.f_sub_scalar(n)?.f_to_kind(map.kind())?;
        Ok((attraction, repulsion, sum))
    }

    /// The Kullback-Leibler divergence of a map.
    pub(super) fn divergence(&self, map: &Tensor) -> Torch<f64> {
        let n = map.size()[1];
        let (mut sum, mut cross) = (-(n as f64), 0.0);
        for (start, count) in blocks(n) {
            let [dx, dy] = between(map, start, count)?;
            let far = squared(&dx, &dy)?;
            sum += far.f_reciprocal()?.f_sum(Kind::Double)?.f_double_value(&[])?;
            let far = far.f_log()?.f_mul(&self.p.f_narrow(0, start, count)?)?;
            cross += far.f_sum(Kind::Double)?.f_double_value(&[])?;
        }
        Ok(self.entropy + cross + sum.ln())
    }
}

/// From each of `count` points to all, along each axis.
fn between(map: &Tensor, start: i64, count: i64) -> Torch<[Tensor; 2]> {
    let along = |axis: i64| {
        let values = map.f_select(0, axis)?;
        values.f_unsqueeze(0)?.f_sub(&values.f_narrow(0, start, count)?.f_unsqueeze(1)?)
    };
    Ok([along(0)?, along(1)?])
}

/// 1 + d².
fn squared(dx: &Tensor, dy: &Tensor) -> Torch<Tensor> {
    dx.f_square()?.f_addcmul_(dy, dy)?.f_add_scalar_(1)
}

/// For each of these points the numbers of all others, `[count, N - 1]`.
fn others(n: i64, own: &Tensor) -> Torch<Tensor> {
    let number = Tensor::f_arange(n - 1, (Kind::Int64, own.device()))?;
    number.f_add(&number.f_ge_tensor(&own.f_unsqueeze(1)?)?)
}

/// Start and length of blocks of rows.
fn blocks(n: i64) -> Vec<(i64, i64)> {
    let step = (BLOCK / n.max(1)).max(1);
    (0..n).step_by(step as usize).map(|start| (start, step.min(n - start))).collect()
}
