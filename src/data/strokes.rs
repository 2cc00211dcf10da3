//! Handwritten-looking digits, drawn rather than stored.
//!
//! A network trained on MNIST wants something to look at, but the data set is a download and an
//! offline notebook has none. Here each digit is a handful of pen strokes, a few ways of writing it,
//! and every seed writes them in its own hand: slant, turn, proportions, pen, and an unsteady wrist.
//! The picture then follows MNIST's conventions (white ink on black, fitted in 20x20, center of mass
//! in the middle of 28x28), since a network only knows digits that were prepared as its own were.
//!
//! Only `+ - * /` and `sqrt` are used, which IEEE 754 fixes to the last bit: a seed gives the same
//! picture on every machine.

use crate::random::Random;

/// Width and height of a drawn digit in pixels, as in MNIST.
pub(super) const SIDE: usize = 28;

/// MNIST scales the ink to this box before it centers it.
const BOX: f32 = 20.0;

/// Where MNIST has the center of mass: the middle of pixel 14, half a pixel off the true center.
const CENTER: f32 = 14.5;

/// Pixels over which the ink's edge fades; MNIST's greys come from scaling down and look like this.
const EDGE: f32 = 1.1;

/// Straight pieces between two key points: enough that no corner is seen at 28x28.
const PIECES: u8 = 6;

type Pixels = [u8; SIDE * SIDE];

/// The points that the pen passes, in percent of the box (x right, y down). The pen curves through
/// them; a point given twice is a corner.
type Stroke = &'static [(u8, u8)];

