//! The interactive form of a scatter plot.

use std::collections::HashMap;

use image::RgbImage;
use serde_json::{Map, Value, json};

use super::classes::look;
use super::still::{dots, side};
use super::thumbnails::SpriteSheet;
use super::{Placed, Scatter, points_text};
use crate::Result;
use crate::random::Random;
use crate::view::Figure;
use crate::view::canvas::{ROOM, Style};
use crate::view::vega::{append, parsed, set_signal, set_title, toned};

/// Dots in all panels together. Chromium without a GPU takes 0.3 s to draw so many anew; while the hand moves,
/// a sample is drawn.
const MOST_DOTS: usize = 70_000;
/// So many are drawn meanwhile, in 10 ms.
const SAMPLE: usize = 5_000;
/// Points times layouts: 10 bytes each in the notebook.
const MOST_POSITIONS: usize = 100_000;
/// Neighbors of all points together: 6 bytes each.
const MOST_NEIGHBORS: usize = 30_000;
/// Bytes of all labels together; beyond, each is cut after so many characters, and the last points have none.
const MOST_TEXT: usize = 400_000;
const LONGEST: usize = 40;
/// The widest text of the card beside the pointer.
const CARD: u32 = 440;
/// A name in the legend: 14 pixels of the em, from which a style's size differs.
const NAME: Style = Style { size: 16.3, ..Style::TEXT };
/// Positions are whole numbers up to this.
const WHOLE: f64 = 10_000.0;

impl Scatter {
    /// The specification, and what it had to leave out.
    pub(super) fn vega(&self, placed: &Placed) -> Result<(Value, Vec<String>)> {
        let panels = if self.side_by_side { self.layouts.len() } else { 1 };
        let most = (MOST_DOTS / panels).min(MOST_POSITIONS / self.layouts.len());
        // In random order: a choice is a fair sample, and no class covers the others.
        let order = Random(0).order(placed.drawn.len() as i64);
        let order: Vec<usize> = order.into_iter().map(|at| at as usize).take(most.max(1)).collect();
        let points: Vec<usize> =
            order.iter().filter_map(|&at| placed.drawn.get(at).copied()).collect();

        let mut left_out = Vec::new();
        if points.len() < placed.drawn.len() {
            let all = points_text(placed.drawn.len());
            left_out.push(format!("the interactive form has {} of {all}", points.len()));
        }
        let sheet = self.sheet(&points)?;
        if let Some(sheet) = sheet.as_ref().filter(|sheet| sheet.count < points.len()) {
            left_out.push(format!("{} of them with a thumbnail", sheet.count));
        }
        let labels = self.fitting_labels(&points);
        if labels.len() < points.len() && !labels.is_empty() {
            left_out.push(format!("{} of them with a label", labels.len()));
        }
        if self.longest_label(&points) == LONGEST {
            left_out.push(format!("labels are cut after {LONGEST} characters"));
        }
        if !self.neighbors.is_empty() && points.len() > MOST_NEIGHBORS {
            left_out.push("neighbors are not marked among so many".to_owned());
        }

        let mut spec = parsed(include_str!("scatter.vega.json"))?;
        for index in 0..panels {
            self.add_panel(&mut spec, index, sheet.is_some())?;
        }
        let mut notes = self.all_notes(placed);
        notes.extend(left_out.iter().cloned());
        notes.push(self.gestures());
        spec["description"] = json!(self.description());
        set_title(&mut spec, &self.title, &notes, ROOM);
        let columns = self.columns(placed, &order, &points, labels);
        spec["data"][0]["transform"][0]["fields"] = json!(columns.keys().collect::<Vec<_>>());
        spec["data"][0]["values"] = json!([columns]);
        self.set_signals(&mut spec, points.len(), sheet.as_ref());
        self.set_legend(&mut spec);
        Ok((spec, left_out))
    }

