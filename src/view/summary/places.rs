//! From ranks, rows and columns to pixels.

use super::LayerRow;
use super::layout::{Lane, Layout, Line, Unit};
use crate::view::shapes::{Point, bend};

/// The legend, above everything.
pub(super) const LEGEND: f32 = 30.0;
/// A row of the table is at least this high.
pub(super) const ROW: f32 = 24.0;
/// Between columns of boxes, and of the table.
pub(super) const GAP: f32 = 16.0;
/// A network with many ranks gets smaller boxes, down to the smaller distance.
const PITCH: [f32; 2] = [11.0, 18.0];
/// The height that all ranks together should have.
const COMFORTABLE: f32 = 1500.0;
/// The part of a rank's height that is box; the rest is the gap in which lines change columns.
const BOX: f32 = 0.56;
/// The part of the gap that lines go straight before they turn; in the rest, those that begin above
/// and those that end below keep apart.
const STUB: f32 = 0.2;
/// What the gutter should not be wider than.
const GUTTER: f32 = 110.0;

/// From ranks and columns to pixels.
pub(super) struct Places {
    /// Of each row.
    pub tops: Vec<f32>,
    pub heights: Vec<f32>,
    /// The first rank of each row.
    ranks: Vec<usize>,
    counts: Vec<usize>,
    /// Between two ranks of a row.
    pitch: f32,
    /// The middles of the columns.
    columns: Vec<f32>,
    /// The middle of the gutter's first lane, and the distance to the next on its left.
    gutter: [f32; 2],
    /// Where the picture ends.
    pub right: f32,
}

impl Places {
    pub(super) fn new(layout: &Layout, layers: &[LayerRow]) -> Places {
        let total: usize = layout.ranks.iter().sum();
        let single = layout.ranks.iter().all(|&count| count == 1);
        let pitch = (COMFORTABLE / total.max(1) as f32).clamp(PITCH[0], PITCH[1]);
        let pitch = if single { ROW } else { pitch };
        let (mut tops, mut heights, mut ranks) = (Vec::new(), Vec::new(), Vec::new());
        let (mut y, mut rank) = (LEGEND + ROW + 2.0, 0);
        for &count in &layout.ranks {
            let height = (count as f32 * pitch).max(ROW);
            tops.push(y);
            heights.push(height);
            ranks.push(rank);
            (y, rank) = (y + height, rank + count);
        }
        let spacing = (GUTTER / layout.gutter.max(1) as f32).clamp(3.0, 8.0);
        let gutter = layout.gutter as f32 * spacing;
        let mut widths = vec![0.0_f32; layout.columns];
        for unit in &layout.units {
            let shape = unit.layers.last().and_then(|&last| layers.get(last));
            let width = shape.map_or(0.0, |layer| tile_width(&layer.shape));
            if let Some(widest) = widths.get_mut(unit.column) {
                *widest = widest.max(width);
            }
        }
        let mut columns = Vec::new();
        let mut x = gutter + 6.0;
        for width in widths {
            columns.push(x + width / 2.0);
            x += width + GAP;
        }
        let gutter = [gutter - spacing / 2.0, spacing];
        let counts = layout.ranks.clone();
        Places { tops, heights, ranks, counts, pitch, columns, gutter, right: x }
    }

    pub(super) fn middle(&self, row: usize) -> f32 {
        self.tops[row] + self.heights[row] / 2.0
    }

    pub(super) fn bottom(&self, rows: usize) -> f32 {
        match rows.checked_sub(1) {
            Some(last) => self.tops[last] + self.heights[last],
            None => LEGEND + ROW,
        }
    }

    /// The middle of a unit's box.
    fn center(&self, unit: &Unit) -> Point {
        let Unit { row, rank, column, .. } = *unit;
        let inside = (rank - self.ranks[row]) as f32 + 0.5 - self.counts[row] as f32 / 2.0;
        [self.columns[column], self.middle(row) + inside * self.pitch]
    }

    pub(super) fn tile(&self, unit: &Unit, layer: &LayerRow) -> (Point, Point) {
        let [x, y] = self.center(unit);
        let size = [tile_width(&layer.shape), self.pitch * BOX];
        ([x - size[0] / 2.0, y - size[1] / 2.0], size)
    }

