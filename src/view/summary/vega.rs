//! The interactive form: the same shapes, and what hovering over a box tells.

use serde_json::{Value, json};

use super::drawing::{LINE, LINE_WIDTH, RADIUS};
use super::scene::{Scene, Tile};
use super::table::{COLUMNS, cells, plain};
use super::{Figure, Summary};
use crate::view::vega::{hex, set_title};
use crate::{Error, Result};

/// The still counts a font's size from the top of the highest letter to the bottom of the lowest;
/// browsers count the em. This is DejaVu's ratio.
const EM: f32 = 0.859;

pub(super) fn specification(summary: &Summary, scene: &Scene) -> Result<Value> {
    let mut spec: Value = serde_json::from_str(include_str!("summary.vega.json"))
        .map_err(|error| Error::Argument(format!("summary.vega.json: {error}")))?;
    spec["width"] = json!(scene.width);
    spec["height"] = json!(scene.height);
    spec["description"] = json!(summary.description());
    set_title(&mut spec, &plain(&summary.title), &summary.notes(scene), scene.width);
    let area = |(corner, size, color): &_| {
        let ([x, y], [width, height]): ([f32; 2], [f32; 2]) = (*corner, *size);
        json!({ "x": short(x), "y": short(y), "w": short(width), "h": short(height), "fill": hex(*color) })
    };
    let words = scene.words.iter().map(|words| {
        json!({
            "x": short(words.at[0]),
            "y": short(words.at[1]),
            "text": words.text,
            "align": if words.right { "right" } else { "left" },
            "size": short(words.style.size * EM),
            "room": short(words.room),
            "weight": if words.style.bold { "bold" } else { "normal" },
            "fill": hex(words.style.color),
        })
    });
    spec["data"][0]["values"] = scene.areas.iter().map(area).collect();
    spec["data"][1]["values"] =
        scene.lines.iter().map(|line| json!({ "path": path(line) })).collect();
    spec["data"][2]["values"] = scene.tiles.iter().map(tile).collect();
    spec["data"][3]["values"] = words.collect();
    spec["marks"][1]["encode"]["enter"]["stroke"]["value"] = json!(hex(LINE));
    spec["marks"][1]["encode"]["enter"]["strokeWidth"]["value"] = json!(LINE_WIDTH);
    spec["marks"][2]["encode"]["enter"]["cornerRadius"]["value"] = json!(RADIUS);
    Ok(spec)
}

fn tile(tile: &Tile) -> Value {
    let mut told = serde_json::Map::new();
    for (column, cell) in COLUMNS.iter().zip(cells(&tile.layer)) {
        if !cell.is_empty() {
            // Vega's tooltips write a title above the rest.
            let heading = if column.heading == "layer" { "title" } else { column.heading };
            told.insert(heading.to_owned(), json!(cell));
        }
    }
    json!({
        "x": short(tile.corner[0]),
        "y": short(tile.corner[1]),
        "w": short(tile.size[0]),
        "h": short(tile.size[1]),
        "fill": hex(tile.color),
        "told": told,
    })
}

/// An SVG path.
fn path(line: &[[f32; 2]]) -> String {
    let step = |(index, [x, y]): (usize, &[f32; 2])| {
        let command = if index == 0 { 'M' } else { 'L' };
        format!("{command}{x:.1},{y:.1}")
    };
    line.iter().enumerate().map(step).collect()
}

/// A tenth of a pixel is enough, and a hundred boxes stay a small file.
fn short(pixels: f32) -> f64 {
    (f64::from(pixels) * 10.0).round() / 10.0
}
