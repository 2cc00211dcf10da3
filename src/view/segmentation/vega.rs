//! The interactive form: the map over the picture as strongly as wanted, and what the pointer reads.

use serde_json::{Value, json};

use super::keys::keys;
use super::{Segmentation, swatch};
use crate::Result;
use crate::view::bundle::{png_uri, png_with_alpha_uri};
use crate::view::canvas::{Canvas, Style};
use crate::view::grid::codes::{Codes, DIGITS};
use crate::view::top_k::percent;
use crate::view::values::nearest;
use crate::view::vega::{picture_uri, set_signal, titled};

const LARGE: u32 = 448;
/// The legend beside it.
const LEGEND: u32 = 220;
const STEP: u32 = 22;
/// The pointer reads about so many places.
const READ: usize = 40_000;

impl Segmentation {
    pub(super) fn vega(&self) -> Result<Value> {
        let panel = self.panel(LARGE);
        let (width, height) = panel.dimensions();
        let keys = keys(&self.classes, self.uncovered);
        let file = include_str!("segmentation.vega.json");
        let mut spec = titled(file, self, &self.title, &self.notes, width + 16 + LEGEND)?;
        let over = self.layer(&keys, (width, height));
        let row = |(at, key): (u32, &super::Key)| {
            let mut canvas = Canvas::new(super::SWATCH + 2, super::SWATCH + 2);
            swatch(&mut canvas, key, 1, 1);
            let swatch = png_uri(&canvas.pixels)?;
            let (name, share) = (&key.name, percent(key.share));
            let room = LEGEND.saturating_sub(28 + Style::TEXT.width(&share) + 8);
            Ok(
                json!({ "y": at * STEP, "name": name, "share": share, "swatch": swatch, "room": room }),
            )
        };
        let legend = (0..).zip(&keys).map(row).collect::<Result<Vec<Value>>>()?;
        let names: Vec<&str> = self.classes.iter().map(|of| of.name.as_str()).collect();
        let (cells, classes, probabilities) = self.read();

        spec["width"] = json!(width + 16 + LEGEND);
        spec["height"] = json!(height.max(STEP * keys.len() as u32));
        let numbers = |codes: &Codes| json!({ "low": codes.low, "span": codes.high - codes.low, "text": codes.text });
        for (name, value) in [
            ("opacity", json!(self.opacity)),
            ("digits", json!(DIGITS)),
            ("size", json!([width, height])),
            ("input", json!([self.input.0, self.input.1])),
            ("cells", json!(cells)),
            ("classes", numbers(&classes)),
            ("probabilities", numbers(&probabilities)),
            ("names", json!(names)),
            ("keys", json!(keys.len())),
        ] {
            set_signal(&mut spec, name, "value", value);
        }
        spec["data"][0]["values"] =
            json!([{ "picture": picture_uri(&panel)?, "map": png_with_alpha_uri(&over)? }]);
        spec["data"][1]["values"] = json!(legend);
        Ok(spec)
    }

    /// Columns and rows of the places that the pointer reads, their classes (in the order of their share) and
    /// the classes' probabilities.
    fn read(&self) -> ([usize; 2], Codes, Codes) {
        let (rows, columns) = (self.probabilities.size(0), self.probabilities.size(1));
        let mut step = 1;
        while rows.div_ceil(step) * columns.div_ceil(step) > READ {
            step += 1;
        }
        let cells = [columns.div_ceil(step), rows.div_ceil(step)];
        let order = self.order();
        let places: Vec<f32> =
            self.pixels.iter().map(|class| order.get(class).map_or(0.0, |&at| at as f32)).collect();
        let coarse = |values: &[f32]| Codes::of(&nearest(values, columns, cells));
        (cells, coarse(&places), coarse(self.probabilities.numbers()))
    }
}
