//! Many pictures with what a network takes each for, right and wrong told apart.

use image::{Rgb, RgbImage};

use super::Figure;
use super::canvas::{Canvas, INK, LINE, Style, enlarge};
use super::sheet::Sheet;
use super::top_k::{Guess, percent};
use crate::picture::fit;
use crate::{Error, Result};

/// The side of a picture in the grid.
const TILE: u32 = 112;
const GAP: u32 = 12;
const COLUMNS: u32 = 6;
const FRAME: u32 = 3;
const NAME: Style = Style { size: 13.0, color: INK, bold: true };
/// The most that are drawn; the figure says how many there are.
const DRAWN: usize = 36;
/// Blue and orange of Okabe and Ito's palette, which color-blind readers tell apart.
const RIGHT: Rgb<u8> = Rgb([0, 114, 178]);
const WRONG: Rgb<u8> = Rgb([213, 94, 0]);

/// What a network takes one picture for.
#[derive(Clone, Debug)]
pub struct Prediction {
    /// Which of the pictures given it is, from 0.
    pub index: usize,
    /// The picture's title.
    pub title: String,
    /// The picture as the network sees it.
    pub picture: RgbImage,
    /// The top predictions, best first.
    pub guesses: Vec<Guess>,
    /// The true class and the probability that the network gave it, where it is known.
    pub truth: Option<Guess>,
}

impl Prediction {
    /// Whether the best guess is the true class; `None` where that is not known.
    pub fn is_right(&self) -> Option<bool> {
        let best = self.guesses.first()?;
        Some(best.class == self.truth.as_ref()?.class)
    }
}

/// A grid of pictures, each with the network's best guess and how sure it is; where the true classes
/// are known, right ones are framed in blue, and wrong ones in orange with the true class below.
#[derive(Clone)]
pub struct Predictions {
    /// What the figure is called.
    pub title: String,
    predictions: Vec<Prediction>,
    /// What is said of all, where these are some of them.
    of: Option<String>,
}

impl Predictions {
    /// A figure of predictions, in the order given.
    pub fn new(title: impl Into<String>, predictions: Vec<Prediction>) -> Result<Predictions> {
        if predictions.iter().any(|p| p.guesses.is_empty() || p.picture.is_empty()) {
            return Err(Error::Argument("each picture needs at least one guess".to_owned()));
        }
        Ok(Predictions { title: title.into(), predictions, of: None })
    }

    /// All predictions.
    pub fn predictions(&self) -> &[Prediction] {
        &self.predictions
    }

    /// How many of those with a known class are right, from 0 to 1; `None` where none is known.
    pub fn accuracy(&self) -> Option<f64> {
        let known: Vec<bool> = self.predictions.iter().filter_map(Prediction::is_right).collect();
        let right = known.iter().filter(|right| **right).count();
        (!known.is_empty()).then(|| right as f64 / known.len() as f64)
    }

    /// Those whose best guess is the true class, the surest first.
    pub fn right(&self) -> Predictions {
        self.chosen("right", |prediction| prediction.is_right() == Some(true))
    }

    /// Those whose best guess is another class, the surest first: the most instructive mistakes.
    pub fn wrong(&self) -> Predictions {
        self.chosen("wrong", |prediction| prediction.is_right() == Some(false))
    }

    fn chosen(&self, which: &str, choose: impl Fn(&Prediction) -> bool) -> Predictions {
        let mut predictions: Vec<Prediction> =
            self.predictions.iter().filter(|prediction| choose(prediction)).cloned().collect();
        let sure = |p: &Prediction| p.guesses.first().map_or(0.0, |guess| guess.probability);
        predictions.sort_by(|a, b| sure(b).total_cmp(&sure(a)));
        let all = self.predictions.len();
        let title = format!("{}: {which}, {} of {all}", self.title, predictions.len());
        Predictions { title, predictions, of: Some(self.score()) }
    }

    /// How many are right, of all where these are some of them.
    fn score(&self) -> String {
        let known = self.predictions.iter().filter(|p| p.truth.is_some()).count();
        match (&self.of, self.accuracy()) {
            (Some(of), _) => of.clone(),
            (None, Some(accuracy)) => format!("{} right of {known} pictures", percent(accuracy)),
            (None, None) => format!("{} pictures", self.predictions.len()),
        }
    }

