//! The filters of a convolution: colour where it reads a photo, signed maps elsewhere.

use image::{Rgb, RgbImage};
use tch::Tensor;

use super::Figure;
use super::colour::{ColourScale, Share, range};
use super::sheet::Sheet;
use super::tiles::{Layout, Tiles, coloured};
use super::values::{held, numbers};
use crate::error::shape_text;
use crate::{Error, Result};

/// How many filters and input channels of a deep layer are shown unless others are chosen.
const ROWS: usize = 12;
const COLUMNS: usize = 12;

/// A convolution's weights, `[out, in, kernel height, kernel width]`.
///
/// With three input channels each filter is one tile in colour, grey being 0. With one, each is a
/// tile in blue (negative) and red (positive). With more, each filter is a row of its input
/// channels.
pub struct FilterGrid {
    /// What the figure is called.
    pub title: String,
    weight: Tensor,
    filters: Option<Vec<usize>>,
    inputs: Option<Vec<usize>>,
    share: Share,
}

impl FilterGrid {
    /// A figure of `weight`, `[out, in, kernel height, kernel width]`.
    pub fn new(title: impl Into<String>, weight: &Tensor) -> Result<FilterGrid> {
        let size = weight.size();
        if size.len() != 4 || size.contains(&0) {
            return Err(Error::Shape {
                at: "filters".to_owned(),
                expected: "[out, in, kernel height, kernel width]".to_owned(),
                got: shape_text(&size),
                remedy: "Give the weight of a convolution.".to_owned(),
            });
        }
        let weight = held(weight)?;
        let title = title.into();
        Ok(FilterGrid { title, weight, filters: None, inputs: None, share: Share::All })
    }

    /// Shows only these filters (output channels), in this order.
    pub fn filters(mut self, filters: impl IntoIterator<Item = usize>) -> Self {
        self.filters = Some(filters.into_iter().collect());
        self
    }

    /// Shows only these input channels (of a layer with more than three).
    pub fn inputs(mut self, inputs: impl IntoIterator<Item = usize>) -> Self {
        self.inputs = Some(inputs.into_iter().collect());
        self
    }

    /// One scale for all filters, so that weak ones look weak, or one for each.
    pub fn share(mut self, share: Share) -> Self {
        self.share = share;
        self
    }

    /// The weights, `[out, in, kernel height, kernel width]`, float32 on the CPU.
    pub fn values(&self) -> &Tensor {
        &self.weight
    }

    fn size(&self) -> [usize; 4] {
        let size = self.weight.size();
        [0, 1, 2, 3].map(|i| size[i] as usize)
    }

    /// Filters of a first layer are each one tile; deeper ones are a row of input channels.
    fn is_deep(&self) -> bool {
        !matches!(self.size()[1], 1 | 3)
    }

    fn shown(&self) -> Result<(Vec<usize>, Vec<usize>)> {
        let [out, inputs, ..] = self.size();
        let (rows, columns) = if self.is_deep() { (ROWS, COLUMNS) } else { (out, inputs) };
        let filters = choose(&self.filters, out, rows, "filter")?;
        let inputs = choose(&self.inputs, inputs, columns, "input channel")?;
        Ok((filters, inputs))
    }

    fn describe(&self, filters: usize, inputs: usize) -> String {
        let [out, all_inputs, h, w] = self.size();
        let filters = match filters == out {
            true => format!("{filters} filters"),
            false => format!("{filters} of {out} filters"),
        };
        match (self.is_deep(), all_inputs) {
            (true, _) => format!(
                "{filters} of {h}×{w}, a row each, with {inputs} of {all_inputs} input channels"
            ),
            (false, 3) => format!("{filters} of {h}×{w} in colour, grey is 0"),
            _ => format!("{filters} of {h}×{w}"),
        }
    }

    /// One filter's colours: red, green and blue weights, grey where they are 0.
    fn colour_tile(&self, filter: &[f32], reach: f32, zoom: u32) -> RgbImage {
        let [_, _, h, w] = self.size();
        let area = h * w;
        let byte = |value: f32| match reach > 0.0 && value.is_finite() {
            true => (127.5 + 127.5 * value / reach).round().clamp(0.0, 255.0) as u8,
            false => 128,
        };
        RgbImage::from_fn(w as u32 * zoom, h as u32 * zoom, |x, y| {
            let at = (y / zoom) as usize * w + (x / zoom) as usize;
            Rgb([byte(filter[at]), byte(filter[area + at]), byte(filter[2 * area + at])])
        })
    }
}

impl Figure for FilterGrid {
    fn image(&self) -> Result<RgbImage> {
        let (filters, inputs) = self.shown()?;
        let [_, all_inputs, h, w] = self.size();
        let area = h * w;
        let all = numbers(&self.weight)?;
        let filter = |index: usize| &all[index * all_inputs * area..][..all_inputs * area];

        let shared = ColourScale::signed(&all);
        let scale = |filter: &[f32]| match self.share {
            Share::All => shared.clone(),
            Share::Each => ColourScale::signed(filter),
        };
        let (mut tiles, mut labels) = (Vec::new(), Vec::new());
        let layout = if self.is_deep() {
            let (columns, rows) = (inputs.len() as u32, filters.len() as u32);
            Layout::with_columns(columns, columns * rows, w as u32, h as u32)
        } else {
            Layout::new(filters.len(), w as u32, h as u32)
        };
        for &index in &filters {
            let scale = scale(filter(index));
            if all_inputs == 3 {
                tiles.push(self.colour_tile(filter(index), scale.high, layout.zoom));
                labels.push(index.to_string());
                continue;
            }
            let table = scale.table();
            for &input in if self.is_deep() { inputs.as_slice() } else { &[0] } {
                let values = &filter(index)[input * area..][..area];
                tiles.push(coloured(values, w as u32, layout.zoom, &table));
                labels.push(match self.is_deep() {
                    true => format!("{index}·{input}"),
                    false => index.to_string(),
                });
            }
        }
        let tiles = Tiles { tiles, labels, layout };
        let mut notes = vec![self.describe(filters.len(), inputs.len())];
        if self.share == Share::Each {
            notes.push("each filter on its own scale".to_owned());
        }
        if range(&all).0 == range(&all).1 {
            notes.push("all weights are the same".to_owned());
        }
        // Colours of three channels at once have no bar; the note says that grey is 0.
        let bar = (all_inputs != 3 && self.share == Share::All).then_some(&shared);
        let sheet = Sheet { title: &self.title, notes, bar, unit: "weight" };
        let (width, height) = tiles.size();
        let (mut canvas, x, y) = sheet.canvas(width, height);
        tiles.draw(&mut canvas, x, y);
        Ok(canvas.pixels)
    }

    fn description(&self) -> String {
        match self.shown() {
            Ok((filters, inputs)) => {
                format!("{}: {}", self.title, self.describe(filters.len(), inputs.len()))
            }
            Err(error) => format!("{}: {error}", self.title),
        }
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
