//! Max-sensitivity: how far a map changes when the image is disturbed a little.
//!
//! Yeh et al., 2019 ([arXiv:1901.09392](https://arxiv.org/abs/1901.09392)).

use tch::{Kind, Tensor};

use super::infidelity::check_disturbances;
use crate::attribution::{Attribution, Run};
use crate::live::Progress;
use crate::{Error, Result};

/// The largest change of each image's map under disturbances, `[N]`, double: the Euclidean norm of
/// the difference over that of the map (over 1 where the map is blank). 0 is perfectly stable, 1 as
/// much change as there is map. The classes explained are those of the undisturbed images.
///
/// `disturbances` are `[samples, N, C, H, W]`, added to the images:
/// [`Disturbance::of`](super::Disturbance::of) or your own.
///
/// ```
/// use convscope::attribution::{Disturbance, Run, max_sensitivity};
/// use convscope::prelude::*;
/// let net = zoo::digits()?;
/// let run = Run::of(&net, &data::digit(4, 2)?, Target::Top)?;
/// let small = Disturbance::default().samples(5).radius(0.01).of(run.input())?;
/// let moved = max_sensitivity(&run, &GradCam::at("relu2"), &small)?;
/// assert!(moved.double_value(&[0]) < 0.2);
/// # Ok::<(), convscope::Error>(())
/// ```
///
/// # Errors
///
/// Disturbances of another size; those of the method.
pub fn max_sensitivity(
    run: &Run<'_>,
    method: &dyn Attribution,
    disturbances: &Tensor,
) -> Result<Tensor> {
    let input = run.input();
    let samples = check_disturbances(input, disturbances)?;
    let map = |run: &Run<'_>| method.attribute(run)?.maps_at(run.size());
    let failed = || Error::torch("comparing maps of disturbed images");
    let maps = map(run)?;
    let norm = |maps: &Tensor| {
        let squares = maps.f_to_kind(Kind::Double)?.f_square()?;
        squares.f_sum_dim_intlist([1_i64, 2].as_slice(), false, Kind::Double)?.f_sqrt()
    };
    let below =
        norm(&maps).and_then(|norm| norm.f_where_self(&norm.f_gt(0)?, &norm.f_ones_like()?));
    let below = below.map_err(failed())?;
    let mut progress = Progress::new("max-sensitivity");
    let mut most = below.f_zeros_like().map_err(failed())?;
    for sample in 0..samples {
        let disturbed = disturbances.f_get(sample as i64).and_then(|disturbance| {
            input.f_add(&disturbance.f_to_device(input.device())?.f_to_kind(input.kind())?)
        });
        let moved = map(&run.on_input(disturbed.map_err(failed())?)?)?;
        let change = moved.f_sub(&maps).and_then(|change| norm(&change)?.f_div(&below));
        most = change.and_then(|change| most.f_maximum(&change)).map_err(failed())?;
        let done = sample + 1;
        progress.step(done, samples, || format!("{done} of {samples} maps"));
        progress.check(done, samples)?;
    }
    Ok(most)
}
