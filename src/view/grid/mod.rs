//! What the figures of many small maps share: blocks of tiles under a title, as a still, and with
//! the value under the pointer and a click that enlarges.

pub(super) mod codes;
mod vega;

use image::RgbImage;
use serde_json::Value;

use super::Bundle;
use super::canvas::{Canvas, LINE, Style, enlarge};
use super::sheet::Sheet;
use super::tiles::Block;
use crate::Result;
use crate::picture::fit;

/// The side of a picture above the tiles.
const PICTURE: u32 = 112;
const GAP: u32 = 16;

/// Where each tile of a block is.
type Places = Vec<(u32, u32)>;

pub(super) struct Grid {
    pub title: String,
    /// Lines under the title.
    pub notes: Vec<String>,
    /// Small, above the tiles, each with its caption.
    pub pictures: Vec<(String, RgbImage)>,
    /// What an enlarged map is laid over.
    pub photo: Option<RgbImage>,
    pub blocks: Vec<Block>,
    /// What to do where the figure is large.
    pub smaller: &'static str,
}

impl Grid {
    pub(super) fn image(&self) -> Result<RgbImage> {
        Ok(self.draw(Canvas::new)?.0.pixels)
    }

    /// `description`: the figure in words.
    pub(super) fn bundle(&self, description: &str) -> Result<Bundle> {
        /// What a notebook should not have to hold for one figure.
        const LARGE: usize = 1_000_000;
        let still = Bundle::still(&self.image()?, description)?;
        let stored = 4 * still.png.len() / 3;
        let spec = self.vega(description, LARGE.saturating_sub(stored))?;
        let mut bundle = still.with_themed(spec)?;
        let size: usize = bundle.entries().iter().map(|(_, content)| content.len()).sum();
        if size > LARGE {
            let megabytes = size as f64 / 1e6;
            bundle.text.push_str(&format!(
                "; {megabytes:.1} MB in the notebook, less with {}",
                self.smaller
            ));
        }
        Ok(bundle)
    }

    fn vega(&self, description: &str, room: usize) -> Result<Value> {
        vega::spec(self, description, room)
    }

    /// The figure, and where each block's tiles are.
    fn draw(&self, new: fn(u32, u32) -> Canvas) -> Result<(Canvas, Vec<Places>)> {
        let pictures = self.small_pictures();
        let caption = Style::NOTE.line();
        let tallest = pictures.iter().map(|(_, picture)| picture.height()).max();
        let above = tallest.map_or(0, |height| height + caption + GAP);
        let (mut width, mut height) = (0, above);
        for block in &self.blocks {
            let size = block.size();
            width = width.max(size.0);
            height += size.1 + GAP;
        }
        height = height.saturating_sub(GAP);
        let sheet = Sheet { title: &self.title, notes: self.notes.clone(), bar: None, unit: "" };
        let (mut canvas, x, mut y) = sheet.drawn_on(new, width, height)?;

        let mut left = x;
        for (words, picture) in &pictures {
            let room = (2 * PICTURE).max(picture.width());
            let words = Style::NOTE.cut(words, room);
            canvas.text(left, y, &words, Style::NOTE);
            canvas.picture(picture, left, y + caption);
            canvas.frame(left, y + caption, picture.width(), picture.height(), LINE);
            left += picture.width().max(Style::NOTE.width(&words)) + GAP;
        }
        y += above;
        let mut places = Vec::with_capacity(self.blocks.len());
        for block in &self.blocks {
            block.draw(&mut canvas, x, y);
            places.push(block.places(x, y));
            y += block.size().1 + GAP;
        }
        Ok((canvas, places))
    }

    fn small_pictures(&self) -> Vec<(String, RgbImage)> {
        let small = |picture| fit(&enlarge(picture, PICTURE), PICTURE);
        self.pictures.iter().map(|(words, picture)| (words.clone(), small(picture))).collect()
    }
}
