//! Cascading randomisation: does the map depend on what the network has learned? Its parameters are
//! drawn anew from the output down, layer by layer, and the maps compared with the first.
//!
//! Adebayo, Gilmer, Muelly, Goodfellow, Hardt, Kim, "Sanity Checks for Saliency Maps", 2018
//! ([arXiv:1810.03292](https://arxiv.org/abs/1810.03292)).

use std::time::Duration;

use image::RgbImage;
use tch::Tensor;

use super::pixels::values;
use super::similarity::{rank_correlation, structural_similarity};
use crate::attribution::explained::{AMONG_OTHERS, view};
use crate::attribution::method::{enlarged, explain, fixed, only_target};
use crate::attribution::{Method, Target};
use crate::network::Network;
use crate::progress::Progress;
use crate::view::{Bundle, Curves, Figure, Heatmap, Heatmaps, Panel, Series, Share};
use crate::{Error, Photo, Result};

/// How the parameters are drawn anew.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cascade {
    /// In how many stages, each of about as many layers (convolutions and linear layers with the
    /// normalisations after them). `usize::MAX` makes each layer a stage.
    pub stages: usize,
    /// One seed always gives the same parameters.
    pub seed: u64,
    /// The time after which no further stage is begun.
    pub at_most: Option<Duration>,
}

impl Default for Cascade {
    fn default() -> Self {
        Cascade { stages: usize::MAX, seed: 0, at_most: None }
    }
}

/// One stage: the map of the network with parameters drawn anew from the output down to a layer.
#[derive(Debug)]
pub struct Stage {
    /// The lowest layer drawn anew.
    pub layer: String,
    /// The share of layers drawn anew so far, from 0 to 1.
    pub share: f64,
    /// Spearman's rank correlation of the absolute values with those of the first map, from -1 to 1;
    /// 0 where one of the maps is blank.
    pub rank_correlation: f64,
    /// Structural similarity of the absolute values, each map stretched to 0…1, from -1 to 1.
    pub structural_similarity: f64,
    /// The map, `[h, w]`, as the method's figure holds it.
    pub map: Tensor,
}

/// What [`randomisation`] returns: a figure of how the maps' likeness falls, their pictures
/// ([`maps`](Randomisation::maps)) and the numbers ([`stages`](Randomisation::stages)).
pub struct Randomisation {
    title: String,
    note: String,
    picture: RgbImage,
    size: [u32; 2],
    unit: String,
    first: Tensor,
    stages: Vec<Stage>,
}

/// Explains one class again and again while the network's parameters are drawn anew from the output
/// down; see [`Cascade`]. The network itself is not touched.
///
/// A map that hardly changes shows the picture, not what the network has learned. The gradient and
/// Grad-CAM fall apart; guided backpropagation barely changes.
///
/// Errors: those of the method; a network without convolutions and linear layers.
///
/// ```
/// use convscope::prelude::*;
/// let net = zoo::digits()?;
/// let check = randomisation(&net, &data::digit(4, 2)?, Target::Top, &Method::saliency())?;
/// let layers: Vec<&str> = check.stages().iter().map(|stage| stage.layer.as_str()).collect();
/// assert_eq!(layers, ["fc2", "fc1", "conv2", "conv1"]);
/// # Ok::<(), convscope::Error>(())
/// ```
pub fn randomisation(
    net: &Network,
    photo: &Photo,
    target: impl Into<Target>,
    method: &Method,
) -> Result<Randomisation> {
    randomisation_by(net, photo, target, method, Cascade::default())
}

/// The same with options.
pub fn randomisation_by(
    net: &Network,
    photo: &Photo,
    target: impl Into<Target>,
    method: &Method,
    options: Cascade,
) -> Result<Randomisation> {
    let (_, targets) = fixed(net, &net.prepare(photo)?, &[target.into()])?;
    let target = only_target(&targets);
    let first = explain(net, photo, target.clone(), method)?;
    cascade(net, photo, &target, method, &first, options)
}

