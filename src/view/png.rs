//! Pictures as PNG, small and quick.
//!
//! Figures are mostly flat colors and color maps: up to 256 colors fit a palette and take one byte
//! a pixel, which then needs a third of the time and of the room.

use image::{RgbImage, RgbaImage};
use png::{BitDepth, ColorType, DeflateCompression, Encoder, Filter};

use crate::{Error, Result};

/// The picture as a PNG file.
pub(super) fn png(image: &RgbImage) -> Result<Vec<u8>> {
    smallest(image.dimensions(), image, ColorType::Rgb)
}

/// The same where pixels may be transparent.
pub(super) fn png_with_alpha(image: &RgbaImage) -> Result<Vec<u8>> {
    smallest(image.dimensions(), image, ColorType::Rgba)
}

/// `pixels`: three or four bytes each, by `color`.
fn smallest(size: (u32, u32), pixels: &[u8], color: ColorType) -> Result<Vec<u8>> {
    if let Some((palette, places)) = indexed(pixels, color.samples()) {
        return encoded(size, &places, Colors::Palette(palette), Filter::NoFilter, LIGHTLY);
    }
    // Photographs want filters, which spoil the repetitions that enlarged maps are made of.
    let fast = DeflateCompression::FdeflateUltraFast;
    let filtered = encoded(size, pixels, Colors::Direct(color), Filter::Adaptive, fast)?;
    let plain = encoded(size, pixels, Colors::Direct(color), Filter::NoFilter, LIGHTLY)?;
    Ok(if plain.len() < filtered.len() { plain } else { filtered })
}

const LIGHTLY: DeflateCompression = DeflateCompression::Level(1);

/// What a pixel's bytes mean.
enum Colors {
    Direct(ColorType),
    /// A place among these.
    Palette(Vec<[u8; 4]>),
}

fn encoded(
    (width, height): (u32, u32),
    pixels: &[u8],
    colors: Colors,
    filter: Filter,
    compression: DeflateCompression,
) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, width, height);
    encoder.set_depth(BitDepth::Eight);
    match colors {
        Colors::Direct(color) => encoder.set_color(color),
        Colors::Palette(palette) => {
            encoder.set_color(ColorType::Indexed);
            encoder.set_palette(
                palette.iter().flat_map(|&[r, g, b, _]| [r, g, b]).collect::<Vec<u8>>(),
            );
            if palette.iter().any(|&[.., alpha]| alpha < 255) {
                encoder.set_trns(palette.iter().map(|&[.., alpha]| alpha).collect::<Vec<u8>>());
            }
        }
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
/// Pixels have three bytes, or four with their opacity.
fn indexed(pixels: &[u8], bytes: usize) -> Option<(Vec<[u8; 4]>, Vec<u8>)> {
    const BITS: u32 = 12;
    // A hash table: color and place, at the first free slot from the color's own on. It is never
    // more than a sixteenth full.
    let mut slots: [Option<(u32, u8)>; 1 << BITS] = [None; 1 << BITS];
    let mut palette: Vec<[u8; 4]> = Vec::with_capacity(256);
    let mut places = Vec::with_capacity(pixels.len() / bytes);
    let mut last = None;
    for pixel in pixels.chunks_exact(bytes) {
        let rgba = [pixel[0], pixel[1], pixel[2], pixel.get(3).copied().unwrap_or(255)];
        let color = u32::from_be_bytes(rgba);
        let (_, place) = match last {
            Some(known @ (same, _)) if same == color => known,
            _ => {
                let mut slot = (color.wrapping_mul(0x9e37_79b1) >> (32 - BITS)) as usize;
                while slots[slot].is_some_and(|(other, _)| other != color) {
                    slot = (slot + 1) % slots.len();
                }
                match slots[slot] {
                    Some(known) => known,
                    None => {
                        let new = (color, u8::try_from(palette.len()).ok()?);
                        palette.push(rgba);
                        *slots[slot].insert(new)
                    }
                }
            }
        };
        last = Some((color, place));
        places.push(place);
    }
    Some((palette, places))
}

#[cfg(test)]
mod tests {
    use image::{Rgb, Rgba};

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

            let transparent = RgbaImage::from_fn(70, 50, |x, y| {
                let [r, g, b] = image.get_pixel(x, y).0;
                Rgba(if x < 9 { [0; 4] } else { [r, g, b, 255] })
            });
            let bytes = png_with_alpha(&transparent).expect("a PNG");
            let back = image::load_from_memory(&bytes).expect("a picture").to_rgba8();
            assert_eq!(back, transparent, "{colors} colors");
        }
    }
}