    fn notes(&self) -> Vec<String> {
        let count = self.predictions.len();
        let mut notes = vec![self.score()];
        if self.accuracy().is_some_and(|accuracy| accuracy < 1.0) {
            notes.push("blue: right; orange: wrong, with the true class below".to_owned());
        }
        if count > DRAWN {
            notes[0].push_str(&format!("; the first {DRAWN} are drawn"));
        }
        notes
    }

    fn draw(&self, canvas: &mut Canvas, x: u32, y: u32, prediction: &Prediction) {
        let right = prediction.is_right();
        let color = match right {
            Some(true) => RIGHT,
            Some(false) => WRONG,
            None => LINE,
        };
        let picture = fit(&enlarge(&prediction.picture, TILE), TILE);
        let left = x + FRAME + (TILE - picture.width()) / 2;
        let top = y + FRAME + (TILE - picture.height()) / 2;
        for out in 1..=FRAME {
            let (w, h) = (picture.width() + 2 * out - 2, picture.height() + 2 * out - 2);
            canvas.frame(left + 1 - out, top + 1 - out, w, h, color);
        }
        canvas.picture(&picture, left, top);

        let room = TILE + 2 * FRAME;
        let mut line = y + room + 2;
        let mut write = |text: &str, style: Style| {
            let text = style.cut(text, room);
            canvas.text(x + (room - style.width(&text)) / 2, line, &text, style);
            line += style.line();
        };
        let Some(best) = prediction.guesses.first() else { return };
        let mark = match right {
            Some(true) => "✓ ",
            Some(false) => "✗ ",
            None => "",
        };
        let ink = if right.is_some() { color } else { NAME.color };
        write(&format!("{mark}{}", best.name), Style { color: ink, ..NAME });
        write(&percent(best.probability), Style::LABEL);
        if let (Some(false), Some(truth)) = (right, &prediction.truth) {
            let probability = format!(" ({})", percent(truth.probability));
            let room = room.saturating_sub(Style::LABEL.width(&probability));
            let name = Style::LABEL.cut(&format!("is {}", truth.name), room);
            write(&(name + &probability), Style::LABEL);
        }
    }
}

impl Figure for Predictions {
    fn image(&self) -> Result<RgbImage> {
        let drawn = &self.predictions[..self.predictions.len().min(DRAWN)];
        let columns = COLUMNS.min(drawn.len() as u32);
        // The class, its probability and, below a mistake, the truth.
        let mistakes = drawn.iter().any(|prediction| prediction.is_right() == Some(false));
        let words = NAME.line() + Style::LABEL.line() * if mistakes { 2 } else { 1 };
        let (step_x, step_y) = (TILE + 2 * FRAME + GAP, TILE + 2 * FRAME + 2 + words + GAP);
        let rows = (drawn.len() as u32).div_ceil(columns.max(1));
        let sheet = Sheet { title: &self.title, notes: self.notes(), bar: None, unit: "" };
        let (mut canvas, x, y) =
            sheet.canvas((columns * step_x).saturating_sub(GAP), rows * step_y)?;
        for (index, prediction) in drawn.iter().enumerate() {
            let (column, row) = (index as u32 % columns, index as u32 / columns);
            self.draw(&mut canvas, x + column * step_x, y + row * step_y, prediction);
        }
        Ok(canvas.pixels)
    }

    fn description(&self) -> String {
        let drawn = self.predictions.iter().take(DRAWN).filter_map(|prediction| {
            let best = prediction.guesses.first()?;
            let mut words =
                format!("{}: {} {}", prediction.title, best.name, percent(best.probability));
            if let (Some(false), Some(truth)) = (prediction.is_right(), &prediction.truth) {
                words.push_str(&format!(" (is {})", truth.name));
            }
            Some(words)
        });
        let drawn: Vec<String> = drawn.collect();
        format!("{}: {}; {}", self.title, self.notes()[0], drawn.join(", "))
    }
}
