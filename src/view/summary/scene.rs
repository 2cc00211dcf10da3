//! The figure as shapes with places, for the still and for Vega alike.

use image::Rgb;

use super::LayerRow;
use super::blocks::{Block, joined, rows};
use super::layout::{Layout, Unit};
use super::places::{GAP, LEGEND, Places, ROW};
use super::table::{COLUMNS, cells, total};
use crate::layer_kind::LayerKind;
use crate::view::canvas::{INK, ROOM, SOFT, Style};
use crate::view::shapes::Point;

/// Rows that begin further down are left out.
const TALLEST: f32 = 3600.0;
/// The figure should not be wider.
const WIDEST: f32 = ROOM as f32;
/// What is left to names and operations, be it ever so narrow.
const NARROWEST: u32 = 110;
const SUM: Style = Style { bold: true, ..Style::TEXT };

/// A layer's box.
pub(super) struct Tile {
    pub corner: Point,
    pub size: Point,
    pub color: Rgb<u8>,
    /// What hovering over it tells.
    pub layer: LayerRow,
}

/// A line of text, cut to its room.
pub(super) struct Words {
    pub text: String,
    /// Its left end, or its right end, and its middle.
    pub at: Point,
    pub room: f32,
    pub right: bool,
    pub style: Style,
}

/// A plain rectangle: corner, size, color.
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
            scene.tiles.push(Tile { corner, size, color: color(layer.kind), layer });
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
        let sums = total(totals);
        let mut x = places.right + GAP;
        for (index, (column, width)) in COLUMNS.iter().zip(widths(&rows, &sums, x)).enumerate() {
            let room = width as f32;
            let mut write = |y: f32, text: &str, style: Style| {
                if text.is_empty() {
                    return;
                }
                let text = match index {
                    // Names differ at their end.
                    0 => style.cut_front(text, width).replacen("….", "…", 1),
                    _ => style.cut(text, width),
                };
                let at = [if column.right { x + room } else { x }, y];
                self.words.push(Words { text, at, room, right: column.right, style });
            };
            write(LEGEND + ROW / 2.0, column.heading, Style::NOTE);
            for (row, cells) in rows.iter().enumerate() {
                write(places.middle(row), &cells[index], Style::TEXT);
            }
            write(bottom + 4.0 + ROW / 2.0, &sums[index], SUM);
            let number: Option<fn(&LayerRow) -> u64> = match column.heading {
                "parameters" => Some(|row| row.parameters),
                "multiply-adds" => Some(|row| row.multiply_adds),
                _ => None,
            };
            if let Some(number) = number {
                let most = table.iter().map(number).max().unwrap_or_default().max(1);
                for (row, layer) in table.iter().enumerate().filter(|(_, row)| number(row) > 0) {
                    let length = room * number(layer) as f32 / most as f32;
                    let corner = [x, places.middle(row) - 8.0];
                    self.areas.push((corner, [length, 16.0], BAR));
                }
            }
            x += room + GAP;
        }
        for y in [places.tops.first().map_or(LEGEND + ROW, |&top| top) - 1.0, bottom + 1.0] {
            self.areas.push(([0.0, y], [x - GAP, 1.0], RULE));
        }
        x - GAP
    }

    /// The colors of the kinds that occur, above everything.
    fn write_legend(&mut self) {
        let mut x = 0.0;
        for (kind, name) in KINDS {
            if !self.tiles.iter().any(|tile| tile.layer.kind == kind) {
                continue;
            }
            self.areas.push(([x, 6.0], [12.0, 12.0], color(kind)));
            let style = Style::NOTE;
            let (text, room) = (name.to_owned(), style.width(name) as f32);
            self.words.push(Words { text, at: [x + 17.0, 12.0], room, right: false, style });
            x += 17.0 + room + 16.0;
        }
        self.width = self.width.max((x - 16.0) as u32);
    }
}

/// The columns' widths in a table that begins at `x`: what the cells need; where that is too much,
/// names are narrowed first, then operations.
fn widths(rows: &[[String; 6]], sums: &[String; 6], x: f32) -> [u32; 6] {
    let mut widths: [u32; 6] = std::array::from_fn(|column| {
        let cells = rows.iter().map(|row| Style::TEXT.width(&row[column]));
        let heads = [Style::NOTE.width(COLUMNS[column].heading), SUM.width(&sums[column])];
        cells.chain(heads).max().unwrap_or_default()
    });
    for column in [0, 1] {
        let right = x + widths.iter().sum::<u32>() as f32 + 5.0 * GAP;
        let excess = (right - WIDEST).max(0.0) as u32;
        let narrower = widths[column].saturating_sub(excess);
        widths[column] = widths[column].min(narrower.max(NARROWEST));
    }
    widths
}

const KINDS: [(LayerKind, &str); 10] = [
    (LayerKind::Input, "input"),
    (LayerKind::Convolution, "convolution"),
    (LayerKind::Linear, "linear"),
    (LayerKind::Attention, "matrix product, softmax"),
    (LayerKind::Pooling, "pooling"),
    (LayerKind::Join, "sum, concatenation"),
    (LayerKind::Normalization, "normalization"),
    (LayerKind::Activation, "activation"),
    (LayerKind::Other, "other"),
    (LayerKind::Parameter, "parameter"),
];

/// Okabe and Ito's colors, which people with any color vision tell apart.
fn color(kind: LayerKind) -> Rgb<u8> {
    match kind {
        LayerKind::Input => INK,
        LayerKind::Convolution => Rgb([0, 114, 178]),
        LayerKind::Linear => Rgb([213, 94, 0]),
        LayerKind::Attention => Rgb([230, 159, 0]),
        LayerKind::Pooling => Rgb([0, 158, 115]),
        LayerKind::Join => Rgb([204, 121, 167]),
        LayerKind::Normalization => Rgb([86, 180, 233]),
        LayerKind::Activation => Rgb([226, 214, 56]),
        LayerKind::Other => Rgb([187; 3]),
        LayerKind::Parameter => SOFT,
    }
}
