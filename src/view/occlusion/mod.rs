//! How a class's score falls when a patch covers a place of the picture.

mod interactive;
mod patches;

use image::{Rgb, RgbImage};

use super::canvas::{Canvas, Style, WHITE, enlarge};
use super::color::{ColorScale, number_text};
use super::sheet::Sheet;
use super::{Bundle, Figure};
use crate::picture::fit;
use crate::{Error, Result};

pub use patches::PatchGrid;

/// The side of the photo and of the map, two to a row, and of three to a row.
const LARGE: u32 = 308;
const SMALL: u32 = 200;
const GAP: u32 = 16;
/// How much of the picture is left behind the sensitivity map.
const FAINT: f32 = 0.25;
/// Over a marked place; legible on every color.
const EDGE: Rgb<u8> = Rgb([0; 3]);

/// A picture, and how much a class's score falls with a patch at each place: where it falls most,
/// the network looks most.
///
/// The still shows the patch at the most sensitive place beside the map of all places, red where the
/// score falls and blue where it rises. In the interactive form the patch is dragged over the
/// picture; score and top predictions at that place follow, and the patch's size can be switched.
///
/// ```
/// use convscope::prelude::*;
/// use convscope::view::{Occlusion, PatchGrid};
///
/// // A patch of 14×14 in each corner of a digit costs so much of its logit, 12.5:
/// let drops = Tensor::from_slice(&[0.1f32, 7.2, -0.4, 3.0]).view([2, 2]);
/// let grid = PatchGrid::new(14, 14, &drops, Vec::new())?;
/// let picture = data::digit(7, 1)?.pixels().clone();
/// Occlusion::new("Occlusion of 7", "logit", picture, 12.5, vec![grid])?.input_size(28, 28)
/// # ; Ok::<(), convscope::Error>(())
/// ```
#[derive(Clone)]
pub struct Occlusion {
    /// What the figure is called.
    pub title: String,
    /// What the score is, such as `logit` or `probability`.
    pub unit: String,
    notes: Vec<String>,
    picture: RgbImage,
    /// Width and height of the network's input, in whose pixels patches are given.
    input: (u32, u32),
    fill: Rgb<u8>,
    base: f64,
    grids: Vec<PatchGrid>,
}

impl Occlusion {
    /// A figure of grids with a patch size each, over a picture; `base` is the score without a patch.
    ///
    /// # Errors
    ///
    /// An empty picture, no grids, or a score that is not finite.
    pub fn new(
        title: impl Into<String>,
        unit: impl Into<String>,
        picture: RgbImage,
        base: f64,
        grids: Vec<PatchGrid>,
    ) -> Result<Occlusion> {
        if picture.is_empty() || grids.is_empty() || !base.is_finite() {
            return Err(Error::Argument(format!(
                "an occlusion figure needs a picture, at least one grid of places, and the score \
                 without a patch, a finite number; got {:?}, {} and {base}",
                picture.dimensions(),
                grids.len()
            )));
        }
        Ok(Occlusion {
            title: title.into(),
            unit: unit.into(),
            notes: Vec::new(),
            input: picture.dimensions(),
            picture,
            fill: Rgb([128; 3]),
            base,
            grids,
        })
    }

    /// Adds a line under the title.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// Says that the picture shows an input of this height and width, at whatever resolution.
    /// Without it patches are in the picture's own pixels.
    #[must_use]
    pub fn input_size(mut self, height: u32, width: u32) -> Self {
        self.input = (width.max(1), height.max(1));
        self
    }

    /// The color of the patch, gray at first.
    #[must_use]
    pub fn fill(mut self, red: u8, green: u8, blue: u8) -> Self {
        self.fill = Rgb([red, green, blue]);
        self
    }

    /// The grids, in the order given.
    pub fn grids(&self) -> &[PatchGrid] {
        &self.grids
    }

    fn scale(&self) -> Result<ColorScale> {
        let drops: Vec<&[f32]> = self.grids.iter().map(|grid| grid.drops.numbers()).collect();
        Ok(ColorScale::signed(&drops.concat()))
    }

    /// The picture at the size shown; every patch must touch the input.
    fn panel(&self, side: u32) -> Result<RgbImage> {
        let (width, height) = self.input;
        for grid in &self.grids {
            let beyond = |count: u32, size: u32| (count - 1).saturating_mul(grid.stride) >= size;
            if beyond(grid.columns(), width) || beyond(grid.rows(), height) {
                return Err(Error::Argument(format!(
                    "{} at {}×{} places (rows × columns) leaves the input of {height}×{width} \
                     pixels; give `input_size` where the picture is of another resolution",
                    grid.name(),
                    grid.rows(),
                    grid.columns()
                )));
            }
        }
        Ok(fit(&enlarge(&self.picture, side), side))
    }

    fn all_notes(&self, scale: &ColorScale) -> Vec<String> {
        let mut notes = self.notes.clone();
        if scale.clipped {
            notes.push(format!("colors end at {}", number_text(scale.high)));
        }
        notes.extend(self.oddities());
        notes
    }

    /// What a reader must know before looking at the map.
    fn oddities(&self) -> Option<String> {
        let drops = || self.grids.iter().flat_map(|grid| grid.drops.numbers());
        if drops().any(|drop| !drop.is_finite()) {
            return Some(
                "places without a score, or with one that is not finite, are left empty".to_owned(),
            );
        }
        let blank = drops().all(|&drop| drop == 0.0);
        blank.then(|| "blank: the score changes nowhere".to_owned())
    }

