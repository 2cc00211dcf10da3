//! Resizing with antialiasing, bit for bit as Pillow does it, because that is what the
//! zoo's networks were trained and measured with. Two passes in 22-bit fixed point, the columns
//! first, rounded to 8 bits in between.

use std::ops::Range;

use image::RgbImage;

use crate::vectorized::vectorized;

const PRECISION: u32 = 22;

/// How values between pixels are made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Interpolation {
    /// From the two nearest pixels of each direction: torchvision's usual choice.
    #[default]
    Bilinear,
    /// From the four nearest, along a cubic: sharper.
    Bicubic,
}

impl Interpolation {
    /// How many pixels a value reaches to each side.
    fn reach(self) -> f64 {
        match self {
            Interpolation::Bilinear => 1.0,
            Interpolation::Bicubic => 2.0,
        }
    }

    /// The weight of a pixel at this distance, 0 from `reach` on.
    fn weight(self, distance: f64) -> f64 {
        let x = distance.abs();
        match self {
            Interpolation::Bilinear => (1.0 - x).max(0.0),
            // Keys' cubic with a = -0.5.
            Interpolation::Bicubic if x < 1.0 => (1.5 * x - 2.5) * x * x + 1.0,
            Interpolation::Bicubic if x < 2.0 => ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0,
            Interpolation::Bicubic => 0.0,
        }
    }
}

/// A part of the picture at another size, from `corner` on: no more is computed than it needs.
pub(super) fn resize(
    picture: &RgbImage,
    size: [u32; 2],
    corner: [u32; 2],
    part: [u32; 2],
    interpolation: Interpolation,
) -> RgbImage {
    let ([x, y], [width, height]) = (corner, part);
    if <[u32; 2]>::from(picture.dimensions()) == size {
        return image::imageops::crop_imm(picture, x, y, width, height).to_image();
    }
    let columns = windows(picture.width(), size[0], x..x + width, interpolation);
    let rows = windows(picture.height(), size[1], y..y + height, interpolation);
    // The rows of the picture that the part reads.
    let first = rows.first().map_or(0, |(first, _)| *first);
    let end = rows.last().map_or(0, |(first, weights)| first + weights.len() as u32);
    let narrow = along_rows(picture, first..end, &columns);
    along_columns(&narrow, first, &rows)
}

/// The first pixel that an output pixel reads, and the weights from there on.
type Window = (u32, Vec<i32>);

/// The windows of these output pixels, of `to` in all.
fn windows(from: u32, to: u32, wanted: Range<u32>, interpolation: Interpolation) -> Vec<Window> {
    let scale = f64::from(from) / f64::from(to);
    // When reducing, the window grows with the scale: that is the antialiasing.
    let stretch = scale.max(1.0);
    let support = interpolation.reach() * stretch;
    let window = |i: u32| {
        let center = (f64::from(i) + 0.5) * scale;
        let first = (center - support + 0.5).max(0.0) as u32;
        let end = ((center + support + 0.5) as u32).min(from);
        let weight = |x: u32| interpolation.weight((f64::from(x) - center + 0.5) / stretch);
        let weights: Vec<f64> = (first..end).map(weight).collect();
        let sum: f64 = weights.iter().sum();
        let fixed = |weight: &f64| {
            let normal = if sum != 0.0 { weight / sum } else { *weight };
            (normal * f64::from(1 << PRECISION)).round() as i32
        };
        (first, weights.iter().map(fixed).collect())
    };
    wanted.map(window).collect()
}

