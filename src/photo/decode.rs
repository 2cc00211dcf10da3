//! From a file's bytes to pixels, within bounds that the file can't move.

use std::cell::Cell;
use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

use image::metadata::Orientation;
use image::{
    DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits, RgbImage, RgbaImage,
};

use super::jpeg::{self, Fault, Picture};
use super::{MAX_BYTES, check_size, format};
use crate::error::first_line;
use crate::{Error, Result};

/// The picture in a file of this content, upright.
pub(super) fn decode(bytes: &[u8], title: &str) -> Result<RgbImage> {
    let format = format::readable(bytes).map_err(|problem| Error::photo(title, problem))?;
    let read = || match format {
        ImageFormat::Jpeg => jpeg(bytes, title),
        _ => pixels(bytes, format, title),
    };
    let (pixels, orientation) = fenced(read).unwrap_or_else(|| {
        let problem = "the picture is broken: its decoder gave up. Save it again.";
        Err(Error::photo(title, problem))
    })?;
    let mut upright = DynamicImage::from(pixels);
    upright.apply_orientation(orientation);
    Ok(upright.into_rgb8())
}

/// The pixels of a JPEG as they lie in the file, and how to turn them.
fn jpeg(bytes: &[u8], title: &str) -> Result<(RgbImage, Orientation)> {
    let problem = |fault| match fault {
        Fault::CutShort => {
            "the file is cut short: its data end before the picture does. Copy or fetch it anew."
                .to_owned()
        }
        Fault::Broken(what) => {
            format!("the picture is broken or incomplete ({what}). Save it again.")
        }
        Fault::Unusual(what) => {
            format!(
                "this JPEG has {what}, which can't be read. Save it as a usual JPEG, or as PNG."
            )
        }
    };
    let failed = |fault| Error::photo(title, problem(fault));
    let (width, height) = jpeg::size(bytes).map_err(failed)?;
    check_size(width, height, title)?;
    let Picture { pixels, exif } = jpeg::decode(bytes).map_err(failed)?;
    let orientation = exif.and_then(|exif| Orientation::from_exif_chunk(&exif));
    Ok((pixels, orientation.unwrap_or(Orientation::NoTransforms)))
}

/// The pixels as they lie in the file, and how to turn them.
fn pixels(bytes: &[u8], format: ImageFormat, title: &str) -> Result<(RgbImage, Orientation)> {
    let broken = |error: ImageError| Error::Photo {
        what: title.to_owned(),
        problem: format!(
            "the picture is broken or incomplete ({}). Save it again.",
            first_line(&error.to_string())
        ),
        source: Some(error.into()),
    };
    let reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut decoder = reader.into_decoder().map_err(broken)?;
    let (width, height) = decoder.dimensions();
    check_size(width, height, title)?;
    check_bytes(&decoder, title)?;
    let mut limits = Limits::default();
    limits.max_alloc = Some(MAX_BYTES);
    decoder.set_limits(limits).map_err(broken)?;
    let orientation = decoder.orientation().map_err(broken)?;
    let picture = DynamicImage::from_decoder(decoder).map_err(broken)?;
    Ok((rgb(picture), orientation))
}

/// Refuses what takes more memory than any picture of eight bits a value may.
fn check_bytes(decoder: &impl ImageDecoder, title: &str) -> Result<()> {
    let (bytes, (width, height)) = (decoder.total_bytes(), decoder.dimensions());
    if bytes <= MAX_BYTES {
        return Ok(());
    }
    let bits = decoder.color_type().bits_per_pixel();
    Err(Error::photo(
        title,
        format!(
            "{width}×{height} pixels of {bits} bits take {:.1} GB, more than the limit of {:.1} GB. \
             Scale it down, or save it with 8 bits a value.",
            bytes as f64 / 1e9,
            MAX_BYTES as f64 / 1e9
        ),
    ))
}

/// 8-bit RGB, laid over white.
pub(super) fn rgb(picture: DynamicImage) -> RgbImage {
    match picture.color().has_alpha() {
        true => over_white(&picture.into_rgba8()),
        false => picture.into_rgb8(),
    }
}

#[allow(clippy::arithmetic_side_effects, clippy::cast_possible_truncation, reason = "of bytes")]
fn over_white(picture: &RgbaImage) -> RgbImage {
    let mut pixels = RgbImage::new(picture.width(), picture.height());
    for (out, pixel) in pixels.pixels_mut().zip(picture.pixels()) {
        let [r, g, b, alpha] = pixel.0.map(u32::from);
        out.0 = [r, g, b].map(|v| ((v * alpha + 255 * (255 - alpha) + 127) / 255) as u8);
    }
    pixels
}

/// What `decode` gives, or nothing where it panics: decoders meet files that nobody foresaw. Such a
/// panic prints nothing; all others do what they did before.
fn fenced<T>(decode: impl FnOnce() -> T) -> Option<T> {
    static HOOK: Once = Once::new();
    thread_local! {
        static FENCED: Cell<bool> = const { Cell::new(false) };
    }
    HOOK.call_once(|| {
        let usual = take_hook();
        set_hook(Box::new(move |panic| {
            if !FENCED.get() {
                usual(panic);
            }
        }));
    });
    FENCED.set(true);
    let outcome = catch_unwind(AssertUnwindSafe(decode));
    FENCED.set(false);
    outcome.ok()
}
