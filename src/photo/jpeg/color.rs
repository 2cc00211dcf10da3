//! Samples to pixels: colors at every pixel, and red, green and blue, in libjpeg's whole numbers.

use super::Component;
use super::number::Number;

/// What a picture's samples are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Colors {
    Gray,
    Rgb,
    YCbCr,
    /// Ink, as Adobe's programs store it: 0 is all of it.
    Cmyk,
    /// The same with cyan, magenta and yellow as [`Colors::YCbCr`].
    Ycck,
}

/// A row of pixels, three bytes each, from a row of samples for each component.
pub(super) fn row(colors: Colors, samples: &[Vec<u8>], out: &mut [u8]) {
    let pixels = out.chunks_exact_mut(3);
    match (colors, samples) {
        (Colors::Gray, [gray]) => pixels.zip(gray).for_each(|(pixel, &value)| pixel.fill(value)),
        // Loops, and not iterators, which take their time where nothing is optimized.
        (Colors::YCbCr, [y, cb, cr]) => {
            for (x, pixel) in pixels.enumerate() {
                let [red, green, blue] = rgb([y[x], cb[x], cr[x]]);
                (pixel[0], pixel[1], pixel[2]) = (red, green, blue);
            }
        }
        (_, [a, b, c, ink @ ..]) => {
            for (x, pixel) in pixels.enumerate() {
                let mut color = [a[x], b[x], c[x]];
                if let [black] = ink {
                    if colors == Colors::Ycck {
                        color = rgb(color).map(|value| 255 - value);
                    }
                    color = color.map(|value| times(value, black[x]));
                }
                pixel.copy_from_slice(&color);
            }
        }
        _ => {}
    }
}

/// JFIF's luma and chroma, in 16-bit fixed point.
fn rgb([y, cb, cr]: [u8; 3]) -> [u8; 3] {
    const BITS: i32 = 16;
    const HALF: Number = Number(1 << (BITS - 1));
    const RED: Number = Number::fixed(1.402, BITS);
    const GREEN: [Number; 2] = [Number::fixed(0.344_14, BITS), Number::fixed(0.714_14, BITS)];
    const BLUE: Number = Number::fixed(1.772, BITS);
    let (y, middle) = (Number(y.into()), Number(128));
    let (cb, cr) = (Number(cb.into()) - middle, Number(cr.into()) - middle);
    let red = y + ((RED * cr + HALF) >> BITS);
    let green = y + ((HALF - GREEN[0] * cb - GREEN[1] * cr) >> BITS);
    let blue = y + ((BLUE * cb + HALF) >> BITS);
    [red.byte(), green.byte(), blue.byte()]
}

/// a·b / 255, rounded as Pillow does when it turns ink into light.
fn times(a: u8, b: u8) -> u8 {
    let ink = u32::from(255 - a) * u32::from(b) + 128;
    let ink = ((ink >> 8) + ink) >> 8;
    u32::from(b).saturating_sub(ink) as u8
}

/// Row `y` of a component, as wide as the picture and a little more: chroma that is stored at half the
/// size is made of the two nearest samples of each direction, 3 to 1, as libjpeg makes it.
pub(super) fn upsampled(component: &Component, y: usize, out: &mut Vec<u8>) {
    out.clear();
    let [across, down] = component.ratio;
    let rows = component.rows;
    let row = |y: usize| &component.samples[y * component.stride..][..component.columns];
    let near = row((y / down).min(rows - 1));
    // The other row is the next one on the side where the pixel lies.
    let other = || match y % 2 {
        0 => row((y / 2).saturating_sub(1)),
        _ => row((y / 2 + 1).min(rows - 1)),
    };
    match [across, down] {
        [1, 1] => out.extend_from_slice(near),
        [2, 1] if near.len() > 2 => {
            let near: Vec<i32> = near.iter().map(|&value| i32::from(value)).collect();
            doubled(&near, [1, 2], 2, out);
        }
        [1, 2] => {
            let bias = 1 + (y % 2) as i32;
            out.extend(
                near.iter()
                    .zip(other())
                    .map(|(&a, &b)| ((3 * i32::from(a) + i32::from(b) + bias) >> 2) as u8),
            );
        }
        [2, 2] if near.len() > 2 => {
            let sum = |(&a, &b): (&u8, &u8)| 3 * i32::from(a) + i32::from(b);
            let sums: Vec<i32> = near.iter().zip(other()).map(sum).collect();
            doubled(&sums, [8, 7], 4, out);
        }
        _ => out.extend(near.iter().flat_map(|&value| std::iter::repeat_n(value, across))),
    }
}

/// Twice as many values, each of the two nearest, 3 to 1, divided by 2 to the power of `bits`; `bias`
/// rounds them, those to the left of a sample otherwise than those to the right.
fn doubled(values: &[i32], bias: [i32; 2], bits: u32, out: &mut Vec<u8>) {
    for (at, &value) in values.iter().enumerate() {
        let sides = [at.checked_sub(1), Some(at + 1)];
        for (side, bias) in sides.into_iter().zip(bias) {
            let other = side.and_then(|side| values.get(side)).copied().unwrap_or(value);
            out.push(((3 * value + other + bias) >> bits) as u8);
        }
    }
}
