//! Pictures in: decoding, orientation, gray and alpha, and a guard against decompression bombs.

// Sizes are what a file says.
#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss
    )
)]

use std::path::Path;

use image::{DynamicImage, RgbImage};

use crate::files;
use crate::limits::PIXELS;
use crate::{Error, Result};

mod decode;
mod format;
mod jpeg;

pub(crate) use format::readable;

/// The most memory that a decoded picture takes, and the largest file: four bytes a pixel.
const MAX_BYTES: u64 = 4 * PIXELS;

/// A picture, always 8-bit RGB and upright.
///
/// ```no_run
/// use convscope::prelude::*;
/// let photo = Photo::open("dog.jpg")?;
/// # Ok::<(), convscope::Error>(())
/// ```
#[derive(Clone)]
pub struct Photo {
    pixels: RgbImage,
    title: String,
}

impl Photo {
    /// Reads a JPEG, PNG, GIF (first frame) or WebP file.
    ///
    /// The EXIF orientation is applied, gray and CMYK become RGB, transparency is laid over white. A JPEG
    /// has the pixels that Pillow's `convert("RGB")` has. Decoding takes less than 1 GB.
    ///
    /// # Errors
    ///
    /// No such file; another format; a broken or truncated one; more than 100 megapixels, or, of 16
    /// bits a value, more than 400 MB.
    pub fn open(path: impl AsRef<Path>) -> Result<Photo> {
        let path = path.as_ref();
        let bytes = read(path)?;
        let title = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
        Photo::from_bytes(&bytes, &title).map_err(|error| match error {
            Error::Photo { problem, source, .. } => {
                Error::Photo { what: path.display().to_string(), problem, source }
            }
            other => other,
        })
    }

    /// Decodes a picture held in memory, as [`Photo::open`] does. The title is what figures call it.
    pub fn from_bytes(bytes: &[u8], title: &str) -> Result<Photo> {
        Photo::from_image(decode::decode(bytes, title)?, title)
    }

    /// A picture that another program part made.
    ///
    /// # Errors
    ///
    /// No pixels, or more than 100 megapixels.
    pub fn from_image(picture: impl Into<DynamicImage>, title: &str) -> Result<Photo> {
        let picture = picture.into();
        check_size(picture.width(), picture.height(), title)?;
        Ok(Photo { pixels: decode::rgb(picture), title: title.to_owned() })
    }

    /// The pixels.
    pub fn pixels(&self) -> &RgbImage {
        &self.pixels
    }

    /// What figures call it: the file's name, unless given.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// Width in pixels.
    pub fn width(&self) -> u32 {
        self.pixels.width()
    }

    /// Height in pixels.
    pub fn height(&self) -> u32 {
        self.pixels.height()
    }
}

/// A picture file's content.
fn read(path: &Path) -> Result<Vec<u8>> {
    const DOING: &str = "read the picture";
    let file = std::fs::metadata(path).map_err(Error::io(DOING, path))?;
    let refuse = |problem: String| Err(Error::photo(path.display().to_string(), problem));
    if file.is_dir() {
        return refuse(
            "this is a folder. `data::Folder::open` takes the pictures in it.".to_owned(),
        );
    }
    if file.len() > MAX_BYTES {
        return refuse(format!(
            "a file of {:.1} GB is more than the limit of {:.1} GB. Scale the picture down.",
            file.len() as f64 / 1e9,
            MAX_BYTES as f64 / 1e9
        ));
    }
    files::read(path, DOING)
}

fn check_size(width: u32, height: u32, title: &str) -> Result<()> {
    match u64::from(width).saturating_mul(u64::from(height)) {
        0 => Err(Error::photo(title, "the picture has no pixels. Give one with at least one.")),
        1..=PIXELS => Ok(()),
        _ => Err(Error::photo(
            title,
            format!(
                "{width}×{height} pixels is more than the limit of {} megapixels. Scale it down.",
                PIXELS / 1_000_000
            ),
        )),
    }
}

impl std::fmt::Debug for Photo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Photo {} ({}×{})", self.title, self.width(), self.height())
    }
}
