//! Resizing with antialiasing, bit for bit as Pillow does it, because that is what the
//! zoo's networks were trained and measured with. Two passes in 22-bit fixed point, the columns
//! first, rounded to 8 bits in between.

use image::RgbImage;

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

/// The picture at another size.
pub(super) fn resize(
    picture: &RgbImage,
    width: u32,
    height: u32,
    interpolation: Interpolation,
) -> RgbImage {
    if picture.dimensions() == (width, height) {
        return picture.clone();
    }
    let narrow = along_rows(picture, width, interpolation);
    along_columns(&narrow, height, interpolation)
}

/// For each output pixel: the first input pixel it reads, and the weights from there on.
fn windows(from: u32, to: u32, interpolation: Interpolation) -> Vec<(u32, Vec<i32>)> {
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
    (0..to).map(window).collect()
}

fn along_rows(picture: &RgbImage, width: u32, interpolation: Interpolation) -> RgbImage {
    let windows = windows(picture.width(), width, interpolation);
    let stride = 3 * picture.width() as usize;
    let mut out = Vec::with_capacity(3 * width as usize * picture.height() as usize);
    for row in picture.as_raw().chunks_exact(stride) {
        for (first, weights) in &windows {
            let mut sums = [1i32 << (PRECISION - 1); 3];
            let pixels = row[3 * *first as usize..].chunks_exact(3);
            for (pixel, weight) in pixels.zip(weights) {
                (0..3).for_each(|c| sums[c] += i32::from(pixel[c]) * weight);
            }
            out.extend(sums.map(byte));
        }
    }
    RgbImage::from_raw(width, picture.height(), out).unwrap_or_default()
}

fn along_columns(picture: &RgbImage, height: u32, interpolation: Interpolation) -> RgbImage {
    let stride = 3 * picture.width() as usize;
    let mut out = Vec::with_capacity(stride * height as usize);
    let mut sums = vec![0i32; stride];
    for (first, weights) in windows(picture.height(), height, interpolation) {
        sums.fill(1 << (PRECISION - 1));
        let rows = picture.as_raw()[stride * first as usize..].chunks_exact(stride);
        for (row, weight) in rows.zip(weights) {
            sums.iter_mut().zip(row).for_each(|(sum, &v)| *sum += i32::from(v) * weight);
        }
        out.extend(sums.iter().map(|&sum| byte(sum)));
    }
    RgbImage::from_raw(picture.width(), height, out).unwrap_or_default()
}

fn byte(sum: i32) -> u8 {
    (sum >> PRECISION).clamp(0, 255) as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::Rgb;

    #[test]
    fn constants_stay_and_sizes_are_met() {
        let gray = RgbImage::from_pixel(37, 11, Rgb([200, 3, 77]));
        for (width, height) in [(1, 1), (5, 90), (224, 3), (37, 11)] {
            let resized = resize(&gray, width, height, Interpolation::Bilinear);
            assert_eq!(resized.dimensions(), (width, height));
            assert!(resized.pixels().all(|pixel| *pixel == Rgb([200, 3, 77])));
        }
    }

    #[test]
    fn halving_averages_with_a_triangle() {
        // Pillow's own result for this row, reduced from 8 to 4.
        let row = [0u8, 0, 0, 255, 255, 0, 0, 100];
        let picture = RgbImage::from_fn(8, 1, |x, _| Rgb([row[x as usize]; 3]));
        let halved: Vec<u8> =
            resize(&picture, 4, 1, Interpolation::Bilinear).pixels().map(|p| p.0[0]).collect();
        assert_eq!(halved, [0, 128, 128, 43]);
    }

    #[test]
    fn a_cubic_overshoots_as_pillows_does() {
        // Pillow's own results for this row, reduced to 4 and enlarged to 13.
        let row = [0u8, 0, 0, 255, 255, 0, 0, 100];
        let picture = RgbImage::from_fn(8, 1, |x, _| Rgb([row[x as usize]; 3]));
        let resized = |width| -> Vec<u8> {
            let resized = resize(&picture, width, 1, Interpolation::Bicubic);
            resized.pixels().map(|p| p.0[0]).collect()
        };
        assert_eq!(resized(4), [0, 138, 134, 34]);
        assert_eq!(resized(13), [0, 0, 0, 0, 57, 236, 255, 236, 57, 0, 0, 62, 107]);
    }
}
