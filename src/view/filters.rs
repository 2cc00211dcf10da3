//! The filters of a convolution: color where it reads a photo, signed maps elsewhere.

use image::{Rgb, RgbImage};

use super::color::{ColorMap, ColorScale, ScaleSharing, constant, number_text};
use super::grid::Grid;
use super::tiles::{Block, Layout, MOST_TILES, Tile, colored};
use super::values::{IntoValues, Values};
use super::{Bundle, Figure};
use crate::{Error, Result};

/// How many filters and input channels of a deep layer are shown unless others are chosen.
const ROWS: usize = 12;
const COLUMNS: usize = 12;
/// Filters are at most 11×11: enlarged to this they can be looked at.
const LARGEST: u32 = 44;
const GAP: u32 = 4;

/// A convolution's weights, `[out, in, kernel height, kernel width]`.
///
/// With three input channels each filter is one tile in color, gray being 0. With one, each is a
/// tile in blue (negative) and red (positive). With more, each filter is a row, with its first input
/// channels side by side. In a notebook, the pointer reads weights, and a click enlarges a filter.
///
/// ```
/// # use convscope::prelude::*;
/// let filters = zoo::digits()?.filters("conv2")?.filters([0, 3, 5]).inputs(0..6);
/// filters.color_map(ColorMap::Gray).save(std::env::temp_dir().join("filters.png"))?;
/// # Ok::<(), convscope::Error>(())
/// ```
#[derive(Clone)]
pub struct FilterGrid {
    /// What the figure is called.
    pub title: String,
    weight: Values,
    filters: Option<Vec<usize>>,
    inputs: Option<Vec<usize>>,
    sharing: ScaleSharing,
    map: ColorMap,
}

impl FilterGrid {
    /// A figure of `weight`, `[out, in, kernel height, kernel width]`.
    pub fn new(title: impl Into<String>, weight: impl IntoValues) -> Result<FilterGrid> {
        let weight = weight.into_values()?;
        if weight.shape().len() != 4 || weight.shape().contains(&0) {
            return Err(Error::Shape {
                at: "filters".to_owned(),
                expected: "[out, in, kernel height, kernel width]".to_owned(),
                got: weight.shape_text(),
                remedy: "Give the weight of a convolution.".to_owned(),
            });
        }
        Ok(FilterGrid {
            title: title.into(),
            weight,
            filters: None,
            inputs: None,
            sharing: ScaleSharing::All,
            map: ColorMap::RedBlue,
        })
    }

    /// Shows only these filters (output channels), in this order.
    #[must_use]
    pub fn filters(mut self, filters: impl IntoIterator<Item = usize>) -> Self {
        self.filters = Some(filters.into_iter().take(MOST_TILES).collect());
        self
    }

    /// Shows only these input channels, a column each; those of a first layer side by side instead
    /// of as one color.
    #[must_use]
    pub fn inputs(mut self, inputs: impl IntoIterator<Item = usize>) -> Self {
        self.inputs = Some(inputs.into_iter().take(MOST_TILES).collect());
        self
    }

    /// One scale for all filters, so that weak ones look weak, or one for each.
    #[must_use]
    pub fn scale_sharing(mut self, sharing: ScaleSharing) -> Self {
        self.sharing = sharing;
        self
    }

    /// Another color map than blue and red; 0 has its middle. Filters in color have none.
    #[must_use]
    pub fn color_map(mut self, map: ColorMap) -> Self {
        self.map = map;
        self
    }

    /// The weights, `[out, in, kernel height, kernel width]`.
    pub fn values(&self) -> &Values {
        &self.weight
    }

    fn size(&self) -> [usize; 4] {
        [0, 1, 2, 3].map(|dim| self.weight.size(dim))
    }

    /// Whether each filter is a row of its input channels, and not one tile.
    fn in_rows(&self) -> bool {
        self.inputs.is_some() || !matches!(self.size()[1], 1 | 3)
    }

    fn shown(&self) -> Result<(Vec<usize>, Vec<usize>)> {
        let [out, inputs, ..] = self.size();
        let rows = if self.in_rows() { ROWS } else { MOST_TILES };
        let filters = choose(&self.filters, out, rows, "filter")?;
        let inputs = choose(&self.inputs, inputs, COLUMNS, "input channel")?;
        Ok((filters, inputs))
    }

    fn notes(&self, filters: usize, inputs: usize) -> Result<Vec<String>> {
        let [out, all_inputs, h, w] = self.size();
        let mut words = match filters == out {
            true => format!("{filters} filters of {h}×{w}"),
            false => format!("{filters} of {out} filters of {h}×{w}"),
        };
        if self.in_rows() {
            words.push_str(&format!(", a row each, with {inputs} of {all_inputs} input channels"));
        } else if all_inputs == 3 {
            words.push_str(" in color, gray is 0");
        }
        let mut notes = vec![words];
        if self.sharing == ScaleSharing::Each {
            notes.push("each filter on its own scale".to_owned());
        }
        let all = self.weight.numbers();
        if let Some(weight) = constant(all) {
            notes.push(format!("blank: all weights are {}", number_text(weight)));
        }
        if all.iter().any(|weight| !weight.is_finite()) {
            notes.push("some weights are not finite".to_owned());
        }
        Ok(notes)
    }

