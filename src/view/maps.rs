//! Maps of one layer as tiles: what the figures of feature maps share.

use super::color::{ColorTable, constant};
use super::tiles::{Tile, colored};
use super::values::{Values, bilinear};
use crate::{Error, Result};

/// A layer's maps, those that are shown, reduced to what there is room for.
pub(super) struct Maps {
    values: Values,
    pub width: usize,
    pub height: usize,
    /// Each value is the mean of a square of so many by so many.
    pub reduction: usize,
}

/// `[C, H, W]` from that or from `[C]`, which becomes C maps of one value.
pub(super) fn as_maps(values: Values) -> Result<Values> {
    match *values.shape() {
        ref shape if shape.contains(&0) => {
            Err(Error::Argument(format!("feature maps without values: {shape:?}")))
        }
        [c] => values.reshaped([c, 1, 1]),
        [_, _, _] => Ok(values),
        _ => Err(Error::Shape {
            at: "feature maps".to_owned(),
            expected: "[C, H, W] or [C]".to_owned(),
            got: values.shape_text(),
            remedy: "Select one image of a batch with `.get(0)`.".to_owned(),
        }),
    }
}

/// All of `count` channels, those with the largest mean magnitude first; `maps` gives the values of
/// one. What is not finite counts as nothing.
pub(super) fn by_strength<'a, M: Iterator<Item = &'a f32>>(
    count: usize,
    maps: impl Fn(usize) -> M,
) -> Vec<usize> {
    let strength = |channel: usize| -> f64 {
        maps(channel).filter(|value| value.is_finite()).map(|value| f64::from(value.abs())).sum()
    };
    let mut channels: Vec<(usize, f64)> = (0..count).map(|c| (c, strength(c))).collect();
    channels.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    channels.into_iter().map(|(channel, _)| channel).collect()
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
    pub(super) fn new(values: &Values, longest_side: usize) -> Result<Maps> {
        let longest = values.size(1).max(values.size(2));
        let reduction = longest.div_ceil(longest_side.max(1)).max(1);
        let values = if reduction == 1 { values.clone() } else { values.block_means(reduction)? };
        Ok(Maps { width: values.size(2), height: values.size(1), values, reduction })
    }

    pub(super) fn all(&self) -> &[f32] {
        self.values.numbers()
    }

    pub(super) fn map(&self, channel: usize) -> &[f32] {
        self.values.part(channel)
    }

    /// Whether a map of more than one value has the same everywhere.
    pub(super) fn is_constant(&self, channel: usize) -> bool {
        let map = self.map(channel);
        map.len() > 1 && constant(map).is_some()
    }

    /// A channel's map enlarged, in the colors of `table`.
    pub(super) fn tile(&self, channel: usize, table: &ColorTable, zoom: u32, smooth: bool) -> Tile {
        let values = self.map(channel);
        let picture = match smooth && zoom > 1 {
            true => {
                let to = [self.width, self.height].map(|side| side * zoom as usize);
                colored(&bilinear(values, self.width, to), to[0] as u32, 1, table)
            }
            false => colored(values, self.width as u32, zoom, table),
        };
        let blank = if self.is_constant(channel) { ", blank" } else { "" };
        Tile {
            label: channel.to_string(),
            name: format!("channel {channel}{blank}"),
            picture,
            values: values.to_vec(),
            planes: 1,
            width: self.width,
        }
    }
}
