//! Several maps side by side: methods, layers, classes or pictures.

use image::RgbImage;

use super::canvas::{ROOM, Style};
use super::color::{ColorScale, ScaleSharing, constant, number_text};
use super::panes::{Frame, Pane, spec};
use super::sheet::Sheet;
use super::values::Values;
use super::{Bundle, Figure, Heatmap};
use crate::{Error, Result};

/// The width of all tiles in a row, beside which there is room for a color bar.
const WIDEST: u32 = ROOM - 84;
const LARGEST: u32 = 240;
const GAP: u32 = 12;
/// The most pixels of pictures, which keep a figure's file below 1 MB, however many there are.
const PIXELS: f64 = 280_000.0;
/// Above each tile, for its label, and, where it has its own, its scale; below, for what the pointer
/// reads.
const ABOVE: u32 = 20;
const RANGE: u32 = 18;
const BELOW: u32 = 24;
const LABEL: Style = Style { size: 13.0, ..Style::TEXT };

/// Heatmaps side by side with the picture they explain.
///
/// All share one color scale unless asked otherwise, so a dark map is a weak one. The interactive
/// form has one opacity, one threshold and one pointer for all: it marks the same place on each, and
/// reads each one's value there.
///
/// ```
/// use convscope::prelude::*;
///
/// let (net, three) = (zoo::digits()?, data::digit(3, 1)?);
/// let of = |class: usize| Ok::<_, convscope::Error>((class.to_string(), saliency(&net, &three, class)?));
/// Heatmaps::new("Why 3, and why not 8?", vec![of(3)?, of(8)?])?
/// # ; Ok::<(), convscope::Error>(())
/// ```
#[derive(Clone)]
pub struct Heatmaps {
    /// What the figure is called.
    pub title: String,
    notes: Vec<String>,
    maps: Vec<Heatmap>,
    tiles: Vec<Tile>,
    columns: usize,
    sharing: ScaleSharing,
    opacity: f64,
}

/// A map over its picture, or the bare picture.
#[derive(Clone)]
struct Tile {
    label: String,
    map: usize,
    bare: bool,
}

impl Heatmaps {
    /// Maps with their labels, in rows; before them the picture, where all are of the same.
    ///
    /// # Errors
    ///
    /// No maps.
    pub fn new<L: Into<String>>(
        title: impl Into<String>,
        maps: Vec<(L, Heatmap)>,
    ) -> Result<Heatmaps> {
        let (labels, maps): (Vec<L>, Vec<Heatmap>) = maps.into_iter().unzip();
        let picture = maps.first().map(|map| map.panel(LARGEST));
        let one = picture.is_some_and(|first| maps.iter().all(|map| map.panel(LARGEST) == first));
        let bare = Tile { label: "the picture".to_owned(), map: 0, bare: true };
        let tile = |(map, label): (usize, L)| Tile { label: label.into(), map, bare: false };
        let tiles = one.then_some(bare).into_iter();
        let tiles: Vec<Tile> = tiles.chain(labels.into_iter().enumerate().map(tile)).collect();
        let columns = match tiles.len() {
            count @ ..=4 => count,
            count => (3..=5).rev().find(|&columns| count % columns == 0).unwrap_or(4),
        };
        Heatmaps::of(title.into(), maps, tiles, columns)
    }

    /// One row per picture and one column per method, say: each row has its name, above its picture, and as many
    /// maps as there are names of columns.
    ///
    /// # Errors
    ///
    /// No rows, or a row of another length.
    pub fn grid<C: Into<String>, R: Into<String>>(
        title: impl Into<String>,
        columns: Vec<C>,
        rows: Vec<(R, Vec<Heatmap>)>,
    ) -> Result<Heatmaps> {
        let columns: Vec<String> = columns.into_iter().map(Into::into).collect();
        let (mut maps, mut tiles) = (Vec::new(), Vec::new());
        for (name, row) in rows {
            let name = name.into();
            if row.len() != columns.len() || row.is_empty() {
                return Err(Error::Argument(format!(
                    "the row `{name}` has {} maps for {} columns; each column needs one",
                    row.len(),
                    columns.len()
                )));
            }
            tiles.push(Tile { label: name, map: maps.len(), bare: true });
            for (label, map) in columns.iter().zip(row) {
                tiles.push(Tile { label: label.clone(), map: maps.len(), bare: false });
                maps.push(map);
            }
        }
        Heatmaps::of(title.into(), maps, tiles, columns.len() + 1)
    }

