//! One figure on how far to believe a map: deletion, insertion and randomization, with a sentence.

use std::time::{Duration, Instant};

use image::RgbImage;
use tch::{TchError, Tensor};

use super::pixels::curves;
use super::randomization::cascade;
use super::score::Scorer;
use super::verdict::{Findings, MOVED, Verdict};
use super::{Cascade, PixelCurves, PixelSteps, Randomization};
use crate::attribution::figure::figure;
use crate::attribution::{Attribution, Input, Run, Target};
use crate::live::Progress;
use crate::network::Network;
use crate::view::{Bundle, CheckPlot, Figure, MapReport, Panel, Series};
use crate::{Error, Result};

/// What is checked, and how thoroughly.
///
/// By default deletion and insertion in 28 steps, and 4 stages of re-initialization.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Checks {
    pixels: PixelSteps,
    stages: usize,
    seed: u64,
    time_limit: Option<Duration>,
}

impl Default for Checks {
    fn default() -> Self {
        Checks { pixels: PixelSteps::default(), stages: 4, seed: 0, time_limit: None }
    }
}

impl Checks {
    /// Sets how pixels are deleted and inserted.
    #[must_use]
    pub fn pixels(mut self, pixels: PixelSteps) -> Checks {
        self.pixels = pixels;
        self
    }

    /// Sets in how many stages the network is re-initialized.
    #[must_use]
    pub fn stages(mut self, stages: usize) -> Checks {
        self.stages = stages;
        self
    }

    /// Sets the seed of the new parameters.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Checks {
        self.seed = seed;
        self
    }

    /// After this time no further run is begun; what is missing then is said in the figure. The map
    /// and its own curves are made in any case.
    #[must_use]
    pub fn time_limit(mut self, time: Duration) -> Checks {
        self.time_limit = Some(time);
        self
    }
}

/// What [`trust`] returns: a figure with the map, its curves and a sentence, and the numbers.
///
/// **Deletion and insertion** are compared with the same map moved by half the image's height, by
/// half its width, and by both (what leaves at one edge comes in at the other): as smooth a map, at
/// the wrong place. They support a map that does better than each of these three. A map without
/// any relation to the score does so by chance in one case of four. The figure draws the mean of the
/// three curves. A random order of pixels is shown too, but is no fair yardstick: scattered single
/// pixels destroy a photo's texture at once, so even good smooth maps can look worse in deletion.
///
/// **Randomization** speaks against a map whose rank correlation (Spearman's, of absolute values)
/// is 0.8 or more with the map of a network whose top quarter of layers is re-initialized: that network
/// knows nothing of classes, so a class's map must change. The bound is where methods were seen to
/// part. On four photos through ResNet-18 the gradient comes to 0.19–0.33 then, input × gradient to
/// 0.31–0.45, Grad-CAM at `layer4` to at most 0.37, guided backpropagation to 0.80–0.94 and
/// deconvolution to 0.95–0.97. The digits network has four layers, of which one is re-initialized, and
/// the medians are 0.65, 0.73, 0.17, 0.91 and 0.50.
///
/// None of this says that the network is right, or that people would find the same parts telling.
#[non_exhaustive]
pub struct Trust {
    /// The numbers of deletion and insertion: the map, the same moved three times, and pixels in
    /// random order, in this order; fewer where time was over.
    pub curves: PixelCurves,
    /// How the map changes when layers are re-initialized.
    pub randomization: Randomization,
    /// The conclusion.
    pub verdict: Verdict,
    figure: MapReport,
}

/// Explains and checks: does the score follow the pixels that the map ranks first, and does the map
/// depend on what the network has learned? [`Trust`] says what is measured and how it is judged.
///
/// On ResNet-18 these are 290 runs of the network and five of the method.
///
/// ```
/// use convscope::prelude::*;
/// let figure = trust(&zoo::digits()?, &data::digit(4, 2)?, Target::Top, &Saliency::default())?;
/// assert!(figure.curves.deletion_auc()[0] < figure.curves.insertion_auc()[0]);
/// # Ok::<(), convscope::Error>(())
/// ```
///
/// # Errors
///
/// Those of the method.
pub fn trust(
    net: &Network,
    input: &impl Input,
    target: impl Into<Target>,
    method: &dyn Attribution,
) -> Result<Trust> {
    trust_with(net, input, target, method, Checks::default())
}

