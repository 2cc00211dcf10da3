//! The interactive form of a film: that of its curves, read at the frame's step, beside the frames.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use serde_json::{Value, json};

use super::Film;
use super::stage::{GAP, panel_size, shown};
use crate::Result;
use crate::view::Figure;
use crate::view::bundle::smaller_uri;
use crate::view::vega::{append, parsed, set_signal, set_title};

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
        append(&mut spec, parsed(include_str!("film.vega.json"))?);
        let frame = self.frames.first().map_or((1, 1), |first| shown(&first.image).dimensions());
        let last = steps.len() - 1;
        let size = panel_size(self.curves.values().len(), frame.0);
        let slider =
            json!({ "input": "range", "min": 0, "max": last, "step": 1, "name": "frame " });
        let next = "playing ? (frame + 1) % length(steps) : frame";
        let tick = json!({ "type": "timer", "throttle": self.delay });
        for (signal, property, to) in [
            ("frameWidth", "value", json!(frame.0)),
            ("frameHeight", "value", json!(frame.1)),
            ("panelWidth", "value", json!(size.0.saturating_sub(80).min(340))),
            ("panelHeight", "value", json!(size.1 - 40)),
            ("steps", "value", json!(steps)),
            ("frame", "value", json!(last)),
            ("frame", "bind", slider),
            ("frame", "on", json!([{ "events": tick, "update": next }])),
            // The curves are read at the frame's step instead of at the pointer.
            ("pointer", "on", Value::Null),
            ("pointer", "update", json!("steps[frame]")),
        ] {
            set_signal(&mut spec, signal, property, to);
        }
        let rows = (0..).zip(&uris).map(|(at, uri): (usize, _)| json!({ "at": at, "url": uri }));
        if let Some(frames) = spec["data"].as_array_mut().and_then(|data| data.last_mut()) {
            frames["values"] = json!(rows.collect::<Vec<_>>());
        }
        let notes: Vec<String> = self.notes.iter().chain(&left_out).cloned().collect();
        spec["description"] = json!(self.description());
        let beside = if self.curves.values().is_empty() { 0 } else { GAP + size.0 };
        set_title(&mut spec, &self.title, &notes, frame.0 + beside);
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
                if let Entry::Vacant(new) = known.entry(frame.step) {
                    new.insert(smaller_uri(&shown(&frame.image))?);
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
