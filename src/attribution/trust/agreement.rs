//! Do other methods point at the same place?

use image::RgbImage;
use tch::Tensor;

use super::pixels::values;
use super::similarity::{is_blank, overlap, rank_correlation};
use crate::attribution::{Attribution, Input, Run, Target};
use crate::live::Progress;
use crate::network::Network;
use crate::view::{Bundle, Figure, Matrix};
use crate::{Error, Result};

/// Of each map's pixels, the share that [`Agreement::overlap`] compares.
const SHARE: f64 = 0.1;

/// How far methods agree on one image: a figure, and its numbers.
#[non_exhaustive]
pub struct Agreement {
    /// The methods' names.
    pub names: Vec<String>,
    /// Spearman's rank correlation of the maps' absolute values, `[n, n]`, double, from -1 to 1;
    /// absolute, because some methods give no sign. NaN beside a blank map, which ranks nothing.
    pub rank_correlation: Tensor,
    /// Of the tenth of pixels with the largest absolute values, the share that two maps have in
    /// common, `[n, n]`, double, from 0 to 1; by chance 0.1. NaN beside a blank map.
    pub overlap: Tensor,
    figure: Matrix,
}

/// Compares the maps of several methods in pairs, at the input's size.
///
/// Agreement is no proof: methods can share a fault. But where they disagree, not all can be right.
///
/// ```
/// use convscope::prelude::*;
/// let methods: [&dyn Attribution; 3] = [&Saliency::default(), &GuidedBackprop, &GradCam::at("relu2")];
/// let figure = agreement(&zoo::digits()?, &data::digit(4, 2)?, Target::Top, &methods)?;
/// assert_eq!(figure.overlap.size(), [3, 3]);
/// # Ok::<(), convscope::Error>(())
/// ```
///
/// # Errors
///
/// Fewer than two methods; those of a method.
pub fn agreement(
    net: &Network,
    input: &impl Input,
    target: impl Into<Target>,
    methods: &[&dyn Attribution],
) -> Result<Agreement> {
    if methods.len() < 2 {
        return Err(Error::Argument(format!(
            "{} methods to compare; at least two are needed",
            methods.len()
        )));
    }
    let run = Run::of(net, input, target)?;
    let mut progress = Progress::new("agreement of methods");
    let mut maps = Vec::with_capacity(methods.len());
    for method in methods {
        let map = method.attribute(&run)?.maps_at(run.size())?;
        maps.push(values(&map)?.concat().into_iter().map(f64::abs).collect::<Vec<f64>>());
        let done = maps.len();
        progress.step(done, methods.len(), || format!("{done} of {} maps", methods.len()));
        progress.check(done, methods.len())?;
    }
    let count = maps.len();
    let pairs = |of: &dyn Fn(usize, usize) -> f64| -> Vec<f64> {
        (0..count * count).map(|at| of(at / count, at % count)).collect()
    };
    let matrix = |numbers: &[f64]| {
        let side = count as i64;
        let matrix = Tensor::f_from_slice(numbers).and_then(|all| all.f_view([side, side]));
        matrix.map_err(Error::torch("arranging the comparisons"))
    };
    let ranks = pairs(&|i, j| rank_correlation(&maps[i], &maps[j]));
    let overlaps = pairs(&|i, j| overlap(&maps[i], &maps[j], SHARE));
    let both = pairs(&|i, j| match i.cmp(&j) {
        std::cmp::Ordering::Less => ranks[i * count + j],
        std::cmp::Ordering::Equal => f64::NAN,
        std::cmp::Ordering::Greater => overlaps[i * count + j],
    });
    let names: Vec<String> = methods.iter().map(|method| method.name()).collect();
    let title =
        format!("Do the methods agree on {} in {}?", run.targets()?.name(net, 0), input.title());
    let blank: Vec<&str> = names
        .iter()
        .zip(&maps)
        .filter(|(_, map)| is_blank(map))
        .map(|(name, _)| name.as_str())
        .collect();
    let mut figure = Matrix::new(title, "agreement", names.clone(), &matrix(&both)?)?
        .note("above the diagonal: rank correlation of the maps' absolute values")
        .note("below it: the highest tenth of pixels, share in common (0.10 by chance)");
    if !blank.is_empty() {
        figure = figure.note(format!("nothing to compare, the map is blank: {}", blank.join(", ")));
    }
    let (rank_correlation, overlap) = (matrix(&ranks)?, matrix(&overlaps)?);
    Ok(Agreement { names, rank_correlation, overlap, figure })
}

impl Figure for Agreement {
    fn image(&self) -> Result<RgbImage> {
        self.figure.image()
    }

    fn description(&self) -> String {
        self.figure.description()
    }

    fn bundle(&self) -> Result<Bundle> {
        self.figure.bundle()
    }
}

crate::view::figures!(Agreement);
