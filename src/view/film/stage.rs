//! What stays the same in all pictures of a film, drawn once, and the places of what changes.

use image::{RgbImage, imageops};

use super::Frame;
use crate::Result;
use crate::picture::fit;
use crate::view::axis::Axis;
use crate::view::canvas::{Canvas, LINE, ROOM, SOFT, Style, enlarge};
use crate::view::color::number_text;
use crate::view::curves::{Curves, Legend, Panel};
use crate::view::plot::{BELOW, RIGHT, TOP, left, plot};
use crate::view::sheet::Sheet;

/// Small frames are enlarged up to the first side, large ones reduced to the second.
const SMALL: u32 = 336;
const LARGE: u32 = 400;
pub(super) const GAP: u32 = 24;

/// A frame's picture in the size at which it is shown.
pub(super) fn shown(picture: &RgbImage) -> RgbImage {
    fit(&enlarge(picture, SMALL), LARGE)
}

/// The size of a panel of curves, with its tick labels, beside frames of this width: they stand one above
/// the other.
pub(super) fn panel_size(panels: usize, frame: u32) -> (u32, u32) {
    let width = ROOM.saturating_sub(GAP + frame).clamp(200, 400);
    (width, if panels > 1 { 190 } else { 280 })
}

/// A film's sheet without a frame.
pub(super) struct Stage<'a> {
    sheet: RgbImage,
    picture: (u32, u32),
    /// The size of a plot.
    plot: (u32, u32),
    x_label: &'a str,
    axis: Axis,
    legend: Legend<'a>,
    /// The panels and the upper left corners of their plots.
    plots: Vec<(&'a Panel, u32, u32)>,
}

impl<'a> Stage<'a> {
    pub(super) fn new(
        title: &'a str,
        notes: &[String],
        curves: &'a Curves,
        frames: &[Frame],
    ) -> Result<Stage<'a>> {
        let (width, height) =
            frames.first().map_or((1, 1), |first| shown(&first.image).dimensions());
        let panels = curves.values();
        let size = panel_size(panels.len(), width);
        let line = Style::TEXT.line();
        let legend = Legend::of(panels);
        let keys = legend.height(size.0);
        let step = line + size.1 + line + 4;
        let beside = match panels.len() as u32 {
            0 => (0, 0),
            count => (GAP + size.0, keys + count * step),
        };
        let sheet = Sheet { title, notes: notes.to_vec(), bar: None, unit: "" };
        let content = (width + beside.0, (height + line + 6).max(beside.1));
        let (mut canvas, x, y) = sheet.canvas(content.0, content.1)?;
        let axis = curves.x_axis();
        let right = x + width + GAP;
        let mut plots = Vec::new();
        if !panels.is_empty() {
            legend.draw(&mut canvas, right, y, size.0);
        }
        for (index, panel) in (0..).zip(panels) {
            let top = y + keys + index * step;
            let bold = Style { bold: true, ..Style::TEXT };
            canvas.text(right, top, &bold.cut(&panel.label, size.0 / 2), bold);
            if panel.points().next().is_none() {
                canvas.text(right, top + line + size.1 / 2, "no values yet", Style::NOTE);
                continue;
            }
            canvas.picture(&plot(panel, &axis, &legend, size)?, right, top + line);
            plots.push((panel, right, top + line));
            let label = Style::NOTE.cut(&curves.x_label, size.0);
            let middle = right + (size.0 - Style::NOTE.width(&label).min(size.0)) / 2;
            canvas.text(middle, top + line + size.1, &label, Style::NOTE);
        }
        let (sheet, x_label) = (canvas.pixels, curves.x_label.as_str());
        Ok(Stage { sheet, picture: (x, y), plot: size, x_label, axis, legend, plots })
    }

    pub(super) fn size(&self) -> (u32, u32) {
        self.sheet.dimensions()
    }

    /// The sheet with a frame: its picture, its step, and the curves' values there.
    pub(super) fn with(&self, frame: &Frame) -> RgbImage {
        let mut canvas = Canvas { pixels: self.sheet.clone(), words: None };
        let picture = shown(&frame.image);
        let (x, y) = self.picture;
        canvas.frame(x, y, picture.width(), picture.height(), LINE);
        imageops::replace(&mut canvas.pixels, &picture, i64::from(x), i64::from(y));
        let caption = format!("{} {}", self.x_label, frame.step);
        canvas.text(x, y + picture.height() + 6, &caption, Style::TEXT);
        for &(panel, x, y) in &self.plots {
            self.mark(&mut canvas, panel, x, y, frame.step as f64);
        }
        canvas.pixels
    }

    /// A rule at the step, and the values there, at the right of the panel's label.
    fn mark(&self, canvas: &mut Canvas, panel: &Panel, x: u32, y: u32, step: f64) {
        let (width, height) = self.plot;
        let start = left(&panel.y_axis());
        let room = f64::from(width.saturating_sub(start + RIGHT));
        let along = (step - self.axis.low) / (self.axis.high - self.axis.low);
        if (0.0..=1.0).contains(&along) {
            let at = x + start + (room * along).round() as u32;
            for dash in (y + TOP..y + height - BELOW).step_by(7) {
                canvas.rect(at, dash, 1, 4.min(y + height - BELOW - dash), SOFT);
            }
        }
        let mut right = x + width - RIGHT;
        for series in panel.series.iter().rev() {
            let points = series.points.iter().filter(|(x, y)| x.is_finite() && y.is_finite());
            let nearest = points.min_by(|a, b| (a.0 - step).abs().total_cmp(&(b.0 - step).abs()));
            let Some(&(_, value)) = nearest else { continue };
            let text = number_text(value as f32);
            let style = Style { bold: true, color: self.legend.color(&series.name), ..Style::NOTE };
            right = right.saturating_sub(style.width(&text));
            canvas.text(right, y.saturating_sub(Style::TEXT.line()), &text, style);
            right = right.saturating_sub(14);
        }
    }
}
