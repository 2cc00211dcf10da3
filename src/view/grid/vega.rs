//! The interactive form: the drawing without its words as one picture, the words as text, and each
//! tile's values for the pointer.

use image::{Pixel, RgbImage, RgbaImage};
use serde_json::{Value, json};

use super::Grid;
use super::codes::{Codes, DIGITS, means};
use crate::Result;
use crate::view::bundle::png_with_alpha_uri;
use crate::view::canvas::{Canvas, INK, Style, WHITE, Words, enlarge};
use crate::view::tiles::{Block, Tile};
use crate::view::vega::{hex, parsed, picture_uri, set_signal};

/// DejaVu's em and ascent as parts of a style's size, which is from its highest to its lowest point.
const EM: f32 = 0.859;
const ASCENT: f32 = 0.797;
/// The side of the photo under an enlarged map.
const PHOTO: u32 = 420;

/// `room`: how many bytes the specification should have at most; beyond, values are means of squares.
pub(super) fn spec(grid: &Grid, description: &str, room: usize) -> Result<Value> {
    let (canvas, places) = grid.draw(|w, h| Canvas::without_words(w, h, WHITE))?;
    let (inverse, _) = grid.draw(|w, h| Canvas::without_words(w, h, INK))?;
    let drawing = cut_out_uri(&canvas.pixels, &inverse.pixels)?;
    // Small pictures (a digit, say) would be blurred when the browser enlarges them.
    let photo = grid.photo.as_ref().map(|photo| picture_uri(&enlarge(photo, PHOTO))).transpose()?;
    let mut spec = parsed(include_str!("grid.vega.json"))?;

    let words: Value = canvas.words.unwrap_or_default().iter().map(text).collect();
    let photo_size = photo.as_ref().map_or(0, String::len);
    let rest = spec.to_string().len() + words.to_string().len() + description.len();
    let taken = drawing.len() + photo_size + rest;
    let side = square_side(&grid.blocks, room.saturating_sub(taken));
    let mut sizes = Vec::new();
    let mut tiles = Vec::new();
    for (block, places) in grid.blocks.iter().zip(&places) {
        let Some(first) = block.tiles.first() else { continue };
        for (tile, (x, y)) in block.tiles.iter().zip(places) {
            let codes = codes(tile, side);
            tiles.push(json!({
                "key": tiles.len(), "size": sizes.len(), "x": x, "y": y, "name": tile.name,
                "low": short(codes.low), "high": short(codes.high), "values": codes.text,
            }));
        }
        let height = first.values.len() / first.planes.max(1) / first.width.max(1);
        let zoom = first.picture.width() as f64 / first.width.max(1) as f64;
        sizes.push(json!({
            "width": first.picture.width(), "height": first.picture.height(),
            "columns": first.width.div_ceil(side), "rows": height.div_ceil(side),
            "planes": first.planes,
            // The pixels that a value covers, and the values of the layer it is the mean of.
            "step": zoom * side as f64, "mean": block.reduction * side,
            "unit": block.unit,
        }));
    }
    spec["width"] = json!(canvas.pixels.width());
    spec["height"] = json!(canvas.pixels.height());
    spec["description"] = json!(description);
    set_signal(&mut spec, "sizes", "value", json!(sizes));
    set_signal(&mut spec, "digits", "value", json!(DIGITS));
    set_signal(&mut spec, "drawing", "value", json!(drawing));
    if let Some(photo) = photo {
        let slider = json!({
            "input": "range", "min": 0, "max": 1, "step": 0.01,
            "name": "opacity of an enlarged map ",
        });
        set_signal(&mut spec, "opacity", "value", json!(0.6));
        set_signal(&mut spec, "opacity", "bind", slider);
        spec["data"][3]["values"] = json!([{ "url": photo }]);
    }
    spec["data"][0]["values"] = json!(tiles);
    spec["data"][1]["values"] = words;
    Ok(spec)
}

/// A drawing without its paper, whatever its color: where drawings on two papers differ.
fn cut_out_uri(drawing: &RgbImage, on_other_paper: &RgbImage) -> Result<String> {
    let mut cut_out = RgbaImage::new(drawing.width(), drawing.height());
    let both = drawing.pixels().zip(on_other_paper.pixels());
    for (pixel, (here, there)) in cut_out.pixels_mut().zip(both) {
        if here == there {
            *pixel = here.to_rgba();
        }
    }
    png_with_alpha_uri(&cut_out)
}

fn text(words: &Words) -> Value {
    let Style { size, color, bold } = words.style;
    json!({
        "x": words.x, "y": words.y as f32 + (ASCENT * size).round(), "text": words.text,
        "size": (10.0 * EM * size).round() / 10.0, "weight": if bold { "bold" } else { "normal" },
        "color": hex(color), "limit": words.style.width(&words.text) + 8,
    })
}

fn codes(tile: &Tile, side: usize) -> Codes {
    let plane = (tile.values.len() / tile.planes.max(1)).max(1);
    let planes = tile.values.chunks(plane);
    Codes::of(&planes.flat_map(|plane| means(plane, tile.width, side)).collect::<Vec<f32>>())
}

/// The smallest squares whose means fit into so many bytes.
fn square_side(blocks: &[Block], bytes: usize) -> usize {
    /// Beside its values, a tile needs so many.
    const TILE: usize = 140;
    let tiles = || blocks.iter().flat_map(|block| &block.tiles);
    let needed = |side: usize| {
        let values = tiles().map(|tile| {
            let height = tile.values.len() / tile.planes.max(1) / tile.width.max(1);
            tile.planes * tile.width.div_ceil(side) * height.div_ceil(side)
        });
        2 * values.sum::<usize>() + TILE * tiles().count()
    };
    (1..=8).find(|&side| needed(side) <= bytes).unwrap_or(8)
}

/// Five digits are enough for reading a value off.
fn short(value: f32) -> f64 {
    format!("{value:.4e}").parse().unwrap_or_default()
}
