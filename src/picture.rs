//! Fitting pictures into the room there is.

use image::{RgbImage, imageops};

/// The picture, reduced so that its longer side is at most `side`. Never enlarged.
pub(crate) fn fit(picture: &RgbImage, side: u32) -> RgbImage {
    let longer = picture.width().max(picture.height());
    if longer <= side {
        return picture.clone();
    }
    let scaled = |size: u32| (u64::from(size) * u64::from(side) / u64::from(longer)).max(1) as u32;
    let (width, height) = (scaled(picture.width()), scaled(picture.height()));
    imageops::resize(picture, width, height, imageops::FilterType::CatmullRom)
}
