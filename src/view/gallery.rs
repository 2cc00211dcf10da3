//! Rows of pictures, each with a label and a caption.

use image::RgbImage;

use super::boxes::{BoundingBox, Drawn, FOUND};
use super::canvas::{Canvas, INK, LINE, ROOM, Style, enlarge};
use super::sheet::Sheet;
use super::{Bundle, Figure};
use crate::picture::fit;
use crate::{Error, Result};

const GAP: u32 = 8;
/// Between rows with a heading.
const BELOW: u32 = 10;
const LABEL: Style = Style { size: 12.0, color: INK, bold: true };
const CAPTION: Style = Style::LABEL;
const HEADING: Style = Style { size: 14.0, color: INK, bold: true };

/// A picture with what is written at it.
#[derive(Clone)]
pub struct GalleryCard {
    picture: RgbImage,
    label: String,
    caption: String,
    region: Option<BoundingBox>,
}

impl GalleryCard {
    /// A picture with a label (a unit's number, say) and a caption (its score).
    pub fn new(
        picture: RgbImage,
        label: impl Into<String>,
        caption: impl Into<String>,
    ) -> GalleryCard {
        GalleryCard { picture, label: label.into(), caption: caption.into(), region: None }
    }

    /// Marks a part of the picture, in its pixels; its own label is not written.
    #[must_use]
    pub fn region(mut self, region: BoundingBox) -> Self {
        self.region = Some(BoundingBox { label: String::new(), ..region });
        self
    }
}

/// Pictures under a heading, which may be empty.
#[derive(Clone)]
pub struct GalleryRow {
    heading: String,
    cards: Vec<GalleryCard>,
}

impl GalleryRow {
    /// A row, broken into lines where it is long.
    pub fn new(heading: impl Into<String>, cards: Vec<GalleryCard>) -> GalleryRow {
        GalleryRow { heading: heading.into(), cards }
    }
}

/// Rows of pictures of one size, each picture with a label and a caption: what units look for, photos
/// that excite one. A still.
///
/// ```
/// use convscope::view::{Figure, Gallery, GalleryCard, GalleryRow};
/// use image::{Rgb, RgbImage};
///
/// let card = |gray: u8| {
///     GalleryCard::new(RgbImage::from_pixel(8, 8, Rgb([gray; 3])), "gray", gray.to_string())
/// };
/// let gallery = Gallery::new("Two", vec![GalleryRow::new("", vec![card(90), card(180)])])?;
/// assert!(gallery.image()?.width() > 200);
/// # Ok::<(), convscope::Error>(())
/// ```
#[derive(Clone)]
pub struct Gallery {
    /// What the figure is called.
    pub title: String,
    notes: Vec<String>,
    rows: Vec<GalleryRow>,
}

impl Gallery {
    /// A figure of these rows.
    ///
    /// # Errors
    ///
    /// No picture at all, or one without pixels.
    pub fn new(title: impl Into<String>, rows: Vec<GalleryRow>) -> Result<Gallery> {
        let mut cards = rows.iter().flat_map(|row| &row.cards).peekable();
        if cards.peek().is_none() || cards.any(|card| card.picture.is_empty()) {
            return Err(Error::Argument(
                "a gallery needs at least one picture, and pixels in each".to_owned(),
            ));
        }
        Ok(Gallery { title: title.into(), notes: Vec::new(), rows })
    }

    /// Adds a line under the title.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// How many pictures there are.
    pub fn len(&self) -> usize {
        self.rows.iter().map(|row| row.cards.len()).sum()
    }

    /// Never: there is at least one.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The side of a picture's room: few are shown large.
    fn side(&self) -> u32 {
        let most = self.rows.iter().map(|row| row.cards.len()).max().unwrap_or_default();
        match self.len().max(most) {
            ..=4 => 224,
            5..=10 => 140,
            11..=36 => 112,
            37..=80 => 80,
            _ => 56,
        }
    }

    /// How much room a picture takes where the largest of all is shown at [`Gallery::side`].
    fn cell(&self) -> (u32, u32) {
        let shown = self.rows.iter().flat_map(|row| &row.cards);
        let sizes: Vec<(u32, u32)> =
            shown.map(|card| shown_at(&card.picture, self.side()).dimensions()).collect();
        let width = sizes.iter().map(|size| size.0).max().unwrap_or(1);
        let height = sizes.iter().map(|size| size.1).max().unwrap_or(1);
        // The narrowest in which a number and a score can be read.
        (width.max(52), height)
    }

