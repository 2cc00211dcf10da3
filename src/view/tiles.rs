//! Blocks of small maps with their labels, enlarged by whole factors and never blurred.

use image::RgbImage;

use super::canvas::{Canvas, ROOM, Style};
use super::color::{ColorScale, ColorTable};
use super::sheet::{bar_room, draw_bar};

/// The width of all tiles in a row, beside which there is room for a color bar.
pub(super) const WIDEST: u32 = ROOM - 92;
/// More of them nobody looks at, and a notebook has no room for.
pub(super) const MOST_TILES: usize = 4096;
/// From here on, tiles are too many and too small for a label each: rows are labeled instead.
const MANY: u32 = 257;
const LABEL: Style = Style::NOTE;

/// One map.
pub(super) struct Tile {
    /// What stands above it; may be empty.
    pub label: String,
    /// What is said of it when the pointer is over it: `channel 3`.
    pub name: String,
    /// The map as it is shown.
    pub picture: RgbImage,
    /// Row by row, in one plane, or three for red, green and blue.
    pub values: Vec<f32>,
    pub planes: usize,
    /// How many values a row of a plane has.
    pub width: usize,
}

/// Tiles of one size, with a color bar.
pub(super) struct Block {
    /// Stands above all; may be empty.
    pub heading: String,
    /// Left of each row, and above each column; there may be none.
    pub row_labels: Vec<String>,
    pub column_labels: Vec<String>,
    /// What each row is of, left of it; as high as a tile, or none.
    pub row_pictures: Vec<RgbImage>,
    pub tiles: Vec<Tile>,
    pub layout: Layout,
    /// Each value is the mean of a square of so many by so many of the layer's.
    pub reduction: usize,
    /// Where the tiles share a scale.
    pub bar: Option<ColorScale>,
    pub unit: &'static str,
}

/// How tiles of one size are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    pub columns: u32,
    /// By how much each tile is enlarged.
    pub zoom: u32,
    /// The room of a tile.
    cell: (u32, u32),
    gap: u32,
}

impl Layout {
    /// For `count` tiles of `width`×`height`: few are shown large, many small.
    pub(super) fn new(count: usize, width: u32, height: u32) -> Layout {
        /// A tile among many is enlarged to about this.
        const SMALL: u32 = 20;
        let (count, width) = (count.max(1) as u32, width.max(1));
        let fitting = |gap: u32, width: u32| (WIDEST + gap) / (width + gap);
        if count >= MANY {
            let (gap, enlarged) = (2, width * SMALL.div_ceil(width));
            return Layout::table(fitting(gap, enlarged).clamp(1, 32), gap, 112, width, height);
        }
        let most = if count <= 64 { 8 } else { 16 };
        // Rows that are all full read best, unless they would be short.
        let full = (most / 2 + 1..=most).rev().find(|&columns| count.is_multiple_of(columns));
        let columns = full.unwrap_or(most).min(count).min(fitting(6, width)).max(1);
        let largest = if count <= 4 { 168 } else { 112 };
        Layout::table(columns, 6, largest, width, height)
    }

    /// For exactly so many columns, with tiles of at most `largest` pixels unless they are larger.
    pub(super) fn table(columns: u32, gap: u32, largest: u32, width: u32, height: u32) -> Layout {
        let (columns, width, height) = (columns.max(1), width.max(1), height.max(1));
        let room = ((WIDEST + gap) / columns).saturating_sub(gap);
        let zoom = (room / width).min(largest / width.max(height)).max(1);
        Layout { columns, zoom, cell: (width * zoom, height * zoom), gap }
    }

    /// Makes the room of a tile at least so wide, to align blocks of tiles of different sizes.
    pub(super) fn at_least_wide(mut self, width: u32) -> Layout {
        self.cell.0 = self.cell.0.max(width);
        self
    }

    fn is_dense(count: usize) -> bool {
        count >= MANY as usize
    }

    /// The longest side that maps have where so many are shown; larger ones are reduced.
    pub(super) fn longest_side(count: usize) -> i64 {
        match count {
            ..=4 => 448,
            5..=16 => 176,
            17..=64 => 88,
            _ if Layout::is_dense(count) => 32,
            _ => 64,
        }
    }
}

impl Block {
    /// Width and height with everything around the tiles.
    pub(super) fn size(&self) -> (u32, u32) {
        let bar = self.bar.as_ref().map_or(0, |scale| bar_room(scale, self.unit));
        let (width, height) = self.tiles_size();
        let heading = match self.heading.is_empty() {
            true => 0,
            false => LABEL.width(&self.heading).min(WIDEST),
        };
        (heading.max(self.left() + width + bar), self.top() + height)
    }

    /// Where tiles are too many for a label each, labels each row by its first tile instead.
    pub(super) fn label_rows_if_dense(&mut self) {
        if Layout::is_dense(self.tiles.len()) {
            let first = self.tiles.iter().step_by(self.layout.columns as usize);
            self.row_labels = first.map(|tile| tile.label.clone()).collect();
            self.tiles.iter_mut().for_each(|tile| tile.label.clear());
        }
    }

