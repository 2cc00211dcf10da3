//! The figure as shapes with places, for the still and for Vega alike.

use image::Rgb;

use super::blocks::{Block, joined, rows};
use super::layout::{Lane, Layout, Line, Unit};
use super::table::{COLUMNS, cells, total};
use super::{LayerKind, LayerRow};
use crate::view::canvas::{INK, SOFT, Style};
use crate::view::shapes::{Point, bend};

/// A row of the table is at least this high.
const ROW: f32 = 24.0;
/// Rows that begin further down are left out.
const TALLEST: f32 = 4800.0;
/// A network with many ranks gets smaller boxes, down to the smaller distance.
const PITCH: [f32; 2] = [10.0, 18.0];
/// The height that all ranks together should have.
const COMFORTABLE: f32 = 1500.0;
/// The part of a rank's height that is box; the rest is the gap in which lines change columns.
const BOX: f32 = 0.58;
/// Between columns of boxes, and of the table.
const GAP: f32 = 16.0;
const LEGEND: f32 = 30.0;
/// No name or operation takes more room than this.
const WIDEST: u32 = 270;

/// A layer's box.
pub(super) struct Tile {
    pub corner: Point,
    pub size: Point,
    pub colour: Rgb<u8>,
    /// What hovering over it tells.
    pub layer: LayerRow,
}

/// A line of text, cut to its room.
pub(super) struct Words {
    pub text: String,
    /// Its left end, or its right end, and its middle.
    pub at: Point,
    pub right: bool,
    pub style: Style,
}

/// A plain rectangle: corner, size, colour.
pub(super) type Area = (Point, Point, Rgb<u8>);

/// Everything there is to draw, the last on top.
pub(super) struct Scene {
    pub width: u32,
    pub height: u32,
    pub areas: Vec<Area>,
    pub lines: Vec<Vec<Point>>,
    pub tiles: Vec<Tile>,
    pub words: Vec<Words>,
    /// How many rows found no room.
    pub left_out: usize,
}

const BAND: Rgb<u8> = Rgb([246; 3]);
const BAR: Rgb<u8> = Rgb([205, 222, 238]);
const RULE: Rgb<u8> = Rgb([170; 3]);

impl Scene {
    pub(super) fn new(layers: &[LayerRow], blocks: &[Block], totals: [u64; 2]) -> Scene {
        let layout = Layout::new(layers, blocks);
        let places = Places::new(&layout, layers);
        let shown = places.tops.iter().take_while(|&&top| top < TALLEST).count();
        let table = rows(layers, &blocks[..shown]);
        let bottom = places.bottom(shown);
        let height = bottom + ROW + 8.0;
        let mut scene = Scene {
            width: 0,
            height: height as u32,
            areas: Vec::new(),
            lines: Vec::new(),
            tiles: Vec::new(),
            words: Vec::new(),
            left_out: blocks.len() - shown,
        };
        scene.width = scene.write_table(&table, &places, totals, bottom) as u32;
        let width = scene.width as f32;
        let bands = (0..shown)
            .filter(|row| row % 2 == 1)
            .map(|row| ([0.0, places.tops[row]], [width, places.heights[row]], BAND));
        // Below the bars of the table.
        scene.areas.splice(0..0, bands);
        let drawn = |unit: &Unit| unit.row < shown;
        for unit in layout.units.iter().filter(|unit| drawn(unit)) {
            let layer = joined(layers, &unit.layers);
            let (corner, size) = places.tile(unit, &layer);
            scene.tiles.push(Tile { corner, size, colour: colour(layer.kind), layer });
        }
        let lines = layout.lines.iter().filter(|line| drawn(&layout.units[line.to]));
        scene.lines = lines.map(|line| places.line(&layout, line)).collect();
        scene.write_legend();
        scene
    }

    /// Writes the table right of the picture; returns where it ends.
    fn write_table(
        &mut self,
        table: &[LayerRow],
        places: &Places,
        totals: [u64; 2],
        bottom: f32,
    ) -> f32 {
        let rows: Vec<[String; 6]> = table.iter().map(cells).collect();
        let bold = Style { bold: true, ..Style::TEXT };
        let mut x = places.right + GAP;
        for (index, column) in COLUMNS.iter().enumerate() {
            let sum = &total(totals)[index];
            let widths = rows.iter().map(|row| Style::TEXT.width(&row[index]).min(WIDEST));
            let heads = [Style::NOTE.width(column.heading), bold.width(sum)];
            let width = widths.chain(heads).max().unwrap_or_default();
            let mut write = |y: f32, text: &str, style: Style| {
                if text.is_empty() {
                    return;
                }
                let text = style.cut(text, width);
                let left = if column.right { x + width as f32 } else { x };
                self.words.push(Words { text, at: [left, y], right: column.right, style });
            };
            write(LEGEND + ROW / 2.0, column.heading, Style::NOTE);
            for (row, cells) in rows.iter().enumerate() {
                write(places.middle(row), &cells[index], Style::TEXT);
            }
            write(bottom + 4.0 + ROW / 2.0, sum, bold);
            let share: Option<(fn(&LayerRow) -> u64, u64)> = match column.heading {
                "parameters" => Some((|row| row.parameters, totals[0])),
                "multiply-adds" => Some((|row| row.multiply_adds, totals[1])),
                _ => None,
            };
            if let Some((number, total)) = share {
                for (row, layer) in table.iter().enumerate() {
                    let length = width as f32 * number(layer) as f32 / total.max(1) as f32;
                    let corner = [x, places.middle(row) - 8.0];
                    self.areas.push((corner, [length, 16.0], BAR));
                }
            }
            x += width as f32 + GAP;
        }
        for y in [places.tops.first().map_or(LEGEND + ROW, |&top| top) - 1.0, bottom + 1.0] {
            self.areas.push(([0.0, y], [x - GAP, 1.0], RULE));
        }
        x - GAP
    }

