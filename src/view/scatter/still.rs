//! The still of a scatter plot: every layout, and the legend.

use image::{Rgb, RgbImage};

use super::classes::{Shape, look};
use super::{Placed, Scatter};
use crate::Result;
use crate::random::Random;
use crate::view::canvas::{Canvas, LINE, Style};
use crate::view::sheet::Sheet;

const GAP: u32 = 20;
/// A key of the legend, up to its name; and the longest name.
const KEY: u32 = 20;
const NAME: u32 = 180;
/// Panels in a row.
const COLUMNS: u32 = 3;
/// What the positions leave free at each side of a panel, as in the interactive form.
const ROOM: f64 = 1.04;

impl Scatter {
    /// All layouts in panels, three in a row.
    pub(super) fn still(&self, placed: &Placed) -> Result<RgbImage> {
        let count = self.layouts.len() as u32;
        let side = side(count);
        let columns = count.min(COLUMNS);
        let head = if count > 1 { Style::TEXT.line() } else { 0 };
        let (step_x, step_y) = (side + GAP, head + side + GAP);
        let panels = (columns * step_x - GAP, count.div_ceil(columns) * step_y - GAP);
        let keys = Keys::new(self.classes.as_ref().map(|c| c.keys()).unwrap_or_default(), panels.1);
        let sheet =
            Sheet { title: &self.title, notes: self.all_notes(placed), bar: None, unit: "" };
        let (mut canvas, left, top) = sheet.canvas(panels.0 + keys.width(), panels.1)?;
        for (index, positions) in (0..).zip(&placed.layouts) {
            let (x, y) = (left + index % columns * step_x, top + index / columns * step_y);
            if count > 1 {
                let name = Style::TEXT.cut(&self.layout_title(index as usize), side);
                canvas.text(x, y, &name, Style { bold: true, ..Style::TEXT });
            }
            let panel = self.panel(placed, positions, side);
            canvas.frame(x, y + head, side, side, LINE);
            canvas.picture(&panel.pixels, x, y + head);
        }
        keys.draw(&mut canvas, left + panels.0 + GAP, top + head);
        Ok(canvas.pixels)
    }

    /// One layout's points, in random order: else the last class would cover the others.
    fn panel(&self, placed: &Placed, positions: &[[f64; 2]], side: u32) -> Canvas {
        let mut canvas = Canvas::new(side, side);
        if positions.is_empty() {
            let text = "no point has a finite position";
            canvas.text(12, side / 2, text, Style::NOTE);
            return canvas;
        }
        let (diameter, opacity) = dots(positions.len(), side);
        let half = f64::from(side) / 2.0;
        for index in Random(0).order(positions.len() as i64) {
            let index = index as usize;
            let (Some([x, y]), Some(&point)) = (positions.get(index), placed.drawn.get(index))
            else {
                continue;
            };
            let at = [half + half * x / ROOM, half - half * y / ROOM];
            let (color, shape) = look(self.classes.as_ref().map_or(0, |c| c.key(point)));
            dot(&mut canvas, at, diameter / 2.0, shape, color, opacity);
        }
        canvas
    }

    /// What stands above a layout's panel.
    pub(super) fn layout_title(&self, index: usize) -> String {
        let name = self.layouts.get(index).map_or("", |layout| layout.name.as_str());
        if self.choice.is_empty() { name.to_owned() } else { format!("{} {name}", self.choice) }
    }
}

/// A panel's side where there are so many.
pub(super) fn side(panels: u32) -> u32 {
    match panels {
        0 | 1 => 480,
        2 => 360,
        _ => 280,
    }
}

/// Diameter and opacity of dots: the more, the smaller and fainter.
pub(super) fn dots(count: usize, side: u32) -> (f32, f32) {
    let magnitude = (count.max(1) as f32).log10() - 2.0;
    let diameter = (8.4 - 2.2 * magnitude).clamp(2.6, 9.0) * side as f32 / 480.0;
    (diameter.max(2.2), (0.9 - 0.12 * magnitude).clamp(0.4, 0.9))
}

/// A dot with smooth edges; the shapes have the area of the circle with this radius.
fn dot(canvas: &mut Canvas, at: [f64; 2], radius: f32, shape: Shape, color: Rgb<u8>, opacity: f32) {
    let [x, y] = at.map(|v| v as f32);
    // How far a place is inside the shape.
    let inside = |dx: f32, dy: f32| match shape {
        Shape::Circle => radius - dx.hypot(dy),
        Shape::Triangle => 0.78 * radius - dy.max(0.866 * dx.abs() - 0.5 * dy),
        Shape::Square => 0.89 * radius - dx.abs().max(dy.abs()),
    };
    let reach = 1.6 * radius + 1.0;
    let pixels = |middle: f32| (middle - reach).max(0.0) as u32..=(middle + reach).max(0.0) as u32;
    for py in pixels(y) {
        for px in pixels(x) {
            let inside = inside(px as f32 + 0.5 - x, py as f32 + 0.5 - y);
            canvas.blend(px, py, color, opacity * (inside + 0.5).clamp(0.0, 1.0));
        }
    }
}

/// The legend, in as many columns as its height needs.
struct Keys {
    keys: Vec<String>,
    rows: u32,
    column: u32,
}

impl Keys {
    fn new(keys: Vec<String>, height: u32) -> Keys {
        let longest = keys.iter().map(|key| Style::TEXT.width(key)).max().unwrap_or_default();
        let rows = (height / Style::TEXT.line()).max(1);
        Keys { keys, rows, column: KEY + longest.min(NAME) + GAP }
    }

    fn width(&self) -> u32 {
        let columns = (self.keys.len() as u32).div_ceil(self.rows);
        if columns == 0 { 0 } else { GAP + columns * self.column - GAP }
    }

    fn draw(&self, canvas: &mut Canvas, left: u32, top: u32) {
        let line = Style::TEXT.line();
        for (index, key) in self.keys.iter().enumerate() {
            let (column, row) = (index as u32 / self.rows, index as u32 % self.rows);
            let (x, y) = (left + column * self.column, top + row * line);
            let (color, shape) = look(index);
            let middle = [f64::from(x) + 6.0, f64::from(y) + f64::from(line) / 2.0];
            dot(canvas, middle, 5.0, shape, color, 1.0);
            canvas.text(x + KEY, y, &Style::TEXT.cut(key, NAME), Style::TEXT);
        }
    }
}
