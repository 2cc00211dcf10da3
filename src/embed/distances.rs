//! Squared distances in double precision, as the sum of squared differences has them.

use tch::{Kind, Tensor};

use super::Torch;

/// A distance below this share of both squared lengths has lost too many digits when it is their
/// difference, so it is computed anew. What stays is right to 1e-8.
const CANCELED: f64 = 1e-7;
/// `cdist` without a multiplication of matrices.
const BY_DIFFERENCES: i64 = 2;

/// Points that others are compared with.
pub(super) struct Distances {
    points: Tensor,
    mean: Tensor,
    /// The points less their mean, `[D, N]`, and their squared lengths, `[N]`, both double.
    columns: Tensor,
    lengths: Tensor,
}

impl Distances {
    /// Of points `[N, D]`.
    pub(super) fn new(points: &Tensor) -> Torch<Distances> {
        let mean = points.f_mean_dim(0, true, Kind::Double)?;
        let centered = points.f_sub(&mean)?;
        let lengths = centered.f_square()?.f_sum_dim_intlist(1, false, Kind::Double)?;
        let columns = centered.f_transpose(0, 1)?;
        Ok(Distances { points: points.shallow_clone(), mean, columns, lengths })
    }

    /// To all points from each of `rows`, `[B, D]`: `[B, N]`. A row that is one of the points, whose
    /// number `own`, `[B]`, says, is infinitely far from itself.
    pub(super) fn between(&self, rows: &Tensor, own: Option<&Tensor>) -> Torch<Tensor> {
        let apart = |mut distance: Tensor, own: Option<&Tensor>| match own {
            Some(own) => distance.f_scatter_value_(1, &own.f_unsqueeze(1)?, f64::INFINITY),
            None => Ok(distance),
        };
        let centered = rows.f_sub(&self.mean)?;
        let lengths = centered.f_square()?.f_sum_dim_intlist(1, true, Kind::Double)?;
        let both = lengths.f_add(&self.lengths)?;
        let distance = both.f_addmm(&centered.f_mul_scalar(-2.0)?, &self.columns)?;
        let distance = apart(distance, own)?;
        let canceled = distance.f_lt_tensor(&both.f_mul_scalar(CANCELED)?)?;
        let anew = canceled.f_any_dim(1, false)?.f_nonzero()?.f_view([-1])?;
        if anew.numel() == 0 {
            return Ok(distance);
        }
        let double = |tensor: &Tensor| tensor.f_to_kind(Kind::Double);
        let rows = double(&rows.f_index_select(0, &anew)?)?;
        let exact = Tensor::f_cdist(&rows, &double(&self.points)?, 2.0, BY_DIFFERENCES)?;
        let own = own.map(|own| own.f_index_select(0, &anew)).transpose()?;
        distance.f_index_copy(0, &anew, &apart(exact.f_square()?, own.as_ref())?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::Device;

    #[test]
    fn they_are_those_of_differences_wherever_the_points_lie() -> Torch<()> {
        tch::manual_seed(3);
        let near = Tensor::f_randn([60, 5], (Kind::Double, Device::Cpu))?;
        let group = Tensor::f_arange(60, (Kind::Double, Device::Cpu))?.f_remainder(3)?;
        for (offset, apart) in [(0.0, 0.0), (1e6, 0.0), (0.0, 1e9), (1e9, 1e5), (1e-30, 0.0)] {
            let points = &near + offset + group.f_unsqueeze(1)? * apart;
            let found = Distances::new(&points)?.between(&points.f_narrow(0, 7, 20)?, None)?;
            let between = points.f_narrow(0, 7, 20)?.f_unsqueeze(1)?.f_sub(&points)?;
            let expected = between.f_square()?.f_sum_dim_intlist(2, false, Kind::Double)?;
            let off = (&found - &expected).f_abs()?.f_div(&expected.f_clamp_min(1e-300)?)?;
            let off = off.f_max()?.f_double_value(&[])?;
            assert!(off < 1e-8, "{offset} {apart}: {off}");
        }
        Ok(())
    }
}
