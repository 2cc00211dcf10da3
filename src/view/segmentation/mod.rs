//! Which class each pixel of a picture has.

mod keys;
mod vega;

use std::collections::BTreeMap;

use image::{Rgb, RgbImage, Rgba, RgbaImage};

use self::keys::{Key, keys};
use super::canvas::{Canvas, LINE, ROOM, SOFT, Style, enlarge};
use super::sheet::Sheet;
use super::top_k::percent;
use super::values::{IntoClasses, IntoValues, Values};
use super::{Bundle, Figure};
use crate::class_names::class_name;
use crate::picture::fit;
use crate::{Error, Result};

/// The picture and the map are at most this wide in the still, where they stand side by side.
const PANEL: u32 = 300;
const GAP: u32 = 14;
/// A legend's key, with its swatch.
const KEY: u32 = 240;
const SWATCH: u32 = 14;
/// Between two classes.
const EDGE: Rgb<u8> = Rgb([20; 3]);

/// A class of a picture.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ClassShare {
    /// The class's number.
    pub class: usize,
    /// Its name.
    pub name: String,
    /// The share of the picture that it takes, 0 to 1.
    pub share: f64,
}

/// The class of each pixel over a picture, with a legend of the classes that occur.
///
/// Ten colors that the color-blind tell apart, then the same with stripes. A class has the same color in all
/// pictures, as long as no larger one of the same picture has it. In a notebook a slider sets how strongly the map
/// covers the picture, and the pointer reads a pixel's class and its probability.
///
/// ```
/// use convscope::prelude::*;
/// use convscope::view::{Segmentation, Values};
///
/// let photo = data::digit(4, 2)?;
/// let inked = |row: u32, column: u32| usize::from(photo.pixels().get_pixel(column, row).0[0] > 100);
/// let classes: Vec<usize> = (0..28).flat_map(|row| (0..28).map(move |c| inked(row, c))).collect();
/// let sure = Values::new([28, 28], vec![0.9; 28 * 28])?;
/// let names = ["paper", "ink"].map(String::from).to_vec();
/// let figure = Segmentation::new("Ink", photo.pixels().clone(), classes.as_slice(), sure, names)?;
/// assert_eq!(figure.classes()[0].name, "paper");
/// # Ok::<(), convscope::Error>(())
/// ```
#[derive(Clone)]
pub struct Segmentation {
    /// What the figure is called.
    pub title: String,
    notes: Vec<String>,
    picture: RgbImage,
    /// Width and height of the network's input, in whose pixels places are given.
    input: (u32, u32),
    /// Row by row, as many as there are probabilities.
    pixels: Vec<usize>,
    probabilities: Values,
    /// The largest first.
    classes: Vec<ClassShare>,
    uncovered: Option<usize>,
    opacity: f64,
}

impl Segmentation {
    /// A figure of classes and their probabilities, `[H, W]` each, over a picture of any size that shows the same
    /// part. `names` are those of the classes 0, 1, 2 and so on.
    ///
    /// # Errors
    ///
    /// Fewer or more classes than probabilities; a class below 0; nothing at all.
    pub fn new(
        title: impl Into<String>,
        picture: RgbImage,
        classes: impl IntoClasses,
        probabilities: impl IntoValues,
        names: Vec<String>,
    ) -> Result<Segmentation> {
        let (numbers, probabilities) = (classes.into_classes()?, probabilities.into_values()?);
        let fits = probabilities.shape().len() == 2 && !numbers.is_empty();
        if !fits || numbers.len() != probabilities.numbers().len() || picture.is_empty() {
            return Err(Error::Shape {
                at: "a map of classes".to_owned(),
                expected: "probabilities [H, W], as many classes, and a picture".to_owned(),
                got: format!(
                    "probabilities {} and {} classes",
                    probabilities.shape_text(),
                    numbers.len()
                ),
                remedy: "Give each pixel's class, row by row, and its probability.".to_owned(),
            });
        }
        let number = |&number: &i64| {
            usize::try_from(number).map_err(|_| {
                Error::Argument(format!("{number} is not a class; classes are numbered from 0"))
            })
        };
        let pixels = numbers.iter().map(number).collect::<Result<Vec<usize>>>()?;
        let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
        pixels.iter().for_each(|&class| *counts.entry(class).or_default() += 1);
        let share = |(class, count): (usize, usize)| ClassShare {
            class,
            name: class_name(&names, class),
            share: count as f64 / pixels.len() as f64,
        };
        let mut classes: Vec<ClassShare> = counts.into_iter().map(share).collect();
        classes.sort_by(|a, b| b.share.total_cmp(&a.share));
        Ok(Segmentation {
            title: title.into(),
            notes: Vec::new(),
            input: picture.dimensions(),
            picture,
            pixels,
            probabilities,
            classes,
            uncovered: None,
            opacity: 0.6,
        })
    }

