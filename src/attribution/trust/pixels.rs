//! Deletion and insertion: does the score follow the pixels that the map ranks first?
//!
//! Petsiuk, Das, Saenko, "RISE: Randomized Input Sampling for Explanation of Black-box Models", 2018
//! ([arXiv:1806.07421](https://arxiv.org/abs/1806.07421)).

use tch::{Device, Kind, TchError, Tensor};

use super::score::Scorer;
use crate::attribution::perturbation::baseline;
use crate::attribution::{Baseline, Run};
use crate::error::shape_text;
use crate::limits::check_count;
use crate::live::Progress;
use crate::random::Random;
use crate::{Error, Result};

/// How pixels are deleted and inserted.
///
/// By default in 28 steps, deleted pixels become 0 in the prepared image, and pixels are inserted into
/// the blurred image.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PixelSteps {
    steps: usize,
    delete_to: Baseline,
    insert_into: Baseline,
    seed: u64,
}

impl Default for PixelSteps {
    fn default() -> Self {
        let (delete_to, insert_into) = (Baseline::Zero, Baseline::Blur);
        PixelSteps { steps: 28, delete_to, insert_into, seed: 0 }
    }
}

impl PixelSteps {
    /// Sets the number of equal steps. The paper's code takes 28 for 224×224 pixels.
    #[must_use]
    pub fn steps(mut self, steps: usize) -> PixelSteps {
        self.steps = steps;
        self
    }

    /// Sets what deleted pixels become.
    #[must_use]
    pub fn delete_to(mut self, baseline: Baseline) -> PixelSteps {
        self.delete_to = baseline;
        self
    }

    /// Sets what the image is before its pixels are inserted.
    #[must_use]
    pub fn insert_into(mut self, baseline: Baseline) -> PixelSteps {
        self.insert_into = baseline;
        self
    }

    /// Sets the seed for the order of pixels of equal value, which is random: a blank map gives a random
    /// order.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> PixelSteps {
        self.seed = seed;
        self
    }
}

/// The score of each image while its pixels are deleted, or inserted, the highest of the map first.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct PixelCurves {
    /// The share of pixels deleted or inserted at each point, from 0 to 1: `steps + 1` of them.
    pub shares: Vec<f64>,
    /// For each image, its score at each share: a class's probability, or the target's score.
    /// A good map lets it fall at once.
    pub deletion: Vec<Vec<f64>>,
    /// The same while pixels are inserted. A good map lets it rise at once.
    pub insertion: Vec<Vec<f64>>,
}

impl PixelCurves {
    /// The area under each image's deletion curve by the trapezoidal rule: lower is better.
    pub fn deletion_auc(&self) -> Vec<f64> {
        self.deletion.iter().map(|curve| area(&self.shares, curve)).collect()
    }

    /// The area under each image's insertion curve: higher is better.
    pub fn insertion_auc(&self) -> Vec<f64> {
        self.insertion.iter().map(|curve| area(&self.shares, curve)).collect()
    }
}

fn area(xs: &[f64], ys: &[f64]) -> f64 {
    let (xs, ys) = (xs.windows(2), ys.windows(2));
    xs.zip(ys).map(|(x, y)| (x[1] - x[0]) * (y[0] + y[1]) / 2.0).sum()
}

/// Deletes and inserts the pixels of each image of a run in the order of its map `[N, H, W]`, highest
/// first (signed maps too: what lowers the score comes last), and follows the score. All runs on the
/// network's device.
///
/// ```
/// use convscope::attribution::{Attribution, Run, pixel_curves};
/// use convscope::prelude::*;
/// let net = zoo::digits()?;
/// let run = Run::of(&net, &data::digit(4, 2)?, 4)?;
/// let maps = InputTimesGradient.attribute(&run)?.maps()?;
/// let curves = pixel_curves(&run, &maps, PixelSteps::default())?;
/// assert!(curves.insertion_auc()[0] > curves.deletion_auc()[0]);
/// # Ok::<(), convscope::Error>(())
/// ```
///
/// # Errors
///
/// Maps of another size; values that are not finite, which have no order; no steps.
pub fn pixel_curves(run: &Run<'_>, maps: &Tensor, options: PixelSteps) -> Result<PixelCurves> {
    let scorer = Scorer::new(run)?;
    curves(&scorer, maps, options, &mut Progress::new("deletion and insertion"))
}

