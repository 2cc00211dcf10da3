//! Small pictures of points, side by side in one: a notebook has room for one file, not for thousands.

use image::{RgbImage, imageops};

use crate::Result;
use crate::picture::fit;
use crate::view::bundle::smaller_uri;

/// A picture's longer side.
const SIDE: u32 = 48;
/// The characters that all pictures may take in the notebook.
const MOST_BYTES: usize = 350_000;
/// Small ones are shown enlarged by a whole factor, to about this.
const SHOWN: u32 = 96;

/// A picture as small as a point has it.
pub(super) fn small(picture: &RgbImage) -> RgbImage {
    fit(picture, SIDE)
}

/// The pictures of the first few points, in cells of one size, row by row.
pub(super) struct SpriteSheet {
    pub uri: String,
    /// How many pictures there are.
    pub count: usize,
    pub columns: u32,
    pub rows: u32,
    /// The size at which a cell is shown.
    pub cell: (u32, u32),
    /// Whether enlarging may blur: photos yes, digits of a few pixels no.
    pub smooth: bool,
}

impl SpriteSheet {
    /// As many of the pictures as the room allows, but for none.
    pub(super) fn of(pictures: &[&RgbImage]) -> Result<Option<SpriteSheet>> {
        let mut count = pictures.len();
        while count > 0 {
            let (sheet, columns, (width, height)) = laid_out(&pictures[..count]);
            let uri = smaller_uri(&sheet)?;
            if uri.len() > MOST_BYTES {
                // A little less than in proportion, so that this ends soon.
                count = (count * MOST_BYTES / uri.len()).min(count - 1) * 97 / 100;
                continue;
            }
            let zoom = (SHOWN / width.max(height)).max(1);
            return Ok(Some(SpriteSheet {
                uri,
                count,
                columns,
                rows: sheet.height() / height,
                cell: (width * zoom, height * zoom),
                smooth: width.max(height) >= SIDE,
            }));
        }
        Ok(None)
    }
}

/// The sheet, its columns, and the size of a cell.
fn laid_out(pictures: &[&RgbImage]) -> (RgbImage, u32, (u32, u32)) {
    let width = pictures.iter().map(|picture| picture.width()).max().unwrap_or(1);
    let height = pictures.iter().map(|picture| picture.height()).max().unwrap_or(1);
    let columns = (pictures.len() as f64).sqrt().ceil() as u32;
    let rows = (pictures.len() as u32).div_ceil(columns.max(1));
    let mut sheet = RgbImage::from_pixel(columns * width, rows * height, image::Rgb([255; 3]));
    for (index, picture) in (0..).zip(pictures) {
        let (column, row) = (index % columns, index / columns);
        let x = column * width + (width - picture.width()) / 2;
        let y = row * height + (height - picture.height()) / 2;
        imageops::replace(&mut sheet, *picture, i64::from(x), i64::from(y));
    }
    (sheet, columns, (width, height))
}
