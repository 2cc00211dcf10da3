//! From an image to a network's input. It belongs to the network, because another resize, another
//! normalization or another channel order gives another answer.

use image::RgbImage;
use tch::{Device, Kind, Tensor};

use super::resample::{Interpolation, resize};
use crate::error::shape_text;
use crate::limits::PIXELS;
use crate::{Error, Photo, Result};

/// To what size a picture is brought before the crop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Resize {
    /// The shorter side to this many pixels, the longer in proportion (torchvision's `Resize(n)`).
    ShorterSide(u32),
    /// Exactly to the input's height and width, whatever the proportions.
    Exact,
}

/// Resize, center crop, scale to 0…1, normalize: torchvision's inference transform.
#[derive(Clone, Debug)]
pub struct Preprocess {
    input: [i64; 3],
    resize: Resize,
    interpolation: Interpolation,
    /// Of each channel; both empty where values stay as they are.
    mean: Vec<f32>,
    std: Vec<f32>,
}

impl Preprocess {
    /// Resizes exactly to `[channels, height, width]`, with values from 0 to 1.
    pub fn plain(input: [i64; 3]) -> Self {
        Preprocess {
            input,
            resize: Resize::Exact,
            interpolation: Interpolation::Bilinear,
            mean: Vec::new(),
            std: Vec::new(),
        }
    }

    /// torchvision's for ImageNet: shorter side to 256, the middle 224×224, ImageNet's mean and
    /// deviation.
    pub fn imagenet() -> Self {
        Preprocess::plain([3, 224, 224])
            .resize(Resize::ShorterSide(256))
            .normalize(&[0.485, 0.456, 0.406], &[0.229, 0.224, 0.225])
    }

    /// Sets how the picture is resized.
    #[must_use]
    pub fn resize(mut self, resize: Resize) -> Self {
        self.resize = resize;
        self
    }

    /// Sets how values between pixels are made.
    #[must_use]
    pub fn interpolation(mut self, interpolation: Interpolation) -> Self {
        self.interpolation = interpolation;
        self
    }

    /// Sets each channel's mean and standard deviation, on the scale of 0…1.
    #[must_use]
    pub fn normalize(mut self, mean: &[f32], std: &[f32]) -> Self {
        (self.mean, self.std) = (mean.to_vec(), std.to_vec());
        self
    }

    /// The nominal input `[C, H, W]`.
    pub fn input_shape(&self) -> [i64; 3] {
        self.input
    }

    /// Refuses sizes that are none, and a normalization that doesn't fit the channels.
    pub(super) fn check(&self) -> Result<()> {
        let [channels, height, width] = self.input;
        let largest = i64::from(u16::MAX);
        if channels < 1 || ![height, width].iter().all(|side| (1..=largest).contains(side)) {
            return Err(Error::Argument(format!(
                "an input of {}: give at least 1 channel, and a height and a width from 1 to {largest}",
                shape_text(&self.input)
            )));
        }
        let fits = |values: &[f32]| values.is_empty() || values.len() as i64 == channels;
        let usable = self.std.iter().all(|&std| std > 0.0 && std.is_finite())
            && self.mean.iter().all(|mean| mean.is_finite());
        if fits(&self.mean) && self.mean.len() == self.std.len() && usable {
            return Ok(());
        }
        Err(Error::Argument(format!(
            "a normalization by {} means and {} deviations: one of each for each of the {channels} \
             channels is needed, all finite, and deviations above 0",
            self.mean.len(),
            self.std.len()
        )))
    }