pub(super) fn curves(
    scorer: &Scorer<'_>,
    maps: &Tensor,
    options: PixelSteps,
    progress: &mut Progress,
) -> Result<PixelCurves> {
    let input = scorer.input;
    let size = input.size();
    let (images, pixels) = (size[0] as usize, size[2] * size[3]);
    check_count("steps of deletion and insertion", options.steps, 28)?;
    if maps.size() != [size[0], size[2], size[3]] {
        return Err(Error::Argument(format!(
            "deletion and insertion by maps {}: a map is needed for each image, [{}, {}, {}], as \
             `Attributions::maps_at` gives them",
            shape_text(&maps.size()),
            size[0],
            size[2],
            size[3]
        )));
    }
    let failed = || Error::torch("ordering the pixels");
    let places = ranks(maps, options.seed)?.f_to_device(input.device()).map_err(failed())?;
    let count = |step: usize| (step as f64 * pixels as f64 / options.steps as f64).round() as i64;
    let made = |of: Baseline| baseline(input, of).map_err(failed());
    let (deleted, empty) = (made(options.delete_to)?, made(options.insert_into)?);

    // Of each image first all steps of deletion, then all of insertion.
    let points = options.steps + 1;
    let variant = |at: usize| {
        let (image, step) = ((at / (2 * points)) as i64, at % points);
        let first = places.f_narrow(0, image, 1)?.f_lt(count(step))?.f_unsqueeze(1)?;
        let one = |tensor: &Tensor| tensor.f_narrow(0, image, 1);
        match at / points % 2 {
            0 => one(&deleted)?.f_where_self(&first, &one(input)?),
            _ => one(input)?.f_where_self(&first, &one(&empty)?),
        }
    };
    let all = 2 * points * images;
    let scores = scorer.run(
        [all, 2 * points],
        progress,
        |at| at / (2 * points),
        |range| Tensor::f_cat(&range.map(variant).collect::<Result<Vec<_>, TchError>>()?, 0),
    )?;
    // Where time was over, the last image may lack points.
    let mut curves = scores.chunks_exact(points).map(<[f64]>::to_vec);
    let (mut deletion, mut insertion) = (Vec::new(), Vec::new());
    while let (Some(gone), Some(come)) = (curves.next(), curves.next()) {
        deletion.push(gone);
        insertion.push(come);
    }
    let shares = (0..points).map(|step| count(step) as f64 / pixels as f64).collect();
    Ok(PixelCurves { shares, deletion, insertion })
}

/// Of each map's pixels the place in its order, `[N, H, W]`, 0 for the highest value.
fn ranks(maps: &Tensor, seed: u64) -> Result<Tensor> {
    let failed = || Error::torch("reading the maps");
    let mut all: Vec<i64> = Vec::with_capacity(maps.numel());
    for (row, map) in values(maps)?.iter().enumerate() {
        if map.iter().any(|value| !value.is_finite()) {
            return Err(Error::Argument(
                "a map has values that are not finite, so its pixels have no order; does the \
                 network compute NaN for this image?"
                    .to_owned(),
            ));
        }
        let mut order = Random(seed.wrapping_add(row as u64)).order(map.len() as i64);
        // Stable, so that pixels of equal value stay in their random order.
        order.sort_by(|&a, &b| map[b as usize].total_cmp(&map[a as usize]));
        let mut ranks = vec![0; map.len()];
        for (rank, &pixel) in (0..).zip(&order) {
            ranks[pixel as usize] = rank;
        }
        all.extend(ranks);
    }
    Tensor::f_from_slice(&all).and_then(|all| all.f_view(maps.size().as_slice())).map_err(failed())
}

/// The numbers of each map of `[N, H, W]`.
pub(super) fn values(maps: &Tensor) -> Result<Vec<Vec<f64>>> {
    let failed = || Error::torch("reading the maps");
    let count = maps.size().first().copied().unwrap_or_default();
    let maps = maps
        .f_detach()
        .and_then(|maps| maps.f_to_device(Device::Cpu)?.f_to_kind(Kind::Double))
        .map_err(failed())?;
    let row = |row: i64| maps.f_get(row).and_then(|map| Vec::try_from(map.f_reshape([-1])?));
    (0..count).map(|at| row(at).map_err(failed())).collect()
}
