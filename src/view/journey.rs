//! How a picture travels through a network: one row per layer, each with a few of its maps.

use image::RgbImage;

use super::color::{ColorMap, ColorScale};
use super::grid::Grid;
use super::maps::{Maps, as_maps, by_strength};
use super::tiles::{Block, Layout, MOST_TILES, WIDEST};
use super::values::{IntoValues, Values};
use super::{Bundle, Figure};
use crate::{Error, Result};

const GAP: u32 = 6;
/// A map is shown at most so large.
const LARGEST: u32 = 112;

/// A few maps of each of several layers on one picture, each layer on its own scale.
///
/// The strongest maps of each layer are shown, by mean magnitude, or with
/// [`evenly`](Journey::evenly) some from its first channel to its last. Each row says the layer's
/// name and shape. In a notebook, the pointer reads values, and a click enlarges a map over the photo.
///
/// ```
/// # use convscope::prelude::*;
/// let net = zoo::digits()?;
/// let journey = net.journey(&data::digit(5, 0)?, &["relu1", "relu2"])?;
/// journey.maps(4).mean().save(std::env::temp_dir().join("journey.png"))?;
/// # Ok::<(), convscope::Error>(())
/// ```
#[derive(Clone)]
pub struct Journey {
    /// What the figure is called.
    pub title: String,
    photo: RgbImage,
    layers: Vec<(String, Values)>,
    maps: usize,
    evenly: bool,
    mean: bool,
    map: ColorMap,
}

impl Journey {
    /// A figure of layers by name, each `[C, H, W]` or `[C]`, on the photo as the network sees it.
    ///
    /// # Errors
    ///
    /// No layer; another shape.
    pub fn new(
        title: impl Into<String>,
        photo: RgbImage,
        layers: Vec<(String, impl IntoValues)>,
    ) -> Result<Journey> {
        if layers.is_empty() || photo.is_empty() {
            let problem = "a photo and at least one layer are needed";
            return Err(Error::Argument(problem.to_owned()));
        }
        let layers = layers
            .into_iter()
            .map(|(name, values)| Ok((name, as_maps(values.into_values()?)?)))
            .collect::<Result<_>>()?;
        let (title, map) = (title.into(), ColorMap::Viridis);
        Ok(Journey { title, photo, layers, maps: 6, evenly: false, mean: false, map })
    }

    /// Shows so many maps of each layer; at least one, and 6 unless set.
    #[must_use]
    pub fn maps(mut self, maps: usize) -> Self {
        self.maps = maps.clamp(1, MOST_TILES);
        self
    }

    /// Shows channels at even distances instead of the strongest.
    #[must_use]
    pub fn evenly(mut self) -> Self {
        self.evenly = true;
        self
    }

    /// Puts the mean over all channels before each layer's maps.
    #[must_use]
    pub fn mean(mut self) -> Self {
        self.mean = true;
        self
    }

    /// Another color map for layers without negative values.
    #[must_use]
    pub fn color_map(mut self, map: ColorMap) -> Self {
        self.map = map;
        self
    }

    /// The layers' names and activations, `[C, H, W]`.
    pub fn values(&self) -> &[(String, Values)] {
        &self.layers
    }

    fn chosen(&self, values: &Values) -> Vec<usize> {
        let mut channels = by_strength(values.size(0), |channel| values.part(channel).iter());
        let count = self.maps.min(channels.len());
        if self.evenly {
            let last = channels.len().saturating_sub(1);
            let place = |index| index * last / count.saturating_sub(1).max(1);
            return (0..count).map(place).collect();
        }
        channels.truncate(count);
        channels
    }

    fn block(&self, name: &str, values: &Values) -> Result<Block> {
        let columns = (self.maps + usize::from(self.mean)) as u32;
        let side = ((WIDEST + GAP) / columns).saturating_sub(GAP).clamp(24, LARGEST);
        let channels = self.chosen(values);
        let maps = Maps::new(values, side as usize)?;
        let scale = ColorScale::fitting(self.map, maps.all());
        let table = scale.table();
        let (width, height) = (maps.width as u32, maps.height as u32);
        let layout = Layout::table(columns, GAP, side, width, height).at_least_wide(side);
        let mut tiles = Vec::new();
        if self.mean {
            let mean = Maps::new(&mean(values)?, side as usize)?;
            let mut tile = mean.tile(0, &table, layout.zoom, false);
            tile.label = "mean".to_owned();
            tile.name = format!("{name}, mean of all channels");
            tiles.push(tile);
        }
        for channel in channels {
            let mut tile = maps.tile(channel, &table, layout.zoom, false);
            tile.name = format!("{name}, {}", tile.name);
            tiles.push(tile);
        }
        let blank = tiles.iter().all(|tile| tile.name.ends_with("blank"));
        let blank = if blank { ", blank" } else { "" };
        Ok(Block {
            heading: format!("{name}  {}{blank}", values.shape_text()),
            row_labels: Vec::new(),
            column_labels: Vec::new(),
            row_pictures: Vec::new(),
            tiles,
            layout,
            reduction: maps.reduction,
            bar: Some(scale),
            unit: "activation",
        })
    }

    fn notes(&self) -> Vec<String> {
        let which = match (self.evenly, self.maps) {
            (_, 1) => "one map".to_owned(),
            (true, maps) => format!("{maps} maps at even distances"),
            (false, maps) => format!("the {maps} strongest maps"),
        };
        let mut notes = vec![format!("{which} of each layer, each layer on its own color scale")];
        let finite = |values: &Values| values.numbers().iter().all(|v| v.is_finite());
        let broken: Vec<&str> = self
            .layers
            .iter()
            .filter(|(_, values)| !finite(values))
            .map(|(name, _)| name.as_str())
            .collect();
        if !broken.is_empty() {
            notes.push(format!(
                "not all values are finite (NaN is magenta) in {}",
                broken.join(", ")
            ));
        }
        notes
    }

    /// A row of maps for each layer.
    pub(super) fn blocks(&self) -> Result<Vec<Block>> {
        self.layers.iter().map(|(name, values)| self.block(name, values)).collect()
    }

    fn grid(&self) -> Result<Grid> {
        Ok(Grid {
            title: self.title.clone(),
            notes: self.notes(),
            pictures: vec![("what the network sees".to_owned(), self.photo.clone())],
            photo: Some(self.photo.clone()),
            blocks: self.blocks()?,
            smaller: "fewer layers or `.maps(4)`",
        })
    }
}

impl Figure for Journey {
    fn image(&self) -> Result<RgbImage> {
        self.grid()?.image()
    }

    fn description(&self) -> String {
        let layer = |(name, values): &(String, Values)| format!("{name} {}", values.shape_text());
        let layers: Vec<String> = self.layers.iter().map(layer).collect();
        format!("{}: {}; {}", self.title, layers.join(", "), self.notes().join("; "))
    }

    fn bundle(&self) -> Result<Bundle> {
        self.grid()?.bundle(&self.description())
    }
}

/// The mean over all channels, `[1, H, W]`.
fn mean(values: &Values) -> Result<Values> {
    let [channels, height, width] = [0, 1, 2].map(|dim| values.size(dim));
    let mut sums = vec![0.0_f64; height * width];
    for channel in 0..channels {
        sums.iter_mut().zip(values.part(channel)).for_each(|(sum, &v)| *sum += f64::from(v));
    }
    let means = sums.into_iter().map(|sum| (sum / channels.max(1) as f64) as f32);
    Values::new([1, height, width], means.collect())
}