    fn of(title: String, maps: Vec<Heatmap>, tiles: Vec<Tile>, columns: usize) -> Result<Heatmaps> {
        if maps.is_empty() {
            return Err(Error::Argument(format!("{title}: at least one heatmap is needed")));
        }
        let (notes, sharing) = (Vec::new(), ScaleSharing::All);
        Ok(Heatmaps { title, notes, maps, tiles, columns, sharing, opacity: 0.7 })
    }

    /// Adds a line under the title.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// One color scale for all maps, or one for each. Maps in different units never share one.
    #[must_use]
    pub fn scale_sharing(mut self, sharing: ScaleSharing) -> Self {
        self.sharing = sharing;
        self
    }

    /// Sets how strongly the maps cover the picture at first, from 0 to 1.
    #[must_use]
    pub fn opacity(mut self, opacity: f64) -> Self {
        self.opacity = if opacity.is_finite() { opacity.clamp(0.0, 1.0) } else { self.opacity };
        self
    }

    /// Sets how many tiles, the bare pictures included, stand in a row.
    #[must_use]
    pub fn columns(mut self, columns: usize) -> Self {
        self.columns = columns.clamp(1, self.tiles.len().max(1));
        self
    }

    /// The values of each map, `[H, W]`, in their own units.
    pub fn values(&self) -> Vec<&Values> {
        self.maps.iter().map(Heatmap::values).collect()
    }

    /// The unit that all maps have in common.
    fn unit(&self) -> Option<&str> {
        let unit = &self.maps.first()?.unit;
        self.maps.iter().all(|map| &map.unit == unit).then_some(unit)
    }

    fn shared(&self) -> bool {
        self.sharing == ScaleSharing::All && self.unit().is_some()
    }

    /// The scale of all together, and each map's own.
    fn scales(&self) -> (ColorScale, Vec<ColorScale>) {
        let values: Vec<&[f32]> = self.maps.iter().map(|map| map.values().numbers()).collect();
        let map = self.maps.first().map(Heatmap::colors).unwrap_or_default();
        let all = ColorScale::fitting(map, &values.concat());
        let own = |(map, values): (&Heatmap, &&[f32])| match self.shared() {
            true => all.clone(),
            false => ColorScale::fitting(map.colors(), values),
        };
        let each = self.maps.iter().zip(&values).map(own).collect();
        (all, each)
    }

    fn all_notes(&self, scale: &ColorScale) -> Result<Vec<String>> {
        let mut notes = self.notes.clone();
        notes.push(match (self.shared(), self.unit()) {
            (true, _) => "one color scale for all".to_owned(),
            (false, Some(unit)) => format!("{unit}; each map on its own scale"),
            (false, None) => "in different units, each on its own scale".to_owned(),
        });
        if scale.clipped && self.shared() {
            notes.push(format!("colors end at {}", number_text(scale.high)));
        }
        notes.extend(self.oddities());
        Ok(notes)
    }

    /// What a reader must know of the maps before looking at them.
    fn oddities(&self) -> Vec<String> {
        let mut notes = Vec::new();
        let (mut blank, mut broken) = (Vec::new(), Vec::new());
        for tile in self.tiles.iter().filter(|tile| !tile.bare) {
            let Some(map) = self.maps.get(tile.map) else { continue };
            notes.extend(map.how_unfinished().map(|how| format!("{}: {how}", tile.label)));
            let values = map.values().numbers();
            if constant(values).is_some() {
                blank.push(tile.label.as_str());
            }
            if values.iter().any(|value| !value.is_finite()) {
                broken.push(tile.label.as_str());
            }
        }
        if !blank.is_empty() {
            notes.push(format!("blank (constant) maps: {}", blank.join(", ")));
        }
        if !broken.is_empty() {
            let broken = broken.join(", ");
            notes.push(format!("not all values are finite (NaN is magenta): {broken}"));
        }
        notes
    }

    /// What a map's own scale reaches to.
    fn range(&self, tile: &Tile, scale: &ColorScale) -> String {
        match tile.bare || self.shared() {
            true => String::new(),
            false => {
                let sign = if scale.low < 0.0 { "±" } else { "0 to " };
                format!("{sign}{}", number_text(scale.high))
            }
        }
    }