    /// Adds a line under the title.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Segmentation {
        self.notes.push(note.into());
        self
    }

    /// Leaves a class without color, so that the picture is seen: the background, say.
    #[must_use]
    pub fn uncovered(mut self, class: usize) -> Segmentation {
        self.uncovered = Some(class);
        self
    }

    /// Sets how strongly the map covers the picture at first, from 0 to 1.
    #[must_use]
    pub fn opacity(mut self, opacity: f64) -> Segmentation {
        self.opacity = if opacity.is_finite() { opacity.clamp(0.0, 1.0) } else { self.opacity };
        self
    }

    /// Says that the picture shows an input of this height and width: the pointer's place is in its pixels.
    #[must_use]
    pub fn input_size(mut self, height: u32, width: u32) -> Segmentation {
        self.input = (width.max(1), height.max(1));
        self
    }

    /// The classes that occur, the largest first.
    pub fn classes(&self) -> &[ClassShare] {
        &self.classes
    }

    /// The class at a row and a column of the map; none beyond it.
    pub fn class_at(&self, row: usize, column: usize) -> Option<usize> {
        let columns = self.probabilities.size(1);
        let at = row.checked_mul(columns)?.checked_add(column)?;
        self.pixels.get(at).copied().filter(|_| column < columns)
    }

    /// The probability of each pixel's class, `[H, W]`.
    pub fn probabilities(&self) -> &Values {
        &self.probabilities
    }

    /// Where a class is: 1 there and 0 elsewhere, `[H, W]`. A
    /// [`Region::mask`](crate::attribution::Region::mask) to explain.
    ///
    /// # Errors
    ///
    /// None for the classes of the map.
    pub fn mask(&self, class: usize) -> Result<Values> {
        let inside = self.pixels.iter().map(|&at| f32::from(u8::from(at == class)));
        Values::new(self.probabilities.shape(), inside.collect())
    }

    /// The picture at a size to be shown at: small ones enlarged without blur.
    fn panel(&self, side: u32) -> RgbImage {
        fit(&enlarge(&self.picture, side), side)
    }

    /// The place of each class in the order of their shares.
    fn order(&self) -> BTreeMap<usize, usize> {
        self.classes.iter().enumerate().map(|(at, of)| (of.class, at)).collect()
    }

    /// For each pixel of a picture of this size, the place of its class among the keys.
    fn places(&self, keys: &[Key], (width, height): (u32, u32)) -> Vec<usize> {
        let (order, last) = (self.order(), keys.len().saturating_sub(1));
        let (rows, columns) = (self.probabilities.size(0), self.probabilities.size(1));
        let at = |pixel: u32, of: u32, count: usize| {
            (pixel as usize * count / of.max(1) as usize).min(count.saturating_sub(1))
        };
        let across: Vec<usize> = (0..width).map(|x| at(x, width, columns)).collect();
        let row = |y: u32| {
            let start = at(y, height, rows) * columns;
            across.iter().map(move |column| start + column)
        };
        let class = |at: usize| self.pixels.get(at).and_then(|class| order.get(class));
        (0..height).flat_map(row).map(|at| class(at).map_or(0, |&at| at.min(last))).collect()
    }

    /// The map alone, transparent where the picture is seen.
    fn layer(&self, keys: &[Key], size: (u32, u32)) -> RgbaImage {
        let places = self.places(keys, size);
        let at = |x: u32, y: u32| places.get((y * size.0 + x) as usize);
        RgbaImage::from_fn(size.0, size.1, |x, y| {
            let here = at(x, y);
            let edge = (x + 1 < size.0 && at(x + 1, y) != here)
                || (y + 1 < size.1 && at(x, y + 1) != here);
            let color = here.and_then(|&here| keys.get(here)).and_then(|key| key.color(x, y));
            match if edge { Some(EDGE) } else { color } {
                Some(Rgb([r, g, b])) => Rgba([r, g, b, 255]),
                None => Rgba([0; 4]),
            }
        })
    }
}

