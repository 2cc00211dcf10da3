//! Cascading randomization: does the map depend on what the network has learned? Its layers are
//! re-initialized from the output down, and the maps compared with the first.
//!
//! Adebayo, Gilmer, Muelly, Goodfellow, Hardt, Kim, "Sanity Checks for Saliency Maps", 2018
//! ([arXiv:1810.03292](https://arxiv.org/abs/1810.03292)).

use std::time::Duration;

use image::RgbImage;
use tch::Tensor;

use super::pixels::values;
use super::similarity::{is_blank, rank_correlation, structural_similarity};
use crate::attribution::figure::{AMONG_OTHERS, input_size};
use crate::attribution::method::single;
use crate::attribution::{Attribution, Attributions, Input, Run, Target};
use crate::live::{Progress, stopped};
use crate::network::Network;
use crate::view::{Bundle, Curves, Figure, Heatmap, Heatmaps, Panel, ScaleSharing, Series};
use crate::{Error, Result};

/// How layers are re-initialized.
///
/// By default each layer (a convolution or a linear layer with the normalizations after it) is a stage.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cascade {
    stages: usize,
    seed: u64,
    time_limit: Option<Duration>,
}

impl Default for Cascade {
    fn default() -> Self {
        Cascade { stages: usize::MAX, seed: 0, time_limit: None }
    }
}

impl Cascade {
    /// Sets the number of stages, each of about as many layers.
    #[must_use]
    pub fn stages(mut self, stages: usize) -> Cascade {
        self.stages = stages;
        self
    }

    /// Sets the seed; one seed always gives the same parameters.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Cascade {
        self.seed = seed;
        self
    }

    /// After this time no further stage is begun.
    #[must_use]
    pub fn time_limit(mut self, time: Duration) -> Cascade {
        self.time_limit = Some(time);
        self
    }
}

/// One stage: the map of the network with all layers re-initialized from the output down to this one.
#[derive(Debug)]
#[non_exhaustive]
pub struct Stage {
    /// The lowest layer re-initialized.
    pub layer: String,
    /// The share of layers re-initialized so far, from 0 to 1.
    pub share: f64,
    /// Spearman's rank correlation of the absolute values with those of the first map, from -1 to 1;
    /// NaN, undefined, where one of the maps is blank.
    pub rank_correlation: f64,
    /// Structural similarity of the absolute values, each map stretched to 0…1, from -1 to 1.
    pub structural_similarity: f64,
    /// The map, `[h, w]`, as the method's figure holds it.
    pub map: Tensor,
}

/// What [`randomization`] returns: a figure of how the similarity of the maps falls, the maps
/// ([`maps`](Randomization::maps)) and the numbers ([`stages`](Randomization::stages)).
pub struct Randomization {
    title: String,
    note: String,
    /// Whether the first map is the same everywhere.
    pub(super) is_blank: bool,
    picture: RgbImage,
    size: [u32; 2],
    unit: String,
    first: Tensor,
    stages: Vec<Stage>,
}

/// Explains one class again and again while the network's layers are re-initialized from the output
/// down; see [`Cascade`]. The network itself is not touched.
///
/// A map that hardly changes shows the image, not what the network has learned. The gradient and
/// Grad-CAM fall apart; guided backpropagation barely changes.
///
/// ```
/// use convscope::prelude::*;
/// let net = zoo::digits()?;
/// let check = randomization(&net, &data::digit(4, 2)?, Target::Top, &Saliency::default())?;
/// let layers: Vec<&str> = check.stages().iter().map(|stage| stage.layer.as_str()).collect();
/// assert_eq!(layers, ["fc2", "fc1", "conv2", "conv1"]);
/// # Ok::<(), convscope::Error>(())
/// ```
///
/// # Errors
///
/// Those of the method; a network without convolutions and linear layers.
pub fn randomization(
    net: &Network,
    input: &impl Input,
    target: impl Into<Target>,
    method: &dyn Attribution,
) -> Result<Randomization> {
    randomization_with(net, input, target, method, Cascade::default())
}

/// [`randomization`] with options.
///
/// # Errors
///
/// As [`randomization`]; no stages.
pub fn randomization_with(
    net: &Network,
    input: &impl Input,
    target: impl Into<Target>,
    method: &dyn Attribution,
    options: Cascade,
) -> Result<Randomization> {
    let run = Run::of(net, input, target)?;
    let first = method.attribute(&run)?;
    cascade(&run, input, method, &first, options)
}