    fn above(&self) -> u32 {
        if self.shared() { ABOVE } else { ABOVE + RANGE }
    }

    /// The picture under each tile at the size shown, and the step from tile to tile.
    fn pictures(&self) -> (Vec<RgbImage>, (u32, u32)) {
        let columns = self.columns.max(1) as u32;
        let room = (WIDEST + GAP) / columns;
        let fair = (PIXELS / self.tiles.len().max(1) as f64).sqrt() as u32;
        let side = room.saturating_sub(GAP).min(fair).clamp(16, LARGEST);
        let picture = |tile: &Tile| self.maps.get(tile.map).map(|map| map.panel(side));
        let pictures: Vec<RgbImage> = self.tiles.iter().filter_map(picture).collect();
        let width = pictures.iter().map(RgbImage::width).max().unwrap_or_default();
        let height = pictures.iter().map(RgbImage::height).max().unwrap_or_default();
        (pictures, (width + GAP, self.above() + height + BELOW))
    }

    fn size(&self, step: (u32, u32)) -> (u32, u32) {
        let columns = self.columns.clamp(1, self.tiles.len().max(1));
        let rows = self.tiles.len().div_ceil(columns) as u32;
        (columns as u32 * step.0 - GAP, rows * step.1)
    }

    fn place(&self, index: usize, step: (u32, u32)) -> (u32, u32) {
        let (column, row) = (index % self.columns.max(1), index / self.columns.max(1));
        (column as u32 * step.0, row as u32 * step.1 + self.above())
    }
}

impl Figure for Heatmaps {
    fn image(&self) -> Result<RgbImage> {
        let (all, each) = self.scales();
        let (pictures, step) = self.pictures();
        let bar = self.shared().then_some(&all);
        let unit = self.unit().unwrap_or_default();
        let sheet = Sheet { title: &self.title, notes: self.all_notes(&all)?, bar, unit };
        let (width, height) = self.size(step);
        let (mut canvas, left, top) = sheet.canvas(width, height - BELOW)?;
        for (index, (tile, picture)) in self.tiles.iter().zip(&pictures).enumerate() {
            let (x, y) = self.place(index, step);
            let (x, y) = (left + x, top + y);
            let (Some(map), Some(scale)) = (self.maps.get(tile.map), each.get(tile.map)) else {
                continue;
            };
            let label = LABEL.cut(&tile.label, step.0 - GAP);
            canvas.text(x, y - self.above() + 1, &label, LABEL);
            canvas.text(x, y - RANGE, &self.range(tile, scale), Style::NOTE);
            match tile.bare {
                true => canvas.picture(picture, x, y),
                false => map.draw_over(&mut canvas, (x, y), picture, scale, self.opacity)?,
            }
        }
        Ok(canvas.pixels)
    }

    fn description(&self) -> String {
        let maps = self.tiles.iter().filter(|tile| !tile.bare);
        let labels: Vec<&str> = maps.map(|tile| tile.label.as_str()).collect();
        let mut words = format!("{}: {} maps: {}", self.title, labels.len(), labels.join(", "));
        for oddity in self.oddities() {
            words.push_str(&format!("; {oddity}"));
        }
        words
    }

    fn bundle(&self) -> Result<Bundle> {
        let (all, each) = self.scales();
        let (pictures, step) = self.pictures();
        let (width, height) = self.size(step);
        let frame = Frame {
            title: &self.title,
            notes: self.all_notes(&all)?,
            bar: self.shared().then(|| (&all, self.unit().unwrap_or_default())),
            above: self.above(),
            opacity: self.opacity,
            size: (width, height - BELOW),
        };
        let scaled = self
            .tiles
            .iter()
            .filter_map(|tile| Some((tile, self.maps.get(tile.map)?, each.get(tile.map)?)));
        let panes: Vec<Pane> = scaled
            .zip(&pictures)
            .enumerate()
            .map(|(index, ((tile, map, scale), picture))| Pane {
                label: tile.label.clone(),
                range: self.range(tile, scale),
                picture,
                map: (!tile.bare).then_some((map, scale)),
                place: self.place(index, step),
            })
            .collect();
        let still = Bundle::still(&self.image()?, &self.description())?;
        still.with_themed(spec(self, &frame, &panes)?)
    }
}
