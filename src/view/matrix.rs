//! Numbers between things of one kind, each pair a colored cell.

use image::RgbImage;

use super::Figure;
use super::canvas::{Canvas, INK, Style, WHITE};
use super::color::{ColorMap, ColorScale, ColorTable};
use super::sheet::Sheet;
use super::values::IntoValues;
use crate::{Error, Result};

const CELL: (u32, u32) = (58, 40);
/// The names' column is at most this wide.
const NAMES: u32 = 250;
const GAP: u32 = 12;
const NUMBER: Style = Style { size: 13.0, ..Style::TEXT };

/// Numbers from -1 to 1 between named things, as cells in blue and red around 0. Rows have their
/// names, columns the rows' numbers.
///
/// ```
/// use convscope::prelude::*;
/// use convscope::view::Matrix;
/// let values = Tensor::from_slice(&[f32::NAN, 0.8, 0.5, f32::NAN]).view([2, 2]);
/// Matrix::new("How similar", "similarity", vec!["a", "b"], &values)?
/// # ; Ok::<(), convscope::Error>(())
/// ```
#[derive(Clone)]
pub struct Matrix {
    /// What the figure is called.
    pub title: String,
    /// What the numbers are, for the color bar.
    pub unit: String,
    notes: Vec<String>,
    names: Vec<String>,
    values: Vec<f32>,
}

impl Matrix {
    /// A figure of `values`, `[n, n]` for `n` names; NaN leaves a cell empty.
    ///
    /// # Errors
    ///
    /// No names, or values of another shape.
    pub fn new<N: Into<String>>(
        title: impl Into<String>,
        unit: impl Into<String>,
        names: Vec<N>,
        values: impl IntoValues,
    ) -> Result<Matrix> {
        let (count, values) = (names.len(), values.into_values()?);
        if count == 0 || values.shape() != [count, count] {
            return Err(Error::Shape {
                at: "a matrix of named rows and columns".to_owned(),
                expected: format!("at least one name, and values [{count}, {count}]"),
                got: values.shape_text(),
                remedy: "Give a name for each row.".to_owned(),
            });
        }
        Ok(Matrix {
            title: title.into(),
            unit: unit.into(),
            notes: Vec::new(),
            names: names.into_iter().map(Into::into).collect(),
            values: values.numbers().to_vec(),
        })
    }

    /// Adds a line under the title.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    fn cell(&self, canvas: &mut Canvas, (x, y): (u32, u32), value: f32, colors: &ColorTable) {
        if value.is_nan() {
            return;
        }
        let color = colors.color(value);
        canvas.rect(x, y, CELL.0 - 1, CELL.1 - 1, color);
        let light: u32 = color.0.iter().map(|&part| u32::from(part)).sum();
        let ink = if light < 330 { WHITE } else { INK };
        let (text, style) = (format!("{value:.2}"), Style { color: ink, ..NUMBER });
        let left = x + (CELL.0 - 1).saturating_sub(style.width(&text)) / 2;
        canvas.text(left, y + (CELL.1 - style.line()) / 2, &text, style);
    }
}

impl Figure for Matrix {
    fn image(&self) -> Result<RgbImage> {
        let scale = ColorScale { map: ColorMap::RedBlue, low: -1.0, high: 1.0, clipped: false };
        let names: Vec<String> =
            (1..).zip(&self.names).map(|(at, name): (u32, _)| format!("{at}  {name}")).collect();
        let wide = names.iter().map(|name| Style::TEXT.width(name)).max().unwrap_or_default();
        let wide = wide.min(NAMES) + GAP;
        let (count, head) = (names.len() as u32, NUMBER.line() + 4);
        let sheet = Sheet {
            title: &self.title,
            notes: self.notes.clone(),
            bar: Some(&scale),
            unit: &self.unit,
        };
        let height = count.saturating_mul(CELL.1).saturating_add(head).max(150);
        let (mut canvas, left, top) =
            sheet.canvas(wide.saturating_add(count.saturating_mul(CELL.0)), height)?;
        for (row, name) in (0..).zip(&names) {
            let y = top + head + row * CELL.1;
            let name = Style::TEXT.cut(name, wide - GAP);
            canvas.text(left, y + (CELL.1 - Style::TEXT.line()) / 2, &name, Style::TEXT);
            let (x, number) = (left + wide + row * CELL.0, (row + 1).to_string());
            let middle = x + (CELL.0 - 1).saturating_sub(NUMBER.width(&number)) / 2;
            canvas.text(middle, top, &number, NUMBER);
        }
        let colors = scale.table();
        for (at, &value) in (0..).zip(&self.values) {
            let (row, column) = (at / count, at % count);
            let place = (left + wide + column * CELL.0, top + head + row * CELL.1);
            self.cell(&mut canvas, place, value, &colors);
        }
        Ok(canvas.pixels)
    }

    fn description(&self) -> String {
        let mut words = format!("{}: {} between {}", self.title, self.unit, self.names.join(", "));
        for note in &self.notes {
            words.push_str(&format!("; {note}"));
        }
        words
    }
}
