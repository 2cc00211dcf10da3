//! The activations of one layer on several images: one row per image, one column per channel.

use image::{RgbImage, imageops};

use super::canvas::Style;
use super::color::{ColorMap, ColorScale};
use super::grid::Grid;
use super::maps::{Maps, by_strength, check_channels};
use super::tiles::{Block, Layout, MOST_TILES, WIDEST};
use super::values::{IntoValues, Values};
use super::{Bundle, Figure};
use crate::{Error, Result};

const GAP: u32 = 6;
/// The room for a picture's name, and for the picture.
const NAME: u32 = 96;
const PICTURE: u32 = 84;

/// One layer's activations on several pictures, `[N, C, H, W]`, all on one color scale: which
/// channels answer to what these pictures have in common, and which tell them apart.
///
/// The 6 channels with the largest mean magnitude over all pictures are shown, or as many as
/// [`strongest`](FeatureMapsBatch::strongest) says, or those chosen. In a notebook, the pointer reads
/// values, and a click enlarges a map.
///
/// ```
/// # use convscope::prelude::*;
/// let photos = [data::digit(3, 1)?, data::digit(8, 1)?];
/// let maps = zoo::digits()?.feature_maps_batch(&photos, "relu2")?;
/// maps.channels([0, 3, 7]).save(std::env::temp_dir().join("both.png"))?;
/// # Ok::<(), convscope::Error>(())
/// ```
#[derive(Clone)]
pub struct FeatureMapsBatch {
    /// What the figure is called.
    pub title: String,
    pictures: Vec<(String, RgbImage)>,
    values: Values,
    channels: Option<Vec<usize>>,
    strongest: usize,
    map: ColorMap,
}

impl FeatureMapsBatch {
    /// A figure of `values`, `[N, C, H, W]` or `[N, C]`, of N pictures by name.
    ///
    /// # Errors
    ///
    /// Another shape, no values, or another number of pictures.
    pub fn new(
        title: impl Into<String>,
        pictures: Vec<(String, RgbImage)>,
        values: impl IntoValues,
    ) -> Result<FeatureMapsBatch> {
        let (count, values) = (pictures.len(), values.into_values()?);
        let values = match *values.shape() {
            [n, c] if n == count => values.reshaped([n, c, 1, 1])?,
            [n, _, _, _] if n == count => values,
            _ => {
                return Err(Error::Shape {
                    at: "feature maps of several pictures".to_owned(),
                    expected: format!("[{count}, C, H, W] or [{count}, C], one row per picture"),
                    got: values.shape_text(),
                    remedy: "`net.feature_maps_batch(&photos, layer)` makes a fitting one."
                        .to_owned(),
                });
            }
        };
        if values.numbers().is_empty() || pictures.iter().any(|(_, picture)| picture.is_empty()) {
            let problem = "feature maps need at least one picture, channel and pixel";
            return Err(Error::Argument(problem.to_owned()));
        }
        let (title, map) = (title.into(), ColorMap::Viridis);
        Ok(FeatureMapsBatch { title, pictures, values, channels: None, strongest: 6, map })
    }

    /// Shows these channels, in this order.
    #[must_use]
    pub fn channels(mut self, channels: impl IntoIterator<Item = usize>) -> Self {
        self.channels = Some(channels.into_iter().take(MOST_TILES).collect());
        self
    }

    /// Shows so many of the channels with the largest mean magnitude; at least one, and 6 unless set.
    #[must_use]
    pub fn strongest(mut self, count: usize) -> Self {
        self.strongest = count.max(1);
        self
    }

    /// Another color map for maps without negative values.
    #[must_use]
    pub fn color_map(mut self, map: ColorMap) -> Self {
        self.map = map;
        self
    }

    /// The activations, `[N, C, H, W]`.
    pub fn values(&self) -> &Values {
        &self.values
    }

    fn shown(&self) -> Result<Vec<usize>> {
        let count = self.values.size(1);
        if let Some(channels) = &self.channels {
            check_channels(&self.title, channels, count)?;
            return Ok(channels.clone());
        }
        let mut channels = by_strength(count, |channel| self.of_all(channel).flatten());
        channels.truncate(self.strongest);
        Ok(channels)
    }

