//! Pictures to try things on: digits drawn by the crate, without a network connection, and the data sets
//! that everybody uses.

mod cifar;
mod folder;
mod idx;
mod image_set;
mod samples;
mod sets;
mod stored;
mod strokes;
mod threads;

pub use folder::Folder;
pub use image_set::{ImageSet, Split};
pub use samples::Samples;
pub(crate) use samples::{count, labels, labels_for};
pub use sets::{cifar10, fashion_mnist, mnist};
pub(crate) use threads::{each, prepared};

use image::{GrayImage, RgbImage};

use crate::{Error, Photo, Result};

/// CIFAR-10's classes in the order of the labels.
pub(crate) const CIFAR10_CLASSES: [&str; 10] =
    ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];

/// A handwritten-looking digit, drawn by this crate: 28×28, white ink on black, as the digits
/// network knows them. One `seed` always gives one picture.
///
/// # Errors
///
/// A digit above 9.
pub fn digit(digit: u8, seed: u64) -> Result<Photo> {
    let pixels = strokes::draw(digit, seed)
        .ok_or_else(|| Error::Argument(format!("{digit} is not a digit; digits are 0 to 9")))?;
    let gray = GrayImage::from_raw(28, 28, pixels.to_vec()).unwrap_or_default();
    let rgb: RgbImage = image::DynamicImage::from(gray).to_rgb8();
    Photo::from_image(rgb, &format!("a drawn {digit}"))
}

/// `count` different digits in turn, 0 to 9 and on, each with its label.
///
/// # Errors
///
/// More than 100,000, which take 240 MB.
pub fn digits(count: usize, seed: u64) -> Result<Vec<(Photo, usize)>> {
    const MOST: usize = 100_000;
    if count > MOST {
        return Err(Error::Argument(format!("{count} digits: at most {MOST} are drawn at once")));
    }
    (0..count)
        .map(|index| {
            let label = index % 10;
            let seed = seed.wrapping_mul(1_000_003).wrapping_add(index as u64);
            Ok((digit(label as u8, seed)?, label))
        })
        .collect()
}
