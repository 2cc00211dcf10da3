//! A map over its picture, with the curves that check it.

use image::RgbImage;
use serde_json::{Value, json};

use super::canvas::{Canvas, ROOM, Style};
use super::curves::{Curves, Legend, Panel};
use super::plot::plot;
use super::vega::{append, picture_uri, set_signal, set_title};
use super::{Bundle, Figure, Heatmap};
use crate::{Error, Result};

const MARGIN: u32 = 14;
const GAP: u32 = 14;
/// The height of a plot with its tick labels.
const PLOT: u32 = 200;

/// Curves on one vertical axis, over their own horizontal one.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckPlot {
    /// The curves, and what they are.
    pub panel: Panel,
    /// What the horizontal axis is.
    pub x_label: String,
}

/// A picture, the map that explains it, and beneath them the curves of up to three plots, with a
/// sentence on what they say.
///
/// In a notebook the pointer reads the curves.
///
/// ```
/// use convscope::prelude::*;
/// use convscope::view::{MapReport, Panel, Series, CheckPlot};
/// let map = saliency(&zoo::digits()?, &data::digit(4, 2)?, Target::Top)?;
/// let falls = Series::new("this map", vec![(0.0, 1.0), (0.2, 0.1), (1.0, 0.0)]);
/// let panel = Panel::new("probability", vec![falls]);
/// let plot = CheckPlot { panel, x_label: "fraction of pixels deleted".to_owned() };
/// MapReport::new("Saliency of 4", "The map is worth something.", map, vec![plot])?
/// # ; Ok::<(), convscope::Error>(())
/// ```
#[derive(Clone)]
pub struct MapReport {
    /// What the figure is called.
    pub title: String,
    /// What the plots say, in a sentence or two.
    pub sentence: String,
    notes: Vec<String>,
    map: Heatmap,
    plots: Vec<CheckPlot>,
}

impl MapReport {
    /// A figure of a map and its plots.
    ///
    /// # Errors
    ///
    /// No plots, or more than three, for which there is no room.
    pub fn new(
        title: impl Into<String>,
        sentence: impl Into<String>,
        map: Heatmap,
        plots: Vec<CheckPlot>,
    ) -> Result<MapReport> {
        if !(1..=3).contains(&plots.len()) {
            return Err(Error::Argument(format!(
                "{} plots beside a map; one to three have room",
                plots.len()
            )));
        }
        let (title, sentence) = (title.into(), sentence.into());
        Ok(MapReport { title, sentence, notes: Vec::new(), map, plots })
    }

    /// Adds a line under the sentence.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// The map with its picture, as a figure of its own.
    pub fn map(&self) -> &Heatmap {
        &self.map
    }

    /// The plots with their numbers.
    pub fn plots(&self) -> &[CheckPlot] {
        &self.plots
    }

    /// The words between the map and the plots, cut into lines, with their styles.
    fn lines(&self, room: u32) -> Vec<(String, Style)> {
        let head = Style { bold: true, ..Style::TEXT };
        let sentence = head.wrapped(&self.sentence, room).into_iter().map(|line| (line, head));
        let notes = self.notes.iter().flat_map(|note| Style::NOTE.wrapped(note, room));
        sentence.chain(notes.map(|line| (line, Style::NOTE))).collect()
    }

    fn panels(&self) -> Vec<Panel> {
        self.plots.iter().map(|test| test.panel.clone()).collect()
    }

