//! A layer's channels weighed one after the other: what Score-CAM and Ablation-CAM share.

use tch::{Kind, TchError, Tensor};

use crate::attribution::{Attributions, Run};
use crate::limits::position;
use crate::live::stopped;
use crate::{Error, Result};

/// Channels of one image's layer, the one that varies most first, each with its weight.
pub(super) struct Weighed {
    /// `[K, h, w]`
    maps: Tensor,
    /// Those that were weighed, `[up to K]`.
    weights: Tensor,
}

impl Weighed {
    pub(super) fn new(maps: &Tensor, weights: Result<Tensor, TchError>) -> Result<Weighed> {
        let weights = weights.map_err(Error::torch("weighting the channels"))?;
        Ok(Weighed { maps: maps.shallow_clone(), weights })
    }

    /// The positive part of the weighted sum of the maps: `[h, w]`.
    fn map(&self) -> Result<Tensor> {
        let sum = || {
            let maps = self.maps.f_narrow(0, 0, self.done())?;
            let weighted = maps.f_mul(&self.weights.f_view([-1, 1, 1])?)?;
            weighted.f_sum_dim_intlist([0_i64].as_slice(), false, None::<Kind>)?.f_relu()
        };
        sum().map_err(Error::torch("weighting the channels"))
    }

    /// What is found by those that are weighed so far.
    pub(super) fn so_far(&self) -> Result<Attributions> {
        let map = self.map()?.f_unsqueeze(0);
        Ok(found(map.map_err(Error::torch("weighting the channels"))?))
    }

    fn done(&self) -> i64 {
        self.weights.numel() as i64
    }

    fn count(&self) -> i64 {
        self.maps.size().first().copied().unwrap_or_default()
    }
}

/// The channels `[C]` of maps `[C, h, w]` in the order of their variance over the map, the largest
/// first, at most so many. Those that vary little have little to show, and come last where time is
/// limited.
pub(super) fn by_variance(maps: &Tensor, most: Option<usize>) -> Result<Tensor> {
    if most == Some(0) {
        return Err(Error::Argument("0 channels have no map: give at least 1".to_owned()));
    }
    let order = maps
        .f_flatten(1, -1)
        .and_then(|maps| maps.f_var_correction(1, 0, false)?.f_argsort(0, true))
        .and_then(|order| {
            let count = order.size().first().copied().unwrap_or_default();
            order.f_narrow(0, 0, most.map_or(count, |most| count.min(position(most))))
        });
    order.map_err(Error::torch("ordering the channels"))
}

/// The maps of a method that weighs the channels of a layer for one image.
pub(super) fn weighed(
    run: &Run<'_>,
    mut weigh: impl FnMut(&Run<'_>) -> Result<Weighed>,
) -> Result<Attributions> {
    let (maps, done) = run.each(|one| {
        let weighed = weigh(one)?;
        Ok((weighed.map()?, stopped(weighed.done() as usize, weighed.count() as usize)))
    })?;
    let stopped = done.into_iter().flatten().next();
    Ok(Attributions { stopped, ..found(maps) })
}

/// Maps `[N, h, w]`.
fn found(maps: Tensor) -> Attributions {
    Attributions::positive(maps, "weighted activation")
}