/// The same from a map that is there; the target must not be [`Target::Top`].
pub(super) fn cascade(
    net: &Network,
    photo: &Photo,
    target: &Target,
    method: &Method,
    first: &Heatmap,
    options: Cascade,
) -> Result<Randomisation> {
    let (aim, _) = fixed(net, &net.prepare(photo)?, std::slice::from_ref(target))?;
    let layers = net.weighted_layers(aim.node);
    if layers.is_empty() || options.stages == 0 {
        return Err(Error::Argument(format!(
            "{} has {} convolutions and linear layers to draw anew, in {} stages; at least one of \
             each is needed",
            net.name(),
            layers.len(),
            options.stages
        )));
    }
    let [_, height, width] = net.preprocess().input_shape();
    let at_size = |map: &Tensor| -> Result<(Tensor, Vec<f64>)> {
        let failed = || Error::torch("reading the map");
        let map = map.f_unsqueeze(0).map_err(failed())?;
        let map = enlarged(&map, [height, width])?.f_abs().map_err(failed())?;
        let numbers = values(&map)?.concat();
        Ok((map.f_squeeze_dim(0).map_err(failed())?, numbers))
    };
    let (map, numbers) = at_size(first.values())?;
    let mut progress =
        Progress::new(format!("randomisation of {}", net.name())).at_most(options.at_most);
    // From the top: how many layers are drawn anew after each stage.
    let count = options.stages.min(layers.len());
    let (mut stages, mut redrawn, mut end) = (Vec::new(), None, net.nodes().len());
    for stage in 1..=count {
        if progress.is_over() {
            break;
        }
        let done = (stage * layers.len()).div_ceil(count);
        let lowest = layers[layers.len() - done];
        let current = redrawn.as_ref().unwrap_or(net).redrawn(lowest..end, options.seed)?;
        let heatmap = explain(&current, photo, target.clone(), method)?;
        let (there, others) = at_size(heatmap.values())?;
        stages.push(Stage {
            layer: net.nodes()[lowest].name.clone(),
            share: done as f64 / layers.len() as f64,
            rank_correlation: rank_correlation(&numbers, &others),
            structural_similarity: structural_similarity(&map, &there)?,
            map: heatmap.values().shallow_clone(),
        });
        (redrawn, end) = (Some(current), lowest);
        progress.step(stage, count, || format!("{stage} of {count} maps"));
    }
    let mut note = format!(
        "parameters drawn anew from {} down to {}",
        layers.last().map_or("", |&top| &net.nodes()[top].name),
        stages.last().map_or("nothing", |stage| &stage.layer)
    );
    if stages.len() < count {
        note.push_str(&format!("; then time was over, after {} of {count} stages", stages.len()));
    }
    let (picture, size) = view(net, photo, AMONG_OTHERS)?;
    Ok(Randomisation {
        title: format!("Does the map depend on the parameters? {}", method.name()),
        note,
        picture,
        size,
        unit: first.unit.clone(),
        first: first.values().shallow_clone(),
        stages,
    })
}

impl Randomisation {
    /// The stages with their numbers, the topmost layer first.
    pub fn stages(&self) -> &[Stage] {
        &self.stages
    }

    /// How the maps' likeness falls, as a figure.
    pub fn curves(&self) -> Curves {
        let structure = self.series("structural similarity", |stage| stage.structural_similarity);
        let panel = Panel::new("likeness to the map as trained", vec![self.likeness(), structure]);
        let label = "share of layers drawn anew, from the output down";
        Curves::new(&self.title, label, vec![panel]).note(&self.note)
    }

    /// The rank correlation by the share of layers drawn anew.
    pub(super) fn likeness(&self) -> Series {
        self.series("rank correlation", |stage| stage.rank_correlation)
    }

    fn series(&self, name: &str, of: fn(&Stage) -> f64) -> Series {
        let points = self.stages.iter().map(|stage| (stage.share, of(stage)));
        Series::new(name, [(0.0, 1.0)].into_iter().chain(points).collect())
    }

    /// How far down parameters were drawn anew.
    pub(super) fn note(&self) -> &str {
        &self.note
    }

    /// The maps side by side, each on its own scale.
    pub fn maps(&self) -> Result<Heatmaps> {
        let heatmap = |values: &Tensor| {
            let map = Heatmap::new(&self.title, &self.unit, self.picture.clone(), values)?;
            Ok(map.input_size(self.size[0], self.size[1]))
        };
        let first = Ok(("as trained".to_owned(), heatmap(&self.first)?));
        let stages = self.stages.iter().map(|stage| {
            let label = format!("{} ({:+.2})", stage.layer, stage.rank_correlation);
            Ok((label, heatmap(&stage.map)?))
        });
        let maps = [first].into_iter().chain(stages).collect::<Result<Vec<_>>>()?;
        let figure = Heatmaps::new(&self.title, maps)?.share(Share::Each).opacity(0.85);
        Ok(figure.note(&self.note).note("in brackets: rank correlation with the first map"))
    }
}

impl Figure for Randomisation {
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

impl std::fmt::Debug for Randomisation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.description())
    }
}