    /// The colours of the kinds that occur, above everything.
    fn write_legend(&mut self) {
        let mut x = 0.0;
        for (kind, name) in KINDS {
            if !self.tiles.iter().any(|tile| tile.layer.kind == kind) {
                continue;
            }
            self.areas.push(([x, 6.0], [12.0, 12.0], colour(kind)));
            let style = Style::NOTE;
            let words = Words { text: name.to_owned(), at: [x + 17.0, 12.0], right: false, style };
            self.words.push(words);
            x += 17.0 + style.width(name) as f32 + 16.0;
        }
        self.width = self.width.max((x - 16.0) as u32);
    }
}

const KINDS: [(LayerKind, &str); 10] = [
    (LayerKind::Input, "input"),
    (LayerKind::Convolution, "convolution"),
    (LayerKind::Linear, "linear"),
    (LayerKind::Attention, "matrix product, softmax"),
    (LayerKind::Pooling, "pooling"),
    (LayerKind::Join, "sum, concatenation"),
    (LayerKind::Normalisation, "normalisation"),
    (LayerKind::Activation, "activation"),
    (LayerKind::Other, "rearrangement"),
    (LayerKind::Parameter, "parameter"),
];

/// Okabe and Ito's colours, which people with any colour vision tell apart.
fn colour(kind: LayerKind) -> Rgb<u8> {
    match kind {
        LayerKind::Input => INK,
        LayerKind::Convolution => Rgb([0, 114, 178]),
        LayerKind::Linear => Rgb([213, 94, 0]),
        LayerKind::Attention => Rgb([230, 159, 0]),
        LayerKind::Pooling => Rgb([0, 158, 115]),
        LayerKind::Join => Rgb([204, 121, 167]),
        LayerKind::Normalisation => Rgb([86, 180, 233]),
        LayerKind::Activation => Rgb([226, 214, 56]),
        LayerKind::Other => Rgb([187; 3]),
        LayerKind::Parameter => SOFT,
    }
}

/// From ranks and columns to pixels.
struct Places {
    /// Of each row.
    tops: Vec<f32>,
    heights: Vec<f32>,
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
    right: f32,
}

impl Places {
    fn new(layout: &Layout, layers: &[LayerRow]) -> Places {
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
        let spacing = (110.0 / layout.gutter.max(1) as f32).clamp(3.0, 8.0);
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

    fn middle(&self, row: usize) -> f32 {
        self.tops[row] + self.heights[row] / 2.0
    }

    fn bottom(&self, rows: usize) -> f32 {
        match rows.checked_sub(1) {
            Some(last) => self.tops[last] + self.heights[last],
            None => LEGEND + ROW,
        }
    }

    /// The middle of a unit's box.
    fn centre(&self, unit: &Unit) -> Point {
        let Unit { row, rank, column, .. } = *unit;
        let inside = (rank - self.ranks[row]) as f32 + 0.5 - self.counts[row] as f32 / 2.0;
        [self.columns[column], self.middle(row) + inside * self.pitch]
    }

    fn tile(&self, unit: &Unit, layer: &LayerRow) -> (Point, Point) {
        let [x, y] = self.centre(unit);
        let size = [tile_width(&layer.shape), self.pitch * BOX];
        ([x - size[0] / 2.0, y - size[1] / 2.0], size)
    }

    /// Down from one box, across in the gap below it, down a lane, across in the gap above the
    /// other, and down into it.
    fn line(&self, layout: &Layout, line: &Line) -> Vec<Point> {
        let [from_x, from_y] = self.centre(&layout.units[line.from]);
        let [to_x, to_y] = self.centre(&layout.units[line.to]);
        let lane = match line.lane {
            Lane::Column(column) => self.columns[column],
            Lane::Gutter(lane) => self.gutter[0] - lane as f32 * self.gutter[1],
        };
        let (half, gap) = (self.pitch * BOX / 2.0, self.pitch * (1.0 - BOX));
        let (out, into) = (from_y + half + gap / 3.0, to_y - half - gap / 3.0);
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
    10.0 + 5.0 * side.max(1.0).log2()
}
