//! A map of values over the picture it explains.

use image::RgbImage;

use super::boxes::Drawn;
use super::canvas::{Canvas, Style, enlarge};
use super::color::{ColorMap, ColorScale, constant, number_text, range};
use super::panes::{Frame, Pane, spec};
use super::sheet::Sheet;
use super::tiles::colored;
use super::values::{IntoValues, Values, bilinear, nearest};
use super::{BoundingBox, Boxes, Bundle, Figure};
use crate::picture::fit;
use crate::{Error, Result};

/// Between the picture and the picture under its map.
const GAP: u32 = 14;
/// A picture in the still is at most this wide, so that two fit a notebook's column.
const PANEL: u32 = 300;
/// The same in the interactive form, which has one, and of small pictures, which are enlarged.
const INTERACTIVE: u32 = 448;
const ENLARGED: u32 = 336;

/// Values `[H, W]` over a picture.
///
/// The still shows the picture beside the same under the map. The interactive form has sliders for
/// the map's opacity and for a threshold below which values are hidden, and reads the value under
/// the pointer. Magnitudes are shown on inferno from 0, signed values in blue and red around 0,
/// always with a color bar in the values' own units.
///
/// ```
/// use convscope::prelude::*;
///
/// let map = saliency(&zoo::digits()?, &data::digit(4, 2)?, Target::Top)?;
/// let map = map.boxes(Boxes::Largest(0.3)).opacity(0.5);
/// assert_eq!(map.bounding_boxes()?.len(), 1);
/// map
/// # ; Ok::<(), convscope::Error>(())
/// ```
#[derive(Clone)]
pub struct Heatmap {
    /// What the figure is called.
    pub title: String,
    /// What the values are, for the color bar.
    pub unit: String,
    notes: Vec<String>,
    unfinished: Option<String>,
    picture: RgbImage,
    /// Width and height of the network's input, in whose pixels places are given.
    input: (u32, u32),
    values: Values,
    map: ColorMap,
    opacity: f64,
    blocky: bool,
    boxes: Vec<Boxes>,
}

impl Heatmap {
    /// A figure of `values`, `[H, W]`, over a picture of any size that shows the same part.
    pub fn new(
        title: impl Into<String>,
        unit: impl Into<String>,
        picture: RgbImage,
        values: impl IntoValues,
    ) -> Result<Heatmap> {
        let values = values.into_values()?;
        if values.shape().len() != 2 || values.numbers().is_empty() || picture.is_empty() {
            return Err(Error::Shape {
                at: "a heatmap".to_owned(),
                expected: "values [H, W] and a picture".to_owned(),
                got: format!(
                    "values {} and a picture of {:?}",
                    values.shape_text(),
                    picture.dimensions()
                ),
                remedy: "Reduce the channels first, by their maximum, say.".to_owned(),
            });
        }
        Ok(Heatmap {
            title: title.into(),
            unit: unit.into(),
            notes: Vec::new(),
            unfinished: None,
            input: picture.dimensions(),
            picture,
            values,
            map: ColorMap::Inferno,
            opacity: 0.7,
            blocky: false,
            boxes: Vec::new(),
        })
    }

    /// Adds a line under the title.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// Says that the run ended early, and how; beside other maps too, where there is no room for notes.
    pub(crate) fn unfinished(mut self, how: Option<String>) -> Self {
        self.unfinished = how;
        self
    }

    /// Sets how strongly the map covers the picture at first, from 0 to 1.
    #[must_use]
    pub fn opacity(mut self, opacity: f64) -> Self {
        self.opacity = if opacity.is_finite() { opacity.clamp(0.0, 1.0) } else { self.opacity };
        self
    }

    /// Another color map for values without a sign.
    #[must_use]
    pub fn color_map(mut self, map: ColorMap) -> Self {
        self.map = map;
        self
    }

    /// Says that the picture shows an input of this height and width, at whatever resolution: boxes
    /// and the pointer's place are in its pixels. Without it they are in those of the picture.
    #[must_use]
    pub fn input_size(mut self, height: u32, width: u32) -> Self {
        self.input = (width.max(1), height.max(1));
        self
    }

    /// Shows each value as a plain rectangle, instead of smoothly from one to the next.
    #[must_use]
    pub fn blocky(mut self) -> Self {
        self.blocky = true;
        self
    }

    /// Draws boxes, in addition to those asked for before: found ones in blue, given ones in yellow.
    #[must_use]
    pub fn boxes(mut self, boxes: Boxes) -> Self {
        self.boxes.push(boxes);
        self
    }

    /// The values, `[H, W]`, in their own units.
    pub fn values(&self) -> &Values {
        &self.values
    }

