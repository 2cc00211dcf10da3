//! Boxes with labels over a picture.

mod vega;

use std::collections::BTreeMap;

use image::RgbImage;

use super::boxes::Drawn;
use super::canvas::{LINE, enlarge};
use super::color::class_color;
use super::sheet::Sheet;
use super::top_k::percent;
use super::{Bundle, Figure};
use crate::picture::fit;
use crate::{Error, Result};

/// The picture is at most this wide.
const PANEL: u32 = 560;
/// The most boxes that are drawn; the figure says how many there are.
const DRAWN: usize = 100;

/// A box with a label that a network gives.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Detected {
    /// The label's number.
    pub class: usize,
    /// Its name.
    pub name: String,
    /// Its probability, 0 to 1.
    pub probability: f64,
    /// Left, top, right and bottom in pixels of the network's input.
    pub place: [f64; 4],
}

impl Detected {
    /// A box: left, top, right and bottom.
    pub fn new(
        class: usize,
        name: impl Into<String>,
        probability: f64,
        place: [f64; 4],
    ) -> Detected {
        Detected { class, name: name.into(), probability, place }
    }
}

/// Boxes with labels and their probabilities over a picture. In a notebook a slider sets from which probability
/// on boxes are shown, and the pointer reads a box's label, probability and place.
///
/// ```
/// use convscope::prelude::*;
/// use convscope::view::{Detected, Detections};
///
/// let found = vec![Detected::new(4, "four", 0.98, [7.0, 3.0, 21.0, 25.0])];
/// let figure = Detections::new("A digit", data::digit(4, 2)?.pixels().clone(), found)?;
/// assert_eq!(figure.objects().len(), 1);
/// # Ok::<(), convscope::Error>(())
/// ```
#[derive(Clone)]
pub struct Detections {
    /// What the figure is called.
    pub title: String,
    notes: Vec<String>,
    picture: RgbImage,
    /// Width and height of the network's input, in whose pixels places are given.
    input: (u32, u32),
    /// The most probable first.
    all: Vec<Detected>,
    threshold: f64,
}

impl Detections {
    /// A figure of boxes over a picture, in its pixels; those from a probability of 0.5 on are shown.
    ///
    /// # Errors
    ///
    /// A picture without pixels; a place or a probability that is no number.
    pub fn new(
        title: impl Into<String>,
        picture: RgbImage,
        mut found: Vec<Detected>,
    ) -> Result<Detections> {
        if picture.is_empty() {
            return Err(Error::Argument("boxes need a picture that has pixels".to_owned()));
        }
        let finite = |found: &Detected| {
            found.place.iter().chain([&found.probability]).all(|n| n.is_finite())
        };
        if let Some(odd) = found.iter().find(|found| !finite(found)) {
            return Err(Error::Argument(format!(
                "a box at {:?} with probability {}: expected finite numbers",
                odd.place, odd.probability
            )));
        }
        found.sort_by(|a, b| b.probability.total_cmp(&a.probability));
        let input = picture.dimensions();
        Ok(Detections {
            title: title.into(),
            notes: Vec::new(),
            picture,
            input,
            all: found,
            threshold: 0.5,
        })
    }

    /// Adds a line under the title.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Detections {
        self.notes.push(note.into());
        self
    }

    /// Sets from which probability on boxes are shown, 0 to 1.
    #[must_use]
    pub fn threshold(mut self, threshold: f64) -> Detections {
        self.threshold =
            if threshold.is_nan() { self.threshold } else { threshold.clamp(0.0, 1.0) };
        self
    }

    /// Says that the picture shows an input of this height and width: places are in its pixels.
    #[must_use]
    pub fn input_size(mut self, height: u32, width: u32) -> Detections {
        self.input = (width.max(1), height.max(1));
        self
    }

    /// The boxes that are shown, the most probable first.
    pub fn objects(&self) -> &[Detected] {
        let shown = self.all.partition_point(|found| found.probability >= self.threshold);
        self.all.get(..shown).unwrap_or_default()
    }

    /// All boxes, however little probable, the most probable first.
    pub fn all(&self) -> &[Detected] {
        &self.all
    }

    /// The picture at a size to be shown at: small ones enlarged without blur.
    fn panel(&self) -> RgbImage {
        fit(&enlarge(&self.picture, 448), PANEL)
    }

    fn all_notes(&self) -> Vec<String> {
        let (shown, all) = (self.objects().len(), self.all.len());
        let boxes =
            |count: usize| if count == 1 { "1 box".to_owned() } else { format!("{count} boxes") };
        let mut note =
            format!("{} from a probability of {} on", boxes(shown), percent(self.threshold));
        if all > shown {
            note.push_str(&format!(", {} below", all - shown));
        }
        if shown > DRAWN {
            note.push_str(&format!("; the first {DRAWN} are drawn"));
        }
        std::iter::once(note).chain(self.notes.iter().cloned()).collect()
    }

    /// A key for each label, by which it is colored.
    fn keys(&self) -> BTreeMap<usize, usize> {
        let mut keys = BTreeMap::new();
        for found in &self.all {
            let next = keys.len();
            keys.entry(found.class).or_insert(next);
        }
        keys
    }

    /// A box ready to be drawn.
    fn drawn(&self, found: &Detected, keys: &BTreeMap<usize, usize>) -> Drawn {
        let (width, height) = (f64::from(self.input.0), f64::from(self.input.1));
        let [left, top, right, bottom] = found.place;
        let part = |at: f64, of: f64| (at / of).clamp(0.0, 1.0);
        Drawn {
            left: part(left, width),
            top: part(top, height),
            right: part(right, width),
            bottom: part(bottom, height),
            label: format!("{} {}", found.name, percent(found.probability)),
            color: bright(keys.get(&found.class).copied().unwrap_or_default()),
        }
    }
}

/// The colors of classes, those first that stand out from photographs.
fn bright(key: usize) -> image::Rgb<u8> {
    const ORDER: [usize; 10] = [4, 5, 3, 1, 2, 9, 0, 8, 7, 6];
    class_color(ORDER[key % ORDER.len()])
}

impl Figure for Detections {
    fn image(&self) -> Result<RgbImage> {
        let panel = self.panel();
        let (width, height) = panel.dimensions();
        let sheet = Sheet { title: &self.title, notes: self.all_notes(), bar: None, unit: "" };
        let (mut canvas, x, y) = sheet.canvas(width, height)?;
        canvas.picture(&panel, x, y);
        canvas.frame(x, y, width, height, LINE);
        let keys = self.keys();
        // The most probable over the others.
        for found in self.objects().iter().take(DRAWN).rev() {
            self.drawn(found, &keys).draw(&mut canvas, (x, y), (width, height));
        }
        Ok(canvas.pixels)
    }

    fn description(&self) -> String {
        const NAMED: usize = 20;
        let of = |of: &Detected| format!("{} {}", of.name, percent(of.probability));
        let mut boxes: Vec<String> = self.objects().iter().take(NAMED).map(of).collect();
        match self.objects().len() {
            0 => boxes.push("no box".to_owned()),
            count if count > NAMED => boxes.push(format!("{} more", count - NAMED)),
            _ => {}
        }
        let notes = self.notes.iter().map(|note| format!("; {note}")).collect::<String>();
        format!("{}: {}{notes}", self.title, boxes.join(", "))
    }

    fn bundle(&self) -> Result<Bundle> {
        let still = Bundle::still(&self.image()?, &self.description())?;
        still.with_themed(self.vega()?)
    }
}
