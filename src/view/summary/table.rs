//! The table's words: cells, numbers, and the whole as aligned text.

use super::LayerRow;
use crate::error::shape_text;
use crate::view::text::visible;

/// A column: its heading, and whether it holds numbers, which stand at its right.
pub(super) struct Column {
    pub heading: &'static str,
    pub right: bool,
}

const fn left(heading: &'static str) -> Column {
    Column { heading, right: false }
}

const fn right(heading: &'static str) -> Column {
    Column { heading, right: true }
}

pub(super) const COLUMNS: [Column; 6] = [
    left("layer"),
    left("operation"),
    left("output"),
    right("parameters"),
    right("multiply-adds"),
    right("receptive field"),
];

/// A row's cells, in the order of [`COLUMNS`].
pub(super) fn cells(row: &LayerRow) -> [String; 6] {
    [
        plain(&row.name),
        plain(&row.operation),
        shape_text(&row.shape),
        if row.parameters == 0 { String::new() } else { thousands(row.parameters) },
        if row.multiply_adds == 0 { String::new() } else { compact(row.multiply_adds) },
        field(row.receptive_field),
    ]
}

/// The last row, which sums up parameters and multiply-adds.
pub(super) fn total([parameters, multiply_adds]: [u64; 2]) -> [String; 6] {
    let none = String::new;
    ["total".to_owned(), none(), none(), thousands(parameters), compact(multiply_adds), none()]
}

fn field(size: [Option<i64>; 2]) -> String {
    let side = |side: Option<i64>| side.map_or("whole".to_owned(), |side| side.to_string());
    match size {
        [None, None] => "whole".to_owned(),
        [Some(0), Some(0)] => String::new(),
        [height, width] => format!("{}×{}", side(height), side(width)),
    }
}

/// The whole table, one line per row.
pub(super) fn text(rows: &[LayerRow], totals: [u64; 2]) -> String {
    let headings = COLUMNS.map(|column| column.heading.to_owned());
    let mut lines: Vec<[String; 6]> = vec![headings];
    lines.extend(rows.iter().map(cells));
    lines.push(total(totals));
    let width = |column: usize| {
        lines.iter().map(|line| line[column].chars().count()).max().unwrap_or_default()
    };
    let widths: [usize; 6] = std::array::from_fn(width);
    let rule = "─".repeat(widths.iter().sum::<usize>() + 2 * (widths.len() - 1));
    let mut text = String::new();
    for (index, line) in lines.iter().enumerate() {
        if index == 1 || index + 1 == lines.len() {
            text.push_str(&rule);
            text.push('\n');
        }
        let cells = line.iter().zip(widths).zip(&COLUMNS);
        let cells: Vec<String> = cells
            .map(|((cell, width), column)| match column.right {
                true => format!("{cell:>width$}"),
                false => format!("{cell:<width$}"),
            })
            .collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// Words from names and files in one line of reasonable length.
pub(super) fn plain(text: &str) -> String {
    const LONGEST: usize = 80;
    let text = visible(text);
    let mut plain: String = text.chars().take(LONGEST).collect();
    if text.chars().nth(LONGEST).is_some() {
        plain.pop();
        plain.push('…');
    }
    plain
}

/// `11,689,512`
pub(super) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Three digits and a unit: `1.81 G`.
pub(super) fn compact(number: u64) -> String {
    let (mut value, mut units) = (number as f64, ["", " k", " M", " G", " T"].into_iter());
    let mut unit = units.next().unwrap_or_default();
    // Not 1000, so that 999.6 k is written as 1.00 M.
    while value >= 999.5 {
        let Some(larger) = units.next() else { break };
        (value, unit) = (value / 1000.0, larger);
    }
    let decimals = match value {
        _ if unit.is_empty() => 0,
        value if value < 9.995 => 2,
        value if value < 99.95 => 1,
        _ => 0,
    };
    format!("{value:.decimals$}{unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_for_people() {
        let large = [0, 999, 1_000, 9_994, 9_996, 999_600, 1_814_073_344, 15_470_264_320];
        let words = ["0", "999", "1.00 k", "9.99 k", "10.0 k", "1.00 M", "1.81 G", "15.5 G"];
        assert_eq!(large.map(compact), words);
        assert_eq!([0, 999, 1_000, 11_689_512].map(thousands), ["0", "999", "1,000", "11,689,512"]);
    }
}
