//! An image beside the network's top predictions as bars.

use image::{Rgb, RgbImage};
use serde_json::{Value, json};

use super::canvas::{Canvas, LINE, Style, enlarge};
use super::sheet::Sheet;
use super::vega::{picture_uri, titled};
use super::{Bundle, Figure};
use crate::picture::fit;
use crate::{Error, Result};

const PANEL: u32 = 224;
const GAP: u32 = 24;
const NAMES: u32 = 170;
const BAR: u32 = 220;
/// What a guess takes in width.
pub(super) const GUESS: u32 = NAMES + 10 + BAR + 70;
const STEP: u32 = 36;
/// The most that are drawn; the figure says how many there are.
const DRAWN: usize = 100;
const BEST: Rgb<u8> = Rgb([31, 119, 180]);
const OTHER: Rgb<u8> = Rgb([166, 199, 222]);

/// One class with its probability.
#[derive(Clone, Debug, PartialEq)]
pub struct Guess {
    /// The class's index among the logits.
    pub class: usize,
    /// Its name.
    pub name: String,
    /// Its probability after softmax, 0 to 1.
    pub probability: f64,
}

/// A picture and what a network takes it for, the best guess first.
///
/// In a notebook the pointer reads a guess's class number, full name, probability and, where it was
/// given, logit.
#[derive(Clone)]
pub struct TopK {
    /// What the figure is called.
    pub title: String,
    picture: RgbImage,
    guesses: Vec<Guess>,
    best: Guess,
    logits: Vec<f64>,
}

impl TopK {
    /// A figure of guesses, in the order given.
    pub fn new(title: impl Into<String>, picture: RgbImage, guesses: Vec<Guess>) -> Result<TopK> {
        match guesses.first().cloned() {
            Some(best) if !picture.is_empty() => {
                Ok(TopK { title: title.into(), picture, guesses, best, logits: Vec::new() })
            }
            _ => Err(Error::Argument("a picture and at least one guess are needed".to_owned())),
        }
    }

    /// Adds the guesses' logits, in the guesses' order.
    #[must_use]
    pub fn logits(mut self, logits: impl IntoIterator<Item = f64>) -> Self {
        self.logits = logits.into_iter().collect();
        self
    }

    /// All guesses shown, best first.
    pub fn guesses(&self) -> &[Guess] {
        &self.guesses
    }

    /// The best guess.
    pub fn best(&self) -> &Guess {
        &self.best
    }

    fn drawn(&self) -> &[Guess] {
        self.guesses.get(..DRAWN).unwrap_or(&self.guesses)
    }

    fn notes(&self) -> Vec<String> {
        let mut note = format!("the network's top {} predictions", self.guesses.len());
        if self.guesses.len() > DRAWN {
            note.push_str(&format!("; the first {DRAWN} are drawn"));
        }
        vec![note]
    }

    fn vega(&self) -> Result<Value> {
        let panel = fit(&enlarge(&self.picture, PANEL), PANEL);
        let row = |(rank, guess): (usize, &Guess)| {
            let mut facts = json!({
                "class": guess.class,
                "name": guess.name,
                "probability": format!("{:.4e}", guess.probability),
            });
            if (1e-3..=1.0).contains(&guess.probability) {
                facts["probability"] = json!(format!("{:.2} %", 100.0 * guess.probability));
            }
            if let Some(logit) = self.logits.get(rank) {
                facts["logit"] = json!(format!("{logit:.3}"));
            }
            json!({
                "rank": rank, "name": guess.name, "probability": guess.probability,
                "percent": percent(guess.probability), "facts": facts,
            })
        };
        let rows: Vec<Value> = self.drawn().iter().enumerate().map(row).collect();
        let width = panel.width() + GAP + GUESS;
        let file = include_str!("top_k.vega.json");
        let mut spec = titled(file, self, &self.title, &self.notes(), width)?;
        spec["width"] = json!(width);
        spec["height"] = json!(panel.height().max(STEP * rows.len() as u32));
        let sizes = [panel.width(), panel.height(), NAMES, BAR, STEP];
        for (index, size) in sizes.into_iter().enumerate() {
            spec["signals"][index]["value"] = json!(size);
        }
        spec["data"][0]["values"] = json!(rows);
        spec["marks"][0]["encode"]["enter"]["url"]["value"] = json!(picture_uri(&panel)?);
        Ok(spec)
    }
}

impl Figure for TopK {
    fn image(&self) -> Result<RgbImage> {
        let panel = fit(&enlarge(&self.picture, PANEL), PANEL);
        let bars = self.drawn().len() as u32 * STEP;
        let height = bars.max(panel.height());
        let width = panel.width() + GAP + GUESS;
        let sheet = Sheet { title: &self.title, notes: self.notes(), bar: None, unit: "" };
        let (mut canvas, x, y) = sheet.canvas(width, height)?;
        canvas.picture(&panel, x, y);
        canvas.frame(x, y, panel.width(), panel.height(), LINE);
        let left = x + panel.width() + GAP;
        let mut line = y + (height - bars) / 2 + 6;
        for (index, guess) in self.drawn().iter().enumerate() {
            draw_guess(&mut canvas, left, line, guess, index == 0);
            line += STEP;
        }
        Ok(canvas.pixels)
    }

    fn description(&self) -> String {
        let guess = |guess: &Guess| format!("{} {}", guess.name, percent(guess.probability));
        let guesses: Vec<String> = self.drawn().iter().map(guess).collect();
        format!("{}: {}", self.title, guesses.join(", "))
    }

    fn bundle(&self) -> Result<Bundle> {
        let still = Bundle::still(&self.image()?, &self.description())?;
        still.with_themed(self.vega()?)
    }
}

/// A guess's name, its bar and its probability, [`GUESS`] pixels wide and 24 high.
pub(super) fn draw_guess(canvas: &mut Canvas, x: u32, y: u32, guess: &Guess, best: bool) {
    let style = Style { bold: best, ..Style::TEXT };
    let name = style.cut(&guess.name, NAMES);
    let text_y = y + 3;
    canvas.text(x + NAMES - style.width(&name).min(NAMES), text_y, &name, style);
    let x = x + NAMES + 10;
    let probability = guess.probability.clamp(0.0, 1.0);
    let length = (f64::from(BAR) * probability).round() as u32;
    canvas.rect(x, y, length.max(1), 24, if best { BEST } else { OTHER });
    canvas.text(x + length + 6, text_y, &percent(guess.probability), style);
}

pub(super) fn percent(probability: f64) -> String {
    match 100.0 * probability {
        100.0 => "100 %".to_owned(),
        p if (99.95..100.0).contains(&p) => ">99.9 %".to_owned(),
        p if p > 0.0 && p < 0.05 => "<0.1 %".to_owned(),
        p => format!("{p:.1} %"),
    }
}
