//! Several methods side by side.

use super::figure::figure;
use super::{Attribution, Input, Run, Target};
use crate::Result;
use crate::network::Network;
use crate::view::{Heatmaps, ScaleSharing};

/// The maps of several methods side by side, each on its own scale, since their units differ.
///
/// ```
/// use convscope::prelude::*;
/// let figure = compare_methods(
///     &zoo::digits()?,
///     &data::digit(4, 2)?,
///     Target::Top,
///     &[&GradCam::at("relu2"), &InputTimesGradient, &SmoothGrad::default().samples(10)],
/// )?;
/// # Ok::<(), convscope::Error>(())
/// ```
///
/// # Errors
///
/// No methods; those of a method.
pub fn compare_methods(
    net: &Network,
    input: &impl Input,
    target: impl Into<Target>,
    methods: &[&dyn Attribution],
) -> Result<Heatmaps> {
    let run = Run::of(net, input, target)?;
    let maps = methods
        .iter()
        .map(|method| Ok((method.name(), figure(&run, input, *method, &method.attribute(&run)?)?)));
    let title = format!("{} in {}, by method", run.targets()?.name(net, 0), input.title());
    let maps = maps.collect::<Result<Vec<_>>>()?;
    Ok(Heatmaps::new(title, maps)?.scale_sharing(ScaleSharing::Each))
}
