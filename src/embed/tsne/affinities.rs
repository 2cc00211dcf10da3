//! Input similarities (probabilities from distances), and the attractive forces they make.

use tch::{Device, Kind, Tensor};

use super::super::Torch;
use super::rows::Rows;

/// Numbers in a block of the search for the perplexity: as many as stay in a core's cache.
const BLOCK: i64 = 1 << 16;
/// Halvings of an interval of 90 powers of 2: to 1e-7 of its end, the digits that float32 has.
const HALVINGS: usize = 30;

/// For each row of squared distances, `[M, k]`, double, the probabilities by a Gaussian as wide as gives the
/// row this perplexity: `[M, k]`, float32, each row's sum 1.
///
/// Where more distances are equal than the perplexity, the nearest share it evenly.
pub(super) fn conditional(distances: &Tensor, perplexity: f64) -> Torch<Tensor> {
    let [rows, k] = [distances.size()[0], distances.size()[1]];
    let step = (BLOCK / k.max(1)).max(1);
    let mut all = Vec::new();
    for start in (0..rows).step_by(step as usize) {
        let block = distances.f_narrow(0, start, step.min(rows - start))?;
        all.push(searched(&block, perplexity.ln())?);
    }
    Tensor::f_cat(&all, 0)
}

/// Bisection for all rows at once: the precision whose entropy is `target`, in natural logarithms.
fn searched(distances: &Tensor, target: f64) -> Torch<Tensor> {
    // Neither a common offset nor a factor of a row changes what is found.
    let from_least = distances.f_sub(&distances.f_amin(1, true)?)?;
    let scale = from_least.f_mean_dim(1, true, Kind::Double)?.f_clamp_min(f64::MIN_POSITIVE)?;
    let distances = from_least.f_div(&scale)?.f_to_kind(Kind::Float)?;
    let mut low = distances.f_narrow(1, 0, 1)?.f_full_like(-30.0)?;
    let mut high = low.f_full_like(60.0)?;
    let weights =
        |power: &Tensor| -> Torch<Tensor> { distances.f_mul(&power.f_exp2()?.f_neg()?)?.f_exp_() };
    for _ in 0..HALVINGS {
        let middle = low.f_add(&high)?.f_mul_scalar(0.5)?;
        let weights = weights(&middle)?;
        let sum = weights.f_sum_dim_intlist(1, true, Kind::Float)?;
        let mean =
            weights.f_mul(&distances)?.f_sum_dim_intlist(1, true, Kind::Float)?.f_div(&sum)?;
        let entropy = sum.f_log()?.f_add(&mean.f_mul(&middle.f_exp2()?)?)?;
        let wide = entropy.f_gt(target)?;
        low = middle.f_where_self(&wide, &low)?;
        high = high.f_where_self(&wide, &middle)?;
    }
    let weights = weights(&low.f_add(&high)?.f_mul_scalar(0.5)?)?;
    weights.f_div(&weights.f_sum_dim_intlist(1, true, Kind::Float)?)
}

/// The joint probabilities of neighbors, symmetric, their sum 1.
pub(super) struct Affinities {
    /// Which point stands at each place of the order in which they are wanted, `[N]`.
    pub order: Tensor,
    pairs: Pairs,
    /// The sum of p ln p.
    entropy: f64,
}

enum Pairs {
    /// On a CPU.
    Rows(Rows),
    /// On a GPU. Points have very different numbers of neighbors, because some are near to many. So they
    /// are put in order of that number, and consecutive ones share a table that hardly needs filling up.
    Tables(Vec<Block>),
}

struct Block {
    /// The place of the first point.
    start: i64,
    /// Places of each one's neighbors, `[rows, most]`, `Kind::Int`; filled up with its own.
    neighbors: Tensor,
    /// Their probabilities, filled up with 0.
    p: Tensor,
}

impl Affinities {
    /// From the probabilities `[N, k]` of each point's neighbors.
    pub(super) fn new(neighbors: &Tensor, conditional: &Tensor) -> Torch<Affinities> {
        let (degrees, columns, p) = joint(neighbors, conditional)?;
        let entropy = p.f_xlogy(&p)?.f_sum(Kind::Double)?.f_double_value(&[])?;
        let (order, pairs) = match neighbors.device() {
            Device::Cpu => {
                let order = Tensor::f_arange(degrees.size()[0], (Kind::Int64, Device::Cpu))?;
                (order, Pairs::Rows(Rows::new(&degrees, &columns, &p)?))
            }
            _ => Pairs::tables(&degrees, &columns, &p)?,
        };
        Ok(Affinities { order, pairs, entropy })
    }

    /// What draws each point of a map, `[2, N]` in this order, to its neighbors: the sum of
    /// p (y' - y) / (1 + d²).
    pub(super) fn attraction(&self, map: &Tensor) -> Torch<Tensor> {
        let blocks = match &self.pairs {
            Pairs::Rows(rows) => return rows.attraction(map),
            Pairs::Tables(blocks) => blocks,
        };
        let forces = map.f_empty_like()?;
        for block in blocks {
            let [dx, dy] = block.between(map)?;
            let weight = block.p.f_div(&squared(&dx, &dy)?)?;
            for (axis, mut difference) in [(0, dx), (1, dy)] {
                let force = difference.f_mul_(&weight)?.f_sum_dim_intlist(1, false, Kind::Float)?;
                let mut there = block.rows_of(&forces.f_select(0, axis)?)?;
                there.f_copy_(&force)?;
            }
        }
        Ok(forces)
    }

