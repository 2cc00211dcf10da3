//! Samples to pixels: colors at every pixel, and red, green and blue, in libjpeg's whole numbers.

use super::Component;
use super::number::Number;
use crate::vectorized::vectorized;

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

vectorized! {
    /// A picture's pixels, three bytes each, from its components' samples.
    pub(super) fn rows(colors: Colors, components: &[Component], width: usize, out: &mut [u8]) {
        let mut rows: Vec<Vec<u8>> = vec![Vec::new(); components.len()];
        for (y, out) in out.chunks_exact_mut(3 * width).enumerate() {
            for (component, row) in components.iter().zip(&mut rows) {
                upsampled(component, y, row);
            }
            pixels(colors, &rows, out);
        }
    }
}

/// A row of pixels from a row of samples for each component.
#[inline(always)]
fn pixels(colors: Colors, samples: &[Vec<u8>], out: &mut [u8]) {
    let pixels = out.chunks_exact_mut(3);
    match (colors, samples) {
        (Colors::Gray, [gray]) => pixels.zip(gray).for_each(|(pixel, &value)| pixel.fill(value)),
        (Colors::YCbCr, [y, cb, cr]) => {
            for (((pixel, &y), &cb), &cr) in pixels.zip(y).zip(cb).zip(cr) {
                let [red, green, blue] = rgb([y, cb, cr]);
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
#[inline(always)]
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
#[inline(always)]
fn upsampled(component: &Component, y: usize, out: &mut Vec<u8>) {
    let [across, down] = component.ratio;
    let rows = component.rows;
    let row = |y: usize| &component.samples[y * component.stride..][..component.columns];
    let near = row((y / down).min(rows - 1));
    // The other row is the next one on the side where the pixel lies.
    let other = || match y % 2 {
        0 => row((y / 2).saturating_sub(1)),
        _ => row((y / 2 + 1).min(rows - 1)),
    };
    out.resize(across * near.len(), 0);
    match [across, down] {
        [1, 1] => out.copy_from_slice(near),
        [2, 1] if near.len() > 2 => doubled(near, near, [4, 8], out),
        [1, 2] => {
            let bias = 1 + (y % 2) as u16;
            for ((out, &a), &b) in out.iter_mut().zip(near).zip(other()) {
                *out = ((3 * u16::from(a) + u16::from(b) + bias) >> 2) as u8;
            }
        }
        [2, 2] if near.len() > 2 => doubled(near, other(), [8, 7], out),
        _ => {
            for (out, &value) in out.chunks_exact_mut(across).zip(near) {
                out.fill(value);
            }
        }
    }
}

/// Twice as many values, each of the two nearest of two rows, 3 to 1 in either direction; `bias` rounds
/// them, those to the left of a sample otherwise than those to the right.
#[inline(always)]
fn doubled(near: &[u8], other: &[u8], bias: [u16; 2], out: &mut [u8]) {
    let sum = |near: u8, other: u8| 3 * u16::from(near) + u16::from(other);
    let part = |value: u16, next: u16, bias: u16| ((3 * value + next + bias) >> 4) as u8;
    let last = near.len() - 1;
    let (first_sum, last_sum) = (sum(near[0], other[0]), sum(near[last], other[last]));
    out[0] = part(first_sum, first_sum, bias[0]);
    out[2 * last + 1] = part(last_sum, last_sum, bias[1]);
    let left = near[..last].iter().zip(&other[..last]);
    let right = near[1..].iter().zip(&other[1..]);
    let between = out[1..].chunks_exact_mut(2);
    for ((out, (&near_a, &other_a)), (&near_b, &other_b)) in between.zip(left).zip(right) {
        let (a, b) = (sum(near_a, other_a), sum(near_b, other_b));
        out[0] = part(a, b, bias[1]);
        out[1] = part(b, a, bias[0]);
    }
}
