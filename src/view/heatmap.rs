//! A map of values over the picture it explains.

use image::RgbImage;
use serde_json::{Value, json};
use tch::Tensor;

use super::bundle::{jpeg_uri, png_uri};
use super::canvas::{Style, enlarge, fit};
use super::colour::{ColourMap, ColourScale, number_text, range};
use super::sheet::Sheet;
use super::tiles::coloured;
use super::values::{held, numbers};
use super::{Bundle, Figure};
use crate::error::shape_text;
use crate::{Error, Result};

/// Between the picture and the picture under its map.
const GAP: u32 = 14;
/// A picture in the still is at most this wide, so that two fit a notebook's column.
const PANEL: u32 = 336;

/// Values `[H, W]` over a picture.
///
/// The still shows the picture beside the same under the map; the interactive form has a slider for
/// the map's opacity. Magnitudes are shown on inferno from 0, signed values in blue and red around
/// 0, always with a colour bar in the values' own units.
pub struct Heatmap {
    /// What the figure is called.
    pub title: String,
    /// What the values are, for the colour bar.
    pub unit: String,
    notes: Vec<String>,
    picture: RgbImage,
    values: Tensor,
    map: ColourMap,
    opacity: f64,
}

impl Heatmap {
    /// A figure of `values`, `[H, W]`, over a picture of any size that shows the same part.
    pub fn new(
        title: impl Into<String>,
        unit: impl Into<String>,
        picture: RgbImage,
        values: &Tensor,
    ) -> Result<Heatmap> {
        if values.dim() != 2 || values.numel() == 0 || picture.is_empty() {
            return Err(Error::Shape {
                at: "a heatmap".to_owned(),
                expected: "values [H, W] and a picture".to_owned(),
                got: format!(
                    "values {} and a picture of {:?}",
                    shape_text(&values.size()),
                    picture.dimensions()
                ),
                remedy: "Reduce the channels first, by their maximum, say.".to_owned(),
            });
        }
        let values = held(values)?;
        Ok(Heatmap {
            title: title.into(),
            unit: unit.into(),
            notes: Vec::new(),
            picture: enlarge(&picture, PANEL),
            values,
            map: ColourMap::Inferno,
            opacity: 0.7,
        })
    }

    /// Adds a line under the title.
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// Sets how strongly the map covers the picture at first, from 0 to 1.
    pub fn opacity(mut self, opacity: f64) -> Self {
        self.opacity = if opacity.is_finite() { opacity.clamp(0.0, 1.0) } else { self.opacity };
        self
    }

    /// Another colour map for values without a sign.
    pub fn colour_map(mut self, map: ColourMap) -> Self {
        self.map = map;
        self
    }

    /// The values, `[H, W]`, float32 on the CPU, in their own units.
    pub fn values(&self) -> &Tensor {
        &self.values
    }

    /// The map enlarged to the picture's size: bilinear, corners not aligned, as OpenCV does.
    fn enlarged(&self, width: u32, height: u32) -> Result<Vec<f32>> {
        let size = self.values.size();
        let [h, w] = [i64::from(height), i64::from(width)];
        let enlarged = self
            .values
            .f_view([1, 1, size[0], size[1]])
            .and_then(|v| v.f_upsample_bilinear2d([h, w], false, None, None));
        numbers(&enlarged.map_err(Error::torch("enlarging the map"))?)
    }

    fn all_notes(&self, scale: &ColourScale) -> Vec<String> {
        let mut notes = self.notes.clone();
        if scale.clipped {
            let (least, most) = range(&numbers(&self.values).unwrap_or_default());
            notes.push(format!(
                "colours end at {}; the largest magnitude is {}",
                number_text(scale.high),
                number_text(most.max(-least))
            ));
        }
        if scale.low == scale.high || self.values.min() == self.values.max() {
            notes.push("blank: all values are the same".to_owned());
        }
        notes
    }

    fn vega(&self, scale: &ColourScale) -> Result<Value> {
        let (width, height) = self.picture.dimensions();
        let size = self.values.size();
        let map = coloured(&numbers(&self.values)?, size[1] as u32, 1, &scale.table());
        let mut spec: Value = serde_json::from_str(include_str!("heatmap.vega.json"))
            .map_err(|error| Error::Argument(format!("heatmap.vega.json: {error}")))?;
        spec["width"] = json!(width);
        spec["height"] = json!(height);
        spec["description"] = json!(self.description());
        spec["title"]["text"] = json!(self.title);
        spec["title"]["subtitle"] = json!(self.all_notes(scale));
        spec["signals"][0]["value"] = json!(self.opacity);
        spec["scales"][0]["domain"] = json!([scale.low, scale.high]);
        spec["scales"][0]["range"]["scheme"] = json!(scale.map.vega_scheme());
        // Vega's redblue runs from red; ours has red for positive.
        spec["scales"][0]["reverse"] = json!(scale.map == ColourMap::RedBlue);
        spec["legends"][0]["title"] = json!(self.unit);
        spec["marks"][0]["encode"]["enter"]["url"]["value"] = json!(jpeg_uri(&self.picture)?);
        spec["marks"][1]["encode"]["enter"]["url"]["value"] = json!(png_uri(&map)?);
        Ok(spec)
    }
}

impl Figure for Heatmap {
    fn image(&self) -> Result<RgbImage> {
        let scale = ColourScale::fitting(self.map, &numbers(&self.values)?);
        let panel = fit(&self.picture, PANEL);
        let (width, height) = panel.dimensions();
        let map = coloured(&self.enlarged(width, height)?, width, 1, &scale.table());
        let over = RgbImage::from_fn(width, height, |x, y| {
            let (under, over) = (panel.get_pixel(x, y).0, map.get_pixel(x, y).0);
            let mix = |i: usize| {
                let (under, over) = (f64::from(under[i]), f64::from(over[i]));
                (under + (over - under) * self.opacity).round() as u8
            };
            image::Rgb([mix(0), mix(1), mix(2)])
        });
        let (title, unit) = (&self.title, &self.unit);
        let sheet = Sheet { title, notes: self.all_notes(&scale), bar: Some(&scale), unit };
        let (mut canvas, x, y) = sheet.canvas(2 * width + GAP, height + Style::NOTE.line());
        canvas.picture(&panel, x, y);
        canvas.picture(&over, x + width + GAP, y);
        let below = y + height + 3;
        canvas.text(x, below, "what the network sees", Style::NOTE);
        canvas.text(x + width + GAP, below, "under the map", Style::NOTE);
        Ok(canvas.pixels)
    }

    fn description(&self) -> String {
        let size = self.values.size();
        let mut words = format!("{}: {}×{} values", self.title, size[0], size[1]);
        for note in &self.notes {
            words.push_str("; ");
            words.push_str(note);
        }
        words
    }

    fn bundle(&self) -> Result<Bundle> {
        let scale = ColourScale::fitting(self.map, &numbers(&self.values)?);
        let still = Bundle::still(&self.image()?, &self.description())?;
        Ok(still.with_vega(self.vega(&scale)?))
    }
}
