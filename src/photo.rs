//! Pictures in: decoding, orientation, gray and alpha, and a guard against decompression bombs.

use std::io::Cursor;
use std::path::Path;

use image::{DynamicImage, ImageDecoder, ImageReader, Limits, RgbImage, RgbaImage};

use crate::{Error, Result};

/// The largest picture that is decoded: 100 megapixels.
const MAX_PIXELS: u64 = 100_000_000;

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
    /// The EXIF orientation is applied, gray becomes RGB, transparency is laid over white. Pictures
    /// above 100 megapixels are refused before they are decoded.
    pub fn open(path: impl AsRef<Path>) -> Result<Photo> {
        let path = path.as_ref();
        let bytes = std::fs::read(path).map_err(Error::io("read the picture", path))?;
        let title = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
        Photo::from_bytes(&bytes, &title).map_err(|error| match error {
            Error::Photo { problem, source, .. } => {
                Error::Photo { what: path.display().to_string(), problem, source }
            }
            other => other,
        })
    }

    /// Decodes a picture held in memory. The title is what figures call it.
    pub fn from_bytes(bytes: &[u8], title: &str) -> Result<Photo> {
        let refuse = |problem: String| Error::photo(title, problem);
        let reader = ImageReader::new(Cursor::new(bytes))
            .with_guessed_format()
            .map_err(|error| refuse(error.to_string()))?;
        if reader.format().is_none() {
            let problem = "this is no JPEG, PNG, GIF or WebP picture. Convert it to one of these.";
            return Err(refuse(problem.to_owned()));
        }
        let decode = |error: image::ImageError| Error::Photo {
            what: title.to_owned(),
            problem: format!("the picture is broken or incomplete ({error}). Save it again."),
            source: Some(error.into()),
        };
        let mut decoder = reader.into_decoder().map_err(decode)?;
        let (width, height) = decoder.dimensions();
        if u64::from(width) * u64::from(height) > MAX_PIXELS {
            return Err(refuse(format!(
                "{width}×{height} pixels is more than the limit of {} megapixels. Scale it down.",
                MAX_PIXELS / 1_000_000
            )));
        }
        let mut limits = Limits::default();
        limits.max_alloc = Some(8 * MAX_PIXELS);
        decoder.set_limits(limits).map_err(decode)?;
        let orientation = decoder.orientation().map_err(decode)?;
        let mut picture = DynamicImage::from_decoder(decoder).map_err(decode)?;
        picture.apply_orientation(orientation);
        Photo::from_image(picture, title)
    }

    /// A picture that another program part made.
    pub fn from_image(picture: impl Into<DynamicImage>, title: &str) -> Result<Photo> {
        let picture = picture.into();
        if picture.width() == 0 || picture.height() == 0 {
            return Err(Error::photo(title, "the picture has no pixels"));
        }
        let pixels = match picture.color().has_alpha() {
            true => over_white(picture.to_rgba8()),
            false => picture.to_rgb8(),
        };
        Ok(Photo { pixels, title: title.to_owned() })
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

fn over_white(picture: RgbaImage) -> RgbImage {
    let mut pixels = RgbImage::new(picture.width(), picture.height());
    for (out, pixel) in pixels.pixels_mut().zip(picture.pixels()) {
        let [r, g, b, alpha] = pixel.0.map(u32::from);
        out.0 = [r, g, b].map(|v| ((v * alpha + 255 * (255 - alpha) + 127) / 255) as u8);
    }
    pixels
}

impl std::fmt::Debug for Photo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Photo {} ({}×{})", self.title, self.width(), self.height())
    }
}
