//! What the interactive forms share: their title, and pictures in them.

use image::RgbImage;
use serde_json::{Value, json};

use super::Figure;
use super::bundle::{jpeg_uri, png_uri};
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
    let mut spec: Value = serde_json::from_str(file)
        .map_err(|error| Error::Argument(format!("a figure's specification: {error}")))?;
    spec["description"] = json!(figure.description());
    spec["title"]["text"] = json!(title);
    spec["title"]["limit"] = json!(width);
    if !notes.is_empty() {
        spec["title"]["subtitle"] = json!(notes);
    }
    Ok(spec)
}

/// Photographs are smaller as JPEG; drawings and enlarged pixels as PNG, which keeps them sharp too.
pub(super) fn picture_uri(picture: &RgbImage) -> Result<String> {
    let (jpeg, png) = (jpeg_uri(picture)?, png_uri(picture)?);
    Ok(if png.len() <= jpeg.len() { png } else { jpeg })
}
