//! Which format a picture has, by its first bytes.

use image::ImageFormat;

/// Formats that `image` doesn't know, by what stands at a place.
const OTHERS: [(usize, &[u8], &str); 12] = [
    (4, b"ftyphei", "HEIC"),
    (4, b"ftyphev", "HEIC"),
    (4, b"ftypmif1", "HEIC"),
    (4, b"ftypmsf1", "HEIC"),
    (4, b"ftypavis", "AVIF"),
    (4, b"JXL ", "JPEG XL"),
    (0, b"\xff\x0a", "JPEG XL"),
    (4, b"jP  ", "JPEG 2000"),
    (0, b"\xff\x4f\xff\x51", "JPEG 2000"),
    (0, b"8BPS", "Photoshop"),
    (0, b"%PDF", "PDF"),
    (0, b"<svg", "SVG"),
];

/// The format, where it is one that is built in; else what to do.
pub(crate) fn readable(bytes: &[u8]) -> Result<ImageFormat, String> {
    use ImageFormat::{Gif, Jpeg, Png, WebP};
    let known = image::guess_format(bytes).ok();
    if let Some(format @ (Jpeg | Png | Gif | WebP)) = known {
        return Ok(format);
    }
    let other = known.map(|format| format!("{format:?}").to_uppercase()).or_else(|| {
        let is = |&&(at, start, _): &&(usize, &[u8], &str)| {
            bytes.get(at..).is_some_and(|rest| rest.starts_with(start))
        };
        OTHERS.iter().find(is).map(|(_, _, name)| (*name).to_owned())
    });
    Err(match other {
        Some(name) => format!(
            "this is {name}, and only JPEG, PNG, GIF and WebP can be read. Convert it to PNG or JPEG."
        ),
        None => "this is no JPEG, PNG, GIF or WebP picture. Convert it to one of these.".to_owned(),
    })
}