    fn vega(&self) -> Result<Value> {
        let picture = self.map.image()?;
        let (width, height) = picture.dimensions();
        let mut spec = Curves::new(&self.title, "", self.panels()).vega()?;
        let words: Vec<String> =
            std::iter::once(&self.sentence).chain(&self.notes).cloned().collect();
        spec["description"] = json!(self.description());
        set_title(&mut spec, &self.title, &words, ROOM);
        set_signal(&mut spec, "panelWidth", "value", json!(plot_width(self.plots.len()) - 66));
        set_signal(&mut spec, "panelHeight", "value", json!(PLOT - 40));
        let labels: Vec<&str> = self.plots.iter().map(|test| test.x_label.as_str()).collect();
        let panel = &mut spec["marks"][0];
        panel["encode"]["enter"]["x"] = json!({ "signal": "40 + datum.panel * (panelWidth + 66)" });
        panel["encode"]["enter"]["y"] = json!({ "value": height + 44 });
        panel["axes"][0]["title"] = json!({ "signal": "xLabels[parent.panel]" });
        // What the pointer reads, in the little room of small panels.
        let at = "panelWidth - 46 * (length(domain('color')) - 1 - indexof(domain('color'), datum.series))";
        let value = &mut panel["marks"][4]["encode"]["update"];
        value["x"] = json!({ "signal": at });
        value["text"] = json!({ "signal": "format(datum.y, '.2f')" });
        let place = &mut panel["marks"][5]["encode"]["update"];
        (place["x"], place["y"]) =
            (json!({ "signal": "panelWidth + 28" }), json!({ "value": -32 }));
        place["text"] = json!({ "signal": "'at ' + format(datum.x, '.2f')" });
        append(
            &mut spec,
            json!({
                "signals": [{ "name": "xLabels", "value": labels }],
                "marks": [{ "type": "image", "interactive": false, "encode": { "enter": {
                    "url": { "value": picture_uri(&picture)? },
                    "width": { "value": width }, "height": { "value": height },
                } } }],
            }),
        );
        Ok(spec)
    }
}

/// The width of one of `count` plots beside one another.
fn plot_width(count: usize) -> u32 {
    let count = count.max(1) as u32;
    ((ROOM + GAP) / count - GAP).min(420)
}

impl Figure for MapReport {
    fn image(&self) -> Result<RgbImage> {
        let above = self.map.image()?;
        let room = ROOM.max(above.width() - 2 * MARGIN);
        let (lines, panels) = (self.lines(room), self.panels());
        let legend = Legend::of(&panels);
        let words: u32 = lines.iter().map(|(_, style)| style.line()).sum();
        let line = Style::TEXT.line();
        let below = words + GAP + legend.height(ROOM) + line + PLOT + line + MARGIN;
        let mut canvas = Canvas::new(room + 2 * MARGIN, above.height() + below);
        canvas.picture(&above, 0, 0);
        let mut y = above.height();
        for (text, style) in &lines {
            canvas.text(MARGIN, y, text, *style);
            y += style.line();
        }
        y += GAP;
        legend.draw(&mut canvas, MARGIN, y, ROOM);
        y += legend.height(ROOM);
        let width = plot_width(self.plots.len());
        for (index, test) in (0..).zip(&self.plots) {
            let x = MARGIN + index * (width + GAP);
            let bold = Style { bold: true, ..Style::NOTE };
            canvas.text(x, y, &bold.cut(&test.panel.label, width), bold);
            if test.panel.points().next().is_none() {
                canvas.text(x, y + line + PLOT / 2, "no values", Style::NOTE);
                continue;
            }
            let one = std::slice::from_ref(&test.panel);
            let axis = Curves::new("", "", one.to_vec()).x_axis();
            canvas.picture(&plot(&test.panel, &axis, &legend, (width, PLOT))?, x, y + line);
            let label = Style::NOTE.cut(&test.x_label, width);
            let middle = x + width.saturating_sub(Style::NOTE.width(&label)) / 2;
            canvas.text(middle, y + line + PLOT, &label, Style::NOTE);
        }
        Ok(canvas.pixels)
    }

    fn description(&self) -> String {
        let mut words = format!("{}: {}", self.title, self.sentence);
        for note in &self.notes {
            words.push_str(&format!(" {note}"));
        }
        words
    }

    fn bundle(&self) -> Result<Bundle> {
        let still = Bundle::still(&self.image()?, &self.description())?;
        still.with_themed(self.vega()?)
    }
}
