//! The interactive form: boxes from a probability on, read by the pointer.

use serde_json::{Value, json};

use super::{DRAWN, Detections};
use crate::Result;
use crate::view::vega::{hex, picture_uri, set_signal, titled};

impl Detections {
    pub(super) fn vega(&self) -> Result<Value> {
        let panel = self.panel();
        let (width, height) = panel.dimensions();
        let file = include_str!("detections.vega.json");
        let mut spec = titled(file, self, &self.title, &self.all_notes(), width)?;
        spec["width"] = json!(width);
        spec["height"] = json!(height);
        let keys = self.keys();
        let row = |found: &super::Detected| {
            let drawn = self.drawn(found, &keys);
            let at = |part: f64, of: u32| (10.0 * part * f64::from(of)).round() / 10.0;
            let [left, top, right, bottom] = found.place.map(|side| (10.0 * side).round() / 10.0);
            json!({
                "x": at(drawn.left, width), "x2": at(drawn.right, width),
                "y": at(drawn.top, height), "y2": at(drawn.bottom, height),
                "label": drawn.label, "color": hex(drawn.color), "probability": found.probability,
                "facts": {
                    "label": found.name, "class": found.class,
                    "probability": format!("{:.2} %", 100.0 * found.probability),
                    "columns": format!("{left} to {right}"), "rows": format!("{top} to {bottom}"),
                },
            })
        };
        // The most probable over the others.
        let rows: Vec<Value> = self.all.iter().take(DRAWN).rev().map(row).collect();
        set_signal(&mut spec, "threshold", "value", json!((100.0 * self.threshold).round()));
        set_signal(&mut spec, "picture", "value", json!(picture_uri(&panel)?));
        spec["data"][0]["values"] = json!(rows);
        Ok(spec)
    }
}
