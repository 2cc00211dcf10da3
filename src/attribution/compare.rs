//! Several methods side by side.

use super::figure::figure;
use super::{Attribution, Input, Run, Target};
use crate::Result;
use crate::live::{Preview, Progress, stopped};
use crate::network::Network;
use crate::view::{Heatmap, Heatmaps, ScaleSharing};

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
    let title = format!("{} in {}, by method", run.targets()?.name(net, 0), input.title());
    let figure_of = |maps: &[(String, Heatmap)]| -> Result<Heatmaps> {
        Ok(Heatmaps::new(title.as_str(), maps.to_vec())?.scale_sharing(ScaleSharing::Each))
    };
    let (mut progress, mut preview) = (Progress::new("methods"), Preview::new(false));
    let mut maps = Vec::new();
    for method in methods {
        let map = figure(&run, input, *method, &method.attribute(&run)?)?;
        maps.push((method.name(), map));
        let (done, all) = (maps.len(), methods.len());
        progress.step(done, all, || format!("{done} of {all} maps"));
        if progress.is_over() {
            break;
        }
        preview.show(|| figure_of(&maps));
    }
    Ok(stopped(maps.len(), methods.len()).into_iter().fold(figure_of(&maps)?, Heatmaps::note))
}
