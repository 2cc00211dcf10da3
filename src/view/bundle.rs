//! One content in several forms, each under its mime type.

use std::borrow::Cow;
use std::io::Cursor;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::{RgbImage, RgbaImage};
use serde_json::Value;

use super::png::{png, png_with_alpha};
use super::text::visible;
use super::vega::themed;
use crate::{Error, Result};

/// A figure's forms: `image/png` and `text/plain` always, Vega or HTML where it moves.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Bundle {
    /// The still, PNG.
    pub png: Vec<u8>,
    /// What the figure shows, in words.
    pub text: String,
    /// The interactive form, a Vega 5 specification.
    pub vega: Option<Value>,
    /// The interactive form as HTML, where it is no Vega. What is left of it without scripts shows the still.
    pub html: Option<String>,
}

impl Bundle {
    /// A bundle of a picture and its description.
    pub fn still(image: &RgbImage, text: &str) -> Result<Bundle> {
        Ok(Bundle { png: png(image)?, text: visible(text).into_owned(), vega: None, html: None })
    }

    /// The same with an interactive form.
    #[must_use]
    pub fn with_vega(mut self, mut spec: Value) -> Bundle {
        make_visible(&mut spec);
        self.vega = Some(spec);
        self
    }

    /// The same with an interactive form that is HTML.
    #[must_use]
    pub fn with_html(mut self, html: String) -> Bundle {
        self.html = Some(html);
        self
    }

    /// The same with an interactive form of our own, in the page's colors.
    pub(super) fn with_themed(self, spec: Value) -> Result<Bundle> {
        Ok(self.with_vega(themed(spec)?))
    }

    /// Mime types and contents as a notebook stores them.
    pub fn entries(&self) -> Vec<(&'static str, String)> {
        let vega = self.vega.iter().map(|spec| ("application/vnd.vega.v5+json", spec.to_string()));
        let html = self.html.iter().map(|html| ("text/html", html.clone()));
        vega.chain(html)
            .chain([("image/png", STANDARD.encode(&self.png)), ("text/plain", self.text.clone())])
            .collect()
    }
}

/// Names from files and users may hold anything; what can't be seen in them is written out.
fn make_visible(spec: &mut Value) {
    match spec {
        Value::String(text) => {
            if let Cow::Owned(shown) = visible(text) {
                *text = shown;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(make_visible),
        // What breaks a text into lines is ours.
        Value::Object(fields) => {
            fields
                .iter_mut()
                .filter(|(name, _)| *name != "lineBreak")
                .for_each(|(_, v)| make_visible(v));
        }
        _ => {}
    }
}

pub(super) fn jpeg(image: &RgbImage) -> Result<Vec<u8>> {
    jpeg_of(image, 92)
}

fn jpeg_of(image: &RgbImage, quality: u8) -> Result<Vec<u8>> {
    let mut bytes = Cursor::new(Vec::new());
    image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, quality)
        .encode_image(image)
        .map_err(Error::figure("encoded as JPEG"))?;
    Ok(bytes.into_inner())
}

/// A picture inside JSON or HTML. Photographs are far smaller as JPEG.
pub(super) fn jpeg_uri(image: &RgbImage) -> Result<String> {
    Ok(format!("data:image/jpeg;base64,{}", STANDARD.encode(jpeg(image)?)))
}

/// The same without loss.
pub(super) fn png_uri(image: &RgbImage) -> Result<String> {
    Ok(format!("data:image/png;base64,{}", STANDARD.encode(png(image)?)))
}

/// The same where pixels may be transparent.
pub(super) fn png_with_alpha_uri(image: &RgbaImage) -> Result<String> {
    Ok(format!("data:image/png;base64,{}", STANDARD.encode(png_with_alpha(image)?)))
}

/// One of many pictures: JPEG of middling quality where that saves half, as it does for photographs,
/// else without loss.
pub(super) fn smaller_uri(image: &RgbImage) -> Result<String> {
    let (png, jpeg) = (png_uri(image)?, STANDARD.encode(jpeg_of(image, 80)?));
    Ok(if 2 * jpeg.len() < png.len() { format!("data:image/jpeg;base64,{jpeg}") } else { png })
}