/// Draws a legend's swatch.
fn swatch(canvas: &mut Canvas, key: &Key, x: u32, y: u32) {
    canvas.frame(x, y, SWATCH, SWATCH, LINE);
    for (dx, dy) in (0..SWATCH).flat_map(|dx| (0..SWATCH).map(move |dy| (dx, dy))) {
        if let Some(color) = key.color(dx, dy) {
            canvas.rect(x + dx, y + dy, 1, 1, color);
        }
    }
}

impl Figure for Segmentation {
    fn image(&self) -> Result<RgbImage> {
        let panel = self.panel(PANEL);
        let (width, height) = panel.dimensions();
        let keys = keys(&self.classes, self.uncovered);
        let body = (2 * width + GAP).clamp(400, ROOM);
        let style = Style::TEXT;
        let words = |key: &Key| {
            SWATCH + 8 + style.width(&key.name) + 8 + style.width(&percent(key.share)) + 18
        };
        let column = keys.iter().map(words).max().unwrap_or(KEY).clamp(1, KEY);
        let columns = (body / column).max(1);
        let rows = (keys.len() as u32).div_ceil(columns);
        let line = Style::TEXT.line() + 3;
        let below = Style::NOTE.line() + 10;
        let sheet = Sheet { title: &self.title, notes: self.notes.clone(), bar: None, unit: "" };
        let (mut canvas, x, y) = sheet.canvas(body, height + below + rows * line)?;
        canvas.picture(&panel, x, y);
        let mut over = panel;
        for (under, Rgba([r, g, b, seen])) in
            over.pixels_mut().zip(self.layer(&keys, (width, height)).pixels())
        {
            let opacity = self.opacity * f64::from(*seen) / 255.0;
            let mix = |under: u8, over: u8| {
                (f64::from(under) + (f64::from(over) - f64::from(under)) * opacity).round() as u8
            };
            under.0 = [mix(under.0[0], *r), mix(under.0[1], *g), mix(under.0[2], *b)];
        }
        let right = x + width + GAP;
        canvas.picture(&over, right, y);
        canvas.text(x, y + height + 3, "what the network sees", Style::NOTE);
        canvas.text(right, y + height + 3, "the class of each pixel", Style::NOTE);
        for (at, key) in (0..).zip(&keys) {
            let (x, y) =
                (x + at / rows.max(1) * column, y + height + below + at % rows.max(1) * line);
            swatch(&mut canvas, key, x + 1, y + 3);
            let share = percent(key.share);
            let room = column.saturating_sub(SWATCH + 34 + style.width(&share));
            let (name, x) = (style.cut(&key.name, room), x + SWATCH + 8);
            canvas.text(x, y, &name, style);
            canvas.text(x + style.width(&name) + 8, y, &share, Style { color: SOFT, ..style });
        }
        Ok(canvas.pixels)
    }

    fn description(&self) -> String {
        const NAMED: usize = 20;
        let of = |of: &ClassShare| format!("{} {}", of.name, percent(of.share));
        let mut shares: Vec<String> = self.classes.iter().take(NAMED).map(of).collect();
        if self.classes.len() > NAMED {
            shares.push(format!("{} more", self.classes.len() - NAMED));
        }
        let notes = self.notes.iter().map(|note| format!("; {note}")).collect::<String>();
        format!("{}: {}{notes}", self.title, shares.join(", "))
    }

    fn bundle(&self) -> Result<Bundle> {
        let still = Bundle::still(&self.image()?, &self.description())?;
        still.with_themed(self.vega()?)
    }
}