    /// Down from one box, across in the gap below it, down a lane, across in the gap above the
    /// other, and down into it.
    pub(super) fn line(&self, layout: &Layout, line: &Line) -> Vec<Point> {
        let [from_x, from_y] = self.center(&layout.units[line.from]);
        let [to_x, to_y] = self.center(&layout.units[line.to]);
        let lane = match line.lane {
            Lane::Column(column) => self.columns[column],
            Lane::Gutter(lane) => self.gutter[0] - lane as f32 * self.gutter[1],
        };
        let (half, gap) = (self.pitch * BOX / 2.0, self.pitch * (1.0 - BOX));
        let stub = half + STUB * gap;
        let (out, into) = (from_y + stub, to_y - stub);
        let mut points = vec![
            [from_x, from_y],
            [from_x, out],
            [lane, out],
            [lane, into],
            [to_x, into],
            [to_x, to_y],
        ];
        points.dedup();
        rounded(&points, gap)
    }
}

/// A line with its corners bent.
fn rounded(points: &[Point], radius: f32) -> Vec<Point> {
    let mut line: Vec<Point> = points.first().copied().into_iter().collect();
    for corner in points.windows(3) {
        if let &[a, b, c] = corner {
            line.extend(bend(a, b, c, radius));
        }
    }
    line.extend(points.last());
    line
}

/// Wider by a fixed step for each doubling of the map's side.
fn tile_width(shape: &[i64]) -> f32 {
    let side = match *shape {
        [_, _, .., height, width] if shape.len() > 3 => (height as f32 * width as f32).sqrt(),
        [_, tokens, _] => (tokens as f32).sqrt(),
        _ => 1.0,
    };
    10.0 + 4.0 * side.max(1.0).log2()
}

#[cfg(test)]
mod tests {
    use super::super::LayerRow;
    use super::super::blocks::{by_names, each};
    use super::*;
    use crate::layer_kind::LayerKind;

    /// Layers that read some of the few before them; names of two levels.
    fn random(count: usize, seed: u64) -> Vec<LayerRow> {
        let mut state = seed;
        let mut below = |limit: usize| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % limit
        };
        let layer = |index: usize| LayerRow {
            name: format!("block{}.{}", index / 7, index % 7),
            operation: "Conv2d".to_owned(),
            kind: if below(3) == 0 { LayerKind::Activation } else { LayerKind::Convolution },
            shape: vec![1, 8, 1 << below(8), 1 << below(8)],
            parameters: 0,
            multiply_adds: 0,
            receptive_field: [None; 2],
            inputs: (0..1 + below(3)).filter_map(|_| index.checked_sub(1 + below(6))).collect(),
        };
        (0..count).map(layer).collect()
    }

    #[test]
    fn boxes_keep_apart_and_lines_run_through_none() {
        for seed in 0..40 {
            let layers = random(60, seed);
            for rows in [each(&layers), by_names(&layers)] {
                let layout = Layout::new(&layers, &rows);
                let places = Places::new(&layout, &layers);
                let tiles: Vec<(Point, Point)> = layout
                    .units
                    .iter()
                    .map(|unit| places.tile(unit, &layers[unit.layers[unit.layers.len() - 1]]))
                    .collect();
                for (index, (a, a_size)) in tiles.iter().enumerate() {
                    for (b, b_size) in &tiles[..index] {
                        let apart = |i: usize| a[i] >= b[i] + b_size[i] || b[i] >= a[i] + a_size[i];
                        assert!(apart(0) || apart(1), "seed {seed}: two boxes overlap");
                    }
                }
                assert!(!layout.lines.is_empty());
                for line in &layout.lines {
                    let points = places.line(&layout, line);
                    for (index, (corner, size)) in tiles.iter().enumerate() {
                        if index == line.from || index == line.to {
                            continue;
                        }
                        for ends in points.windows(2) {
                            // A segment's bounding box is enough: all but the corners are straight.
                            let clear = |i: usize| {
                                ends[0][i].max(ends[1][i]) <= corner[i]
                                    || ends[0][i].min(ends[1][i]) >= corner[i] + size[i]
                            };
                            assert!(clear(0) || clear(1), "seed {seed}: a line through a box");
                        }
                    }
                }
            }
        }
    }
}
