//! The activations of one layer: a grid of one map per channel.

use image::RgbImage;

use super::color::{ColorMap, ColorScale, ScaleSharing};
use super::grid::Grid;
use super::maps::{Maps, as_maps, by_strength, check_channels};
use super::tiles::{Block, Layout, MOST_TILES, Tile};
use super::values::{IntoValues, Values};
use super::{Bundle, Figure};
use crate::{Error, Result};

/// A layer's activations on one picture, `[C, H, W]`: one tile per channel, with its number.
///
/// Magnitudes (after a ReLU, say) are shown on viridis from 0, signed values in blue and red around
/// 0. All tiles share one scale, so a dark map is a weak one;
/// [`scale_sharing`](FeatureMaps::scale_sharing) changes that. In a notebook, the pointer reads values, and a click enlarges a map over the photo.
///
/// ```
/// # use convscope::prelude::*;
/// let maps = zoo::digits()?.feature_maps(&data::digit(8, 0)?, "relu1")?;
/// maps.strongest(4).smooth().save(std::env::temp_dir().join("four.png"))?;
/// # Ok::<(), convscope::Error>(())
/// ```
#[derive(Clone)]
pub struct FeatureMaps {
    /// What the figure is called.
    pub title: String,
    values: Values,
    channels: Option<Vec<usize>>,
    strongest: Option<usize>,
    sharing: ScaleSharing,
    map: ColorMap,
    signed: bool,
    smooth: bool,
    unit: &'static str,
    notes: Vec<String>,
    photo: Option<RgbImage>,
    pictures: Vec<(String, RgbImage)>,
}

impl FeatureMaps {
    /// A figure of `values`, `[C, H, W]`; `[C]` (a linear layer) is taken as C maps of one value.
    pub fn new(title: impl Into<String>, values: impl IntoValues) -> Result<FeatureMaps> {
        Ok(FeatureMaps {
            title: title.into(),
            values: as_maps(values.into_values()?)?,
            channels: None,
            strongest: None,
            sharing: ScaleSharing::All,
            map: ColorMap::Viridis,
            signed: false,
            smooth: false,
            unit: "activation",
            notes: Vec::new(),
            photo: None,
            pictures: Vec::new(),
        })
    }

    /// A figure of `first` - `second`, one layer's activations on two pictures, `[C, H, W]` each.
    /// The pictures stand above the maps with their names.
    ///
    /// # Errors
    ///
    /// Values of different shapes.
    pub fn difference(
        title: impl Into<String>,
        pictures: [(String, RgbImage); 2],
        first: impl IntoValues,
        second: impl IntoValues,
    ) -> Result<FeatureMaps> {
        let (first, second) = (first.into_values()?, second.into_values()?);
        if first.shape() != second.shape() {
            return Err(Error::Shape {
                at: "the difference of feature maps".to_owned(),
                expected: "two of one shape".to_owned(),
                got: format!("{} and {}", first.shape_text(), second.shape_text()),
                remedy: "Compare one layer of one network.".to_owned(),
            });
        }
        let pairs = first.numbers().iter().zip(second.numbers());
        let values = Values::new(first.shape(), pairs.map(|(a, b)| a - b).collect())?;
        let mut maps = FeatureMaps::new(title, values)?;
        maps.signed = true;
        maps.unit = "difference";
        maps.notes.push("red: stronger on the first picture; blue: on the second".to_owned());
        let numbered = (1..).zip(pictures).filter(|(_, (_, picture))| !picture.is_empty());
        maps.pictures =
            numbered.map(|(n, (name, picture))| (format!("{n}: {name}"), picture)).collect();
        Ok(maps)
    }

    /// Shows only these channels, in this order.
    #[must_use]
    pub fn channels(mut self, channels: impl IntoIterator<Item = usize>) -> Self {
        self.channels = Some(channels.into_iter().take(MOST_TILES).collect());
        self
    }

    /// Shows only the `count` channels with the largest mean magnitude, the strongest first.
    #[must_use]
    pub fn strongest(mut self, count: usize) -> Self {
        self.strongest = Some(count);
        self
    }

    /// One color scale for all tiles, or one for each.
    #[must_use]
    pub fn scale_sharing(mut self, sharing: ScaleSharing) -> Self {
        self.sharing = sharing;
        self
    }

    /// Another color map for maps without negative values.
    #[must_use]
    pub fn color_map(mut self, map: ColorMap) -> Self {
        self.map = map;
        self
    }

    /// Enlarges small maps with soft transitions instead of squares.
    #[must_use]
    pub fn smooth(mut self) -> Self {
        self.smooth = true;
        self
    }

    /// The picture that an enlarged map is laid over: what the network sees.
    #[must_use]
    pub fn over(mut self, photo: RgbImage) -> Self {
        self.photo = (!photo.is_empty()).then_some(photo);
        self
    }