    /// The Kullback-Leibler divergence of a map whose weights 1 / (1 + d²) have this sum.
    pub(super) fn divergence(&self, map: &Tensor, sum: f64) -> Torch<f64> {
        let cross = match &self.pairs {
            Pairs::Rows(rows) => rows.cross_entropy(map)?,
            Pairs::Tables(blocks) => {
                let mut cross = 0.0;
                for block in blocks {
                    let [dx, dy] = block.between(map)?;
                    let far = squared(&dx, &dy)?.f_log_()?.f_mul_(&block.p)?;
                    cross += far.f_sum(Kind::Double)?.f_double_value(&[])?;
                }
                cross
            }
        };
        Ok(self.entropy + cross + sum.ln())
    }
}

impl Pairs {
    /// The points' order and tables, from how many neighbors each has and all points' neighbors and
    /// probabilities on end.
    fn tables(degrees: &Tensor, columns: &Tensor, p: &Tensor) -> Torch<(Tensor, Pairs)> {
        let device = degrees.device();
        let numbers = Tensor::f_arange(degrees.size()[0], (Kind::Int64, device))?;
        let first = degrees.f_cumsum(0, Kind::Int64)?.f_sub(degrees)?;
        let (ascending, order) = degrees.f_sort_stable(true, 0, false)?;
        let place = order.f_empty_like()?.f_scatter_(0, &order, &numbers)?;
        let columns = place.f_index_select(0, columns)?;
        let mut blocks = Vec::new();
        for (start, count) in together(&Vec::try_from(&ascending)?) {
            let points = order.f_narrow(0, start, count)?;
            let most = ascending.f_int64_value(&[start + count - 1])?.max(1);
            let steps = Tensor::f_arange(most, (Kind::Int64, device))?.f_unsqueeze(0)?;
            let there = steps.f_lt_tensor(&degrees.f_index_select(0, &points)?.f_unsqueeze(1)?)?;
            let at = first.f_index_select(0, &points)?.f_unsqueeze(1)?.f_add(&steps)?;
            let at = at.f_clamp_max(p.size()[0] - 1)?.f_view([-1])?;
            let own = numbers.f_narrow(0, start, count)?.f_unsqueeze(1)?;
            let neighbors = columns.f_index_select(0, &at)?.f_view([count, most])?;
            let neighbors = neighbors.f_where_self(&there, &own)?.f_to_kind(Kind::Int)?;
            let p = p.f_index_select(0, &at)?.f_view([count, most])?.f_mul(&there)?;
            blocks.push(Block { start, neighbors, p });
        }
        Ok((order, Pairs::Tables(blocks)))
    }
}

/// How many neighbors each point has, and all points' neighbors and joint probabilities on end.
fn joint(neighbors: &Tensor, conditional: &Tensor) -> Torch<(Tensor, Tensor, Tensor)> {
    let [n, k] = [neighbors.size()[0], neighbors.size()[1]];
    let device = neighbors.device();
    let numbers = Tensor::f_arange(n, (Kind::Int64, device))?;
    let own = numbers.f_unsqueeze(1)?.f_expand([n, k], false)?;
    // Each pair once in either direction, in order of both numbers; then equal ones added.
    let there = own.f_mul_scalar(n)?.f_add(neighbors)?.f_reshape([-1])?;
    let back = neighbors.f_mul_scalar(n)?.f_add(&own)?.f_reshape([-1])?;
    let (pairs, from) = Tensor::f_cat(&[there, back], 0)?.f_sort(0, false)?;
    let p = conditional.f_reshape([-1])?;
    let p = p.f_repeat([2])?.f_index_select(0, &from)?.f_mul_scalar(0.5 / n as f64)?;
    let last = pairs.size()[0] - 1;
    let doubled = pairs.f_narrow(0, 1, last)?.f_eq_tensor(&pairs.f_narrow(0, 0, last)?)?;
    let second = p.f_narrow(0, 1, last)?.f_mul(&doubled)?;
    let _ = p.f_narrow(0, 0, last)?.f_add_(&second)?;
    let first = Tensor::f_cat(&[doubled.f_new_zeros([1], (Kind::Bool, device))?, doubled], 0)?
        .f_logical_not()?;
    let (pairs, p) = (pairs.f_masked_select(&first)?, p.f_masked_select(&first)?);
    let rows = pairs.f_divide_scalar_mode(n, "floor")?;
    Ok((rows.f_bincount(None::<Tensor>, n)?, pairs.f_remainder(n)?, p))
}

impl Block {
    fn rows_of(&self, values: &Tensor) -> Torch<Tensor> {
        values.f_narrow(0, self.start, self.p.size()[0])
    }

