//! The interactive form of a film: that of its curves, read at the frame's step, beside the frames.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::Film;
use super::stage::{panel_size, shown};
use crate::view::Figure;
use crate::view::bundle::smaller_uri;
use crate::{Error, Result};

/// The characters that all frames may take in a notebook.
const MOST_BYTES: usize = 1_000_000;
/// More frames than a slider has positions show nothing more.
const MOST_FRAMES: usize = 300;

impl Film {
    /// The specification, and what it had to leave out.
    pub(super) fn vega(&self) -> Result<(Value, Option<String>)> {
        let (steps, uris) = self.encoded()?;
        let all = self.frames.len();
        let left_out = (steps.len() < all)
            .then(|| format!("the interactive form has {} of {all} frames", steps.len()));
        let mut spec = self.curves.vega()?;
        let mut film: Value = serde_json::from_str(include_str!("film.vega.json"))
            .map_err(|error| Error::Argument(format!("film.vega.json: {error}")))?;
        let frame = self.frames.first().map_or((1, 1), |first| shown(&first.image).dimensions());
        let last = steps.len() - 1;
        film["signals"][0]["value"] = json!(frame.0);
        film["signals"][1]["value"] = json!(frame.1);
        film["signals"][2]["value"] = json!(steps);
        film["signals"][4]["value"] = json!(last);
        film["signals"][4]["bind"]["max"] = json!(last);
        film["signals"][4]["on"][0]["events"]["throttle"] = json!(self.delay);
        let rows = (0..).zip(&uris).map(|(at, uri): (usize, _)| json!({ "at": at, "url": uri }));
        film["data"][0]["values"] = json!(rows.collect::<Vec<_>>());
        for part in ["signals", "data", "marks"] {
            if let (Some(all), Some(new)) = (spec[part].as_array_mut(), film[part].as_array_mut()) {
                all.append(new);
            }
        }
        let notes: Vec<&String> = self.notes.iter().chain(&left_out).collect();
        spec["description"] = json!(self.description());
        spec["title"]["text"] = json!(self.title);
        spec["title"]["subtitle"] = json!(notes);
        let size = panel_size(self.curves.values().len());
        set(&mut spec, "panelWidth", json!(size.0 - 60));
        set(&mut spec, "panelHeight", json!(size.1 - 40));
        // The curves are read at the frame's step instead of at the pointer.
        let signals = spec["signals"].as_array_mut();
        if let Some(signal) =
            signals.and_then(|all| all.iter_mut().find(|s| s["name"] == "pointer"))
        {
            *signal = json!({ "name": "pointer", "update": "steps[frame]" });
        }
        let place = &mut spec["marks"][0]["encode"]["enter"];
        place["x"] = json!({ "signal": "frameWidth + 80" });
        place["y"] = json!({ "signal": "30 + datum.panel * (panelHeight + 90)" });
        if self.curves.values().is_empty() {
            spec["legends"] = json!([]);
        }
        Ok((spec, left_out))
    }

    /// The steps of as many frames as there is room for, with their pictures as shown.
    fn encoded(&self) -> Result<(Vec<u64>, Vec<String>)> {
        let mut known: HashMap<u64, String> = HashMap::new();
        let mut most = MOST_FRAMES;
        loop {
            let chosen = self.chosen(most);
            for frame in &chosen {
                if !known.contains_key(&frame.step) {
                    known.insert(frame.step, smaller_uri(&shown(&frame.image))?);
                }
            }
            let uris = chosen.iter().filter_map(|frame| known.get(&frame.step).cloned());
            let uris: Vec<String> = uris.collect();
            let total: usize = uris.iter().map(String::len).sum();
            if total <= MOST_BYTES || chosen.len() <= 2 {
                return Ok((chosen.iter().map(|frame| frame.step).collect(), uris));
            }
            most = (chosen.len() * MOST_BYTES / total).clamp(2, chosen.len() - 1);
        }
    }
}

fn set(spec: &mut Value, name: &str, value: Value) {
    let signals = spec["signals"].as_array_mut();
    if let Some(signal) = signals.and_then(|all| all.iter_mut().find(|s| s["name"] == name)) {
        signal["value"] = value;
    }
}