    /// The activations, `[C, H, W]`.
    pub fn values(&self) -> &Values {
        &self.values
    }

    fn count(&self) -> usize {
        self.values.size(0)
    }

    fn shown(&self) -> Result<Vec<usize>> {
        let count = self.count();
        let mut channels = self.channels.clone().unwrap_or_else(|| (0..count).collect());
        check_channels(&self.title, &channels, count)?;
        if let Some(strongest) = self.strongest {
            let ranked = by_strength(count, |channel| self.values.part(channel).iter());
            let mut ranks = vec![0; count];
            (0..).zip(ranked).for_each(|(rank, channel)| ranks[channel] = rank);
            channels.sort_by_key(|&channel| ranks[channel]);
            channels.truncate(strongest);
            check_channels(&self.title, &channels, count)?; // of 0 strongest there is none
        }
        channels.truncate(MOST_TILES);
        Ok(channels)
    }

    fn notes(&self, maps: &Maps, shown: &[usize]) -> Vec<String> {
        let (height, width) = (self.values.size(1), self.values.size(2));
        let (count, all) = (shown.len(), self.count());
        let which = match self.strongest {
            Some(_) => format!("the {count} strongest of {all} channels"),
            None if count == all => format!("{count} channels"),
            None => format!("{count} of {all} channels"),
        };
        let scale = match self.sharing {
            ScaleSharing::All => "one color scale for all",
            ScaleSharing::Each => "each map on its own scale",
        };
        let mut notes = vec![format!("{which} of {height}×{width}, {scale}")];
        if count == MOST_TILES && all > count {
            notes.push("no more are drawn at once; `.channels` and `.strongest` choose".to_owned());
        }
        notes.extend_from_slice(&self.notes);
        if maps.reduction > 1 {
            let side = maps.reduction;
            notes.push(format!("shown reduced: a pixel is the mean of {side}×{side} values"));
        }
        if maps.all().iter().any(|value| !value.is_finite()) {
            notes.push("some values are not finite; NaN is shown in magenta".to_owned());
        }
        let blank = shown.iter().filter(|&&channel| maps.is_constant(channel));
        let blank: Vec<String> = blank.map(usize::to_string).collect();
        if !blank.is_empty() {
            /// More numbers than a reader takes in.
            const NAMED: usize = 12;
            let named = blank.get(..NAMED).unwrap_or(&blank).join(", ");
            let more = blank.len().saturating_sub(NAMED);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            notes.push(format!("blank (constant) maps: {named}{more}"));
        }
        notes
    }

    fn maps(&self, shown: usize) -> Result<Maps> {
        Maps::new(&self.values, Layout::longest_side(shown) as usize)
    }

    fn grid(&self) -> Result<Grid> {
        let shown = self.shown()?;
        let maps = self.maps(shown.len())?;
        let scale = match self.signed {
            true => ColorScale::signed(maps.all()),
            false => ColorScale::fitting(self.map, maps.all()),
        };
        let table = scale.table();
        let layout = Layout::new(shown.len(), maps.width as u32, maps.height as u32);
        let tile = |&channel: &usize| {
            let own = match self.sharing {
                ScaleSharing::All => None,
                ScaleSharing::Each => Some(scale.same_kind(maps.map(channel)).table()),
            };
            maps.tile(channel, own.as_ref().unwrap_or(&table), layout.zoom, self.smooth)
        };
        let tiles: Vec<Tile> = shown.iter().map(tile).collect();
        let mut block = Block {
            heading: String::new(),
            row_labels: Vec::new(),
            column_labels: Vec::new(),
            row_pictures: Vec::new(),
            tiles,
            layout,
            reduction: maps.reduction,
            bar: (self.sharing == ScaleSharing::All).then_some(scale),
            unit: self.unit,
        };
        block.label_rows_if_dense();
        Ok(Grid {
            title: self.title.clone(),
            notes: self.notes(&maps, &shown),
            pictures: self.pictures.clone(),
            photo: self.photo.clone(),
            blocks: vec![block],
            smaller: "`.strongest(64)` or `.channels(0..64)`",
        })
    }
}

impl Figure for FeatureMaps {
    fn image(&self) -> Result<RgbImage> {
        self.grid()?.image()
    }

    fn description(&self) -> String {
        let notes = self.shown().and_then(|shown| Ok(self.notes(&self.maps(shown.len())?, &shown)));
        match notes {
            Ok(notes) => format!("{}: {}", self.title, notes.join("; ")),
            Err(error) => error.to_string(),
        }
    }

    fn bundle(&self) -> Result<Bundle> {
        self.grid()?.bundle(&self.description())
    }
}