    /// Rectangle of a patch in pixels of a panel: left, top, right, bottom.
    fn covered(&self, grid: &PatchGrid, row: u32, column: u32, panel: &RgbImage) -> [u32; 4] {
        let at = |place: u32, extra: u32, input: u32, size: u32| {
            let pixel = (place * grid.stride).saturating_add(extra).min(input);
            (u64::from(pixel) * u64::from(size) / u64::from(input)) as u32
        };
        let (width, height) = panel.dimensions();
        [
            at(column, 0, self.input.0, width),
            at(row, 0, self.input.1, height),
            at(column, grid.patch, self.input.0, width),
            at(row, grid.patch, self.input.1, height),
        ]
    }

    /// The map over the faint picture: each place's color around the patch's center.
    fn sensitivity(
        &self,
        grid: &PatchGrid,
        panel: &RgbImage,
        scale: &ColorScale,
    ) -> Result<RgbImage> {
        let (drops, table) = (grid.drops.numbers(), scale.table());
        let place = |pixel: u32, size: u32, input: u32, count: u32| {
            let at = (pixel as f32 + 0.5) * input as f32 / size as f32;
            let first = (grid.patch as f32 - grid.stride as f32) / 2.0;
            let place = ((at - first) / grid.stride as f32).floor();
            (place >= 0.0 && place < count as f32).then_some(place as usize)
        };
        let (width, height) = panel.dimensions();
        Ok(RgbImage::from_fn(width, height, |x, y| {
            let row = place(y, height, self.input.1, grid.rows());
            let column = place(x, width, self.input.0, grid.columns());
            let drop =
                row.zip(column).and_then(|(r, c)| drops.get(r * grid.columns() as usize + c));
            match drop {
                Some(&drop) if drop.is_finite() => table.color(drop),
                _ => Rgb(panel
                    .get_pixel(x, y)
                    .0
                    .map(|v| (255.0 - FAINT * (255.0 - f32::from(v))) as u8)),
            }
        }))
    }
}

impl Figure for Occlusion {
    fn image(&self) -> Result<RgbImage> {
        let scale = self.scale()?;
        let columns = if self.grids.len() == 1 { 2 } else { 3 };
        let panel = self.panel(if columns == 2 { LARGE } else { SMALL })?;
        let (width, height) = panel.dimensions();
        let below = 2 * Style::NOTE.line() + 8;
        let rows = (self.grids.len() as u32 + 1).div_ceil(columns);
        let size = (columns * (width + GAP) - GAP, rows * (height + below));
        let unit = format!("drop of {}", self.unit);
        let notes = self.all_notes(&scale);
        let sheet = Sheet { title: &self.title, notes, bar: Some(&scale), unit: &unit };
        let (mut canvas, left, top) = sheet.canvas(size.0, size.1)?;

        let write = |canvas: &mut Canvas, x: u32, y: u32, lines: [String; 2]| {
            for (line, text) in (0..).zip(lines) {
                let text = Style::NOTE.cut(&text, width);
                canvas.text(x, y + height + 3 + line * Style::NOTE.line(), &text, Style::NOTE);
            }
        };
        canvas.picture(&panel, left, top);
        if let Some(grid) = self.grids.first() {
            let (row, column, drop) = grid.most_sensitive();
            let covered = self.covered(grid, row, column, &panel);
            frame(&mut canvas, (left, top), covered, Some(self.fill));
            let score = number_text((self.base - f64::from(drop)) as f32);
            let base = number_text(self.base as f32);
            let lines =
                [format!("{} under the patch: {score}", self.unit), format!("without it: {base}")];
            write(&mut canvas, left, top, lines);
        }
        for (index, grid) in (1..).zip(&self.grids) {
            let (x, y) = (index % columns * (width + GAP), index / columns * (height + below));
            let (x, y) = (left + x, top + y);
            canvas.picture(&self.sensitivity(grid, &panel, &scale)?, x, y);
            let (row, column, drop) = grid.most_sensitive();
            frame(&mut canvas, (x, y), self.covered(grid, row, column, &panel), None);
            let most = format!("largest drop: {}", number_text(drop));
            write(&mut canvas, x, y, [grid.name(), most]);
        }
        Ok(canvas.pixels)
    }

    fn description(&self) -> String {
        let grids: Vec<String> = self.grids.iter().map(PatchGrid::name).collect();
        let base = number_text(self.base as f32);
        let grids = grids.into_iter().chain(self.oddities()).collect::<Vec<String>>().join("; ");
        format!("{}: {} {base} without a patch; {grids}", self.title, self.unit)
    }

    fn bundle(&self) -> Result<Bundle> {
        let still = Bundle::still(&self.image()?, &self.description())?;
        still.with_themed(self.vega()?)
    }
}

/// A dark line with a white one inside it.
fn frame(canvas: &mut Canvas, (x, y): (u32, u32), covered: [u32; 4], fill: Option<Rgb<u8>>) {
    let [left, top, right, bottom] = covered;
    let (left, top, width, height) = (x + left, y + top, right - left, bottom - top);
    if let Some(fill) = fill {
        canvas.rect(left, top, width, height, fill);
    }
    for (inset, color) in [(1, EDGE), (2, WHITE)] {
        let size = |side: u32| side.saturating_sub(2 * inset);
        canvas.frame(left + inset, top + inset, size(width), size(height), color);
    }
}