    /// The part of the picture that the network sees, at `zoom` times its resolution.
    ///
    /// At zoom 1 these are the very pixels it gets; figures use a larger zoom to stay sharp.
    ///
    /// # Errors
    ///
    /// A photo that is too long and thin for the crop; a picture of more than 100 megapixels.
    pub fn view(&self, photo: &Photo, zoom: u32) -> Result<RgbImage> {
        let refuse = |problem: String| Error::photo(photo.title(), problem);
        self.check()?;
        let [_, height, width] = self.input;
        let scaled = |side: u64| side * u64::from(zoom);
        let crop = [width, height].map(|side| scaled(side as u64));
        let size = match self.resize {
            Resize::Exact => crop,
            Resize::ShorterSide(side) => {
                shorter_side(photo, scaled(side.into())).ok_or_else(|| {
                    refuse(format!("{photo:?} is too long and thin to resize. Crop it first."))
                })?
            }
        };
        let pixels = size[0].saturating_mul(size[1]);
        if !(1..=PIXELS).contains(&pixels) {
            return Err(refuse(format!(
                "the network's input of {width}×{height} pixels at {zoom} times its resolution takes a \
                 picture of {}×{}; 1 to {PIXELS} pixels can be made of it",
                size[0], size[1]
            )));
        }
        let ([w, h], [crop_w, crop_h]) =
            (size.map(|side| side as u32), crop.map(|side| side as u32));
        if w < crop_w || h < crop_h {
            return Err(refuse(format!("a crop of {crop_w}×{crop_h} does not fit in {w}×{h}")));
        }
        let corner = [crop_start(w, crop_w), crop_start(h, crop_h)];
        Ok(resize(photo.pixels(), [w, h], corner, [crop_w, crop_h], self.interpolation))
    }

    /// The same as sharp as figures want it: about `side` pixels along the longer side.
    pub(crate) fn sharp_view(&self, photo: &Photo, side: u32) -> Result<RgbImage> {
        self.view(photo, self.sharp_zoom(photo, side))
    }

    /// The largest zoom that shows at most `side` pixels and nothing that the photo doesn't hold.
    fn sharp_zoom(&self, photo: &Photo, side: u32) -> u32 {
        let [_, height, width] = self.input.map(|size| size.max(1) as u32);
        let shown = (side / height.max(width)).max(1);
        let reduction = match self.resize {
            Resize::Exact => (photo.width() / width).min(photo.height() / height),
            Resize::ShorterSide(side) => photo.width().min(photo.height()) / side.max(1),
        };
        shown.min(reduction.max(1))
    }

    /// Images `[N, C, H, W]` of values from 0 to 1 as the network's input: normalized, and neither
    /// resized nor cropped. On the images' device; gradients go through it.
    ///
    /// # Errors
    ///
    /// Another number of channels.
    pub fn normalized(&self, images: &Tensor) -> Result<Tensor> {
        let channels = self.input[0];
        if images.size().get(1) != Some(&channels) || images.dim() != 4 {
            return Err(Error::Shape {
                at: "images to be normalized".to_owned(),
                expected: format!("[N, {channels}, H, W]"),
                got: shape_text(&images.size()),
                remedy: "One image needs `.unsqueeze(0)`.".to_owned(),
            });
        }
        self.check()?;
        if self.mean.is_empty() {
            return Ok(images.shallow_clone());
        }
        let each = |values: &[f32]| {
            let tensor = Tensor::f_from_slice(values)?.f_view([1, -1, 1, 1])?;
            tensor.f_to_device(images.device())?.f_to_kind(images.kind())
        };
        let normalized =
            each(&self.mean).and_then(|mean| images.f_sub(&mean)?.f_div(&each(&self.std)?));
        normalized.map_err(Error::torch("normalizing images"))
    }

    /// The network's input `[1, C, H, W]`, float32 on the CPU.
    pub fn tensor(&self, photo: &Photo) -> Result<Tensor> {
        self.batch(vec![self.values(photo)?])
    }

    /// Several pictures' [`values`](Preprocess::values) as one input `[N, C, H, W]`.
    pub(crate) fn batch(&self, pictures: Vec<Vec<f32>>) -> Result<Tensor> {
        let [channels, height, width] = self.input;
        let count = pictures.len() as i64;
        let make = || {
            let size = [count, channels * height * width];
            let batch = Tensor::f_empty(size, (Kind::Float, Device::Cpu))?;
            for (at, values) in (0..).zip(pictures) {
                batch.f_get(at)?.f_copy_(&Tensor::f_from_slice(&values)?)?;
            }
            batch.f_view([count, channels, height, width])
        };
        make().map_err(Error::torch("making the input tensor"))
    }

