//! The activations of one layer: a grid with a map a channel.

use image::RgbImage;
use tch::Tensor;

use super::Figure;
use super::colour::{ColourMap, ColourScale, Share, range};
use super::sheet::Sheet;
use super::tiles::{Layout, Tiles, coloured};
use super::values::{held, numbers};
use crate::error::shape_text;
use crate::{Error, Result};

/// A layer's activations on one picture, `[C, H, W]`: one tile a channel, with its number.
///
/// Magnitudes (after a ReLU, say) are shown on viridis from 0, signed values in blue and red around
/// 0. All tiles share one scale, so a dark map is a weak one; [`share`](FeatureMaps::share) changes
/// that.
pub struct FeatureMaps {
    /// What the figure is called.
    pub title: String,
    values: Tensor,
    channels: Option<Vec<usize>>,
    share: Share,
    map: ColourMap,
}

impl FeatureMaps {
    /// A figure of `values`, `[C, H, W]`; `[C]` (a linear layer) is taken as C maps of one value.
    pub fn new(title: impl Into<String>, values: &Tensor) -> Result<FeatureMaps> {
        let values = match values.size().as_slice() {
            size if size.contains(&0) => {
                return Err(Error::Argument(format!("feature maps without values: {size:?}")));
            }
            &[c] => values.f_view([c, 1, 1]),
            [_, _, _] => Ok(values.shallow_clone()),
            other => {
                return Err(Error::Shape {
                    at: "feature maps".to_owned(),
                    expected: "[C, H, W] or [C]".to_owned(),
                    got: shape_text(other),
                    remedy: "Select one picture of a batch with `.get(0)`.".to_owned(),
                });
            }
        };
        let values = held(&values.map_err(Error::torch("reading the feature maps"))?)?;
        let (title, map) = (title.into(), ColourMap::Viridis);
        Ok(FeatureMaps { title, values, channels: None, share: Share::All, map })
    }

    /// Shows only these channels, in this order.
    pub fn channels(mut self, channels: impl IntoIterator<Item = usize>) -> Self {
        self.channels = Some(channels.into_iter().collect());
        self
    }

    /// One colour scale for all tiles, or one for each.
    pub fn share(mut self, share: Share) -> Self {
        self.share = share;
        self
    }

    /// Another colour map for maps without negative values.
    pub fn colour_map(mut self, map: ColourMap) -> Self {
        self.map = map;
        self
    }

    /// The activations, `[C, H, W]`, float32 on the CPU.
    pub fn values(&self) -> &Tensor {
        &self.values
    }

    fn shown(&self) -> Result<Vec<usize>> {
        let count = self.values.size()[0] as usize;
        let channels = self.channels.clone().unwrap_or_else(|| (0..count).collect());
        match channels.iter().find(|&&channel| channel >= count) {
            Some(channel) => Err(Error::Argument(format!(
                "{}: there is no channel {channel}; there are {count}, from 0",
                self.title
            ))),
            None if channels.is_empty() => {
                Err(Error::Argument(format!("{}: no channels to show", self.title)))
            }
            None => Ok(channels),
        }
    }

    /// Large maps in large numbers are shown reduced: each pixel the mean of `factor`×`factor`.
    fn reduced(&self, shown: usize) -> Result<(Tensor, i64)> {
        let size = self.values.size();
        let limit = match shown {
            ..=4 => 448,
            5..=16 => 176,
            17..=64 => 88,
            _ => 64,
        };
        let factor = (size[1].max(size[2]) + limit - 1) / limit;
        if factor <= 1 {
            return Ok((self.values.shallow_clone(), 1));
        }
        let (kernel, none) = ([factor; 2], [0; 2]);
        let reduced = self.values.f_avg_pool2d(kernel, kernel, none, true, false, None);
        Ok((reduced.map_err(Error::torch("reducing the maps"))?, factor))
    }

    fn describe(&self, shown: usize) -> String {
        let size = self.values.size();
        let scale = match self.share {
            Share::All => "one colour scale for all",
            Share::Each => "each map on its own scale",
        };
        let which = match shown as i64 == size[0] {
            true => format!("{shown} channels"),
            false => format!("{shown} of {} channels", size[0]),
        };
        format!("{which} of {}×{}, {scale}", size[1], size[2])
    }
}

impl Figure for FeatureMaps {
    fn image(&self) -> Result<RgbImage> {
        let shown = self.shown()?;
        let (values, factor) = self.reduced(shown.len())?;
        let size = values.size();
        let (height, width) = (size[1] as u32, size[2] as u32);
        let area = (height * width) as usize;
        let all = numbers(&values)?;
        let map = |channel: usize| &all[channel * area..(channel + 1) * area];

        let shared = ColourScale::fitting(self.map, &all);
        let shared_table = shared.table();
        let layout = Layout::new(shown.len(), width, height);
        let mut constant = Vec::new();
        let mut tiles = Vec::with_capacity(shown.len());
        for &channel in &shown {
            let values = map(channel);
            let (low, high) = range(values);
            if low == high && area > 1 {
                constant.push(channel.to_string());
            }
            tiles.push(match self.share {
                Share::All => coloured(values, width, layout.zoom, &shared_table),
                Share::Each => {
                    let table = shared.same_kind(values).table();
                    coloured(values, width, layout.zoom, &table)
                }
            });
        }
        let labels = shown.iter().map(usize::to_string).collect();
        let tiles = Tiles { tiles, labels, layout };

        let mut notes = vec![self.describe(shown.len())];
        if factor > 1 {
            notes.push(format!("shown reduced: a pixel is the mean of {factor}×{factor} values"));
        }
        if all.iter().any(|value| !value.is_finite()) {
            notes.push("some values are not finite; NaN is shown in magenta".to_owned());
        }
        if !constant.is_empty() {
            notes.push(format!("blank (constant) maps: {}", constant.join(", ")));
        }
        let bar = (self.share == Share::All).then_some(&shared);
        let sheet = Sheet { title: &self.title, notes, bar, unit: "activation" };
        let (width, height) = tiles.size();
        let (mut canvas, x, y) = sheet.canvas(width, height);
        tiles.draw(&mut canvas, x, y);
        Ok(canvas.pixels)
    }

    fn description(&self) -> String {
        let shown = self.channels.as_ref().map_or(self.values.size()[0] as usize, Vec::len);
        format!("{}: {}", self.title, self.describe(shown))
    }
}
