//! What can be explained: photographs, and tensors with a way to show them.

use image::RgbImage;
use tch::{Device, Kind, Tensor};

use crate::error::shape_text;
use crate::limits::{PIXELS, check_memory};
use crate::network::Network;
use crate::{Error, Photo, Result};

/// An input for a network that can be shown: a [`Photo`], or a [`TensorImage`].
pub trait Input {
    /// The network's input, `[1, C, H, W]`.
    ///
    /// # Errors
    ///
    /// An input that can't be prepared for this network.
    fn tensor(&self, net: &Network) -> Result<Tensor>;

    /// What the network sees of it, about this many pixels along the longer side.
    ///
    /// # Errors
    ///
    /// As [`Input::tensor`].
    fn shown(&self, net: &Network, side: u32) -> Result<RgbImage>;

    /// What figures call it.
    fn title(&self) -> &str;
}

impl Input for Photo {
    fn tensor(&self, net: &Network) -> Result<Tensor> {
        net.prepare(self)
    }

    fn shown(&self, net: &Network, side: u32) -> Result<RgbImage> {
        net.preprocess().sharp_view(self, side)
    }

    fn title(&self) -> &str {
        Photo::title(self)
    }
}

impl<I: Input + ?Sized> Input for &I {
    fn tensor(&self, net: &Network) -> Result<Tensor> {
        (**self).tensor(net)
    }

    fn shown(&self, net: &Network, side: u32) -> Result<RgbImage> {
        (**self).shown(net, side)
    }

    fn title(&self) -> &str {
        (**self).title()
    }
}

/// A network's input as a tensor, with a way to show it: scans of 16 bits, satellite images of many
/// channels, whatever no photograph holds.
///
/// Until told otherwise, three channels are shown as red, green and blue, others by the first channel in
/// gray, each from its lowest to its highest value.
///
/// ```
/// use convscope::prelude::*;
/// let net = Network::builder("bands", [5, 16, 20]);
/// # let mut net = net;
/// # let x = net.conv2d(net.input(), "conv", Conv2d::new(4, 3));
/// # let x = net.global_avg_pool(x, "pool");
/// # let x = net.flatten(x, "flat");
/// # net.linear(x, "fc", 3);
/// # let net = net.build()?;
/// let bands = Tensor::rand([5, 16, 20], (Kind::Float, Device::Cpu));
/// let scene = TensorImage::new("scene", &bands)?.false_colors([4, 2, 1])?;
/// let map = saliency(&net, &scene, 0)?;
/// assert_eq!(map.values().shape(), [16, 20]);
/// # Ok::<(), convscope::Error>(())
/// ```
#[derive(Debug)]
pub struct TensorImage {
    title: String,
    /// `[1, C, H, W]`
    values: Tensor,
    /// `[C, H, W]`, float32 on the CPU.
    plain: Tensor,
    shown: RgbImage,
}

impl Clone for TensorImage {
    fn clone(&self) -> TensorImage {
        TensorImage {
            title: self.title.clone(),
            values: self.values.shallow_clone(),
            plain: self.plain.shallow_clone(),
            shown: self.shown.clone(),
        }
    }
}

impl TensorImage {
    /// The values as the network gets them, `[C, H, W]` or `[1, C, H, W]`, of any precision and on any
    /// device.
    ///
    /// # Errors
    ///
    /// A tensor of another shape, or without values.
    pub fn new(title: &str, values: &Tensor) -> Result<TensorImage> {
        let failed = || Error::torch("reading an input's values");
        let values = match *values.size() {
            [_, _, _] => values.f_unsqueeze(0).map_err(failed())?,
            _ => values.shallow_clone(),
        };
        let plain = match *values.size() {
            [1, _, height, width]
                if values.numel() > 0 && (height as u64).saturating_mul(width as u64) <= PIXELS =>
            {
                let bytes = (values.numel() as u64).saturating_mul(4);
                check_memory("reading an input's values", bytes, Device::Cpu)?;
                let plain = values.f_detach().and_then(|values| values.f_to_device(Device::Cpu));
                plain.and_then(|plain| plain.f_to_kind(Kind::Float)?.f_squeeze_dim(0))
            }
            _ => {
                return Err(Error::Shape {
                    at: format!("the input `{title}`"),
                    expected: format!("[C, H, W] or [1, C, H, W], at most {PIXELS} pixels"),
                    got: shape_text(&values.size()),
                    remedy: "Give one image at a time.".to_owned(),
                });
            }
        };
        let shown = RgbImage::new(1, 1);
        let plain = plain.map_err(failed())?;
        let image = TensorImage { title: title.to_owned(), values, plain, shown };
        if image.channels() == 3 { image.false_colors([0, 1, 2]) } else { image.channel(0) }
    }

