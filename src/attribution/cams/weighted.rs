//! What the class activation maps by gradients share: activation and gradient of a layer, and the
//! weighted sum.

use tch::{Kind, TchError, Tensor};

use crate::attribution::{Attributions, Run};
use crate::network::only;
use crate::{Error, Result};

/// The positive part of the sum of a layer's channels, each weighted by what `weights` makes of
/// activation and gradient, both `[N, C, h, w]`: `[N, C, 1, 1]`, or a weight for each place. Maps
/// `[N, h, w]`.
pub(super) fn weighted(
    run: &Run<'_>,
    layer: &str,
    weights: impl FnOnce(&Tensor, &Tensor) -> Result<Tensor, TchError>,
) -> Result<Tensor> {
    let (net, at) = (run.network(), run.network().find(layer)?);
    let pass = run.differentiate(&[at])?;
    let maps = net.maps(at, &run.input().size())?;
    let activation = maps.of(&only(pass.activations)?)?;
    let gradient = maps.of(&only(pass.gradients)?)?;
    let sum = || {
        let weighted = activation.f_mul(&weights(&activation, &gradient)?)?;
        weighted.f_sum_dim_intlist([1_i64].as_slice(), false, None::<Kind>)?.f_relu()
    };
    sum().map_err(Error::torch("weighting the channels"))
}

/// The mean over all places, `[N, C, 1, 1]`.
pub(super) fn mean(values: &Tensor) -> Result<Tensor, TchError> {
    values.f_mean_dim([2_i64, 3].as_slice(), true, None::<Kind>)
}

/// The sum over all places, `[N, C, 1, 1]`.
pub(super) fn total(values: &Tensor) -> Result<Tensor, TchError> {
    values.f_sum_dim_intlist([2_i64, 3].as_slice(), true, None::<Kind>)
}

/// Maps in the unit that most have.
pub(super) fn found(maps: Tensor) -> Attributions {
    Attributions::positive(maps, "gradient × activation")
}
