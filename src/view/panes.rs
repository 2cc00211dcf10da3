//! The interactive form of heatmaps: one or many, with common sliders and a common pointer.
//!
//! Maps go into the specification as numbers, once; Vega's `heatmap` transform colors them. So what
//! lies below the threshold can be hidden, and the pointer reads real values.

use image::RgbImage;
use serde_json::{Value, json};

use super::boxes::Drawn;
use super::color::{ColorMap, ColorScale};
use super::values::{Values, quantized};
use super::vega::{colored, hex, picture_uri, titled};
use super::{Figure, Heatmap};
use crate::Result;

/// The most values of all maps together in a specification: about 250 kB.
const VALUES: usize = 224 * 224;

/// What stands around the panes.
pub(super) struct Frame<'a> {
    pub title: &'a str,
    pub notes: Vec<String>,
    /// The color bar and its unit; none where each map has a scale of its own.
    pub bar: Option<(&'a ColorScale, &'a str)>,
    /// The room above each pane for what is written there.
    pub above: u32,
    pub opacity: f64,
    pub size: (u32, u32),
}

/// A picture, under a map or bare.
pub(super) struct Pane<'a> {
    pub label: String,
    /// What the map's own scale reaches to.
    pub range: String,
    pub picture: &'a RgbImage,
    pub map: Option<(&'a Heatmap, &'a ColorScale)>,
    /// Of the upper left corner.
    pub place: (u32, u32),
}

pub(super) fn spec(figure: &impl Figure, frame: &Frame, panes: &[Pane]) -> Result<Value> {
    let share = VALUES / panes.iter().filter(|pane| pane.map.is_some()).count().max(1);
    let mut pictures: Vec<&RgbImage> = Vec::new();
    let (mut rows, mut maps, mut boxes) = (Vec::new(), Vec::new(), Vec::new());
    let mut coarsest = 1;
    for pane in panes {
        let known = pictures.iter().position(|&known| known == pane.picture);
        let picture = known.unwrap_or(pictures.len());
        if known.is_none() {
            pictures.push(pane.picture);
        }
        let (x, y) = pane.place;
        let (width, height) = pane.picture.dimensions();
        let mut row = json!({
            "label": pane.label, "range": pane.range, "above": frame.above,
            "picture": picture, "x": x, "y": y, "w": width, "h": height,
        });
        rows.push(row.clone());
        if let Some((map, scale)) = pane.map {
            boxes.extend(map.drawn_boxes()?.iter().map(|drawn| box_row(drawn, pane)));
            coarsest = coarsest.max(fill(&mut row, map, scale, frame.bar.is_some(), share)?);
            maps.push(row);
        }
    }
    let uris = pictures.into_iter().map(|picture| Ok(json!({ "uri": picture_uri(picture)? })));

    let room = frame.size.0 + 60;
    let file = include_str!("heatmap.vega.json");
    let mut notes = frame.notes.clone();
    if coarsest > 1 {
        notes.push(format!("the pointer reads means of {coarsest}×{coarsest} values"));
    }
    let mut spec = titled(file, figure, frame.title, &notes, room)?;
    spec["width"] = json!(frame.size.0);
    spec["height"] = json!(frame.size.1);
    spec["signals"][0]["value"] = json!(frame.opacity);
    spec["data"][0]["values"] = json!(uris.collect::<Result<Vec<Value>>>()?);
    spec["data"][1]["values"] = json!(rows);
    spec["data"][2]["values"] = json!(maps);
    spec["data"][3]["values"] = json!(boxes);
    if let Some((scale, unit)) = frame.bar {
        colored(&mut spec, scale, unit, frame.size.1);
        return Ok(spec);
    }
    // A scale for each kind of colors; each map's own top is 1 on it.
    let mut scales: Vec<Value> = Vec::new();
    for (_, scale) in panes.iter().filter_map(|pane| pane.map) {
        let low = if scale.map == ColorMap::RedBlue { -1.0 } else { 0.0 };
        colored(&mut spec, &ColorScale { low, high: 1.0, ..scale.clone() }, "", frame.size.1);
        spec["scales"][0]["name"] = json!(scale.map.vega_scheme());
        if !scales.contains(&spec["scales"][0]) {
            scales.push(spec["scales"][0].clone());
        }
    }
    spec["scales"] = json!(scales);
    spec["legends"] = json!([]);
    Ok(spec)
}

/// Adds what Vega needs to color and to read a map; gives by how much the map was reduced.
fn fill(
    row: &mut Value,
    map: &Heatmap,
    scale: &ColorScale,
    bar: bool,
    most: usize,
) -> Result<usize> {
    let (values, factor) = reduced(map.values(), most)?;
    let (rows, columns) = (values.size(0), values.size(1));
    let (step, short) = quantized(values.numbers());
    // Aggregation maps are computed at half the size that is shown, at least; the browser does the rest.
    let pixels = |side: &str, count: usize| match map.is_blocky() {
        true => count,
        false => count.max(row[side].as_u64().unwrap_or_default().div_ceil(2) as usize),
    };
    let (width, height) = (pixels("w", columns), pixels("h", rows));
    row["input"] = json!([map.input().0, map.input().1]);
    row["grid"] = json!({ "width": width, "height": height });
    row["across"] = json!(taps(columns, width, 1));
    row["down"] = json!(taps(rows, height, columns));
    (row["rows"], row["columns"]) = (json!(rows), json!(columns));
    (row["values"], row["step"]) = (json!(short), json!(step));
    row["scale"] = json!(if bar { "color" } else { scale.map.vega_scheme() });
    row["top"] = json!(scale.high);
    row["tint"] = json!(if bar || scale.high <= 0.0 { step } else { step / f64::from(scale.high) });
    row["smooth"] = json!(!map.is_blocky());
    Ok(factor)
}

/// Large maps as means of squares of so many values a side, and how many.
fn reduced(values: &Values, most: usize) -> Result<(Values, usize)> {
    let mut factor = 1;
    while values.numbers().len() > most.max(1) * factor * factor {
        factor += 1;
    }
    Ok((if factor == 1 { values.clone() } else { values.block_means(factor)? }, factor))
}

/// For each pixel of an enlarged row: the offsets of the two values it lies between, and the weight
/// of the second. Bilinear with corners not aligned, as `Heatmap` draws its still.
fn taps(count: usize, pixels: usize, stride: usize) -> Vec<(usize, usize, f64)> {
    let tap = |pixel: usize| {
        let at = (pixel as f64 + 0.5) * count as f64 / pixels as f64 - 0.5;
        let at = at.clamp(0.0, (count - 1) as f64);
        let first = at.floor() as usize;
        let weight = ((at - at.floor()) * 1e3).round() / 1e3;
        (first * stride, (first + 1).min(count - 1) * stride, weight)
    };
    (0..pixels).map(tap).collect()
}

fn box_row(drawn: &Drawn, pane: &Pane) -> Value {
    let (width, height) = pane.picture.dimensions();
    let at = |start: u32, part: f64, of: u32| f64::from(start) + part * f64::from(of);
    json!({
        "x": at(pane.place.0, drawn.left, width), "x2": at(pane.place.0, drawn.right, width),
        "y": at(pane.place.1, drawn.top, height), "y2": at(pane.place.1, drawn.bottom, height),
        "label": drawn.label, "color": hex(drawn.color),
    })
}