    /// One array for each property of the points: far smaller than an object for each point.
    fn columns(
        &self,
        placed: &Placed,
        order: &[usize],
        points: &[usize],
        labels: Vec<String>,
    ) -> Map<String, Value> {
        let mut columns = Map::new();
        for (index, layout) in placed.layouts.iter().enumerate() {
            for (name, axis) in [("x", 0), ("y", 1)] {
                let whole = |&at: &usize| {
                    layout.get(at).map(|p| (WHOLE / 2.0 * (p[axis] + 1.0)).round() as i64)
                };
                let column: Vec<Option<i64>> = order.iter().map(whole).collect();
                columns.insert(format!("{name}{index}"), json!(column));
            }
        }
        columns.insert("id".to_owned(), json!(points));
        let class = |&point: &usize| {
            self.classes.as_ref().and_then(|classes| classes.of.get(point).copied()).unwrap_or(0)
        };
        columns.insert("c".to_owned(), json!(points.iter().map(class).collect::<Vec<_>>()));
        if !labels.is_empty() {
            columns.insert("label".to_owned(), json!(labels));
        }
        let most = MOST_NEIGHBORS / points.len().max(1);
        if !self.neighbors.is_empty() && most > 0 {
            // Those that are in the notebook, by their place there.
            let place: HashMap<usize, usize> = points.iter().copied().zip(0..).collect();
            let near = |point: &usize| -> Vec<usize> {
                let all = self.neighbors.get(*point).into_iter().flatten();
                all.filter_map(|near| place.get(near).copied()).take(most).collect()
            };
            columns.insert("near".to_owned(), json!(points.iter().map(near).collect::<Vec<_>>()));
        }
        columns
    }

    /// How many characters of a label there is room for.
    fn longest_label(&self, points: &[usize]) -> usize {
        let labels = points.iter().filter_map(|&point| self.labels.get(point));
        if labels.map(String::len).sum::<usize>() > MOST_TEXT { LONGEST } else { usize::MAX }
    }

    /// As many of the points' labels as there is room for.
    fn fitting_labels(&self, points: &[usize]) -> Vec<String> {
        let longest = self.longest_label(points);
        let labels = points.iter().filter_map(|&point| self.labels.get(point));
        let mut room = MOST_TEXT;
        let cut = labels.map(|label| label.chars().take(longest).collect::<String>());
        cut.map_while(|label| {
            room = room.checked_sub(label.len())?;
            Some(label)
        })
        .collect()
    }

    fn sheet(&self, points: &[usize]) -> Result<Option<SpriteSheet>> {
        let pictures = points.iter().filter_map(|&point| self.thumbnails.get(point));
        SpriteSheet::of(&pictures.collect::<Vec<&RgbImage>>())
    }

    /// The panel of a layout, or the only one, which shows the layout chosen.
    fn add_panel(&self, spec: &mut Value, index: usize, pictures: bool) -> Result<()> {
        let text = include_str!("panel.vega.json").replace('@', &index.to_string());
        let mut panel = parsed(&text)?;
        if self.side_by_side {
            panel["signals"][0] = json!({ "name": format!("shown{index}"), "value": index });
            panel["marks"][1]["encode"]["update"]["text"]["value"] =
                json!(self.layout_title(index));
        }
        // An image mark without a picture would stop JupyterLab's renderer, which waits for it.
        if let Some(card) = panel["marks"].as_array_mut().and_then(|marks| marks.last_mut())
            && let Some(parts) = card["marks"].as_array_mut()
            && !pictures
        {
            parts.retain(|part| part["type"] != "group");
        }
        append(spec, panel);
        Ok(())
    }

