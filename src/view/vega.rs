//! What the interactive forms share: their title, their colors, pictures in them, and putting
//! specifications together from several files.

use image::{Rgb, RgbImage};
use serde_json::{Value, json};

use super::Figure;
use super::bundle::{jpeg_uri, png_uri};
use super::canvas::{ROOM, Style};
use super::color::{ColorMap, ColorScale};
use crate::{Error, Result};

/// A specification from its file, with the figure's description, title and notes; `width` is the
/// room that they have.
pub(super) fn titled(
    file: &str,
    figure: &impl Figure,
    title: &str,
    notes: &[String],
    width: u32,
) -> Result<Value> {
    let mut spec = parsed(file)?;
    spec["description"] = json!(figure.description());
    set_title(&mut spec, title, notes, width);
    Ok(spec)
}

/// Writes a title, and notes in as many lines as they need, above content of this width.
pub(super) fn set_title(spec: &mut Value, title: &str, notes: &[String], width: u32) {
    /// A subtitle of 13 pixels, whose size is of the em, as the canvas counts.
    const NOTE: Style = Style { size: 15.2, ..Style::NOTE };
    let width = width.clamp(360, ROOM);
    let lines: Vec<String> = notes.iter().flat_map(|note| NOTE.wrapped(note, width)).collect();
    spec["title"]["text"] = json!(title);
    // A long title makes the figure wider, as it does the still.
    spec["title"]["limit"] = json!(ROOM);
    if !lines.is_empty() {
        spec["title"]["subtitle"] = json!(lines);
    }
}

/// Fills the first scale and its color bar, beside content of this height.
pub(super) fn colored(spec: &mut Value, scale: &ColorScale, unit: &str, height: u32) {
    let signed = scale.map == ColorMap::RedBlue;
    let mut domain = [scale.low, scale.high];
    if domain[0] == domain[1] {
        // Vega gives a blank map the middle of a scale without extent.
        domain = [if signed { -1.0 } else { 0.0 }, 1.0];
        spec["legends"][0]["values"] = json!([0]);
    }
    spec["scales"][0]["domain"] = json!(domain);
    spec["scales"][0]["range"]["scheme"] = json!(scale.map.vega_scheme());
    // Vega's redblue runs from red, its greys from white.
    spec["scales"][0]["reverse"] = json!(signed || scale.map == ColorMap::Gray);
    spec["legends"][0]["title"] = json!(unit);
    spec["legends"][0]["gradientLength"] = json!(height.clamp(100, 260) - 40);
}

/// Photographs are smaller as JPEG; drawings and enlarged pixels as PNG, which keeps them sharp too.
pub(super) fn picture_uri(picture: &RgbImage) -> Result<String> {
    let (jpeg, png) = (jpeg_uri(picture)?, png_uri(picture)?);
    Ok(if png.len() <= jpeg.len() { png } else { jpeg })
}

/// Gives a whole specification the signals for its colors (`paper`, `ink`, `muted` …), which follow the
/// page's theme.
///
/// JupyterLab tells Vega of its dark theme by the color of labels alone. An unseen label takes it, and a
/// row in a data set of its own carries it to where signals may read it.
pub(super) fn themed(mut spec: Value) -> Result<Value> {
    append(&mut spec, parsed(include_str!("theme.vega.json"))?);
    Ok(spec)
}

/// A color as Vega writes it.
pub(super) fn hex(Rgb([r, g, b]): Rgb<u8>) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

/// A color for a scale, or on dark paper the one that takes its place.
pub(super) fn toned(color: Rgb<u8>) -> Value {
    let color = hex(color);
    json!({ "signal": format!("tones['{color}'] || '{color}'") })
}

/// A specification, or a part of one, that lies beside the source.
pub(super) fn parsed(text: &str) -> Result<Value> {
    serde_json::from_str(text).map_err(Error::figure("specified"))
}

/// Adds the signals, data, scales and marks of `part` behind those of `spec`.
pub(super) fn append(spec: &mut Value, mut part: Value) {
    for list in ["signals", "data", "scales", "marks"] {
        let new = part.get_mut(list).and_then(Value::as_array_mut);
        if let (Some(all), Some(new)) = (spec.get_mut(list).and_then(Value::as_array_mut), new) {
            all.append(new);
        }
    }
}

/// Sets a property (`value`, `bind` …) of the signal with this name.
pub(super) fn set_signal(spec: &mut Value, name: &str, property: &str, to: Value) {
    let signals = spec.get_mut("signals").and_then(Value::as_array_mut);
    if let Some(signal) = signals.and_then(|all| all.iter_mut().find(|s| s["name"] == name)) {
        signal[property] = to;
    }
}