    /// The values of the network's input, `[C, H, W]`.
    pub(crate) fn values(&self, photo: &Photo) -> Result<Vec<f32>> {
        self.values_of(&self.view(photo, 1)?)
    }

    /// The same, and the picture [as sharp as figures want it](Preprocess::sharp_view).
    pub(crate) fn values_and_view(&self, photo: &Photo, side: u32) -> Result<(Vec<f32>, RgbImage)> {
        let view = self.view(photo, 1)?;
        let values = self.values_of(&view)?;
        match self.sharp_zoom(photo, side) {
            1 => Ok((values, view)),
            zoom => Ok((values, self.view(photo, zoom)?)),
        }
    }

    /// Of the very pixels that the network gets.
    fn values_of(&self, view: &RgbImage) -> Result<Vec<f32>> {
        let bytes = self.bytes_of(view)?;
        let mut values = Vec::with_capacity(bytes.len());
        let size = (view.width() * view.height()) as usize;
        for (channel, bytes) in bytes.chunks_exact(size).enumerate() {
            // Every byte's value: that is quicker than two divisions.
            let normalized: [f32; 256] = std::array::from_fn(|byte| {
                let value = byte as f32 / 255.0;
                match (self.mean.get(channel), self.std.get(channel)) {
                    (Some(mean), Some(std)) => (value - mean) / std,
                    _ => value,
                }
            });
            values.extend(bytes.iter().map(|&byte| normalized[usize::from(byte)]));
        }
        Ok(values)
    }

    /// The input before normalization: `[C, H, W]`, 0 to 255.
    pub(crate) fn bytes(&self, photo: &Photo) -> Result<Vec<u8>> {
        self.bytes_of(&self.view(photo, 1)?)
    }

    fn bytes_of(&self, view: &RgbImage) -> Result<Vec<u8>> {
        let [channels, height, width] = self.input;
        let pixels = view.as_raw().chunks_exact(3);
        match channels {
            1 => Ok(pixels.map(|pixel| luma([pixel[0], pixel[1], pixel[2]])).collect()),
            3 => {
                let mut bytes = Vec::with_capacity(view.as_raw().len());
                for channel in 0..3 {
                    bytes.extend(pixels.clone().map(|pixel| pixel[channel]));
                }
                Ok(bytes)
            }
            _ => Err(Error::Argument(format!(
                "a picture gives 1 or 3 channels, this network takes {channels}: \
                 make its input tensor [1, {channels}, {height}, {width}] yourself"
            ))),
        }
    }

    /// Each channel's mean and standard deviation; both empty where values stay as they are.
    pub(crate) fn mean_and_std(&self) -> (&[f32], &[f32]) {
        (&self.mean, &self.std)
    }

    /// Whether pictures `[N, C, H, W]` need no resizing and have the channels that the network wants.
    pub(crate) fn takes(&self, shape: &[i64]) -> bool {
        self.resize == Resize::Exact && matches!(shape, [_, image @ ..] if *image == self.input)
    }

    /// Such pictures as bytes 0 to 255, scaled to 0…1 and normalized: float32.
    pub(crate) fn of_bytes(&self, bytes: &Tensor) -> Result<Tensor> {
        let values = bytes.f_to_kind(Kind::Float).and_then(|values| values.f_div_scalar(255.0));
        self.normalized(&values.map_err(Error::torch("making the input tensor"))?)
    }
}

/// Pillow's gray: ITU-R 601 luma in 16-bit fixed point.
fn luma([r, g, b]: [u8; 3]) -> u8 {
    let sum = 19595 * u32::from(r) + 38470 * u32::from(g) + 7471 * u32::from(b);
    ((sum + 0x8000) >> 16) as u8
}

