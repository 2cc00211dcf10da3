//! The interactive form: the patch is dragged over the picture.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{FAINT, LARGE, Occlusion, PatchGrid};
use crate::Result;
use crate::view::canvas::Style;
use crate::view::values::quantized;
use crate::view::vega::{colored, hex, picture_uri, titled};

/// Probabilities are sent as whole numbers of this part.
const PART: f64 = 1e-4;

impl Occlusion {
    pub(super) fn vega(&self) -> Result<Value> {
        let panel = self.panel(LARGE)?;
        let (width, height) = panel.dimensions();
        let scale = self.scale()?;
        let (notes, file) = (self.all_notes(&scale), include_str!("occlusion.vega.json"));
        let mut spec = titled(file, self, &self.title, &notes, 2 * width + 100)?;

        // The names of all classes that are among the best somewhere, once.
        let guesses = self.grids.iter().flat_map(|grid| grid.guesses.iter().flatten());
        let names: BTreeMap<usize, &str> =
            guesses.map(|guess| (guess.class, guess.name.as_str())).collect();
        let classes: Vec<usize> = names.keys().copied().collect();
        let grids =
            self.grids.iter().map(|grid| row(grid, &classes)).collect::<Result<Vec<_>>>()?;
        let longest = names.values().map(|name| Style::TEXT.width(name)).max().unwrap_or_default();
        let guesses = self.grids.iter().filter_map(|grid| grid.guesses.first());
        let ranks = guesses.map(Vec::len).max().unwrap_or_default();

        let mut constants = json!({
            "panelWidth": width,
            "panelHeight": height,
            "inputWidth": self.input.0,
            "inputHeight": self.input.1,
            "base": self.base,
            "unit": self.unit,
            "fill": hex(self.fill),
            "faint": 1.0 - FAINT,
            "ranks": ranks,
            "nameWidth": longest.clamp(40, 260),
            "part": PART,
            "picture": picture_uri(&panel)?,
        });
        if let Some(grid) = self.grids.first() {
            let (row, column, _) = grid.most_sensitive();
            let center = |place: u32| f64::from(place * grid.stride) + f64::from(grid.patch) / 2.0;
            constants["hand"] = json!({ "x": center(column), "y": center(row) });
        }
        for signal in spec["signals"].as_array_mut().into_iter().flatten() {
            let value = signal["name"].as_str().and_then(|name| constants.get(name));
            if let Some(value) = value.cloned() {
                signal["value"] = value;
            }
            // One size needs no switch.
            if signal["name"] == "grid" && self.grids.len() > 1 {
                let labels: Vec<String> = self.grids.iter().map(PatchGrid::name).collect();
                let options: Vec<usize> = (0..labels.len()).collect();
                signal["bind"] = json!({ "input": "radio", "options": options, "labels": labels, "name": "size: " });
            }
        }
        spec["data"][0]["values"] = json!(grids);
        spec["data"][1]["values"] =
            names.iter().map(|(class, name)| json!({ "class": class, "name": name })).collect();
        colored(&mut spec, &scale, &format!("drop of {}", self.unit), height);
        Ok(spec)
    }
}

/// A grid as Vega reads it: place by place, and of each place guess by guess.
fn row(grid: &PatchGrid, classes: &[usize]) -> Result<Value> {
    let (step, drops) = quantized(grid.drops.numbers());
    let guesses = || grid.guesses.iter().flatten();
    let index: Vec<usize> =
        guesses().map(|guess| classes.binary_search(&guess.class).unwrap_or_default()).collect();
    let short = |probability: f64| (probability.clamp(0.0, 1.0) / PART).round() as u32;
    let probabilities: Vec<u32> = guesses().map(|guess| short(guess.probability)).collect();
    let (rows, columns) = (grid.rows(), grid.columns());
    Ok(json!({
        "patch": grid.patch, "stride": grid.stride, "rows": rows, "columns": columns,
        "places": { "width": columns, "height": rows, "values": drops }, "step": step,
        "guesses": grid.guesses.first().map_or(0, Vec::len),
        "names": index, "probabilities": probabilities,
    }))
}
