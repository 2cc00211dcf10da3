//! Numbers over time: loss and accuracy by epoch, say.

use image::{Rgb, RgbImage};
use serde_json::{Value, json};

use super::axis::Axis;
use super::canvas::{Canvas, ROOM, Style};
use super::color::number_text;
use super::plot::plot;
use super::sheet::Sheet;
use super::vega::{set_title, toned};
use super::{Bundle, Figure};
use crate::{Error, Result};

/// The size of the plot of one panel, with its tick labels.
const WIDE: (u32, u32) = (640, 330);
/// The same where panels stand side by side.
const NARROW: (u32, u32) = (380, 280);
const GAP: u32 = 28;
/// A key of the legend, up to its name.
const KEY: u32 = 28;

/// Okabe and Ito's colors, which the color-blind can tell apart, without the two that are pale on
/// white.
const COLORS: [[u8; 3]; 6] =
    [[0, 114, 178], [213, 94, 0], [0, 158, 115], [204, 121, 167], [86, 180, 233], [0, 0, 0]];

/// A named curve.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Its name; series of one name have one color in all panels.
    pub name: String,
    /// `(x, y)` from left to right. A `y` that is not finite leaves a gap.
    pub points: Vec<(f64, f64)>,
}

impl Series {
    /// A curve through these points.
    pub fn new(name: impl Into<String>, points: Vec<(f64, f64)>) -> Series {
        Series { name: name.into(), points }
    }
}

/// Curves on one vertical axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Panel {
    /// What the vertical axis is, such as `loss`.
    pub label: String,
    /// The curves.
    pub series: Vec<Series>,
}

impl Panel {
    /// A panel of these curves.
    pub fn new(label: impl Into<String>, series: Vec<Series>) -> Panel {
        Panel { label: label.into(), series }
    }
}

/// Curves over a common horizontal axis, in panels side by side.
///
/// In a notebook the pointer reads the values at the nearest `x`.
///
/// ```
/// use convscope::view::{Curves, Figure, Panel, Series};
///
/// let square = Series::new("square", (0..10).map(|x| (x as f64, (x * x) as f64)).collect());
/// let line = Series::new("line", vec![(0.0, 0.0), (9.0, 9.0)]);
/// let curves = Curves::new("Growth", "x", vec![Panel::new("y", vec![square, line])]);
/// assert_eq!(curves.description(), "Growth; y: square 81.0, line 9.00");
/// curves.image()?;
/// # Ok::<(), convscope::Error>(())
/// ```
#[derive(Clone)]
pub struct Curves {
    /// What the figure is called.
    pub title: String,
    /// What the horizontal axis is, such as `epoch`.
    pub x_label: String,
    notes: Vec<String>,
    panels: Vec<Panel>,
}

impl Curves {
    /// A figure of these panels.
    pub fn new(title: impl Into<String>, x_label: impl Into<String>, panels: Vec<Panel>) -> Curves {
        Curves { title: title.into(), x_label: x_label.into(), notes: Vec::new(), panels }
    }

    /// Adds a line under the title.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// The panels with their numbers.
    pub fn values(&self) -> &[Panel] {
        &self.panels
    }
}

/// The names of all series in order of their first appearance, which gives each its color.
pub(super) struct Legend<'a>(Vec<&'a str>);

impl<'a> Legend<'a> {
    pub(super) fn of(panels: &'a [Panel]) -> Legend<'a> {
        let mut names: Vec<&str> = Vec::new();
        for series in panels.iter().flat_map(|panel| &panel.series) {
            if !names.contains(&series.name.as_str()) {
                names.push(&series.name);
            }
        }
        Legend(names)
    }

    pub(super) fn color(&self, name: &str) -> Rgb<u8> {
        let index = self.0.iter().position(|known| *known == name).unwrap_or_default();
        Rgb(COLORS[index % COLORS.len()])
    }

    /// The width of a column of the legend, and how many fit.
    fn columns(&self, width: u32) -> (u32, u32) {
        let longest = self.0.iter().map(|name| Style::TEXT.width(name)).max().unwrap_or_default();
        let column = (KEY + longest + 24).min(width);
        (column, (width / column).max(1))
    }

    /// Its height in this width, with the room below it.
    pub(super) fn height(&self, width: u32) -> u32 {
        (self.0.len() as u32).div_ceil(self.columns(width).1) * Style::TEXT.line() + 10
    }

    pub(super) fn draw(&self, canvas: &mut Canvas, left: u32, top: u32, width: u32) {
        let (column, columns) = self.columns(width);
        for (index, name) in (0..).zip(&self.0) {
            let x = left + index % columns * column;
            let y = top + index / columns * Style::TEXT.line();
            canvas.rect(x, y + Style::TEXT.line() / 2 - 2, KEY - 6, 3, self.color(name));
            canvas.text(x + KEY, y, &Style::TEXT.cut(name, column - KEY), Style::TEXT);
        }
    }
}

impl Panel {
    /// What can be drawn.
    pub(super) fn points(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        let all = self.series.iter().flat_map(|series| &series.points).copied();
        all.filter(|&(x, y)| drawable(x) && drawable(y))
    }

    pub(super) fn y_axis(&self) -> Axis {
        Axis::covering(&self.points().map(|(_, y)| y).collect::<Vec<f64>>())
    }
}

impl Series {
    /// Whether its points are few enough for a dot at each.
    pub(super) fn has_dots(&self) -> bool {
        self.points.len() <= 40
    }