vectorized! {
    /// These rows of the picture, each made of the windows.
    fn along_rows(picture: &RgbImage, rows: Range<u32>, windows: &[Window]) -> RgbImage {
        let (width, height) = (windows.len() as u32, rows.end - rows.start);
        let stride = 3 * picture.width() as usize;
        let mut out = Vec::with_capacity(3 * width as usize * height as usize);
        let rows = stride * rows.start as usize..stride * rows.end as usize;
        for row in picture.as_raw()[rows].chunks_exact(stride) {
            for (first, weights) in windows {
                let mut sums = [1i32 << (PRECISION - 1); 3];
                let pixels = row[3 * *first as usize..].chunks_exact(3);
                for (pixel, &weight) in pixels.zip(weights) {
                    for (sum, &value) in sums.iter_mut().zip(pixel) {
                        add(sum, value, weight);
                    }
                }
                out.extend(sums.map(byte));
            }
        }
        RgbImage::from_raw(width, height, out).unwrap_or_default()
    }

    /// The windows over rows of a picture, of which the first `above` are not there.
    fn along_columns(picture: &RgbImage, above: u32, windows: &[Window]) -> RgbImage {
        let stride = 3 * picture.width() as usize;
        let mut out = Vec::with_capacity(stride * windows.len());
        let mut sums = vec![0i32; stride];
        for (first, weights) in windows {
            sums.fill(1 << (PRECISION - 1));
            let rows = picture.as_raw()[stride * (first - above) as usize..].chunks_exact(stride);
            for (row, &weight) in rows.zip(weights) {
                for (sum, &value) in sums.iter_mut().zip(row) {
                    add(sum, value, weight);
                }
            }
            out.extend(sums.iter().map(|&sum| byte(sum)));
        }
        RgbImage::from_raw(picture.width(), windows.len() as u32, out).unwrap_or_default()
    }
}

/// Adds a weighted value. Such sums fit; a check at each, as development builds make it, would take most of
/// the time.
#[inline(always)]
fn add(sum: &mut i32, value: u8, weight: i32) {
    *sum = sum.wrapping_add(i32::from(value).wrapping_mul(weight));
}

#[inline(always)]
fn byte(sum: i32) -> u8 {
    (sum >> PRECISION).clamp(0, 255) as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::Rgb;

    fn whole(picture: &RgbImage, width: u32, height: u32, by: Interpolation) -> RgbImage {
        resize(picture, [width, height], [0, 0], [width, height], by)
    }

    #[test]
    fn constants_stay_and_sizes_are_met() {
        let gray = RgbImage::from_pixel(37, 11, Rgb([200, 3, 77]));
        for (width, height) in [(1, 1), (5, 90), (224, 3), (37, 11)] {
            let resized = whole(&gray, width, height, Interpolation::Bilinear);
            assert_eq!(resized.dimensions(), (width, height));
            assert!(resized.pixels().all(|pixel| *pixel == Rgb([200, 3, 77])));
        }
    }

    #[test]
    fn a_part_is_what_the_whole_has_there() {
        let pixel = |x: u32, y: u32| Rgb([x, y, x * y].map(|v| (v * 37 % 251) as u8));
        let picture = RgbImage::from_fn(61, 47, pixel);
        for by in [Interpolation::Bilinear, Interpolation::Bicubic] {
            for size @ [w, h] in [[30, 23], [61, 47], [61, 90], [100, 47], [7, 5], [130, 101]] {
                let all = whole(&picture, w, h, by);
                for (corner, part) in [([0, 0], [w, h]), ([w / 3, h / 4], [w / 2, h / 2])] {
                    let expected =
                        image::imageops::crop_imm(&all, corner[0], corner[1], part[0], part[1]);
                    assert_eq!(resize(&picture, size, corner, part, by), expected.to_image());
                }
            }
        }
    }

    #[test]
    fn halving_averages_with_a_triangle() {
        // Pillow's own result for this row, reduced from 8 to 4.
        let row = [0u8, 0, 0, 255, 255, 0, 0, 100];
        let picture = RgbImage::from_fn(8, 1, |x, _| Rgb([row[x as usize]; 3]));
        let halved: Vec<u8> =
            whole(&picture, 4, 1, Interpolation::Bilinear).pixels().map(|p| p.0[0]).collect();
        assert_eq!(halved, [0, 128, 128, 43]);
    }

    #[test]
    fn a_cubic_overshoots_as_pillows_does() {
        // Pillow's own results for this row, reduced to 4 and enlarged to 13.
        let row = [0u8, 0, 0, 255, 255, 0, 0, 100];
        let picture = RgbImage::from_fn(8, 1, |x, _| Rgb([row[x as usize]; 3]));
        let resized = |width| -> Vec<u8> {
            let resized = whole(&picture, width, 1, Interpolation::Bicubic);
            resized.pixels().map(|p| p.0[0]).collect()
        };
        assert_eq!(resized(4), [0, 138, 134, 34]);
        assert_eq!(resized(13), [0, 0, 0, 0, 57, 236, 255, 236, 57, 0, 0, 62, 107]);
    }
}