/// The ways of writing each digit, as MNIST's writers did; one listed twice is met more often.
#[rustfmt::skip]
const DIGITS: [&[&[Stroke]]; 10] = [
    &[ // 0: closed at the top; begun with a hook inside
        &[&[(54, 3), (32, 9), (17, 35), (15, 62), (27, 89), (48, 98), (70, 86), (82, 56), (77, 24), (62, 6), (48, 4)]],
        &[&[(64, 9), (42, 3), (21, 24), (14, 55), (25, 87), (50, 98), (75, 80), (82, 45), (69, 14), (52, 7), (40, 15)]]],
    &[ // 1: a bar (twice); with a flag; with flag and foot
        &[&[(51, 0), (50, 50), (49, 100)]],
        &[&[(50, 0), (51, 50), (50, 100)]],
        &[&[(40, 16), (52, 2), (52, 2), (51, 50), (50, 100)]],
        &[&[(38, 18), (52, 2), (52, 2), (51, 50), (50, 98)], &[(28, 99), (50, 98), (74, 98)]]],
    &[ // 2: sharp foot; looped foot; waving foot
        &[&[(16, 25), (28, 8), (50, 2), (70, 11), (73, 31), (58, 55), (34, 77), (12, 97), (12, 97), (45, 95), (84, 94)]],
        &[&[(18, 22), (36, 4), (60, 4), (74, 24), (65, 53), (43, 81), (22, 95), (10, 87), (20, 76), (38, 82), (60, 95), (88, 92)]],
        &[&[(14, 20), (34, 4), (58, 5), (68, 22), (56, 52), (34, 78), (14, 94), (14, 94), (36, 86), (58, 94), (84, 97)]]],
    &[ // 3: a corner in the middle; a small loop there; a flat top
        &[&[(18, 14), (40, 2), (66, 8), (70, 26), (54, 42), (36, 47), (36, 47), (60, 50), (77, 68), (69, 90), (44, 99), (14, 90)]],
        &[&[(20, 12), (44, 2), (68, 12), (66, 32), (48, 47), (38, 50), (46, 46), (66, 52), (76, 70), (64, 92), (40, 99), (16, 92)]],
        &[&[(20, 7), (44, 6), (70, 4), (70, 4), (42, 41), (42, 41), (68, 48), (78, 70), (62, 92), (36, 98), (14, 86)]]],
    &[ // 4: open and angular; open and round; closed at the top
        &[&[(28, 4), (21, 35), (16, 55), (16, 55), (45, 55), (84, 50)], &[(70, 6), (66, 50), (60, 100)]],
        &[&[(22, 4), (18, 38), (32, 54), (56, 50), (74, 34)], &[(80, 2), (72, 45), (64, 100)]],
        &[&[(62, 2), (38, 36), (14, 64), (14, 64), (50, 64), (88, 61)], &[(62, 2), (61, 50), (58, 100)]]],
    &[ // 5: the bar added last; all in one go; round like an S
        &[&[(30, 6), (24, 44), (24, 44), (48, 37), (73, 50), (77, 72), (60, 94), (36, 99), (12, 89)], &[(30, 6), (55, 5), (84, 3)]],
        &[&[(82, 4), (58, 5), (32, 7), (32, 7), (24, 46), (24, 46), (52, 42), (74, 60), (70, 84), (46, 98), (14, 92)]],
        &[&[(86, 4), (62, 6), (40, 10), (30, 28), (36, 42), (58, 52), (70, 70), (62, 90), (38, 99), (12, 92)]]],
    &[ // 6: a bent back; a straight one
        &[&[(55, 2), (36, 22), (23, 50), (19, 77), (34, 97), (58, 96), (74, 79), (66, 61), (45, 58), (22, 72)]],
        &[&[(42, 0), (26, 34), (16, 70), (28, 95), (54, 98), (76, 82), (72, 62), (50, 56), (28, 66), (16, 80)]]],
    &[ // 7: plain; with a bar; with a serif; rounded
        &[&[(14, 10), (50, 8), (80, 6), (80, 6), (60, 48), (44, 100)]],
        &[&[(14, 9), (48, 8), (82, 5), (82, 5), (60, 48), (42, 100)], &[(34, 53), (56, 51), (80, 49)]],
        &[&[(14, 26), (17, 8), (17, 8), (50, 8), (82, 6), (82, 6), (64, 48), (52, 100)]],
        &[&[(12, 14), (38, 6), (70, 7), (77, 22), (62, 56), (50, 100)]]],
    &[ // 8: an S closed upwards; two rings; begun in the middle
        &[&[(71, 16), (52, 3), (32, 10), (30, 28), (48, 48), (66, 66), (65, 90), (47, 99), (27, 88), (30, 66), (50, 48), (66, 28), (73, 12)]],
        &[&[(50, 48), (30, 35), (31, 12), (50, 2), (69, 12), (70, 35), (50, 48)], &[(50, 48), (26, 62), (26, 88), (50, 99), (74, 88), (74, 62), (50, 48)]],
        &[&[(50, 49), (69, 30), (66, 10), (50, 2), (32, 11), (34, 30), (52, 49), (71, 68), (66, 91), (47, 99), (26, 88), (29, 66), (50, 49)]]],
    &[ // 9: a straight tail; a curved one; a ring, then a bar
        &[&[(69, 16), (50, 4), (30, 14), (24, 34), (35, 49), (54, 45), (68, 27), (70, 12), (68, 52), (64, 100)]],
        &[&[(69, 20), (52, 4), (32, 13), (25, 34), (38, 49), (57, 44), (70, 22), (73, 56), (64, 88), (48, 98), (34, 93)]],
        &[&[(68, 12), (46, 4), (27, 20), (29, 42), (46, 48), (64, 34), (71, 10)], &[(71, 10), (64, 54), (54, 100)]]],
];

/// Draws one digit: 28x28 gray, row by row, 0 the black ground and 255 full ink, as in MNIST.
///
/// A seed is a hand: the same seed gives the same picture, and the digits of one seed share its
/// slant and its pen. `None` where `digit` is above 9.
pub(super) fn draw(digit: u8, seed: u64) -> Option<Pixels> {
    let variants = DIGITS.get(usize::from(digit))?;
    let mut random = Random(seed);
    let mut hand = Hand::new(&mut random);
    // From here on each digit has its own luck, or the wrist would slip alike in all ten.
    random.0 ^= (u64::from(digit) + 1) << 40;
    hand.bend = hand.bend.map(|bend| bend.map(|_| 0.1 * normal(&mut random)));
    let variant = variants.get((random.unit() * variants.len() as f32) as usize)?;
    let written = variant.iter().map(|stroke| hand.write(stroke, &mut random));
    let lines = fit(written.collect(), hand.radius);
    // MNIST moved its pictures by whole pixels.
    let shift = center_of_mass(&render(&lines, [0.0; 2])).map(|at| (CENTER - at).round());
    Some(render(&lines, shift).map(|ink| (ink * 255.0 + 0.5) as u8))
}

