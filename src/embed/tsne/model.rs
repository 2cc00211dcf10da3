//! What drives the points of a map: all pairs, or neighbors and a grid.

use tch::Tensor;

use super::super::Torch;
use super::super::neighbors::Neighbors;
use super::affinities::{Affinities, conditional};
use super::exact::AllPairs;
use super::interpolated::Field;

/// The forces on the points of a map, `[2, N]` each. With both sums, minus a quarter of the
/// divergence's gradient is attraction + repulsion / sum.
pub(super) struct Forces {
    /// The sum of p (y' - y) / (1 + d²).
    pub attraction: Tensor,
    /// The sum of (y - y') / (1 + d²)².
    pub repulsion: Tensor,
    /// The sum of 1 / (1 + d²) over all pairs, one number.
    pub sum: Tensor,
}

/// Where the forces come from.
pub(super) enum Model {
    AllPairs(AllPairs),
    Interpolated(Box<Affinities>, Field),
}

impl Model {
    pub(super) fn all_pairs(features: &Tensor, perplexity: f64) -> Torch<Model> {
        Ok(Model::AllPairs(AllPairs::new(features, perplexity)?))
    }

    /// From the `k` nearest of the neighbors.
    pub(super) fn interpolated(near: &Neighbors, k: i64, perplexity: f64) -> Torch<Model> {
        let p = conditional(&near.distances.f_narrow(1, 0, k)?, perplexity)?;
        let affinities = Affinities::new(&near.indices.f_narrow(1, 0, k)?, &p)?;
        Ok(Model::Interpolated(Box::new(affinities), Field::default()))
    }

    /// Points `[2, N]` in the order that the model wants.
    pub(super) fn ordered(&self, map: &Tensor) -> Torch<Tensor> {
        match self {
            Model::AllPairs(_) => Ok(map.shallow_clone()),
            Model::Interpolated(affinities, _) => map.f_index_select(1, &affinities.order),
        }
    }

    /// Back in their own order, `[N, 2]`.
    pub(super) fn restored(&self, map: &Tensor) -> Torch<Tensor> {
        let own = match self {
            Model::AllPairs(_) => map.shallow_clone(),
            Model::Interpolated(affinities, _) => {
                map.f_index_select(1, &affinities.order.f_argsort(0, false)?)?
            }
        };
        own.f_transpose(0, 1)?.f_contiguous()
    }

    pub(super) fn forces(&mut self, map: &Tensor) -> Torch<Forces> {
        let (attraction, repulsion, sum) = match self {
            Model::AllPairs(pairs) => pairs.forces(map)?,
            Model::Interpolated(affinities, field) => {
                let (repulsion, sum) = field.repulsion(map)?;
                (affinities.attraction(map)?, repulsion, sum)
            }
        };
        Ok(Forces { attraction, repulsion, sum })
    }

    /// The Kullback-Leibler divergence, by the model's own probabilities.
    pub(super) fn divergence(&mut self, map: &Tensor) -> Torch<f64> {
        match self {
            Model::AllPairs(pairs) => pairs.divergence(map),
            Model::Interpolated(affinities, field) => {
                let (_, sum) = field.repulsion(map)?;
                affinities.divergence(map, sum.f_double_value(&[])?)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embed::neighbors;
    use tch::{Device, Kind};

    /// Five clouds, so that near and far count; more points than one block of the search holds.
    fn clouds(count: i64) -> Tensor {
        tch::manual_seed(4);
        let middle = Tensor::randn([5, 10], (Kind::Float, Device::Cpu)) * 8.0;
        let of = Tensor::arange(count, (Kind::Int64, Device::Cpu)).remainder(5);
        middle.index_select(0, &of) + Tensor::randn([count, 10], (Kind::Float, Device::Cpu))
    }

    fn gradient(model: &mut Model, map: &Tensor, exaggeration: f64) -> Tensor {
        let map = map.transpose(0, 1).contiguous();
        let forces = model.forces(&model.ordered(&map).expect("order")).expect("forces");
        let sum = forces.sum.to_kind(Kind::Float);
        let force = forces.attraction * exaggeration + forces.repulsion / sum;
        model.restored(&(force * -4.0)).expect("order")
    }

    #[test]
    fn the_gradient_is_the_divergences() {
        // By finite differences in double precision of the divergence, which is written down apart.
        let features = clouds(40);
        let mut model = Model::all_pairs(&features, 8.0).expect("pairs");
        let map = Tensor::randn([40, 2], (Kind::Double, Device::Cpu)) * 3.0;
        let ours = gradient(&mut model, &map.to_kind(Kind::Float), 1.0).to_kind(Kind::Double);
        let step = 1e-4;
        for (row, axis) in [(0, 0), (7, 1), (39, 0)] {
            let mut moved = |by: f64| {
                let map = map.copy();
                let _ = map.get(row).narrow(0, axis, 1).g_add_scalar_(by);
                model.divergence(&map.transpose(0, 1).contiguous()).expect("divergence")
            };
            let expected = (moved(step) - moved(-step)) / (2.0 * step);
            let off = (ours.double_value(&[row, axis]) - expected).abs();
            assert!(off < 1e-5 * (1.0 + expected.abs()), "{row} {axis}: {off} of {expected}");
        }
    }

    #[test]
    fn the_interpolated_gradient_is_within_one_per_cent_of_the_exact_one() {
        let features = clouds(1500);
        let near = neighbors::among(&features, 90).expect("neighbors");
        let mut interpolated = Model::interpolated(&near, 90, 30.0).expect("model");
        // All pairs with the same probabilities, so that only the interpolation makes a difference.
        let p = conditional(&near.distances, 30.0).expect("probabilities");
        let mut p =
            Tensor::zeros([1500, 1500], (Kind::Float, Device::Cpu)).scatter(1, &near.indices, &p);
        p = (&p + p.transpose(0, 1)) / 3000.0;
        let mut exact = Model::AllPairs(AllPairs::given(p).expect("pairs"));
        // From a start through the clouds' forming to a wide map; a strip, which is not square.
        for (across, up) in [(1e-4, 1e-4), (1.0, 1.0), (8.0, 8.0), (60.0, 4.0), (40.0, 40.0)] {
            let scale = Tensor::from_slice(&[across, up]).to_kind(Kind::Float);
            let map = Tensor::randn([1500, 2], (Kind::Float, Device::Cpu)) * scale;
            let ours = gradient(&mut interpolated, &map, 1.0);
            let theirs = gradient(&mut exact, &map, 1.0);
            let off = ((&ours - &theirs).norm() / theirs.norm()).double_value(&[]);
            println!("{across} × {up}: {off:.1e}");
            assert!(off < 0.01, "{across} × {up}: {off}");
        }
    }
}
