//! A layer's channels weighed one after the other: what Score-CAM and Ablation-CAM share.

use tch::{Kind, TchError, Tensor};

use super::Target;
use super::aim::Aim;
use super::explained::{Explained, question};
use super::variants::stopped;
use crate::network::Network;
use crate::view::Heatmap;
use crate::{Error, Photo, Result};

/// Channels of one picture's layer, the one that varies most first, each with its weight.
pub(super) struct Weighed {
    /// `[K, h, w]`
    pub maps: Tensor,
    /// Those that were weighed, `[up to K]`.
    pub weights: Tensor,
}

impl Weighed {
    /// The weighted sum of the maps, only what speaks for the target: `[h, w]`.
    fn map(&self) -> Result<Tensor, TchError> {
        let maps = self.maps.f_narrow(0, 0, self.done())?;
        let weighted = maps.f_mul(&self.weights.f_view([-1, 1, 1])?)?;
        weighted.f_sum_dim_intlist([0_i64].as_slice(), false, None::<Kind>)?.f_relu()
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
/// bounded.
pub(super) fn by_variance(maps: &Tensor, most: Option<usize>) -> Result<Tensor> {
    if most == Some(0) {
        return Err(Error::Argument(
            "0 channels have no map: give at least 1, or `None` for all".to_owned(),
        ));
    }
    let order = maps
        .f_flatten(1, -1)
        .and_then(|maps| maps.f_var_correction(1, 0, false)?.f_argsort(0, true))
        .and_then(|order| {
            let count = order.size().first().copied().unwrap_or_default();
            order.f_narrow(0, 0, most.map_or(count, |most| count.min(most as i64)))
        });
    order.map_err(Error::torch("ordering the channels"))
}

/// The map of each picture, `[N, h, w]`, by a method that weighs the channels of a layer (a node) for
/// one picture `[1, C, H, W]`, given the network's inference form.
pub(super) fn maps(
    net: &Network,
    input: &Tensor,
    layer: &str,
    targets: &[Target],
    weigh: impl Fn(&Network, usize, &Tensor, &Aim) -> Result<Weighed>,
) -> Result<Tensor> {
    let (aim, _) = Aim::new(net, input, targets)?.settled(net, input)?;
    let (fast, at) = (net.for_inference()?, net.find(layer)?);
    let failed = || Error::torch("weighting the channels");
    let pictures = input.size().first().copied().unwrap_or_default();
    let one = |index: i64| {
        let picture = input.f_narrow(0, index, 1).map_err(failed())?;
        weigh(&fast, at, &picture, &aim.one(index as usize))?.map().map_err(failed())
    };
    Tensor::f_stack(&(0..pictures).map(one).collect::<Result<Vec<_>>>()?, 0).map_err(failed())
}

/// A method's figure.
pub(super) fn figure(
    net: &Network,
    photo: &Photo,
    layer: &str,
    target: impl Into<Target>,
    method: &'static str,
    weigh: impl Fn(&Network, usize, &Tensor, &Aim) -> Result<Weighed>,
) -> Result<Heatmap> {
    let (fast, at) = (net.for_inference()?, net.find(layer)?);
    let (input, aim) = question(net, photo, target)?;
    let (aim, output) = aim.settled(net, &input)?;
    let weighed = weigh(&fast, at, &input, &aim)?;
    let map = weighed.map().map_err(Error::torch("weighting the channels"))?;
    let (unit, reading) = ("weighted activation", "bright regions speak for it");
    let figure =
        Explained { values: map, output, aim, method, unit, reading }.figure(net, photo)?;
    Ok(figure.unfinished(stopped(weighed.done() as usize, weighed.count() as usize)))
}
