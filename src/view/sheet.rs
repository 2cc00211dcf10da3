//! What still figures share: the title and notes above, the color bar at the right.

use super::canvas::{Canvas, LINE, ROOM, SOFT, Style};
use super::color::{ColorScale, number_text};
use crate::{Error, Result};

const MARGIN: u32 = 14;
const BAR_WIDTH: u32 = 16;
/// Between the content and the color bar.
const BAR_GAP: u32 = 18;
const TICK: u32 = 5;
/// The most room for the unit above it.
const UNIT: u32 = 160;
/// What a figure has at most: more than any screen, in 120 MB.
const MOST_PIXELS: u64 = 40_000_000;

/// The frame of a still figure.
pub(super) struct Sheet<'a> {
    pub title: &'a str,
    /// Lines under the title: what is shown and how to read it.
    pub notes: Vec<String>,
    pub bar: Option<&'a ColorScale>,
    /// The unit of the color bar, such as "activation".
    pub unit: &'a str,
}

impl Sheet<'_> {
    /// A canvas with the frame drawn, and where the content of this size goes.
    ///
    /// # Errors
    ///
    /// A size that nobody could look at, or that would not fit into memory.
    pub(super) fn canvas(&self, width: u32, height: u32) -> Result<(Canvas, u32, u32)> {
        self.drawn_on(Canvas::new, width, height)
    }

    /// The same on a canvas of the caller's kind, given its size.
    pub(super) fn drawn_on(
        &self,
        new: fn(u32, u32) -> Canvas,
        width: u32,
        height: u32,
    ) -> Result<(Canvas, u32, u32)> {
        let bar = self.bar.map(|scale| (scale, bar_room(scale, self.unit)));
        // The title may need more room than the content, up to a limit; notes are broken into lines.
        let words = self.notes.iter().map(|note| Style::NOTE.width(note));
        let words = words.chain([Style::TITLE.width(self.title)]).max().unwrap_or_default();
        let body = width.saturating_add(bar.map_or(0, |(_, room)| room));
        let inner = body.max(words.min(ROOM));
        let notes: Vec<String> =
            self.notes.iter().flat_map(|note| Style::NOTE.wrapped(note, inner)).collect();
        let top = MARGIN + Style::TITLE.line() + 2 + notes.len() as u32 * Style::NOTE.line() + 8;
        let size =
            (inner.saturating_add(2 * MARGIN), height.saturating_add(top).saturating_add(MARGIN));
        if u64::from(size.0) * u64::from(size.1) > MOST_PIXELS {
            return Err(Error::Argument(format!(
                "{}: a figure of {}×{} pixels, expected at most {} million; show fewer at once",
                Style::TITLE.cut(self.title, ROOM),
                size.0,
                size.1,
                MOST_PIXELS / 1_000_000
            )));
        }
        let mut canvas = new(size.0, size.1);

        canvas.text(MARGIN, MARGIN, &Style::TITLE.cut(self.title, inner), Style::TITLE);
        let mut y = MARGIN + Style::TITLE.line() + 2;
        for note in &notes {
            canvas.text(MARGIN, y, note, Style::NOTE);
            y += Style::NOTE.line();
        }
        if let Some((scale, _)) = bar {
            draw_bar(&mut canvas, scale, self.unit, MARGIN + width, top, height);
        }
        Ok((canvas, MARGIN, top))
    }
}

/// The width of a color bar, with the gap before it.
pub(super) fn bar_room(scale: &ColorScale, unit: &str) -> u32 {
    let labels = ticks(scale).into_iter().map(|(_, label)| Style::LABEL.width(&label));
    let labels = labels.max().unwrap_or_default();
    BAR_GAP + (BAR_WIDTH + TICK + 3 + labels).max(Style::LABEL.width(unit).min(UNIT))
}

/// Draws a color bar beside content of this height, whose right edge is at `right`.
pub(super) fn draw_bar(
    canvas: &mut Canvas,
    scale: &ColorScale,
    unit: &str,
    right: u32,
    top: u32,
    height: u32,
) {
    let (x, line) = (right + BAR_GAP, Style::LABEL.line());
    canvas.text(x, top, &Style::LABEL.cut(unit, UNIT), Style::LABEL);
    // Half a line's room, so that the labels at the ends are not cut.
    let top = top + line + line / 2;
    let length = height.saturating_sub(2 * line + 2).clamp(60, 360);
    let table = scale.table();
    let value = |along: f32| scale.low + (scale.high - scale.low) * along;
    for row in 0..length {
        let along = 1.0 - row as f32 / (length - 1) as f32;
        canvas.rect(x, top + row, BAR_WIDTH, 1, table.color(value(along)));
    }
    canvas.frame(x, top, BAR_WIDTH, length, LINE);
    for (tick, label) in ticks(scale) {
        let span = scale.high - scale.low;
        let along = if span > 0.0 { (tick - scale.low) / span } else { 0.0 };
        let y = top + ((1.0 - along) * (length - 1) as f32).round() as u32;
        canvas.rect(x + BAR_WIDTH, y, TICK, 1, SOFT);
        let (x, y) = (x + BAR_WIDTH + TICK + 3, y.saturating_sub(line / 2 - 1));
        canvas.text(x, y, &label, Style::LABEL);
    }
}

/// The ends and the middle with their labels, and for a constant that one value.
fn ticks(scale: &ColorScale) -> Vec<(f32, String)> {
    let beyond = |sign: &str, value: f32| match scale.clipped {
        true => format!("{sign}{}", number_text(value)),
        false => number_text(value),
    };
    if scale.high <= scale.low {
        return vec![(scale.low, number_text(scale.low))];
    }
    let middle = (scale.low + scale.high) / 2.0;
    let low = if scale.low < 0.0 { beyond("≤ ", scale.low) } else { number_text(scale.low) };
    vec![(scale.low, low), (middle, number_text(middle)), (scale.high, beyond("≥ ", scale.high))]
}