/// Roughly normal with deviation 1, and never beyond 3: no sample may fall apart.
fn normal(random: &mut Random) -> f32 {
    (random.unit() + random.unit() + random.unit() - 1.5) * 2.0
}

/// A place on the paper: right, then down.
type Point = [f32; 2];

/// A point on the way of the pen, with half the width of the ink there.
#[derive(Clone, Copy)]
struct Dot {
    at: Point,
    radius: f32,
}

/// How somebody writes.
struct Hand {
    slant: f32,
    /// Tangent of half the angle by which the paper lies turned: sine and cosine without `sin`.
    turn: f32,
    /// Width against height.
    aspect: f32,
    /// Half the pen's width in pixels.
    radius: f32,
    /// A smooth bend of the whole digit, so that strokes which meet still do.
    bend: [Point; 4],
}

impl Hand {
    fn new(random: &mut Random) -> Self {
        Self {
            slant: 0.12 + 0.18 * normal(random),
            turn: 0.04 * normal(random),
            aspect: 1.0 + 0.14 * normal(random),
            radius: 1.38 + 0.27 * normal(random),
            bend: [[0.0; 2]; 4],
        }
    }

    /// Where a point of the template, from -1 to 1, comes to lie, roughly in pixels.
    fn place(&self, [x, y]: Point) -> Point {
        let (mut across, mut down) = (x, y);
        for ([dx, dy], term) in self.bend.iter().zip([x * x, x * y, y * y, y * y * y]) {
            across += dx * term;
            down += dy * term;
        }
        let x = (across * self.aspect - down * self.slant) * BOX / 2.0;
        let y = down * BOX / 2.0;
        let norm = 1.0 + self.turn * self.turn;
        let (sin, cos) = (2.0 * self.turn / norm, (2.0 - norm) / norm);
        [x * cos - y * sin, x * sin + y * cos]
    }

    /// One stroke: its key points moved, then joined by a Catmull-Rom curve, then inked.
    fn write(&self, stroke: Stroke, random: &mut Random) -> Vec<Dot> {
        let mut keys: Vec<Point> = Vec::with_capacity(stroke.len());
        let mut previous = None;
        for &(x, y) in stroke {
            let mut slip = |percent: u8| f32::from(percent) / 50.0 - 1.0 + 0.038 * normal(random);
            // A corner is one point given twice and must stay one.
            let corner = keys.last().filter(|_| previous == Some((x, y))).copied();
            keys.push(corner.unwrap_or_else(|| self.place([slip(x), slip(y)])));
            previous = Some((x, y));
        }
        // Past the end the last key stands in for its neighbor.
        let key = |i: usize| keys.get(i).or(keys.last()).copied().unwrap_or_default();
        let mut points = vec![key(0)];
        for i in 1..keys.len() {
            let (from, to) = (key(i - 1), key(i));
            let (before, after) = (key(i.saturating_sub(2)), key(i + 1));
            for piece in 1..=if from == to { 0 } else { PIECES } {
                let t = f32::from(piece) / f32::from(PIECES);
                points.push(std::array::from_fn(|axis| {
                    let (a, b, c, d) = (before[axis], from[axis], to[axis], after[axis]);
                    let bow = (2.0 * a - 5.0 * b + 4.0 * c - d) + (3.0 * (b - c) + d - a) * t;
                    b + 0.5 * t * ((c - a) + t * bow)
                }));
            }
        }
        // Pressure drifts along the stroke, and the pen touches down and lifts off lightly.
        let drift = 0.12 * normal(random);
        let last = (points.len() - 1).max(1) as f32;
        let inked = points.iter().enumerate().map(|(i, &at)| {
            let t = i as f32 / last;
            let touch = 0.75 + 0.25 * (t.min(1.0 - t) * 8.0).min(1.0);
            let radius = self.radius * (1.0 + drift * (2.0 * t - 1.0)) * touch;
            Dot { at, radius }
        });
        inked.collect()
    }
}

