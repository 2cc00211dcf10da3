//! A picture to draw on: rectangles, pictures, text.

use ab_glyph::{Font, FontRef, PxScale, ScaleFont};
use image::{Rgb, RgbImage, imageops};

use super::text::{drawn, visible};

pub(super) const WHITE: Rgb<u8> = Rgb([255; 3]);
pub(super) const INK: Rgb<u8> = Rgb([33; 3]);
pub(super) const SOFT: Rgb<u8> = Rgb([96; 3]);
pub(super) const LINE: Rgb<u8> = Rgb([200; 3]);

/// The width of a figure's content that fits an output area of 800 pixels: JupyterLab's menu beside an
/// interactive figure takes 38, and the figure's margin 28.
pub(super) const ROOM: u32 = 732;

/// How a text is written.
#[derive(Clone, Copy)]
pub(super) struct Style {
    /// Height of the font in pixels.
    pub size: f32,
    pub color: Rgb<u8>,
    pub bold: bool,
}

impl Style {
    pub(super) const TITLE: Style = Style { size: 19.0, color: INK, bold: true };
    pub(super) const TEXT: Style = Style { size: 15.0, color: INK, bold: false };
    pub(super) const NOTE: Style = Style { size: 14.0, color: SOFT, bold: false };
    pub(super) const LABEL: Style = Style { size: 12.0, color: SOFT, bold: false };

    /// The distance from one line of text to the next.
    pub(super) fn line(self) -> u32 {
        (self.size * 1.3).ceil() as u32
    }

    fn font(self) -> Option<FontRef<'static>> {
        let bytes = if self.bold { dejavu::sans::bold() } else { dejavu::sans::regular() };
        FontRef::try_from_slice(bytes).ok()
    }

    /// The width of `text` in pixels.
    pub(super) fn width(self, text: &str) -> u32 {
        let Some(font) = self.font() else { return 0 };
        let font = font.as_scaled(PxScale::from(self.size));
        drawn(text).chars().map(|c| font.h_advance(font.glyph_id(c))).sum::<f32>().ceil() as u32
    }

    /// `text`, cut with an ellipsis where it is wider than `room`.
    pub(super) fn cut(self, text: &str, room: u32) -> String {
        let text = visible(text);
        if self.width(&text) <= room {
            return text.into_owned();
        }
        // No letter is narrower than a pixel.
        let ends: Vec<usize> =
            text.char_indices().map(|(end, _)| end).take(room as usize).collect();
        let fits = |&end: &usize| self.width(&format!("{}…", &text[..end])) <= room;
        let longest = ends.partition_point(fits).saturating_sub(1);
        let end = ends.get(longest).copied().unwrap_or_default();
        format!("{}…", text[..end].trim_end())
    }

    /// `text` in a few lines of at most this width, broken between words.
    pub(super) fn wrapped(self, text: &str, room: u32) -> Vec<String> {
        /// A text from a file may be as long as it likes.
        const MOST: usize = 12;
        let mut lines: Vec<String> = Vec::new();
        for word in text.split(' ').filter(|word| !word.is_empty()) {
            let full = lines.len() == MOST;
            match lines.last_mut() {
                Some(line) if full || self.width(&format!("{line} {word}")) <= room => {
                    line.push(' ');
                    line.push_str(word);
                }
                _ => lines.push(word.to_owned()),
            }
        }
        lines.iter().map(|line| self.cut(line, room)).collect()
    }

    /// `text` cut in front where it is wider than `room`.
    pub(super) fn cut_front(self, text: &str, room: u32) -> String {
        let backwards = |text: &str| text.chars().rev().collect::<String>();
        backwards(&self.cut(&backwards(text), room))
    }
}

pub(super) struct Canvas {
    pub pixels: RgbImage,
    /// What was written, where words are kept apart from the pixels.
    pub words: Option<Vec<Words>>,
}

/// A line of text with its upper left corner.
pub(super) struct Words {
    pub x: u32,
    pub y: u32,
    pub text: String,
    pub style: Style,
}