    /// Shows one channel in gray, from its lowest to its highest value.
    ///
    /// # Errors
    ///
    /// A channel that there isn't.
    pub fn channel(self, channel: usize) -> Result<TensorImage> {
        self.false_colors([channel; 3])
    }

    /// Shows one channel in gray through a window: black at `level - width / 2`, white at
    /// `level + width / 2`, as radiologists set it.
    ///
    /// # Errors
    ///
    /// A channel that there isn't; a width that isn't above 0.
    pub fn window(mut self, channel: usize, level: f32, width: f32) -> Result<TensorImage> {
        if !(width > 0.0 && level.is_finite() && width.is_finite()) {
            return Err(Error::Argument(format!(
                "a window of level {level} and width {width}: the width must be above 0"
            )));
        }
        let low = level - width / 2.0;
        let gray = shades(&self.numbers(channel)?, low, low + width);
        self.draw([&gray, &gray, &gray])?;
        Ok(self)
    }

    /// Shows three channels as red, green and blue, each from its lowest to its highest value.
    ///
    /// # Errors
    ///
    /// A channel that there isn't.
    pub fn false_colors(mut self, channels: [usize; 3]) -> Result<TensorImage> {
        let full = |channel: usize| -> Result<Vec<u8>> {
            let numbers = self.numbers(channel)?;
            let finite = numbers.iter().copied().filter(|value| value.is_finite());
            let (low, high) = finite.fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), x| {
                (low.min(x), high.max(x))
            });
            Ok(shades(&numbers, low, high))
        };
        let [red, green, blue] = channels;
        let (red, green, blue) = (full(red)?, full(green)?, full(blue)?);
        self.draw([&red, &green, &blue])?;
        Ok(self)
    }

    fn channels(&self) -> usize {
        self.plain.size().first().copied().unwrap_or_default() as usize
    }

    fn numbers(&self, channel: usize) -> Result<Vec<f32>> {
        if channel >= self.channels() {
            return Err(Error::Argument(format!(
                "`{}` has no channel {channel}; its {} channels are numbered from 0",
                self.title,
                self.channels()
            )));
        }
        let values = self.plain.f_get(channel as i64).and_then(|values| values.f_reshape([-1]));
        values.and_then(Vec::try_from).map_err(Error::torch("reading a channel"))
    }

    fn draw(&mut self, colors: [&[u8]; 3]) -> Result<()> {
        let [_, height, width] = self.plain.size()[..] else { return Ok(()) };
        let pixels = (0..colors[0].len()).flat_map(|at| colors.map(|color| color[at])).collect();
        self.shown = RgbImage::from_raw(width as u32, height as u32, pixels)
            .ok_or_else(|| Error::Internal("an input's picture lacks pixels".to_owned()))?;
        Ok(())
    }
}

/// Values from `low` to `high` as 0 to 255; what is not a number is black.
fn shades(values: &[f32], low: f32, high: f32) -> Vec<u8> {
    let span = if high > low { high - low } else { 1.0 };
    let shade = |&value: &f32| (255.0 * ((value - low) / span).clamp(0.0, 1.0)).round() as u8;
    values.iter().map(shade).collect()
}

impl Input for TensorImage {
    fn tensor(&self, _net: &Network) -> Result<Tensor> {
        Ok(self.values.shallow_clone())
    }

    fn shown(&self, _net: &Network, side: u32) -> Result<RgbImage> {
        Ok(crate::picture::fit(&self.shown, side))
    }

    fn title(&self) -> &str {
        &self.title
    }
}
