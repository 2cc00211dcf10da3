//! A grid of small pictures with a label each, enlarged by whole factors and never blurred.

use image::RgbImage;

use super::canvas::{Canvas, Style};
use super::colour::ColourTable;

/// The width a notebook's output column has for a grid.
const WIDEST: u32 = 740;
/// From here on, tiles are too many and too small for a label each: rows are labelled instead.
const MANY: u32 = 257;

pub(super) struct Tiles {
    pub tiles: Vec<RgbImage>,
    /// One for each tile.
    pub labels: Vec<String>,
    pub layout: Layout,
}

/// How tiles of one size are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    pub columns: u32,
    /// By how much each tile is enlarged.
    pub zoom: u32,
    gap: u32,
    /// Labels stand left of each row rather than above each tile.
    label_rows: bool,
}

impl Layout {
    /// For `count` tiles of `width`×`height`: few are shown large, many small.
    pub(super) fn new(count: usize, width: u32, height: u32) -> Layout {
        let count = count.max(1) as u32;
        let most = match count {
            ..=16 => 8,
            17..=64 => 8,
            65..MANY => 16,
            _ => 32,
        };
        // Rows that are all full read best, unless they would be short.
        let full = (most / 2 + 1..=most).rev().find(|&columns| count.is_multiple_of(columns));
        Layout::with_columns(full.unwrap_or(most).min(count), count, width, height)
    }

    /// The same with a given number of columns, or fewer where they don't fit.
    pub(super) fn with_columns(columns: u32, count: u32, width: u32, height: u32) -> Layout {
        let label_rows = count >= MANY;
        let gap = if label_rows { 2 } else { 6 };
        let (width, height) = (width.max(1), height.max(1));
        let columns = columns.min((WIDEST + gap) / (width + gap)).max(1);
        let room = (WIDEST + gap) / columns - gap;
        let largest = if count <= 4 { 168 } else { 112 };
        let zoom = (room / width).min(largest / width.max(height)).max(1);
        Layout { columns, zoom, gap, label_rows }
    }
}

impl Tiles {
    pub(super) fn size(&self) -> (u32, u32) {
        let (step_x, step_y) = self.step();
        let rows = (self.tiles.len() as u32).div_ceil(self.layout.columns);
        let width = self.layout.columns * step_x - self.layout.gap;
        (self.left() + width, rows * step_y)
    }

    pub(super) fn draw(&self, canvas: &mut Canvas, x: u32, y: u32) {
        let (step_x, step_y) = self.step();
        let (left, above) = (self.left(), self.above());
        for (index, tile) in self.tiles.iter().enumerate() {
            let (column, row) =
                (index as u32 % self.layout.columns, index as u32 / self.layout.columns);
            let (tile_x, tile_y) = (x + left + column * step_x, y + row * step_y);
            canvas.picture(tile, tile_x, tile_y + above);
            let Some(label) = self.labels.get(index) else { continue };
            if !self.layout.label_rows {
                canvas.text(tile_x, tile_y, &Style::LABEL.cut(label, tile.width()), Style::LABEL);
            } else if column == 0 {
                let right = x + left - 6 - Style::LABEL.width(label);
                let middle = tile_y + (tile.height().saturating_sub(Style::LABEL.line())) / 2;
                canvas.text(right, middle, label, Style::LABEL);
            }
        }
    }

    /// From one tile to the next.
    fn step(&self) -> (u32, u32) {
        let (width, height) = self.tiles.first().map_or((1, 1), RgbImage::dimensions);
        (width + self.layout.gap, height + self.above() + self.layout.gap)
    }

    fn above(&self) -> u32 {
        if self.layout.label_rows { 0 } else { Style::LABEL.line() }
    }

    fn left(&self) -> u32 {
        let widest = self.labels.iter().map(|label| Style::LABEL.width(label)).max();
        if self.layout.label_rows { widest.unwrap_or_default() + 6 } else { 0 }
    }
}

/// Colours a map of `width` columns, each value a square of `zoom`×`zoom` pixels.
pub(super) fn coloured(values: &[f32], width: u32, zoom: u32, table: &ColourTable) -> RgbImage {
    let height = values.len() as u32 / width.max(1);
    let mut bytes = Vec::with_capacity((width * height * zoom * zoom * 3) as usize);
    for row in values.chunks_exact(width.max(1) as usize) {
        let start = bytes.len();
        for &value in row {
            let colour = table.colour(value).0;
            (0..zoom).for_each(|_| bytes.extend_from_slice(&colour));
        }
        let line = start..bytes.len();
        (1..zoom).for_each(|_| bytes.extend_from_within(line.clone()));
    }
    RgbImage::from_raw(width * zoom, height * zoom, bytes).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::{ColourMap, ColourScale};

    #[test]
    fn layouts_fit_the_column() {
        let columns = |count, width, height| {
            let layout = Layout::new(count, width, height);
            let width = layout.columns * (width * layout.zoom + layout.gap);
            assert!(width <= WIDEST + layout.gap, "{count} tiles of {width}×{height}");
            layout.columns
        };
        assert_eq!(columns(64, 7, 7), 8);
        assert_eq!(columns(12, 24, 24), 6);
        assert_eq!(columns(256, 14, 14), 16);
        assert_eq!(columns(512, 7, 7), 32);
        assert_eq!(columns(1, 224, 224), 1);
        assert_eq!(columns(96, 11, 5), 16);
    }

    #[test]
    fn enlarging_repeats_pixels() {
        let table =
            ColourScale { map: ColourMap::Grey, low: 0.0, high: 1.0, clipped: false }.table();
        let picture = coloured(&[0.0, 1.0, 1.0, 0.0, 0.0, 1.0], 3, 2, &table);
        assert_eq!(picture.dimensions(), (6, 4));
        let row = |y| (0..6).map(|x| picture.get_pixel(x, y).0[0]).collect::<Vec<_>>();
        assert_eq!(row(0), [0, 0, 255, 255, 255, 255]);
        assert_eq!(row(1), row(0));
        assert_eq!(row(2), [0, 0, 0, 0, 255, 255]);
    }
}
