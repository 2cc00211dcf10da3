//! What a network makes of one picture, from the picture to the guesses.

use image::RgbImage;

use super::canvas::{Canvas, LINE, Style, enlarge};
use super::color::{ColorMap, ColorScale};
use super::sheet::Sheet;
use super::tiles::{Block, WIDEST};
use super::top_k::{GUESS, draw_guess};
use super::{Guess, Journey, Values};
use crate::Result;
use crate::picture::fit;

const PICTURE: u32 = 140;
const GAP: u32 = 24;
/// From one guess to the next, and from one layer to the next.
const STEP: u32 = 28;
const BETWEEN: u32 = 14;
/// How many maps of a layer are shown.
const MAPS: usize = 8;
/// The least height of a row with a color bar.
const BAR: u32 = 100;

/// A picture, the guesses beside it, and below them maps of some layers.
#[derive(Clone)]
pub(crate) struct Response {
    pub picture: RgbImage,
    /// Best first.
    pub guesses: Vec<Guess>,
    /// Names and activations; `[C, H, W]` are maps.
    pub layers: Vec<(String, Values)>,
}

/// What is shown of a layer.
enum Row {
    Maps(Block),
    Numbers(Numbers),
}

impl Response {
    /// The still figure.
    pub(crate) fn image(&self, title: &str, notes: Vec<String>) -> Result<RgbImage> {
        let picture = fit(&enlarge(&self.picture, PICTURE), PICTURE);
        let rows = self.layers.iter().map(|(name, values)| row(name, values, &picture));
        let rows = rows.collect::<Result<Vec<Row>>>()?;
        let top = picture.height().max(STEP * self.guesses.len() as u32);
        let (mut width, mut height) = (picture.width() + GAP + GUESS, top);
        for row in &rows {
            let size = row.size();
            width = width.max(size.0);
            height += BETWEEN + size.1;
        }
        let sheet = Sheet { title, notes, bar: None, unit: "" };
        let (mut canvas, x, mut y) = sheet.canvas(width, height)?;
        canvas.picture(&picture, x, y);
        canvas.frame(x, y, picture.width(), picture.height(), LINE);
        for (index, guess) in (0..).zip(&self.guesses) {
            draw_guess(&mut canvas, x + picture.width() + GAP, y + index * STEP, guess, index == 0);
        }
        y += top;
        for row in &rows {
            row.draw(&mut canvas, x, y + BETWEEN);
            y += BETWEEN + row.size().1;
        }
        Ok(canvas.pixels)
    }
}

fn row(name: &str, values: &Values, picture: &RgbImage) -> Result<Row> {
    let maps = matches!(values.shape(), &[_, height, width] if height.max(width) > 1);
    if !maps {
        return Ok(Row::Numbers(Numbers::new(name, values)));
    }
    let journey = Journey::new(name, picture.clone(), vec![(name.to_owned(), values)])?;
    let block = journey.maps(MAPS).evenly().blocks()?.pop();
    Ok(block.map_or_else(|| Row::Numbers(Numbers::new(name, values)), Row::Maps))
}

impl Row {
    fn size(&self) -> (u32, u32) {
        match self {
            Row::Maps(block) => (block.size().0, block.size().1.max(BAR)),
            Row::Numbers(numbers) => {
                let [width, height] = [numbers.cells.width(), numbers.cells.height()];
                (width, Style::NOTE.line() + height)
            }
        }
    }

    fn draw(&self, canvas: &mut Canvas, x: u32, y: u32) {
        match self {
            Row::Maps(block) => block.draw(canvas, x, y),
            Row::Numbers(numbers) => {
                canvas.text(x, y, &Style::NOTE.cut(&numbers.heading, WIDEST), Style::NOTE);
                canvas.picture(&numbers.cells, x, y + Style::NOTE.line());
            }
        }
    }
}

/// A layer without maps, as a line of cells, or a few.
struct Numbers {
    heading: String,
    cells: RgbImage,
}

impl Numbers {
    fn new(name: &str, values: &Values) -> Numbers {
        const LINES: usize = 4;
        let numbers = values.numbers();
        let side = (WIDEST / numbers.len().max(1) as u32).clamp(8, 16);
        let columns = (WIDEST / side) as usize;
        let shown = numbers.len().min(LINES * columns);
        let table = ColorScale::fitting(ColorMap::Viridis, numbers).table();
        let lines = shown.div_ceil(columns).max(1) as u32;
        let mut canvas = Canvas::new(side * columns.min(shown) as u32, side * lines);
        for (at, &number) in (0..).zip(&numbers[..shown]) {
            let (column, line) = (at % columns as u32, at / columns as u32);
            canvas.rect(column * side, line * side, side - 1, side - 1, table.color(number));
        }
        let first =
            if shown < numbers.len() { format!(", the first {shown}") } else { String::new() };
        Numbers { heading: format!("{name}  {}{first}", values.shape_text()), cells: canvas.pixels }
    }
}