impl Canvas {
    pub(super) fn new(width: u32, height: u32) -> Canvas {
        let pixels = RgbImage::from_pixel(width.max(1), height.max(1), WHITE);
        Canvas { pixels, words: None }
    }

    /// Keeps words as words, for a form of the figure that writes them itself, on paper of that color.
    pub(super) fn without_words(width: u32, height: u32, paper: Rgb<u8>) -> Canvas {
        let pixels = RgbImage::from_pixel(width.max(1), height.max(1), paper);
        Canvas { pixels, words: Some(Vec::new()) }
    }

    pub(super) fn rect(&mut self, x: u32, y: u32, width: u32, height: u32, color: Rgb<u8>) {
        let (right, bottom) = (self.pixels.width(), self.pixels.height());
        for y in y.min(bottom)..y.saturating_add(height).min(bottom) {
            for x in x.min(right)..x.saturating_add(width).min(right) {
                self.pixels.put_pixel(x, y, color);
            }
        }
    }

    /// A frame of one pixel just outside the rectangle.
    pub(super) fn frame(&mut self, x: u32, y: u32, width: u32, height: u32, color: Rgb<u8>) {
        let (x, y) = (x.saturating_sub(1), y.saturating_sub(1));
        self.rect(x, y, width + 2, 1, color);
        self.rect(x, y + height + 1, width + 2, 1, color);
        self.rect(x, y, 1, height + 2, color);
        self.rect(x + width + 1, y, 1, height + 2, color);
    }

    pub(super) fn picture(&mut self, picture: &RgbImage, x: u32, y: u32) {
        let bytes = |pixels: u32| 3 * pixels as usize;
        let width = bytes(self.pixels.width());
        let under = self.pixels.chunks_exact_mut(width).skip(y as usize);
        for (line, under) in picture.chunks_exact(bytes(picture.width().max(1))).zip(under) {
            let Some(under) = under.get_mut(bytes(x)..) else { return };
            let seen = line.len().min(under.len());
            under[..seen].copy_from_slice(&line[..seen]);
        }
    }

    /// Writes a line of text with its upper left corner at `x`, `y`.
    pub(super) fn text(&mut self, x: u32, y: u32, text: &str, style: Style) {
        if let Some(words) = &mut self.words {
            return words.push(Words { x, y, text: text.to_owned(), style });
        }
        let Some(font) = style.font() else { return };
        let font = font.as_scaled(PxScale::from(style.size));
        let baseline = y as f32 + font.ascent();
        let mut pen = x as f32;
        for c in drawn(text).chars() {
            let mut glyph = font.scaled_glyph(c);
            glyph.position = ab_glyph::point(pen, baseline);
            pen += font.h_advance(glyph.id);
            let Some(outline) = font.outline_glyph(glyph) else { continue };
            let corner = outline.px_bounds().min;
            outline.draw(|dx, dy, coverage| {
                let (px, py) = (corner.x + dx as f32, corner.y + dy as f32);
                if px >= 0.0 && py >= 0.0 {
                    self.blend(px as u32, py as u32, style.color, coverage);
                }
            });
        }
    }

    /// Coverage in 16 steps, so that a figure keeps to few colors.
    pub(super) fn blend(&mut self, x: u32, y: u32, color: Rgb<u8>, coverage: f32) {
        let coverage = (15.0 * coverage.clamp(0.0, 1.0)).round() / 15.0;
        if let Some(pixel) = self.pixels.get_pixel_mut_checked(x, y) {
            let mix = |under: u8, over: u8| {
                let (under, over) = (f32::from(under), f32::from(over));
                (under + (over - under) * coverage).round() as u8
            };
            pixel.0 = [0, 1, 2].map(|i| mix(pixel.0[i], color.0[i]));
        }
    }
}

/// A small picture (a digit, say) enlarged by a whole factor, to at most `side`. Never blurred.
pub(super) fn enlarge(picture: &RgbImage, side: u32) -> RgbImage {
    let (width, height) = picture.dimensions();
    match side / width.max(height).max(1) {
        0 | 1 => picture.clone(),
        factor => {
            let nearest = imageops::FilterType::Nearest;
            imageops::resize(picture, width * factor, height * factor, nearest)
        }
    }
}