/// [`trust`] with options.
///
/// # Errors
///
/// Those of the method; no steps or stages.
pub fn trust_with(
    net: &Network,
    input: &impl Input,
    target: impl Into<Target>,
    method: &dyn Attribution,
    options: Checks,
) -> Result<Trust> {
    let start = Instant::now();
    // One run for the stop button, also between the checks.
    let _whole = Progress::new("trust").quiet(true);
    let run = Run::of(net, input, target)?.shown(input, method);
    let found = method.attribute(&run)?;

    let arrange = |error: TchError| Error::torch("moving the map")(error);
    let maps = yardsticks(&found.maps_at(run.size())?).map_err(arrange)?;
    let repeated = run.input().f_repeat([maps.size()[0], 1, 1, 1]).map_err(arrange)?;
    let variants = run.variants(repeated)?;
    let scorer = Scorer::new(&variants)?;
    let mut progress = Progress::new("deletion and insertion").time_limit(options.time_limit);
    let curves = curves(&scorer, &maps, options.pixels, &mut progress)?;

    let mut stages = Cascade::default().stages(options.stages).seed(options.seed);
    if let Some(time) = options.time_limit {
        stages = stages.time_limit(time.saturating_sub(start.elapsed()));
    }
    let randomization = cascade(&run, input, method, &found, stages)?;
    let findings = Findings::of(&curves, &randomization);
    let title = format!("Trust in {} for {}", method.name(), run.targets()?.name(net, 0));
    let heatmap = figure(&run, input, method, &found)?;
    let plots = plots(&curves, &randomization, scorer.unit());
    let report = MapReport::new(title, findings.sentence(), heatmap, plots)?;
    let report = findings.notes(&randomization).into_iter().fold(report, MapReport::note);
    Ok(Trust { verdict: findings.verdict(), curves, randomization, figure: report })
}

/// The map `[1, H, W]`, the same moved three ways, and a blank one, whose pixels come in random
/// order: `[5, H, W]`.
fn yardsticks(map: &Tensor) -> Result<Tensor, TchError> {
    let size = map.size();
    let (down, right) = (size[1] / 2, size[2] / 2);
    let moved = |by: [i64; 2]| map.f_roll(by, [1, 2]);
    let blank = map.f_zeros_like()?;
    let map = map.shallow_clone();
    let all = [map, moved([down, 0])?, moved([0, right])?, moved([down, right])?, blank];
    Tensor::f_cat(&all, 0)
}

fn plots(curves: &PixelCurves, randomization: &Randomization, unit: &str) -> Vec<CheckPlot> {
    let plot = |label: &str, x_label: &str, series: Vec<Series>| CheckPlot {
        panel: Panel::new(label, series),
        x_label: x_label.to_owned(),
    };
    let series = |all: &[Vec<f64>]| {
        let moved = 1..(1 + MOVED).min(all.len());
        let each = [
            ("this map", 0..1),
            ("moved elsewhere", moved),
            ("random pixels", MOVED + 1..MOVED + 2),
        ];
        let curve = |some: &[Vec<f64>]| {
            let mean = |at: usize| {
                let values = some.iter().filter_map(|curve| curve.get(at));
                values.sum::<f64>() / some.len() as f64
            };
            (0..).zip(&curves.shares).map(|(at, &share)| (share, mean(at))).collect()
        };
        let each = each.into_iter().filter_map(|(name, rows)| Some((name, all.get(rows)?)));
        let each = each.filter(|(_, some)| !some.is_empty());
        each.map(|(name, some)| Series::new(name, curve(some))).collect()
    };
    vec![
        plot(&format!("Deletion: {unit}"), "fraction of pixels deleted", series(&curves.deletion)),
        plot(
            &format!("Insertion: {unit}"),
            "fraction of pixels inserted",
            series(&curves.insertion),
        ),
        plot(
            "Similarity to the original map",
            "fraction of layers re-initialized",
            vec![randomization.similarity()],
        ),
    ]
}

impl Trust {
    /// The conclusion in words.
    pub fn sentence(&self) -> &str {
        &self.figure.sentence
    }
}

impl Figure for Trust {
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

crate::view::figures!(Trust);