    /// Where each tile is in a block at `x`, `y`.
    pub(super) fn places(&self, x: u32, y: u32) -> Vec<(u32, u32)> {
        let (step_x, step_y) = self.step();
        let (x, y) = (x + self.left(), y + self.top() + self.above());
        let place = |index| {
            let (column, row) = (index % self.layout.columns, index / self.layout.columns);
            (x + column * step_x, y + row * step_y)
        };
        (0..self.tiles.len() as u32).map(place).collect()
    }

    pub(super) fn draw(&self, canvas: &mut Canvas, x: u32, y: u32) {
        canvas.text(x, y, &LABEL.cut(&self.heading, self.size().0), LABEL);
        let (left, top) = (x + self.left(), y + self.top());
        let (step_x, step_y) = self.step();
        for (tile, (x, y)) in self.tiles.iter().zip(self.places(x, y)) {
            canvas.picture(&tile.picture, x, y);
            let label = LABEL.cut(&tile.label, self.layout.cell.0);
            canvas.text(x, y - self.above(), &label, LABEL);
        }
        // Of the labels along the sides, as many as there is room for.
        let widest = self.column_labels.iter().map(|label| LABEL.width(label)).max();
        let every = (widest.unwrap_or_default() + 4).div_ceil(step_x.max(1)).max(1);
        for (index, label) in (0..).zip(&self.column_labels).step_by(every as usize) {
            let middle = (self.layout.cell.0.saturating_sub(LABEL.width(label))) / 2;
            canvas.text(left + index * step_x + middle, top - LABEL.line(), label, LABEL);
        }
        let every = (LABEL.size as u32).div_ceil(step_y.max(1)).max(1);
        for (index, label) in (0..).zip(&self.row_labels).step_by(every as usize) {
            let y = top + self.above() + index * step_y + self.layout.cell.1 / 2;
            let right = left.saturating_sub(6 + self.pictures_width() + LABEL.width(label));
            canvas.text(right, y.saturating_sub(LABEL.line() / 2), label, LABEL);
        }
        for (index, picture) in (0..).zip(&self.row_pictures) {
            let x = left.saturating_sub(6 + picture.width());
            canvas.picture(picture, x, top + self.above() + index * step_y);
        }
        if let Some(scale) = &self.bar {
            let (width, height) = self.tiles_size();
            draw_bar(canvas, scale, self.unit, left + width, top, height);
        }
    }

    fn tiles_size(&self) -> (u32, u32) {
        let (step_x, step_y) = self.step();
        let rows = (self.tiles.len() as u32).div_ceil(self.layout.columns);
        let columns = self.layout.columns.min(self.tiles.len() as u32);
        let width = (columns * step_x).saturating_sub(self.layout.gap);
        (width, (rows * step_y).saturating_sub(self.layout.gap))
    }

    /// From one tile to the next.
    fn step(&self) -> (u32, u32) {
        let (width, height) = self.layout.cell;
        (width + self.layout.gap, height + self.above() + self.layout.gap)
    }

    /// The room above a tile for its label.
    fn above(&self) -> u32 {
        let labeled = self.tiles.iter().any(|tile| !tile.label.is_empty());
        if labeled { LABEL.line() } else { 0 }
    }

    fn left(&self) -> u32 {
        let widest = self.row_labels.iter().map(|label| LABEL.width(label)).max();
        widest.map_or(0, |widest| widest + 6) + self.pictures_width()
    }

    fn pictures_width(&self) -> u32 {
        let widest = self.row_pictures.iter().map(RgbImage::width).max();
        widest.map_or(0, |widest| widest + 6)
    }

    fn top(&self) -> u32 {
        let lines = u32::from(!self.heading.is_empty()) + u32::from(!self.column_labels.is_empty());
        lines * LABEL.line()
    }
}

/// Colors a map of `width` columns, each value a square of `zoom`×`zoom` pixels.
pub(super) fn colored(values: &[f32], width: u32, zoom: u32, table: &ColorTable) -> RgbImage {
    let height = values.len() as u32 / width.max(1);
    let mut bytes = Vec::with_capacity(3 * values.len() * zoom.pow(2) as usize);
    for row in values.chunks_exact(width.max(1) as usize) {
        let start = bytes.len();
        for &value in row {
            let color = table.color(value).0;
            (0..zoom).for_each(|_| bytes.extend_from_slice(&color));
        }
        let line = start..bytes.len();
        (1..zoom).for_each(|_| bytes.extend_from_within(line.clone()));
    }
    RgbImage::from_raw(width * zoom, height * zoom, bytes).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::ColorMap;

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
        assert_eq!(columns(512, 7, 7), 27);
        assert_eq!(columns(512, 14, 14), 21);
        assert_eq!(columns(1, 224, 224), 1);
        assert_eq!(columns(96, 11, 5), 16);
    }

    #[test]
    fn enlarging_repeats_pixels() {
        let table = ColorScale { map: ColorMap::Gray, low: 0.0, high: 1.0, clipped: false }.table();
        let picture = colored(&[0.0, 1.0, 1.0, 0.0, 0.0, 1.0], 3, 2, &table);
        assert_eq!(picture.dimensions(), (6, 4));
        let row = |y| (0..6).map(|x| picture.get_pixel(x, y).0[0]).collect::<Vec<_>>();
        assert_eq!(row(0), [0, 0, 255, 255, 255, 255]);
        assert_eq!(row(1), row(0));
        assert_eq!(row(2), [0, 0, 0, 0, 255, 255]);
    }
}
