//! One figure on how far to believe a map: deletion, insertion and randomisation, with a sentence.

use std::time::{Duration, Instant};

use image::RgbImage;
use tch::{TchError, Tensor};

use super::pixels::curves;
use super::randomisation::cascade;
use super::score::Scorer;
use super::verdict::{Findings, MOVED, Verdict};
use super::{Cascade, PixelCurves, PixelSteps, Randomisation};
use crate::attribution::method::{enlarged, explain, fixed, only_target};
use crate::attribution::{Method, Target};
use crate::network::Network;
use crate::progress::Progress;
use crate::view::{Bundle, Evidence, Figure, Panel, Series, Test};
use crate::{Error, Photo, Result};

/// What is checked, and how thoroughly.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Checks {
    /// Deletion and insertion.
    pub pixels: PixelSteps,
    /// In how many stages the parameters are drawn anew.
    pub stages: usize,
    /// The seed of the new parameters.
    pub seed: u64,
    /// The time after which no further run is begun; what is missing then is said in the figure. The
    /// map and its own curves are made in any case.
    pub at_most: Option<Duration>,
}

impl Default for Checks {
    fn default() -> Self {
        Checks { pixels: PixelSteps::default(), stages: 4, seed: 0, at_most: None }
    }
}

/// What [`trust`] returns: a figure with the map, its curves and a sentence, and the numbers.
///
/// **Deletion and insertion** are compared with the same map moved by half the picture's height, by
/// half its width, and by both (what leaves at one edge comes in at the other): as smooth a map, at
/// the wrong place. They speak for a map that does better than each of these three. A map without
/// any relation to the score does so by chance in one case of four. The figure draws the mean of the
/// three curves. A random order of pixels is shown too, but is no fair yardstick: scattered single
/// pixels destroy a photo's texture at once, so even good smooth maps can look worse in deletion.
///
/// **Randomisation** speaks against a map whose rank correlation (Spearman's, of absolute values)
/// is 0.8 or more with the map of a network whose top quarter of layers is drawn anew: that network
/// knows nothing of classes, so a class's map must change. The bound is where methods were seen to
/// part. On four photos through ResNet-18 the gradient comes to 0.19–0.33 then, input × gradient to
/// 0.31–0.45, Grad-CAM at `layer4` to at most 0.37, guided backpropagation to 0.80–0.94 and
/// deconvolution to 0.95–0.97. The digits network has four layers, of which one is drawn anew, and
/// the medians are 0.65, 0.73, 0.17, 0.91 and 0.50.
///
/// None of this says that the network is right, or that people would find the same parts telling.
#[derive(Debug)]
pub struct Trust {
    /// The numbers of deletion and insertion: the map, the same moved three times, and pixels in
    /// random order, in this order; fewer where time was over.
    pub curves: PixelCurves,
    /// How the map changes when the parameters are drawn anew.
    pub randomisation: Randomisation,
    /// The conclusion.
    pub verdict: Verdict,
    figure: Evidence,
}

/// Explains and checks: does the score follow the pixels that the map ranks first, and does the map
/// depend on what the network has learned? [`Trust`] says what is measured and how it is judged.
///
/// On ResNet-18 these are 290 runs of the network and five of the method.
///
/// Errors: those of the method.
///
/// ```
/// use convscope::prelude::*;
/// let figure = trust(&zoo::digits()?, &data::digit(4, 2)?, Target::Top, &Method::saliency())?;
/// assert!(figure.curves.deletion_auc()[0] < figure.curves.insertion_auc()[0]);
/// # Ok::<(), convscope::Error>(())
/// ```
pub fn trust(
    net: &Network,
    photo: &Photo,
    target: impl Into<Target>,
    method: &Method,
) -> Result<Trust> {
    trust_by(net, photo, target, method, Checks::default())
}

/// The same with options.
pub fn trust_by(
    net: &Network,
    photo: &Photo,
    target: impl Into<Target>,
    method: &Method,
    options: Checks,
) -> Result<Trust> {
    let start = Instant::now();
    let input = net.prepare(photo)?;
    let (_, targets) = fixed(net, &input, &[target.into()])?;
    let target = only_target(&targets);
    let heatmap = explain(net, photo, target.clone(), method)?;

    let arrange = |error: TchError| Error::torch("moving the map")(error);
    let map = heatmap.values().f_unsqueeze(0).map_err(arrange)?;
    let size = input.size();
    let maps = yardsticks(&enlarged(&map, [size[2], size[3]])?).map_err(arrange)?;
    let count = maps.size()[0];
    let inputs = input.f_repeat([count, 1, 1, 1]).map_err(arrange)?;
    let scorer = Scorer::new(net, &inputs, &vec![target.clone(); count as usize])?;
    let mut progress = Progress::new("deletion and insertion").at_most(options.at_most);
    let curves = curves(&scorer, &maps, options.pixels, &mut progress)?;

    let left = options.at_most.map(|time| time.saturating_sub(start.elapsed()));
    let drawn = Cascade { stages: options.stages, seed: options.seed, at_most: left };
    let randomisation = cascade(net, photo, &target, method, &heatmap, drawn)?;
    let found = Findings::of(&curves, &randomisation);
    let title = format!("Trust in {} of {}", method.name(), scorer.name(0));
    let figure = Evidence::new(
        title,
        found.sentence(),
        heatmap,
        tests(&curves, &randomisation, scorer.unit()),
    )?;
    let figure = found.notes(&randomisation).into_iter().fold(figure, Evidence::note);
    Ok(Trust { verdict: found.verdict(), curves, randomisation, figure })
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

fn tests(curves: &PixelCurves, randomisation: &Randomisation, unit: &str) -> Vec<Test> {
    let test = |label: &str, x_label: &str, series: Vec<Series>| Test {
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
        test(&format!("Deletion: {unit}"), "share of pixels deleted", series(&curves.deletion)),
        test(&format!("Insertion: {unit}"), "share of pixels inserted", series(&curves.insertion)),
        test("Likeness of the map", "share of layers drawn anew", vec![randomisation.likeness()]),
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
