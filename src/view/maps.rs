//! Maps of one layer as tiles: what the figures of feature maps share.

use tch::Tensor;

use super::color::{ColorTable, range};
use super::tiles::{Tile, colored};
use super::values::numbers;
use crate::error::shape_text;
use crate::{Error, Result};

/// A layer's maps, those that are shown, reduced to what there is room for.
pub(super) struct Maps {
    values: Tensor,
    numbers: Vec<f32>,
    pub width: usize,
    pub height: usize,
    /// Each value is the mean of a square of so many by so many.
    pub reduction: usize,
}

/// `[C, H, W]` from that or from `[C]`, which becomes C maps of one value.
pub(super) fn as_maps(values: &Tensor) -> Result<Tensor> {
    match values.size().as_slice() {
        size if size.contains(&0) => {
            Err(Error::Argument(format!("feature maps without values: {size:?}")))
        }
        &[c] => values.f_view([c, 1, 1]).map_err(Error::torch("reading the feature maps")),
        [_, _, _] => Ok(values.shallow_clone()),
        other => Err(Error::Shape {
            at: "feature maps".to_owned(),
            expected: "[C, H, W] or [C]".to_owned(),
            got: shape_text(other),
            remedy: "Select one picture of a batch with `.get(0)`.".to_owned(),
        }),
    }
}

/// All channels, those with the largest mean magnitude first. What is not finite counts as nothing.
pub(super) fn by_strength(maps: &Tensor) -> Result<Vec<usize>> {
    let strengths = maps
        .f_nan_to_num(0.0, 0.0, 0.0)
        .and_then(|maps| maps.f_abs()?.f_mean_dim([1, 2].as_slice(), false, tch::Kind::Double))
        .map_err(Error::torch("comparing the maps"))?;
    let strengths = Vec::<f64>::try_from(strengths).map_err(Error::torch("comparing the maps"))?;
    let mut channels: Vec<(usize, f64)> = strengths.into_iter().enumerate().collect();
    channels.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    Ok(channels.into_iter().map(|(channel, _)| channel).collect())
}

/// Refuses channels that there are not, and none at all. `title` is the figure's.
pub(super) fn check_channels(title: &str, channels: &[usize], count: usize) -> Result<()> {
    match channels.iter().find(|&&channel| channel >= count) {
        Some(channel) => Err(Error::Argument(format!(
            "{title}: there is no channel {channel}; there are {count}, from 0"
        ))),
        None if channels.is_empty() => {
            Err(Error::Argument(format!("{title}: no channels to show")))
        }
        None => Ok(()),
    }
}

impl Maps {
    /// Of `values`, `[C, H, W]`.
    pub(super) fn new(values: &Tensor, longest_side: i64) -> Result<Maps> {
        let (values, reduction) = reduced(values, longest_side)?;
        let numbers = numbers(&values)?;
        let size = values.size();
        let side = |axis: usize| size.get(axis).map_or(1, |&side| side as usize);
        let (height, width) = (side(1), side(2));
        Ok(Maps { values, numbers, width, height, reduction: reduction as usize })
    }

    pub(super) fn all(&self) -> &[f32] {
        &self.numbers
    }

    pub(super) fn map(&self, channel: usize) -> &[f32] {
        let area = self.width * self.height;
        self.numbers.chunks(area.max(1)).nth(channel).unwrap_or_default()
    }

    /// Whether a map of more than one value has the same everywhere.
    pub(super) fn is_constant(&self, channel: usize) -> bool {
        let map = self.map(channel);
        let (low, high) = range(map);
        map.len() > 1 && low == high
    }

    /// A channel's map enlarged, in the colors of `table`.
    pub(super) fn tile(
        &self,
        channel: usize,
        table: &ColorTable,
        zoom: u32,
        smooth: bool,
    ) -> Result<Tile> {
        let values = self.map(channel);
        let picture = match smooth && zoom > 1 {
            true => colored(&self.smooth(channel, zoom)?, self.width as u32 * zoom, 1, table),
            false => colored(values, self.width as u32, zoom, table),
        };
        let blank = if self.is_constant(channel) { ", blank" } else { "" };
        Ok(Tile {
            label: channel.to_string(),
            name: format!("channel {channel}{blank}"),
            picture,
            values: values.to_vec(),
            planes: 1,
            width: self.width,
        })
    }

    /// Bilinear, corners not aligned.
    fn smooth(&self, channel: usize, zoom: u32) -> Result<Vec<f32>> {
        let size = [self.height, self.width].map(|side| side as i64 * i64::from(zoom));
        let map = self.values.f_narrow(0, channel as i64, 1).and_then(|map| map.f_unsqueeze(0));
        let map = map.and_then(|map| map.f_upsample_bilinear2d(size, false, None, None));
        numbers(&map.map_err(Error::torch("enlarging a map"))?)
    }
}

/// Maps `[C, H, W]` with sides of at most `side`: each value the mean of a square of so many by so
/// many, and how many.
fn reduced(maps: &Tensor, side: i64) -> Result<(Tensor, i64)> {
    let longest = maps.size().into_iter().skip(1).max().unwrap_or(1);
    let factor = (longest + side.max(1) - 1) / side.max(1);
    if factor <= 1 {
        return Ok((maps.shallow_clone(), 1));
    }
    let (kernel, none) = ([factor; 2], [0; 2]);
    let reduced = maps.f_avg_pool2d(kernel, kernel, none, true, false, None);
    Ok((reduced.map_err(Error::torch("reducing the maps"))?, factor))
}