    /// From -reach to reach.
    fn scale(&self, weights: &[f32]) -> ColorScale {
        ColorScale { map: self.map, ..ColorScale::signed(weights) }
    }

    /// One filter's colors: red, green and blue weights, gray where they are 0.
    fn colors(&self, filter: &[f32], reach: f32, zoom: u32) -> RgbImage {
        let [_, _, h, w] = self.size();
        let area = h * w;
        let byte = |value: f32| match reach > 0.0 && value.is_finite() {
            true => (127.5 + 127.5 * value / reach).round().clamp(0.0, 255.0) as u8,
            false => 128,
        };
        RgbImage::from_fn(w as u32 * zoom, h as u32 * zoom, |x, y| {
            let at = (y / zoom) as usize * w + (x / zoom) as usize;
            Rgb([0, 1, 2].map(|plane| byte(filter.get(plane * area + at).copied().unwrap_or(0.0))))
        })
    }

    /// A filter as one tile, in color where it has three input channels.
    fn tile(&self, name: String, weights: &[f32], scale: &ColorScale, zoom: u32) -> Tile {
        let [_, _, h, w] = self.size();
        let planes = (weights.len() / (h * w)).max(1);
        let picture = match planes {
            3 => self.colors(weights, scale.high, zoom),
            _ => colored(weights, w as u32, zoom, &scale.table()),
        };
        Tile { label: String::new(), name, picture, values: weights.to_vec(), planes, width: w }
    }

    fn grid(&self) -> Result<Grid> {
        let (filters, inputs) = self.shown()?;
        let [_, all_inputs, h, w] = self.size();
        let area = h * w;
        let all = self.weight.numbers();
        let layout = match self.in_rows() {
            true => Layout::table(inputs.len() as u32, GAP, LARGEST, w as u32, h as u32),
            false => Layout::new(filters.len(), w as u32, h as u32),
        };
        let shared = self.scale(all);
        let mut block = Block {
            heading: String::new(),
            row_labels: Vec::new(),
            column_labels: Vec::new(),
            row_pictures: Vec::new(),
            tiles: Vec::new(),
            layout,
            reduction: 1,
            // Colors of three channels at once have no bar; the note says that gray is 0.
            bar: (self.sharing == ScaleSharing::All && (self.in_rows() || all_inputs == 1))
                .then(|| shared.clone()),
            unit: "weight",
        };
        if self.in_rows() {
            block.heading = "input channel".to_owned();
            block.column_labels = inputs.iter().map(usize::to_string).collect();
        }
        for &index in &filters {
            let filter = all.chunks(all_inputs * area).nth(index).unwrap_or_default();
            let scale = match self.sharing {
                ScaleSharing::All => shared.clone(),
                ScaleSharing::Each => self.scale(filter),
            };
            let norm = filter.iter().map(|&weight| f64::from(weight).powi(2)).sum::<f64>().sqrt();
            let name = format!("filter {index}, norm {}", number_text(norm as f32));
            if !self.in_rows() {
                let mut tile = self.tile(name, filter, &scale, layout.zoom);
                tile.label = index.to_string();
                block.tiles.push(tile);
                continue;
            }
            block.row_labels.push(format!("filter {index}"));
            for &input in &inputs {
                let weights = filter.chunks(area).nth(input).unwrap_or_default();
                let name = format!("{name}; input channel {input}");
                block.tiles.push(self.tile(name, weights, &scale, layout.zoom));
            }
        }
        if !self.in_rows() {
            block.label_rows_if_dense();
        }
        Ok(Grid {
            title: self.title.clone(),
            notes: self.notes(filters.len(), inputs.len())?,
            pictures: Vec::new(),
            photo: None,
            blocks: vec![block],
            smaller: "`.filters(0..64)`",
        })
    }
}

impl Figure for FilterGrid {
    fn image(&self) -> Result<RgbImage> {
        self.grid()?.image()
    }

    fn description(&self) -> String {
        let notes = self.shown().and_then(|shown| self.notes(shown.0.len(), shown.1.len()));
        match notes {
            Ok(notes) => format!("{}: {}", self.title, notes.join("; ")),
            Err(error) => format!("{}: {error}", self.title),
        }
    }

    fn bundle(&self) -> Result<Bundle> {
        self.grid()?.bundle(&self.description())
    }
}

fn choose(
    chosen: &Option<Vec<usize>>,
    count: usize,
    at_most: usize,
    what: &str,
) -> Result<Vec<usize>> {
    let chosen = chosen.clone().unwrap_or_else(|| (0..count.min(at_most)).collect());
    match chosen.iter().find(|&&index| index >= count) {
        Some(index) => {
            Err(Error::Argument(format!("there is no {what} {index}; there are {count}, from 0")))
        }
        None if chosen.is_empty() => Err(Error::Argument(format!("no {what} to show"))),
        None => Ok(chosen),
    }
}