    fn draw(&self, canvas: &mut Canvas, card: &GalleryCard, (x, y): (u32, u32), width: u32) {
        let written = |canvas: &mut Canvas, y: u32, text: &str, style: Style| {
            let text = style.cut(text, width);
            canvas.text(x + (width - style.width(&text).min(width)) / 2, y, &text, style);
        };
        written(canvas, y, &card.label, LABEL);
        let picture = shown_at(&card.picture, self.side());
        let top = y + self.above();
        let left = x + (width - picture.width().min(width)) / 2;
        canvas.picture(&picture, left, top);
        canvas.frame(left, top, picture.width(), picture.height(), LINE);
        if let Some(region) = &card.region {
            let (w, h) = card.picture.dimensions();
            let drawn = Drawn::new(region.clone(), FOUND, w, h);
            drawn.draw(canvas, (left, top), picture.dimensions());
        }
        written(canvas, top + picture.height() + 3, &card.caption, CAPTION);
    }

    fn any(&self, text: fn(&GalleryCard) -> &String) -> bool {
        self.rows.iter().flat_map(|row| &row.cards).any(|card| !text(card).is_empty())
    }

    fn above(&self) -> u32 {
        if self.any(|card| &card.label) { LABEL.line() + 1 } else { 0 }
    }

    fn below(&self) -> u32 {
        if self.any(|card| &card.caption) { 3 + CAPTION.line() } else { 0 }
    }
}

/// Small pictures are enlarged by whole factors, large ones reduced.
fn shown_at(picture: &RgbImage, side: u32) -> RgbImage {
    fit(&enlarge(picture, side), side)
}

impl Figure for Gallery {
    fn image(&self) -> Result<RgbImage> {
        let (width, height) = self.cell();
        let fitting = ((ROOM + GAP) / (width + GAP)).max(1) as usize;
        // Lines that are all full read best.
        let columns = |row: &GalleryRow| {
            let mut full = (fitting / 2 + 1..=fitting).rev();
            full.find(|&c| row.cards.len().is_multiple_of(c)).unwrap_or(fitting)
        };
        let step_x = width + GAP;
        let step_y = self.above() + height + self.below() + GAP;
        let heading =
            |row: &GalleryRow| if row.heading.is_empty() { 0 } else { HEADING.line() + 4 };
        let lines = |row: &GalleryRow| row.cards.len().div_ceil(columns(row)) as u32;
        let rows = self.rows.iter().map(|row| heading(row) + lines(row) * step_y + BELOW);
        let most = self.rows.iter().map(|row| row.cards.len().min(columns(row))).max();
        let pictures = (most.unwrap_or(1) as u32 * step_x).saturating_sub(GAP);
        let words = self.rows.iter().map(|row| HEADING.width(&row.heading)).max();
        let whole = pictures.max(words.unwrap_or_default().min(ROOM));
        let sheet = Sheet { title: &self.title, notes: self.notes.clone(), bar: None, unit: "" };
        let total = rows.sum::<u32>().saturating_sub(BELOW + GAP);
        let (mut canvas, x, mut y) = sheet.canvas(whole, total)?;
        for row in &self.rows {
            canvas.text(x, y, &HEADING.cut(&row.heading, whole), HEADING);
            y += heading(row);
            for line in row.cards.chunks(columns(row)) {
                for (column, card) in (0..).zip(line) {
                    self.draw(&mut canvas, card, (x + column * step_x, y), width);
                }
                y += step_y;
            }
            y += BELOW;
        }
        Ok(canvas.pixels)
    }

    fn description(&self) -> String {
        let mut words = self.title.clone();
        for note in &self.notes {
            words.push_str(&format!("; {note}"));
        }
        let count = self.len();
        words.push_str(&format!("; {count} {}", if count == 1 { "picture" } else { "pictures" }));
        for row in &self.rows {
            let card = |card: &GalleryCard| format!("{} {}", card.label, card.caption);
            let cards: Vec<String> = row.cards.iter().map(card).collect();
            let cards: Vec<&str> =
                cards.iter().map(|card| card.trim()).filter(|card| !card.is_empty()).collect();
            let heading = if row.heading.is_empty() { "" } else { ": " };
            if !(cards.is_empty() && row.heading.is_empty()) {
                words.push_str(&format!("; {}{heading}{}", row.heading, cards.join(", ")));
            }
        }
        words
    }

    fn bundle(&self) -> Result<Bundle> {
        const LARGE: usize = 1_000_000;
        let mut still = Bundle::still(&self.image()?, &self.description())?;
        let stored = 4 * still.png.len() / 3;
        if stored > LARGE {
            let megabytes = stored as f64 / 1e6;
            let words = format!("; {megabytes:.1} MB in the notebook, less with fewer pictures");
            still.text.push_str(&words);
        }
        Ok(still)
    }
}