    /// The boxes as they are drawn, in pixels of the network's input. Around the values of a map of
    /// another size they are found after it was enlarged to the input's size, as it is shown.
    ///
    /// # Errors
    ///
    /// A threshold that is not above 0 and at most 1; a given box outside the picture.
    pub fn bounding_boxes(&self) -> Result<Vec<BoundingBox>> {
        let found = self.boxes.iter().map(|boxes| self.find(boxes));
        Ok(found.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
    }

    fn find(&self, boxes: &Boxes) -> Result<Vec<BoundingBox>> {
        let (width, height) = self.input;
        boxes.find(&self.at_input()?, width, height)
    }

    /// The map at the size of the network's input.
    pub(super) fn at_input(&self) -> Result<Vec<f32>> {
        const MOST: u64 = 100_000_000;
        let (width, height) = self.input;
        if u64::from(width) * u64::from(height) > MOST {
            return Err(Error::Argument(format!(
                "boxes in an input of {height}×{width} pixels, expected at most {} million; give the \
                 size of the network's input to `input_size`",
                MOST / 1_000_000
            )));
        }
        Ok(self.enlarged(width, height))
    }

    pub(super) fn drawn_boxes(&self) -> Result<Vec<Drawn>> {
        let (width, height) = self.input;
        let mut drawn = Vec::new();
        for boxes in &self.boxes {
            let draw = |found| Drawn::new(found, boxes.color(), width, height);
            drawn.extend(self.find(boxes)?.into_iter().map(draw));
        }
        Ok(drawn)
    }

    /// The picture at a size to be shown at: small ones enlarged without blur.
    pub(super) fn panel(&self, side: u32) -> RgbImage {
        fit(&enlarge(&self.picture, side.min(ENLARGED)), side)
    }

    pub(super) fn input(&self) -> (u32, u32) {
        self.input
    }

    /// How the run ended early, if it did.
    pub(super) fn how_unfinished(&self) -> Option<&str> {
        self.unfinished.as_deref()
    }

    pub(super) fn is_blocky(&self) -> bool {
        self.blocky
    }

    pub(super) fn colors(&self) -> ColorMap {
        self.map
    }

    /// The map at another size: bilinear, corners not aligned, as OpenCV does.
    pub(super) fn enlarged(&self, width: u32, height: u32) -> Vec<f32> {
        let (columns, to) = (self.values.size(1), [width as usize, height as usize]);
        match self.blocky {
            true => nearest(self.values.numbers(), columns, to),
            false => bilinear(self.values.numbers(), columns, to),
        }
    }

    /// The picture with the map and its boxes over it, drawn at `x`, `y`.
    pub(super) fn draw_over(
        &self,
        canvas: &mut Canvas,
        (x, y): (u32, u32),
        panel: &RgbImage,
        scale: &ColorScale,
        opacity: f64,
    ) -> Result<()> {
        let (width, height) = panel.dimensions();
        let mut over = colored(&self.enlarged(width, height), width, 1, &scale.table());
        for (over, under) in over.pixels_mut().zip(panel.pixels()) {
            let mix = |i: usize| {
                let (under, over) = (f64::from(under.0[i]), f64::from(over.0[i]));
                (under + (over - under) * opacity).round() as u8
            };
            over.0 = [mix(0), mix(1), mix(2)];
        }
        canvas.picture(&over, x, y);
        for drawn in self.drawn_boxes()? {
            drawn.draw(canvas, (x, y), (width, height));
        }
        Ok(())
    }

    fn scale(&self) -> ColorScale {
        ColorScale::fitting(self.map, self.values.numbers())
    }

    fn all_notes(&self, scale: &ColorScale) -> Result<Vec<String>> {
        let mut notes = self.notes.clone();
        notes.extend(self.unfinished.clone());
        let values = self.values.numbers();
        let (least, most) = range(values);
        if scale.clipped {
            notes.push(format!(
                "colors end at {}; the largest magnitude is {}",
                number_text(scale.high),
                number_text(most.max(-least))
            ));
        }
        notes.extend(oddities(values));
        if !self.boxes.is_empty() && self.bounding_boxes()?.is_empty() {
            notes.push("no box: no value is above 0".to_owned());
        }
        Ok(notes)
    }
}

impl Figure for Heatmap {
    fn image(&self) -> Result<RgbImage> {
        let scale = self.scale();
        let panel = self.panel(PANEL);
        let (width, height) = panel.dimensions();
        let (title, unit) = (&self.title, &self.unit);
        let sheet = Sheet { title, notes: self.all_notes(&scale)?, bar: Some(&scale), unit };
        let (mut canvas, x, y) = sheet.canvas(2 * width + GAP, height + Style::NOTE.line())?;
        canvas.picture(&panel, x, y);
        for drawn in self.drawn_boxes()? {
            drawn.draw(&mut canvas, (x, y), (width, height));
        }
        let right = x + width + GAP;
        self.draw_over(&mut canvas, (right, y), &panel, &scale, self.opacity)?;
        let below = y + height + 3;
        canvas.text(x, below, "what the network sees", Style::NOTE);
        canvas.text(right, below, "under the map", Style::NOTE);
        Ok(canvas.pixels)
    }

    fn description(&self) -> String {
        let (height, width) = (self.values.size(0), self.values.size(1));
        let mut words = format!("{}: {height}×{width} values", self.title);
        let oddities = oddities(self.values.numbers());
        for note in self.notes.iter().chain(&self.unfinished).chain(&oddities) {
            words.push_str("; ");
            words.push_str(note);
        }
        words
    }

    fn bundle(&self) -> Result<Bundle> {
        let scale = self.scale();
        let picture = self.panel(INTERACTIVE);
        let (width, height) = picture.dimensions();
        let frame = Frame {
            title: &self.title,
            notes: self.all_notes(&scale)?,
            bar: Some((&scale, &self.unit)),
            above: 0,
            opacity: self.opacity,
            size: (width, height),
        };
        let pane = Pane {
            label: String::new(),
            range: String::new(),
            picture: &picture,
            map: Some((self, &scale)),
            place: (0, 0),
        };
        let still = Bundle::still(&self.image()?, &self.description())?;
        still.with_themed(spec(self, &frame, &[pane])?)
    }
}

/// What a reader must know of a map before looking at it.
fn oddities(values: &[f32]) -> Vec<String> {
    let mut notes = Vec::new();
    if values.iter().any(|value| !value.is_finite()) {
        notes.push("some values are not finite; NaN is shown in magenta".to_owned());
    }
    notes.extend(
        constant(values).map(|value| format!("blank: all values are {}", number_text(value))),
    );
    notes
}
