//! Rectangles over a picture: given ones, and those around the strong values of a map.

use image::Rgb;

use super::canvas::{Canvas, Style};
use super::localization::strong;
use crate::{Error, Result};

/// Sky blue and yellow of Okabe and Ito's palette: the color-blind tell them apart, and both stand
/// out from photographs and from every color map here.
pub(super) const FOUND: Rgb<u8> = Rgb([86, 180, 233]);
pub(super) const GIVEN: Rgb<u8> = Rgb([240, 228, 66]);
/// Around the lines, so that they are seen on bright ground too.
const EDGE: Rgb<u8> = Rgb([0; 3]);

/// A rectangle in pixels of the network's input, from the upper left corner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BoundingBox {
    /// The first column inside.
    pub left: u32,
    /// The first row inside.
    pub top: u32,
    /// The first column to the right of it.
    pub right: u32,
    /// The first row below it.
    pub bottom: u32,
    /// What is written at it; may be empty.
    pub label: String,
}

impl BoundingBox {
    /// A rectangle with a label.
    pub fn new(left: u32, top: u32, right: u32, bottom: u32, label: impl Into<String>) -> Self {
        BoundingBox { left, top, right, bottom, label: label.into() }
    }
}

/// Which rectangles a heatmap shows.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Boxes {
    /// One around the largest connected region (diagonal neighbors count) of the values that reach
    /// this part of the maximum, above 0 and at most 1: where the object is, by the map.
    Largest(f64),
    /// One around all values that reach this part of the maximum.
    All(f64),
    /// These: the true place of an object, say.
    Given(Vec<BoundingBox>),
}

impl Boxes {
    pub(super) fn color(&self) -> Rgb<u8> {
        if matches!(self, Boxes::Given(_)) { GIVEN } else { FOUND }
    }

    /// The rectangles on a picture of this size, given the map's values at the same size.
    pub(super) fn find(&self, values: &[f32], width: u32, height: u32) -> Result<Vec<BoundingBox>> {
        let part = match self {
            Boxes::Given(given) => return clipped(given, width, height),
            Boxes::Largest(part) | Boxes::All(part) => *part,
        };
        if !(part > 0.0 && part <= 1.0) {
            return Err(Error::Argument(format!(
                "a box is drawn around the values that reach a part of the maximum, \
                 above 0 and at most 1, not {part}: try 0.2"
            )));
        }
        let all = strong(values, part);
        let pixels = match self {
            Boxes::Largest(_) => largest_region(&all, values.len(), width as usize),
            _ => all,
        };
        let label = format!("≥ {:.0} %", 100.0 * part);
        Ok(around(&pixels, width as usize, label).into_iter().collect())
    }
}

/// What of the rectangles lies on the picture; nothing at all is refused.
fn clipped(given: &[BoundingBox], width: u32, height: u32) -> Result<Vec<BoundingBox>> {
    let clip = |b: &BoundingBox| {
        if b.left >= b.right.min(width) || b.top >= b.bottom.min(height) {
            return Err(Error::Argument(format!(
                "the box from column {} to {} and row {} to {} covers nothing of {width}×{height} \
                 pixels; columns and rows are counted from 0, in pixels of the network's input",
                b.left, b.right, b.top, b.bottom
            )));
        }
        Ok(BoundingBox { right: b.right.min(width), bottom: b.bottom.min(height), ..b.clone() })
    };
    given.iter().map(clip).collect()
}

/// Those of the pixels, of a picture of `count`, that are in the largest region, the first of equals.
fn largest_region(pixels: &[usize], count: usize, width: usize) -> Vec<usize> {
    let mut strong = vec![false; count];
    for &at in pixels {
        if let Some(strong) = strong.get_mut(at) {
            *strong = true;
        }
    }
    let mut largest = Vec::new();
    for &start in pixels {
        let mut region = Vec::new();
        let mut waiting = vec![start];
        while let Some(at) = waiting.pop() {
            if !strong.get_mut(at).is_some_and(std::mem::take) {
                continue;
            }
            region.push(at);
            let column = at % width;
            for x in column.saturating_sub(1)..=(column + 1).min(width - 1) {
                let here = at - column + x;
                waiting.extend(
                    [Some(here), here.checked_sub(width), here.checked_add(width)].iter().flatten(),
                );
            }
        }
        if region.len() > largest.len() {
            largest = region;
        }
    }
    largest
}

fn around(pixels: &[usize], width: usize, label: String) -> Option<BoundingBox> {
    let columns = pixels.iter().map(|at| (at % width) as u32);
    let rows = pixels.iter().map(|at| (at / width) as u32);
    Some(BoundingBox {
        left: columns.clone().min()?,
        top: rows.clone().min()?,
        right: columns.max()? + 1,
        bottom: rows.max()? + 1,
        label,
    })
}

/// A box with its color, ready to be drawn at any size: parts of the width and the height.
pub(super) struct Drawn {
    pub left: f64,
    pub top: f64,
    pub right: f64,
    pub bottom: f64,
    pub label: String,
    pub color: Rgb<u8>,
}

impl Drawn {
    pub(super) fn new(found: BoundingBox, color: Rgb<u8>, width: u32, height: u32) -> Drawn {
        // What lies beyond the picture is cut off.
        let part = |at: u32, of: u32| f64::from(at.min(of)) / f64::from(of.max(1));
        Drawn {
            left: part(found.left, width),
            top: part(found.top, height),
            right: part(found.right, width),
            bottom: part(found.bottom, height),
            label: found.label,
            color,
        }
    }

    /// Draws it over a picture of this size at `x`, `y`.
    pub(super) fn draw(
        &self,
        canvas: &mut Canvas,
        (x, y): (u32, u32),
        (width, height): (u32, u32),
    ) {
        let at = |part: f64, of: u32| (part * f64::from(of)).round() as u32;
        let (left, top) = (x + at(self.left, width), y + at(self.top, height));
        let (right, bottom) = (x + at(self.right, width), y + at(self.bottom, height));
        for (inset, color) in [EDGE, self.color, self.color, EDGE].into_iter().enumerate() {
            let inset = inset as u32 + 1; // a frame is drawn just outside its rectangle
            let size = |from: u32, to: u32| to.saturating_sub(from).saturating_sub(2 * inset);
            canvas.frame(left + inset, top + inset, size(left, right), size(top, bottom), color);
        }
        let style = Style { color: self.color, ..Style::LABEL };
        let label = style.cut(&self.label, (x + width).saturating_sub(left + 10));
        if !label.is_empty() {
            canvas.rect(left, top, style.width(&label) + 10, style.line() + 3, EDGE);
            canvas.text(left + 5, top + 2, &label, style);
        }
    }
}
