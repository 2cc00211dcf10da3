//! Where boxes stand and lines run: a layered drawing from top to bottom.
//!
//! A box's rank is its longest path within its row, so no line runs upwards. Boxes stand in columns;
//! a line changes columns only in the gap between two ranks, and runs down a column only where no box
//! stands. Where neither its reader's nor its source's column is free, it takes a lane in the gutter
//! beside the first column. All lines from one box share a lane, so that a dense block stays a few
//! lines.

use std::collections::HashMap;

use super::LayerRow;
use super::blocks::Block;

/// A box: which layers, in which row, and where.
pub(super) struct Unit {
    pub layers: Vec<usize>,
    pub row: usize,
    /// Counted from the network's first.
    pub rank: usize,
    pub column: usize,
    /// The units it reads.
    inputs: Vec<usize>,
}

/// Where a line runs between the gap below its source and the gap above its reader.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Lane {
    Column(usize),
    /// Counted from the first column to the left.
    Gutter(usize),
}

/// A line from one unit to another, further down.
pub(super) struct Line {
    pub from: usize,
    pub to: usize,
    pub lane: Lane,
}

pub(super) struct Layout {
    pub units: Vec<Unit>,
    pub lines: Vec<Line>,
    /// How many ranks each row has, at least 1.
    pub ranks: Vec<usize>,
    pub columns: usize,
    /// How many lanes the gutter has.
    pub gutter: usize,
}

impl Layout {
    pub(super) fn new(layers: &[LayerRow], rows: &[Block]) -> Layout {
        let mut layout = ranked(layers, rows);
        let mut tracks = Tracks::new(&layout.units);
        let mut order: Vec<usize> = (0..layout.units.len()).collect();
        order.sort_by_key(|&unit| layout.units[unit].rank);
        for unit in order {
            layout.units[unit].column = tracks.place(&layout.units, unit);
            for &from in &layout.units[unit].inputs {
                let lane = tracks.route(&layout.units, from, unit);
                layout.lines.push(Line { from, to: unit, lane });
            }
        }
        (layout.columns, layout.gutter) = (tracks.columns.len(), tracks.gutter);
        layout
    }
}

/// The units with their ranks, all in the first column.
fn ranked(layers: &[LayerRow], rows: &[Block]) -> Layout {
    let mut units: Vec<Unit> = Vec::new();
    let mut ranks = Vec::new();
    let mut unit_of = vec![None; layers.len()];
    let mut first_rank = 0;
    for (row, block) in rows.iter().enumerate() {
        let mut count = 1;
        for members in &block.units {
            let index = units.len();
            // Only the head reads from outside its unit.
            let read = members.first().map_or(&[][..], |&head| &layers[head].inputs);
            let mut inputs: Vec<usize> = read.iter().filter_map(|&input| unit_of[input]).collect();
            inputs.sort_unstable();
            inputs.dedup();
            let inside = inputs.iter().map(|&input| &units[input]).filter(|unit| unit.row == row);
            let rank = inside.map(|unit| unit.rank + 1).max().unwrap_or(first_rank);
            count = count.max(rank + 1 - first_rank);
            for &member in members {
                unit_of[member] = Some(index);
            }
            units.push(Unit { layers: members.clone(), row, rank, column: 0, inputs });
        }
        first_rank += count;
        ranks.push(count);
    }
    Layout { units, lines: Vec::new(), ranks, columns: 0, gutter: 0 }
}

/// What stands and runs where, as far as it has been placed.
struct Tracks {
    /// How many readers of each unit are still to come.
    waiting: Vec<usize>,
    /// The units of each column, from top to bottom.
    columns: Vec<Vec<usize>>,
    /// How many lanes the gutter has.
    gutter: usize,
    /// The lines (from, to) that run in a lane through the gap below a rank.
    runs: HashMap<(Lane, usize), Vec<(usize, usize)>>,
}

impl Tracks {
    fn new(units: &[Unit]) -> Tracks {
        let mut waiting = vec![0; units.len()];
        for &input in units.iter().flat_map(|unit| &unit.inputs) {
            waiting[input] += 1;
        }
        Tracks { waiting, columns: Vec::new(), gutter: 0, runs: HashMap::new() }
    }

    /// The first column, of those of its inputs and then of all, whose last box is above and waits
    /// for nobody else.
    fn place(&mut self, units: &[Unit], unit: usize) -> usize {
        let inputs = &units[unit].inputs;
        let free = |column: usize| match self.columns.get(column).and_then(|column| column.last()) {
            None => true,
            Some(&last) => {
                let idle = self.waiting[last] == 0 || inputs.contains(&last);
                idle && units[last].rank < units[unit].rank
            }
        };
        let mut preferred: Vec<usize> = inputs.iter().map(|&input| units[input].column).collect();
        preferred.sort_unstable();
        // Beyond the last column there is always room.
        let mut candidates = preferred.into_iter().chain(0..self.columns.len());
        let column = candidates.find(|&column| free(column)).unwrap_or(self.columns.len());
        if column == self.columns.len() {
            self.columns.push(Vec::new());
        }
        self.columns[column].push(unit);
        for &input in inputs {
            self.waiting[input] -= 1;
        }
        column
    }

    /// A lane for the line between two placed units; it is taken from then on.
    fn route(&mut self, units: &[Unit], from: usize, to: usize) -> Lane {
        let (above, below) = (units[from].rank, units[to].rank);
        let (source, reader) = (units[from].column, units[to].column);
        let columns = match units[to].inputs.len() {
            1 => [reader, source],
            _ => [source, reader],
        };
        // Lines of one source may share a lane, in a column also those into one reader.
        let free = |lane: Lane, merging: bool| {
            let shared = |&(a, b): &(usize, usize)| a == from || (merging && b == to);
            let runs = |gap| self.runs.get(&(lane, gap));
            (above..below).all(|gap| runs(gap).is_none_or(|runs| runs.iter().all(shared)))
        };
        let empty = |column: usize| {
            let between = |&unit: &usize| (above + 1..below).contains(&units[unit].rank);
            !self.columns[column].iter().any(between)
        };
        let column = columns.into_iter().find(|&column| {
            empty(column) && (above + 1 == below || free(Lane::Column(column), true))
        });
        let lane = column.map_or_else(
            || {
                let begins = |&lane: &usize| {
                    let runs = self.runs.get(&(Lane::Gutter(lane), above));
                    runs.is_some_and(|runs| runs.iter().any(|&(a, _)| a == from))
                };
                let mut lanes = (0..self.gutter).filter(begins).chain(0..self.gutter);
                let lane = lanes.find(|&lane| free(Lane::Gutter(lane), false));
                Lane::Gutter(lane.unwrap_or(self.gutter))
            },
            Lane::Column,
        );
        if let Lane::Gutter(lane) = lane {
            self.gutter = self.gutter.max(lane + 1);
        }
        for gap in above..below {
            self.runs.entry((lane, gap)).or_default().push((from, to));
        }
        self.runs.entry((Lane::Column(source), above)).or_default().push((from, to));
        self.runs.entry((Lane::Column(reader), below - 1)).or_default().push((from, to));
        lane
    }
}