    /// From each point to its neighbors, along each axis.
    fn between(&self, map: &Tensor) -> Torch<[Tensor; 2]> {
        let neighbors = self.neighbors.f_view([-1])?;
        let along = |axis: i64| {
            let values = map.f_select(0, axis)?;
            let there = values.f_index_select(0, &neighbors)?.f_view_as(&self.p)?;
            let own = self.rows_of(&values)?.f_unsqueeze(1)?;
            there.shallow_clone().f_sub_(&own)
        };
        Ok([along(0)?, along(1)?])
    }
}

/// 1 + d².
fn squared(dx: &Tensor, dy: &Tensor) -> Torch<Tensor> {
    dx.f_square()?.f_addcmul_(dy, dy)?.f_add_scalar_(1)
}

/// Start and length of each table, for points in ascending order of how many neighbors they have.
fn together(degrees: &[i64]) -> Vec<(i64, i64)> {
    const MOST: i64 = 1 << 24;
    let mut found = Vec::new();
    let mut start = 0;
    for (at, &degree) in degrees.iter().enumerate() {
        let least = degrees.get(start).copied().unwrap_or(degree);
        let count = (at - start) as i64;
        let full = (count + 1) * degree > MOST || 4 * degree > 5 * least + 16;
        if count > 0 && full {
            found.push((start as i64, count));
            start = at;
        }
    }
    if start < degrees.len() {
        found.push((start as i64, (degrees.len() - start) as i64));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_row_has_its_perplexity() -> Torch<()> {
        tch::manual_seed(2);
        let distances = Tensor::f_rand([50, 40], (Kind::Float, Device::Cpu))? * 1e4 + 1e4;
        let p = conditional(&distances, 7.0)?;
        let entropy = -p.f_xlogy(&p)?.f_sum_dim_intlist(1, false, Kind::Double)?;
        let off = (entropy.f_exp()? - 7.0).abs().max().double_value(&[]);
        assert!(off < 1e-3, "{off}");
        // Equal distances, and more doubles than the perplexity: no number is lost.
        let mut rows = Tensor::f_ones([2, 40], (Kind::Float, Device::Cpu))?;
        let _ = rows.f_get(1)?.f_narrow(0, 0, 20)?.f_zero_()?;
        rows = conditional(&rows, 7.0)?;
        assert!((rows.double_value(&[0, 3]) - 1.0 / 40.0).abs() < 1e-6);
        assert!((rows.double_value(&[1, 3]) - 1.0 / 20.0).abs() < 1e-6);
        Ok(())
    }

    #[test]
    fn rows_and_tables_hold_the_same_pairs() -> Torch<()> {
        tch::manual_seed(2);
        // Neighbors at random; every seventh point is one to all.
        let [n, k] = [700, 12];
        let near = Tensor::f_rand([n, n], (Kind::Float, Device::Cpu))?;
        let _ = near.f_slice(1, 0, n, 7)?.f_add_scalar_(0.5)?;
        let _ = near.f_diagonal(0, 0, 1)?.f_zero_()?;
        let near = near.f_topk(k, 1, true, true)?.1;
        let p = Tensor::f_rand([n, k], (Kind::Float, Device::Cpu))?.f_softmax(1, Kind::Float)?;
        let rows = Affinities::new(&near, &p)?;
        let (degrees, columns, joint) = joint(&near, &p)?;
        let (order, pairs) = Pairs::tables(&degrees, &columns, &joint)?;
        let tables = Affinities { order, pairs, entropy: rows.entropy };
        let map = Tensor::f_randn([2, n], (Kind::Float, Device::Cpu))? * 5.0;
        let ordered = map.f_index_select(1, &tables.order)?;
        let forces = tables.attraction(&ordered)?;
        let forces = forces.f_index_select(1, &tables.order.f_argsort(0, false)?)?;
        let off = (rows.attraction(&map)? - &forces).norm() / forces.norm();
        assert!(off.double_value(&[]) < 1e-6, "{off:?}");
        let off = rows.divergence(&map, 7.0)? - tables.divergence(&ordered, 7.0)?;
        assert!(off.abs() < 1e-5, "{off}");
        // Against all pairs, written down apart.
        let all = Tensor::f_zeros([n, n], (Kind::Float, Device::Cpu))?.f_scatter(1, &near, &p)?;
        let all = (&all + all.transpose(0, 1)) / (2 * n) as f64;
        let between = map.unsqueeze(1) - map.unsqueeze(2);
        let far = between.square().sum_dim_intlist(0, false, Kind::Float) + 1;
        let expected = (between * (all / far)).sum_dim_intlist(2, false, Kind::Float);
        let off = (&forces - &expected).norm() / expected.norm();
        assert!(off.double_value(&[]) < 1e-5, "{off:?}");
        Ok(())
    }

    #[test]
    fn tables_hold_all_points_once() {
        let degrees = [1, 2, 2, 3, 30, 31, 35, 8_000_000, 9_000_000];
        let found = together(&degrees);
        let mut next = 0;
        for &(start, count) in &found {
            assert_eq!(start, next);
            next += count;
        }
        assert_eq!((next, found.len()), (9, 4));
    }
}