/// Scales the strokes until the ink, not only the pen's way, fills the 20x20 box mid-picture.
fn fit(mut lines: Vec<Vec<Dot>>, radius: f32) -> Vec<Vec<Dot>> {
    // The pen does not grow with the digit and is not equally wide everywhere: close in.
    for _ in 0..4 {
        let (mut low, mut high) = ([f32::MAX; 2], [f32::MIN; 2]);
        for dot in lines.iter().flatten() {
            let reach = dot.radius + EDGE / 2.0;
            for (axis, at) in dot.at.iter().enumerate() {
                low[axis] = low[axis].min(at - reach);
                high[axis] = high[axis].max(at + reach);
            }
        }
        let extent = (high[0] - low[0]).max(high[1] - low[1]);
        let scale = (BOX - 2.0 * radius) / (extent - 2.0 * radius).max(1.0);
        for dot in lines.iter_mut().flatten() {
            for (axis, at) in dot.at.iter_mut().enumerate() {
                *at = SIDE as f32 / 2.0 + (*at - (low[axis] + high[axis]) / 2.0) * scale;
            }
        }
    }
    lines
}

/// Ink of each pixel in 0..1, from the distance between its middle and the nearest stroke.
fn render(lines: &[Vec<Dot>], shift: Point) -> [f32; SIDE * SIDE] {
    std::array::from_fn(|i| {
        let x = (i % SIDE) as f32 + 0.5 - shift[0];
        let y = (i / SIDE) as f32 + 0.5 - shift[1];
        let pieces = lines.iter().flat_map(|line| line.windows(2));
        let depths = pieces.map(|ends| depth([x, y], ends[0], ends[1]));
        (depths.fold(f32::MIN, f32::max) / EDGE + 0.5).clamp(0.0, 1.0)
    })
}

/// How far a point lies inside (or, negative, outside) the ink of one straight piece.
fn depth(point: Point, a: Dot, b: Dot) -> f32 {
    let [vx, vy] = [b.at[0] - a.at[0], b.at[1] - a.at[1]];
    let [px, py] = [point[0] - a.at[0], point[1] - a.at[1]];
    let length = (vx * vx + vy * vy).max(f32::EPSILON);
    let t = ((px * vx + py * vy) / length).clamp(0.0, 1.0);
    let (px, py) = (px - t * vx, py - t * vy);
    a.radius + t * (b.radius - a.radius) - (px * px + py * py).sqrt()
}

/// In picture coordinates, where the middle of the first pixel is (0.5, 0.5).
fn center_of_mass(picture: &[f32]) -> Point {
    let (mut x, mut y, mut mass) = (0.0, 0.0, f32::EPSILON);
    for (i, ink) in picture.iter().enumerate() {
        x += ink * ((i % SIDE) as f32 + 0.5);
        y += ink * ((i / SIDE) as f32 + 0.5);
        mass += ink;
    }
    [x / mass, y / mass]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples() -> impl Iterator<Item = Pixels> {
        (0..10).flat_map(|digit| (0..50).filter_map(move |seed| draw(digit, seed)))
    }

    #[test]
    fn a_seed_is_a_picture() {
        for digit in 0..10 {
            assert!(draw(digit, 7).is_some());
            assert_eq!(draw(digit, 7), draw(digit, 7));
            assert_ne!(draw(digit, 7), draw(digit, 8));
        }
        assert_eq!(draw(10, 7), None);
    }

    #[test]
    fn every_machine_draws_alike() {
        // A change here changes the pictures in everybody's notebooks.
        let mix = |hash: u64, ink| (hash ^ u64::from(ink)).wrapping_mul(0x0100_0000_01B3);
        assert_eq!(samples().flatten().fold(0xCBF2_9CE4_8422_2325, mix), 0x15BB_DCCF_6282_C5BD);
    }

    #[test]
    fn prepared_like_mnist() {
        for picture in samples() {
            let picture = picture.map(|ink| f32::from(ink) / 255.0);
            let [x, y] = center_of_mass(&picture);
            assert!((x - CENTER).abs() < 0.6 && (y - CENTER).abs() < 0.6);
            for along in [|i| i % SIDE, |i| i / SIDE] {
                let places = || (0..SIDE * SIDE).filter(|&i| picture[i] > 0.0).map(along);
                let extent = places().max().unwrap_or(SIDE) + 1 - places().min().unwrap_or(0);
                assert!(extent <= 20);
            }
        }
        let ink: f64 = samples().flatten().map(f64::from).sum();
        assert!((ink / 255.0 / samples().flatten().count() as f64 - 0.13).abs() < 0.02);
    }
}
