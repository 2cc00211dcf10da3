//! Pictures that change from step to step, with curves in step.

mod animation;
mod stage;
mod vega;

use std::path::Path;

use image::RgbImage;

use super::curves::{Curves, Panel};
use super::save::{self, extension};
use super::{Bundle, Figure};
use crate::{Error, Result};
use stage::Stage;

/// A picture at a step.
#[derive(Clone)]
pub struct Frame {
    /// The step, from which on the curves are read.
    pub step: u64,
    /// The picture.
    pub image: RgbImage,
}

impl Frame {
    /// The picture at this step.
    pub fn new(step: u64, image: RgbImage) -> Frame {
        Frame { step, image }
    }
}

impl std::fmt::Debug for Frame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (width, height) = self.image.dimensions();
        write!(f, "Frame at step {} ({width}×{height})", self.step)
    }
}

/// Pictures that form step by step, beside the curves of what drives them: an image that is optimized,
/// a layout that settles.
///
/// In a notebook a slider chooses the frame, `play` runs through all of them, and the curves show the
/// values at its step; the still shows the last frame. A notebook gets at most 1 MB of frames, chosen
/// evenly with the first and the last among them, and the figure says where that are not all.
/// [`save`](Figure::save) also writes `.gif` and `.apng` (an animated PNG), and into `.html` it puts the
/// moving picture.
///
/// ```
/// use convscope::view::{Figure, Film, Frame, Panel, Series};
/// use image::{Rgb, RgbImage};
///
/// let gray = |step: u64| Frame::new(step, RgbImage::from_pixel(8, 8, Rgb([step as u8 * 50; 3])));
/// let score = Series::new("score", (0..5).map(|step| (step as f64, (step * step) as f64)).collect());
/// let film = Film::new("Brighter", (0..5).map(gray).collect())?
///     .curves(vec![Panel::new("score", vec![score])]);
/// film.save(std::env::temp_dir().join("brighter.gif"))?;
/// # Ok::<(), convscope::Error>(())
/// ```
#[derive(Clone)]
pub struct Film {
    /// What the figure is called.
    pub title: String,
    notes: Vec<String>,
    frames: Vec<Frame>,
    /// Without a title; panels may be none.
    curves: Curves,
    most: usize,
    delay: u16,
}

impl Film {
    /// A figure of these frames, all of one size, in ascending order of their steps.
    ///
    /// # Errors
    ///
    /// No frame, one without pixels, sizes that differ, steps that do not ascend.
    pub fn new(title: impl Into<String>, frames: Vec<Frame>) -> Result<Film> {
        let Some(first) = frames.first().filter(|first| !first.image.is_empty()) else {
            return Err(Error::Argument("a film needs at least one frame with pixels".to_owned()));
        };
        let (width, height) = first.image.dimensions();
        if let Some(other) = frames.iter().find(|frame| frame.image.dimensions() != (width, height))
        {
            return Err(Error::Argument(format!(
                "the frames of a film have one size: the first is {width}×{height}, got {other:?}"
            )));
        }
        if let Some([a, b]) =
            frames.windows(2).find(|pair| matches!(pair, [a, b] if a.step >= b.step))
        {
            return Err(Error::Argument(format!(
                "the steps of a film ascend; step {} comes before step {}",
                a.step, b.step
            )));
        }
        let curves = Curves::new("", "step", Vec::new());
        let (title, notes) = (title.into(), Vec::new());
        Ok(Film { title, notes, frames, curves, most: usize::MAX, delay: 125 })
    }

    /// Curves whose horizontal axis is the step.
    #[must_use]
    pub fn curves(mut self, panels: Vec<Panel>) -> Self {
        self.curves = Curves::new("", self.curves.x_label, panels);
        self
    }

    /// What a step is, such as `iteration`.
    #[must_use]
    pub fn step_label(mut self, label: impl Into<String>) -> Self {
        self.curves.x_label = label.into();
        self
    }

    /// Adds a line under the title.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// Shows and writes at most so many frames (at least one), chosen evenly, the last always.
    #[must_use]
    pub fn max_frames(mut self, frames: usize) -> Self {
        self.most = frames.max(1);
        self
    }

    /// How fast it plays, 0.1 to 50 frames a second; 8 unless set.
    #[must_use]
    pub fn frames_per_second(mut self, rate: f64) -> Self {
        if rate.is_finite() {
            self.delay = (1000.0 / rate.clamp(0.1, 50.0)).round() as u16;
        }
        self
    }

    /// All frames.
    pub fn frames(&self) -> &[Frame] {
        &self.frames
    }

    /// The curves' numbers.
    pub fn values(&self) -> &[Panel] {
        self.curves.values()
    }

    fn stage(&self) -> Result<Stage<'_>> {
        Stage::new(&self.title, &self.notes, &self.curves, &self.frames)
    }

    /// `most` of the frames, evenly spread.
    fn chosen(&self, most: usize) -> Vec<&Frame> {
        let last = self.frames.len() - 1;
        let count = most.min(self.most).clamp(1, self.frames.len());
        let at = |index: usize| if count == 1 { last } else { index * last / (count - 1) };
        (0..count).filter_map(|index| self.frames.get(at(index))).collect()
    }
}

impl Figure for Film {
    fn image(&self) -> Result<RgbImage> {
        let stage = self.stage()?;
        self.frames.last().map_or(Ok(RgbImage::new(1, 1)), |last| Ok(stage.with(last)))
    }

    fn description(&self) -> String {
        let count = self.frames.len();
        let frames = if count == 1 { "frame" } else { "frames" };
        let mut words = format!("{}: {count} {frames}", self.title);
        if let (Some(first), Some(last)) = (self.frames.first(), self.frames.last()) {
            words.push_str(&format!(", {} {} to {}", self.curves.x_label, first.step, last.step));
        }
        for note in &self.notes {
            words.push_str(&format!("; {note}"));
        }
        // What the curves say of themselves begins with their title, which is empty.
        words + &self.curves.description()
    }

    fn bundle(&self) -> Result<Bundle> {
        let mut still = Bundle::still(&self.image()?, &self.description())?;
        let (spec, left_out) = self.vega()?;
        if let Some(left_out) = left_out {
            still.text.push_str(&format!("; {left_out}"));
        }
        still.with_themed(spec)
    }

    fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let bytes = match extension(path).as_str() {
            "gif" => self.gif()?,
            "apng" => self.apng()?,
            "html" | "htm" => save::page(&self.apng()?, &self.description()).into_bytes(),
            "png" | "jpg" | "jpeg" => return save::save(self, path),
            _ => {
                return Err(Error::Argument(format!(
                    "cannot save to {}: a film is written as .gif, .apng or .html, its still as .png \
                     or .jpg",
                    path.display()
                )));
            }
        };
        save::write(path, &bytes)
    }
}