    /// The pieces between gaps.
    pub(super) fn runs(&self) -> Vec<Vec<(f64, f64)>> {
        let at_x = self.points.iter().copied().filter(|(x, _)| drawable(*x));
        let points: Vec<(f64, f64)> = at_x.collect();
        let runs = points.split(|(_, y)| !drawable(*y));
        runs.filter(|run| !run.is_empty()).map(<[_]>::to_vec).collect()
    }
}

impl Curves {
    pub(super) fn vega(&self) -> Result<Value> {
        /// More points than pixels make a notebook's file large and show nothing more.
        const MOST: usize = 2000;
        let legend = Legend::of(&self.panels);
        let (x, size) = (self.x_axis(), self.panel_size());
        let mut rows = Vec::new();
        for (index, panel) in self.panels.iter().enumerate() {
            let axis = panel.y_axis();
            // The first curve lies over the others, so it comes last.
            for series in panel.series.iter().rev() {
                let stride = series.points.len().div_ceil(MOST).max(1);
                for (piece, run) in series.runs().iter().enumerate() {
                    let dot = series.has_dots() || run.len() == 1;
                    let row = |x: f64, y: Option<f64>| {
                        json!({
                            "panel": index, "label": panel.label, "low": axis.low,
                            "high": axis.high, "series": series.name, "dot": dot, "x": x, "y": y,
                        })
                    };
                    // What is between two runs ends the line.
                    let gap = run.first().filter(|_| piece > 0).map(|&(x, _)| row(x, None));
                    rows.extend(gap);
                    rows.extend(run.iter().step_by(stride).map(|&(x, y)| row(x, Some(y))));
                }
            }
        }
        let mut spec: Value = serde_json::from_str(include_str!("curves.vega.json"))
            .map_err(|error| Error::Argument(format!("curves.vega.json: {error}")))?;
        let colors: Vec<Value> = legend.0.iter().map(|name| toned(legend.color(name))).collect();
        spec["description"] = json!(self.description());
        set_title(&mut spec, &self.title, &self.notes, ROOM);
        let count = self.panels.len().max(1) as u32;
        let whole = (count * (size.0 + GAP)).min(ROOM);
        // Each with its axis before it.
        let width = (size.0 - 60).min((ROOM / count).saturating_sub(80)).max(120);
        spec["legends"][0]["columns"] = json!(legend.columns(whole).1);
        spec["data"][0]["values"] = json!(rows);
        spec["signals"][0]["value"] = json!(width);
        spec["signals"][1]["value"] = json!(size.1 - 40);
        spec["signals"][2]["value"] = json!(self.x_label);
        spec["scales"][0]["domain"] = json!([x.low, x.high]);
        spec["scales"][1]["domain"] = json!(legend.0);
        spec["scales"][1]["range"] = json!(colors);
        spec["marks"][0]["axes"][0]["values"] = json!(x.ticks);
        Ok(spec)
    }

    pub(super) fn x_axis(&self) -> Axis {
        let xs: Vec<f64> = self.panels.iter().flat_map(Panel::points).map(|(x, _)| x).collect();
        Axis::around(&xs, self.x_is_whole())
    }

    fn x_is_whole(&self) -> bool {
        self.panels.iter().flat_map(Panel::points).all(|(x, _)| x.fract() == 0.0)
    }

    fn panel_size(&self) -> (u32, u32) {
        if self.panels.len() > 1 { NARROW } else { WIDE }
    }
}

impl Figure for Curves {
    fn image(&self) -> Result<RgbImage> {
        let (width, height) = self.panel_size();
        let count = self.panels.len().max(1) as u32;
        let whole = count * width + (count - 1) * GAP;
        let legend = Legend::of(&self.panels);
        let line = Style::TEXT.line();
        let keys = legend.height(whole);
        let sheet = Sheet { title: &self.title, notes: self.notes.clone(), bar: None, unit: "" };
        let (mut canvas, left, top) = sheet.canvas(whole, keys + line + height + line)?;
        legend.draw(&mut canvas, left, top, whole);
        let (axis, top) = (self.x_axis(), top + keys);
        for (index, panel) in self.panels.iter().enumerate() {
            let x = left + index as u32 * (width + GAP);
            let bold = Style { bold: true, ..Style::TEXT };
            canvas.text(x, top, &bold.cut(&panel.label, width), bold);
            if panel.points().next().is_none() {
                canvas.text(x, top + line + height / 2, "no values yet", Style::NOTE);
                continue;
            }
            canvas.picture(&plot(panel, &axis, &legend, (width, height))?, x, top + line);
            let label = Style::NOTE.cut(&self.x_label, width);
            let middle = x + (width - Style::NOTE.width(&label).min(width)) / 2;
            canvas.text(middle, top + line + height, &label, Style::NOTE);
        }
        Ok(canvas.pixels)
    }

    fn description(&self) -> String {
        let mut words = self.title.clone();
        for note in &self.notes {
            words.push_str(&format!("; {note}"));
        }
        for panel in &self.panels {
            let last = |series: &Series| {
                let last = series.points.iter().rev().find(|(_, y)| drawable(*y));
                let last = last.map_or("–".to_owned(), |&(_, y)| number_text(y as f32));
                format!("{} {last}", series.name)
            };
            let ends: Vec<String> = panel.series.iter().map(last).collect();
            words.push_str(&format!("; {}: {}", panel.label, ends.join(", ")));
        }
        words
    }

    fn bundle(&self) -> Result<Bundle> {
        let still = Bundle::still(&self.image()?, &self.description())?;
        still.with_themed(self.vega()?)
    }
}

/// Whether a number can be drawn: finite, and the range of such numbers is finite too.
fn drawable(number: f64) -> bool {
    (number as f32).is_finite()
}
