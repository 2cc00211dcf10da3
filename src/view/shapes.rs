//! Aggregation shapes: rounded boxes, and lines with rounded corners.

use image::{GrayImage, Luma, Rgb};

use super::canvas::Canvas;

/// A point, x and y in pixels.
pub(super) type Point = [f32; 2];

impl Canvas {
    /// A filled box with round corners.
    pub(super) fn rounded(&mut self, corner: Point, size: Point, radius: f32, color: Rgb<u8>) {
        let half = size.map(|side| side / 2.0);
        let radius = radius.min(half[0]).min(half[1]);
        let middle = [corner[0] + half[0], corner[1] + half[1]];
        self.cover(corner, [corner[0] + size[0], corner[1] + size[1]], color, |x, y| {
            // How far outside a box that is smaller by the radius all around.
            let dx = ((x - middle[0]).abs() - half[0] + radius).max(0.0);
            let dy = ((y - middle[1]).abs() - half[1] + radius).max(0.0);
            radius + 0.5 - dx.hypot(dy)
        });
    }

    /// Lines through points, `width` thick. They are drawn as one shape: where they cross or overlap
    /// nothing gets darker.
    pub(super) fn lines(&mut self, lines: &[Vec<Point>], width: f32, color: Rgb<u8>) {
        let mut covered = GrayImage::new(self.pixels.width(), self.pixels.height());
        let reach = width / 2.0 + 1.0;
        for ends in lines.iter().flat_map(|line| line.windows(2)) {
            let &[a, b] = ends else { continue };
            let low = [a[0].min(b[0]) - reach, a[1].min(b[1]) - reach];
            let high = [a[0].max(b[0]) + reach, a[1].max(b[1]) + reach];
            for (x, y) in pixels(low, high) {
                let Some(pixel) = covered.get_pixel_mut_checked(x, y) else { continue };
                let distance = distance([x as f32 + 0.5, y as f32 + 0.5], a, b);
                let coverage = (width / 2.0 + 0.5 - distance).clamp(0.0, 1.0);
                *pixel = Luma([pixel.0[0].max((255.0 * coverage).round() as u8)]);
            }
        }
        for (x, y, Luma([coverage])) in covered.enumerate_pixels() {
            if *coverage > 0 {
                self.blend(x, y, color, f32::from(*coverage) / 255.0);
            }
        }
    }

    fn cover(
        &mut self,
        low: Point,
        high: Point,
        color: Rgb<u8>,
        coverage: impl Fn(f32, f32) -> f32,
    ) {
        for (x, y) in pixels(low, high) {
            self.blend(x, y, color, coverage(x as f32 + 0.5, y as f32 + 0.5));
        }
    }
}

/// The pixels of a rectangle; what is left of and above the canvas is left out.
fn pixels(low: Point, high: Point) -> impl Iterator<Item = (u32, u32)> {
    let [left, top] = low.map(|side| side.floor().max(0.0) as u32);
    let [right, bottom] = high.map(|side| side.ceil().max(0.0) as u32);
    (top..bottom).flat_map(move |y| (left..right).map(move |x| (x, y)))
}

/// From a point to the nearest point of a segment.
fn distance(p: Point, a: Point, b: Point) -> f32 {
    let [along_x, along_y] = [b[0] - a[0], b[1] - a[1]];
    let length = along_x * along_x + along_y * along_y;
    let t = if length > 0.0 {
        (((p[0] - a[0]) * along_x + (p[1] - a[1]) * along_y) / length).clamp(0.0, 1.0)
    } else {
        0.0
    };
    (p[0] - a[0] - t * along_x).hypot(p[1] - a[1] - t * along_y)
}

/// The corner at `corner` on the way from `from` to `to`, as a few points of a quadratic curve that
/// begins and ends `radius` away from it.
pub(super) fn bend(from: Point, corner: Point, to: Point, radius: f32) -> Vec<Point> {
    let towards = |end: Point| {
        let [dx, dy] = [end[0] - corner[0], end[1] - corner[1]];
        let length = dx.hypot(dy).max(f32::EPSILON);
        let part = (radius / length).min(0.5);
        [corner[0] + part * dx, corner[1] + part * dy]
    };
    let (start, end) = (towards(from), towards(to));
    let point = |step: u8| {
        let t = f32::from(step) / 6.0;
        let along = |i: usize| {
            (1.0 - t).powi(2) * start[i] + 2.0 * t * (1.0 - t) * corner[i] + t * t * end[i]
        };
        [along(0), along(1)]
    };
    (0..=6).map(point).collect()
}