/// torchvision's rule: the longer side is cut to a whole number. `None` when that is not a size.
fn shorter_side(photo: &Photo, side: u64) -> Option<[u64; 2]> {
    let [width, height] = [photo.width(), photo.height()].map(u64::from);
    let (short, long) = (width.min(height).max(1), width.max(height));
    let longer = side.checked_mul(long)? / short;
    let fits = longer <= u64::from(u16::MAX) + 1;
    fits.then_some(if width <= height { [side, longer] } else { [longer, side] })
}

/// torchvision's center crop rounds half to even, as Python does.
fn crop_start(size: u32, crop: u32) -> u32 {
    (f64::from(size - crop) / 2.0).round_ties_even() as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_as_torchvision_computes_them() {
        let resized = |width, height| {
            let photo = Photo::from_image(RgbImage::new(width, height), "photo").expect("a photo");
            shorter_side(&photo, 256)
        };
        assert_eq!(resized(1546, 1213), Some([326, 256]));
        assert_eq!(resized(512, 929), Some([256, 464]));
        assert_eq!(resized(100_000, 1), None);
        // Python's round(0.5) is 0 and round(1.5) is 2.
        assert_eq!((crop_start(225, 224), crop_start(227, 224)), (0, 2));
    }

    #[test]
    fn every_byte_is_normalized_as_a_single_number_is() {
        let preprocess = Preprocess::plain([3, 16, 16])
            .normalize(&[0.485, 0.456, 0.406], &[0.229, 0.224, 0.225]);
        let bytes: Vec<u8> = (0..=255).cycle().take(3 * 256).collect();
        let values = preprocess.of_bytes(&Tensor::from_slice(&bytes).view([1, 3, 16, 16]));
        let values = Vec::<f32>::try_from(values.expect("values").view([-1])).expect("numbers");
        for (index, (value, byte)) in values.into_iter().zip(bytes).enumerate() {
            let channel = index / 256;
            let (mean, std) = (preprocess.mean[channel], preprocess.std[channel]);
            assert_eq!(value, (f32::from(byte) / 255.0 - mean) / std);
        }
    }

    #[test]
    fn a_photo_is_normalized_as_bytes_are() {
        let pixel = |x: u32, y: u32| image::Rgb([x, y, x * y].map(|v| (v * 37 % 256) as u8));
        let photo = Photo::from_image(RgbImage::from_fn(40, 30, pixel), "t").expect("a photo");
        for channels in [1, 3] {
            let (mean, std) = ([0.4, 0.5, 0.6], [0.2, 0.3, 0.25]);
            let plain = Preprocess::plain([channels, 20, 16]);
            let used = channels as usize;
            for preprocess in [plain.clone(), plain.normalize(&mean[..used], &std[..used])] {
                let bytes = Tensor::from_slice(&preprocess.bytes(&photo).expect("bytes"));
                let expected = preprocess.of_bytes(&bytes.view([1, channels, 20, 16]));
                let values = preprocess.tensor(&photo).expect("values");
                assert!(values.equal(&expected.expect("values")));
            }
        }
    }

    #[test]
    fn only_pictures_of_the_input_s_shape_go_in_as_they_are() {
        let plain = Preprocess::plain([1, 28, 30]);
        assert!(plain.takes(&[9, 1, 28, 30]));
        assert!(
            !plain.takes(&[9, 1, 30, 28]) && !plain.takes(&[9, 3, 28, 30]) && !plain.takes(&[])
        );
        assert!(!plain.resize(Resize::ShorterSide(28)).takes(&[9, 1, 28, 30]));
    }

    #[test]
    fn gray_as_pillow_computes_it() {
        assert_eq!(luma([255, 255, 255]), 255);
        assert_eq!(luma([255, 0, 0]), 76);
        assert_eq!(luma([0, 255, 0]), 150);
        assert_eq!(luma([0, 0, 255]), 29);
    }
}
