//! The still form of a scene.

use image::Rgb;

use super::scene::Scene;
use crate::view::canvas::Canvas;

pub(super) const LINE: Rgb<u8> = Rgb([128; 3]);
pub(super) const LINE_WIDTH: f32 = 1.3;
pub(super) const RADIUS: f32 = 3.0;

/// Draws a scene with its upper left corner at `x`, `y`.
pub(super) fn draw(scene: &Scene, canvas: &mut Canvas, x: u32, y: u32) {
    let moved = |[a, b]: [f32; 2]| [a + x as f32, b + y as f32];
    for &(corner, size, color) in &scene.areas {
        let [left, top] = moved(corner).map(|side| side.round() as u32);
        let [width, height] = size.map(|side| side.round() as u32);
        canvas.rect(left, top, width, height, color);
    }
    let lines: Vec<Vec<[f32; 2]>> =
        scene.lines.iter().map(|line| line.iter().copied().map(moved).collect()).collect();
    canvas.lines(&lines, LINE_WIDTH, LINE);
    for tile in &scene.tiles {
        canvas.rounded(moved(tile.corner), tile.size, RADIUS, tile.color);
    }
    for words in &scene.words {
        let [end, middle] = moved(words.at);
        let width = if words.right { words.style.width(&words.text) as f32 } else { 0.0 };
        let top = middle - words.style.size / 2.0;
        canvas.text((end - width).round() as u32, top.round() as u32, &words.text, words.style);
    }
}