/// The same from values that are there.
pub(super) fn cascade(
    run: &Run<'_>,
    input: &impl Input,
    method: &dyn Attribution,
    first: &Attributions,
    options: Cascade,
) -> Result<Randomization> {
    let net = run.network();
    let layers = net.weighted_layers(run.targets()?.node);
    if layers.is_empty() || options.stages == 0 {
        return Err(Error::Argument(format!(
            "{} has {} convolutions and linear layers to re-initialize, in {} stages; at least one \
             of each is needed",
            net.name(),
            layers.len(),
            options.stages
        )));
    }
    // Absolute values at the input's size, as a map and as numbers.
    let compared = |found: &Attributions| -> Result<(Tensor, Vec<f64>)> {
        let maps = found.maps_at(run.size())?;
        let maps = maps.f_abs().map_err(Error::torch("reading the map"))?;
        Ok((single(&maps)?, values(&maps)?.concat()))
    };
    let (map, numbers) = compared(first)?;
    let mut progress =
        Progress::new(format!("randomization of {}", net.name())).time_limit(options.time_limit);
    // From the top: how many layers are re-initialized after each stage.
    let count = options.stages.min(layers.len());
    let (mut stages, mut changed, mut end) = (Vec::new(), None, net.nodes().len());
    for stage in 1..=count {
        if progress.is_over() {
            break;
        }
        let done = (stage * layers.len()).div_ceil(count);
        let lowest = layers[layers.len() - done];
        let current = changed.as_ref().unwrap_or(net).reinitialized(lowest..end, options.seed)?;
        let found = method.attribute(&run.on_network(&current)?)?;
        let (there, others) = compared(&found)?;
        stages.push(Stage {
            layer: net.nodes()[lowest].name.clone(),
            share: done as f64 / layers.len() as f64,
            rank_correlation: rank_correlation(&numbers, &others),
            structural_similarity: structural_similarity(&map, &there)?,
            map: single(&found.maps()?)?,
        });
        (changed, end) = (Some(current), lowest);
        progress.step(stage, count, || format!("{stage} of {count} maps"));
    }
    let mut note = format!(
        "re-initialized from {} down to {}",
        layers.last().map_or("", |&top| &net.nodes()[top].name),
        stages.last().map_or("nothing", |stage| &stage.layer)
    );
    if let Some(stopped) = stopped(stages.len(), count) {
        note.push_str(&format!("; {stopped} stages"));
    }
    let undefined = stages.iter().filter(|stage| stage.rank_correlation.is_nan()).count();
    if undefined > 0 {
        note.push_str(&format!(
            "; the rank correlation is undefined beside a blank map, in {undefined} of {} stages",
            stages.len()
        ));
    }
    Ok(Randomization {
        title: format!("Does the map depend on the parameters? {}", method.name()),
        note,
        is_blank: is_blank(&numbers),
        picture: input.shown(net, AMONG_OTHERS)?,
        size: input_size(run.input()),
        unit: first.unit.clone(),
        first: single(&first.maps()?)?,
        stages,
    })
}

impl Randomization {
    /// The stages with their numbers, the topmost layer first.
    pub fn stages(&self) -> &[Stage] {
        &self.stages
    }

    /// How the similarity of the maps falls, as a figure.
    pub fn curves(&self) -> Curves {
        let structure = self.series("structural similarity", |stage| stage.structural_similarity);
        let panel =
            Panel::new("similarity to the original map", vec![self.similarity(), structure]);
        let label = "fraction of layers re-initialized, from the output down";
        Curves::new(&self.title, label, vec![panel]).note(&self.note)
    }

    /// The rank correlation by the fraction of layers re-initialized.
    pub(super) fn similarity(&self) -> Series {
        self.series("rank correlation", |stage| stage.rank_correlation)
    }

    fn series(&self, name: &str, of: fn(&Stage) -> f64) -> Series {
        let points = self.stages.iter().map(|stage| (stage.share, of(stage)));
        Series::new(name, [(0.0, 1.0)].into_iter().chain(points).collect())
    }

    /// How far down layers were re-initialized.
    pub(super) fn note(&self) -> &str {
        &self.note
    }

    /// The maps side by side, each on its own scale.
    pub fn maps(&self) -> Result<Heatmaps> {
        let heatmap = |values: &Tensor| -> Result<Heatmap> {
            let map = Heatmap::new(&self.title, &self.unit, self.picture.clone(), values)?;
            Ok(map.input_size(self.size[0], self.size[1]))
        };
        let first = Ok(("as trained".to_owned(), heatmap(&self.first)?));
        let stages = self.stages.iter().map(|stage| {
            let label = match stage.rank_correlation {
                undefined if undefined.is_nan() => format!("{} (undefined)", stage.layer),
                correlation => format!("{} ({correlation:+.2})", stage.layer),
            };
            Ok((label, heatmap(&stage.map)?))
        });
        let maps = [first].into_iter().chain(stages).collect::<Result<Vec<_>>>()?;
        let figure =
            Heatmaps::new(&self.title, maps)?.scale_sharing(ScaleSharing::Each).opacity(0.85);
        Ok(figure.note(&self.note).note("in brackets: rank correlation with the first map"))
    }
}

impl Figure for Randomization {
    fn image(&self) -> Result<RgbImage> {
        self.curves().image()
    }

    fn description(&self) -> String {
        self.curves().description()
    }

    fn bundle(&self) -> Result<Bundle> {
        self.curves().bundle()
    }
}

crate::view::figures!(Randomization);