    /// One channel's map of each picture.
    fn of_all(&self, channel: usize) -> impl Iterator<Item = &[f32]> {
        let area = self.values.size(2) * self.values.size(3);
        self.values.numbers().chunks(area.max(1)).skip(channel).step_by(self.values.size(1))
    }

    /// The shown channels' maps, `[N · K, H, W]`, picture by picture.
    fn maps(&self, channels: &[usize], side: u32) -> Result<Maps> {
        let (height, width) = (self.values.size(2), self.values.size(3));
        let chosen: Vec<f32> = (0..self.values.size(0))
            .flat_map(|picture| {
                let maps = self.values.part(picture).chunks((height * width).max(1));
                let maps: Vec<&[f32]> = maps.collect();
                channels.iter().flat_map(move |&channel| maps[channel].to_vec())
            })
            .collect();
        let count = self.values.size(0) * channels.len();
        Maps::new(&Values::new([count, height, width], chosen)?, side as usize)
    }

    fn notes(&self, channels: &[usize]) -> Vec<String> {
        let [_, all, height, width] = [0, 1, 2, 3].map(|dim| self.values.size(dim));
        let shown = channels.len();
        let which = match self.channels {
            None if shown != all => format!("the {shown} strongest of {all} channels"),
            _ => format!("{shown} of {all} channels"),
        };
        vec![format!("{which} of {height}×{width}, one color scale for all")]
    }

    fn grid(&self) -> Result<Grid> {
        let channels = self.shown()?;
        let columns = channels.len() as u32;
        let room = (WIDEST - NAME - PICTURE).div_euclid(columns).saturating_sub(GAP);
        let side = room.clamp(24, 112);
        let maps = self.maps(&channels, side)?;
        let scale = ColorScale::fitting(self.map, maps.all());
        let table = scale.table();
        let (width, height) = (maps.width as u32, maps.height as u32);
        let zoom = (side / width.max(height)).max(1);
        let layout = Layout::table(columns, GAP, zoom * width.max(height), width, height);
        let mut tiles = Vec::new();
        for (row, (name, _)) in self.pictures.iter().enumerate() {
            for (column, channel) in channels.iter().enumerate() {
                let at = row * channels.len() + column;
                let mut tile = maps.tile(at, &table, layout.zoom, false);
                let blank = if maps.is_constant(at) { ", blank" } else { "" };
                tile.label.clear();
                tile.name = format!("{name}, channel {channel}{blank}");
                tiles.push(tile);
            }
        }
        let (cell_width, cell_height) = (width * layout.zoom, height * layout.zoom);
        let beside = |(_, picture): &(String, RgbImage)| {
            let (w, h) = picture.dimensions();
            let factor = (f64::from(cell_height) / f64::from(h))
                .min(f64::from(cell_width.max(PICTURE)) / f64::from(w));
            let side = |length: u32| ((f64::from(length) * factor).round() as u32).max(1);
            imageops::resize(picture, side(w), side(h), imageops::FilterType::Triangle)
        };
        let block = Block {
            heading: "channel".to_owned(),
            row_labels: self.pictures.iter().map(|(n, _)| Style::NOTE.cut(n, NAME)).collect(),
            column_labels: channels.iter().map(usize::to_string).collect(),
            row_pictures: self.pictures.iter().map(beside).collect(),
            tiles,
            layout,
            reduction: maps.reduction,
            bar: Some(scale),
            unit: "activation",
        };
        Ok(Grid {
            title: self.title.clone(),
            notes: self.notes(&channels),
            pictures: Vec::new(),
            photo: None,
            blocks: vec![block],
            smaller: "fewer pictures or `.strongest(4)`",
        })
    }
}

impl Figure for FeatureMapsBatch {
    fn image(&self) -> Result<RgbImage> {
        self.grid()?.image()
    }

    fn description(&self) -> String {
        match self.shown() {
            Ok(channels) => {
                let names: Vec<&str> = self.pictures.iter().map(|(n, _)| n.as_str()).collect();
                let notes = self.notes(&channels).join("; ");
                format!("{}: {}; {notes}", self.title, names.join(", "))
            }
            Err(error) => error.to_string(),
        }
    }

    fn bundle(&self) -> Result<Bundle> {
        self.grid()?.bundle(&self.description())
    }
}