    fn set_signals(&self, spec: &mut Value, count: usize, sheet: Option<&SpriteSheet>) {
        let panels = if self.side_by_side { self.layouts.len() as u32 } else { 1 };
        let side = self.fitting_side(panels);
        let dots = |count: usize| {
            let (diameter, opacity) = dots(count, side);
            let opacity = (f64::from(opacity) * 100.0).round() / 100.0;
            ((diameter * diameter).round().max(4.0), opacity)
        };
        let (size, opacity) = dots(count);
        let keys = self.classes.as_ref().map(|c| c.keys()).unwrap_or(vec![String::new()]);
        let names = self.classes.as_ref().map(|c| c.names.clone()).unwrap_or_default();
        let mut set = |name: &str, to: Value| set_signal(spec, name, "value", to);
        let lines = 1 + u32::from(!names.is_empty()) + u32::from(!self.labels.is_empty());
        let words = self.labels.iter().chain(&names).map(|word| Style::TEXT.width(word) + 2);
        let widest = words.max().unwrap_or_default().clamp(90, CARD.min(side.max(106) - 16));
        let cell = sheet.map_or((0, 0), |sheet| sheet.cell);
        let below = if cell.1 > 0 { 6 } else { 0 };
        set("side", json!(side));
        set("step", json!(side + 20));
        set("dotSize", json!(size));
        set("dotOpacity", json!(opacity));
        let (size, opacity) = dots(count.min(SAMPLE));
        set("sample", json!({ "count": SAMPLE, "dotSize": size, "dotOpacity": opacity }));
        set("names", json!(names));
        set("keys", json!(keys));
        set(
            "card",
            json!({
                "width": widest.max(cell.0) + 16, "height": cell.1 + below + 18 * lines + 12,
                "lines": lines, "named": !names.is_empty(),
            }),
        );
        if let Some(sheet) = sheet {
            set(
                "sheet",
                json!({
                    "url": sheet.uri, "columns": sheet.columns, "rows": sheet.rows,
                    "count": sheet.count, "width": sheet.cell.0, "height": sheet.cell.1, "smooth": sheet.smooth,
                }),
            );
        }
        if !self.side_by_side && self.layouts.len() > 1 {
            let input = if self.layouts.len() <= 6 { "radio" } else { "select" };
            let labels: Vec<&str> =
                self.layouts.iter().map(|layout| layout.name.as_str()).collect();
            let options: Vec<usize> = (0..labels.len()).collect();
            let name = format!("{} ", self.choice);
            let bind =
                json!({ "input": input, "options": options, "labels": labels, "name": name });
            set_signal(spec, "layout", "bind", bind);
        }
    }

    /// Columns of the legend, and the most that a name in it may take.
    fn legend(&self) -> (u32, u32) {
        match self.classes.as_ref().map_or(0, |classes| classes.keys().len()) {
            0 => (0, 0),
            1..=18 => (1, 180),
            _ => (2, 120),
        }
    }

    /// A panel's side, so that all of them and the legend have room.
    fn fitting_side(&self, panels: u32) -> u32 {
        /// Beside a name, its key and the distance to the next.
        const KEY: u32 = 40;
        const SMALLEST: u32 = 100;
        let (columns, most) = self.legend();
        let keys = self.classes.as_ref().map(|classes| classes.keys()).unwrap_or_default();
        let longest = keys.iter().map(|key| NAME.width(key)).max().unwrap_or_default();
        let room = ROOM.saturating_sub(columns * (KEY + longest.min(most)));
        side(panels).min((room / panels.max(1)).saturating_sub(20)).max(SMALLEST)
    }

    fn set_legend(&self, spec: &mut Value) {
        let keys = self.classes.as_ref().map_or(1, |classes| classes.keys().len());
        let looks: Vec<_> = (0..keys).map(look).collect();
        let all: Vec<usize> = (0..keys).collect();
        let colors: Vec<Value> = looks.iter().map(|(color, _)| toned(*color)).collect();
        let shapes: Vec<&str> = looks.iter().map(|(_, shape)| shape.vega()).collect();
        spec["scales"][0]["domain"] = json!(all);
        spec["scales"][1]["domain"] = json!(all);
        spec["scales"][0]["range"] = json!(colors);
        spec["scales"][1]["range"] = json!(shapes);
        if self.classes.is_none() {
            spec["legends"] = json!([]);
            return;
        }
        let (columns, most) = self.legend();
        spec["legends"][0]["columns"] = json!(columns);
        spec["legends"][0]["labelLimit"] = json!(most);
    }

    fn gestures(&self) -> String {
        let mut words = "wheel: zoom; drag: move; double click: all".to_owned();
        if self.classes.is_some() {
            words.push_str(". Click on a class: hide or show it; double click: it alone");
        }
        words
    }
}
