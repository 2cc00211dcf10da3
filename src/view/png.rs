//! Pictures as PNG, small and quick.
//!
//! Figures are mostly flat colors and color maps: up to 256 colors fit a palette and take one byte
//! a pixel, which then needs a third of the time and of the room.

use image::RgbImage;
use png::{BitDepth, ColorType, DeflateCompression, Encoder, Filter};

use crate::{Error, Result};

/// The picture as a PNG file.
pub(super) fn png(image: &RgbImage) -> Result<Vec<u8>> {
    if let Some((palette, pixels)) = indexed(image) {
        return encoded(image, &pixels, Some(palette), Filter::NoFilter, LIGHTLY);
    }
    // Photographs want filters, which spoil the repetitions that enlarged maps are made of.
    let filtered =
        encoded(image, image, None, Filter::Adaptive, DeflateCompression::FdeflateUltraFast)?;
    let plain = encoded(image, image, None, Filter::NoFilter, LIGHTLY)?;
    Ok(if plain.len() < filtered.len() { plain } else { filtered })
}

const LIGHTLY: DeflateCompression = DeflateCompression::Level(1);

/// `palette`: where `pixels` are places in it instead of colors.
fn encoded(
    image: &RgbImage,
    pixels: &[u8],
    palette: Option<Vec<u8>>,
    filter: Filter,
    compression: DeflateCompression,
) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, image.width(), image.height());
    encoder.set_depth(BitDepth::Eight);
    encoder.set_color(if palette.is_some() { ColorType::Indexed } else { ColorType::Rgb });
    if let Some(palette) = palette {
        encoder.set_palette(palette);
    }
    encoder.set_filter(filter);
    encoder.set_deflate_compression(compression);
    encoder
        .write_header()
        .and_then(|mut writer| {
            writer.write_image_data(pixels)?;
            writer.finish()
        })
        .map_err(Error::figure("encoded as PNG"))?;
    Ok(bytes)
}

/// The colors in order of appearance, and each pixel's place among them; `None` for more than 256.
fn indexed(image: &RgbImage) -> Option<(Vec<u8>, Vec<u8>)> {
    const BITS: u32 = 12;
    const NOBODY: u32 = u32::MAX;
    // A hash table: color and place, at the first free slot from the color's own on. It is never
    // more than a sixteenth full.
    let mut slots = [(NOBODY, 0u8); 1 << BITS];
    let mut palette: Vec<u8> = Vec::with_capacity(3 * 256);
    let mut pixels = Vec::with_capacity(image.len() / 3);
    let (mut last, mut place) = (NOBODY, 0);
    for pixel in image.pixels() {
        let [r, g, b] = pixel.0;
        let color = u32::from_be_bytes([0, r, g, b]);
        if color != last {
            let mut slot = (color.wrapping_mul(0x9e37_79b1) >> (32 - BITS)) as usize;
            while slots[slot].0 != color && slots[slot].0 != NOBODY {
                slot = (slot + 1) % slots.len();
            }
            if slots[slot].0 == NOBODY {
                slots[slot] = (color, u8::try_from(palette.len() / 3).ok()?);
                palette.extend_from_slice(&pixel.0);
            }
            (last, place) = slots[slot];
        }
        pixels.push(place);
    }
    Some((palette, pixels))
}

#[cfg(test)]
mod tests {
    use image::Rgb;

    use super::*;

    /// Every color comes back, with a palette or without.
    #[test]
    fn nothing_is_lost() {
        for (colors, kind) in [(1, 3), (256, 3), (257, 2)] {
            let image = RgbImage::from_fn(70, 50, |x, y| {
                let color = (x * 50 + y) % colors * 65_793 % 0xff_fff1;
                let [_, r, g, b] = color.to_be_bytes();
                Rgb([r, g, b])
            });
            let bytes = png(&image).expect("a PNG");
            // The color type stands after the signature and the header's sizes.
            assert_eq!(bytes[25], kind, "{colors} colors");
            let back = image::load_from_memory(&bytes).expect("a picture").to_rgb8();
            assert_eq!(back, image, "{colors} colors");
        }
    }
}
