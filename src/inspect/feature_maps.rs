//! `net.feature_maps(&photo, "layer2")`, the difference of two photos' maps, and a photo's way
//! through several layers.

use image::RgbImage;
use tch::Tensor;

use crate::network::{Network, only};
use crate::view::{FeatureMaps, FeatureMapsBatch, Journey};
use crate::{Error, Photo, Result};

/// The side that a photo under enlarged maps has at most.
const PHOTO: u32 = 336;

impl Network {
    /// A layer's activations on a picture, as a figure.
    ///
    /// `layer` is a name or a prefix (`layer2`: what the whole stage returns).
    /// # Errors
    ///
    /// No such layer; a picture that cannot be prepared.
    ///
    /// ```
    /// # use convscope::prelude::*;
    /// let maps = zoo::digits()?.feature_maps(&data::digit(8, 0)?, "relu1")?;
    /// assert_eq!(maps.values().shape(), [12, 24, 24]);
    /// # Ok::<(), convscope::Error>(())
    /// ```
    pub fn feature_maps(&self, photo: &Photo, layer: &str) -> Result<FeatureMaps> {
        let title = format!("Feature maps of {}, {layer}, on {}", self.name(), photo.title());
        Ok(FeatureMaps::new(title, &self.maps_on(photo, layer)?)?.over(self.seen(photo)?))
    }

    /// A layer's activations on several images, one row per image and one column per channel, on one
    /// color scale.
    ///
    /// # Errors
    ///
    /// As of [`feature_maps`](Network::feature_maps); no picture.
    ///
    /// ```
    /// # use convscope::prelude::*;
    /// let photos = [data::digit(3, 1)?, data::digit(8, 1)?];
    /// let maps = zoo::digits()?.feature_maps_batch(&photos, "relu1")?;
    /// assert_eq!(maps.values().shape(), [2, 12, 24, 24]);
    /// # Ok::<(), convscope::Error>(())
    /// ```
    pub fn feature_maps_batch(&self, photos: &[Photo], layer: &str) -> Result<FeatureMapsBatch> {
        let title = format!("Feature maps of {}, {layer}", self.name());
        // One at a time: only this layer's activations are kept.
        let maps =
            photos.iter().map(|photo| self.maps_on(photo, layer)).collect::<Result<Vec<_>>>()?;
        let maps = match maps.as_slice() {
            [] => return Err(Error::Argument("feature maps of no pictures".to_owned())),
            maps => Tensor::f_stack(maps, 0).map_err(Error::torch("stacking the feature maps"))?,
        };
        let named = |photo: &Photo| Ok((photo.title().to_owned(), self.seen(photo)?));
        FeatureMapsBatch::new(title, photos.iter().map(named).collect::<Result<_>>()?, &maps)
    }

    /// By how much a layer's activations on one picture exceed those on another, as a figure with
    /// signed values: positive, and red, where the first picture's are stronger.
    ///
    /// # Errors
    ///
    /// As of [`feature_maps`](Network::feature_maps).
    ///
    /// ```
    /// # use convscope::prelude::*;
    /// let (three, eight) = (data::digit(3, 1)?, data::digit(8, 1)?);
    /// let maps = zoo::digits()?.feature_maps_difference(&three, &eight, "relu1")?;
    /// assert!(maps.values().tensor().min().double_value(&[]) < 0.0);
    /// # Ok::<(), convscope::Error>(())
    /// ```
    pub fn feature_maps_difference(
        &self,
        first: &Photo,
        second: &Photo,
        layer: &str,
    ) -> Result<FeatureMaps> {
        let title = format!("Difference of the feature maps of {}, {layer}", self.name());
        let named =
            |photo: &Photo| -> Result<_> { Ok((photo.title().to_owned(), self.seen(photo)?)) };
        let pictures = [named(first)?, named(second)?];
        let (first, second) = (self.maps_on(first, layer)?, self.maps_on(second, layer)?);
        FeatureMaps::difference(title, pictures, &first, &second)
    }

    /// How a picture travels through the network: a few maps of each of these layers, one row per layer.
    ///
    /// # Errors
    ///
    /// As of [`feature_maps`](Network::feature_maps); no layer.
    ///
    /// ```
    /// # use convscope::prelude::*;
    /// let journey = zoo::digits()?.journey(&data::digit(8, 0)?, &["relu1", "relu2"])?;
    /// assert_eq!(journey.values()[1].0, "relu2");
    /// # Ok::<(), convscope::Error>(())
    /// ```
    pub fn journey(&self, photo: &Photo, layers: &[&str]) -> Result<Journey> {
        let maps = self.layers_on(photo, layers)?;
        let layers = layers.iter().map(|name| name.to_string()).zip(maps).collect();
        let title = format!("{} on its way through {}", photo.title(), self.name());
        Journey::new(title, self.seen(photo)?, layers)
    }

    /// A layer's activations on one picture, `[C, h, w]` where they are maps.
    fn maps_on(&self, photo: &Photo, layer: &str) -> Result<Tensor> {
        only(self.layers_on(photo, &[layer])?)
    }

    fn layers_on(&self, photo: &Photo, layers: &[&str]) -> Result<Vec<Tensor>> {
        if layers.is_empty() {
            return Ok(Vec::new());
        }
        let (input, layers) = (self.prepare(photo)?, self.find_all(layers)?);
        let values = self.values(&input, &layers)?;
        let arranged = |(&at, value): (&usize, &Tensor)| {
            let maps = self.find_maps(at, &input.size())?;
            let maps = maps.map_or_else(|| Ok(value.shallow_clone()), |maps| maps.of(value))?;
            maps.f_get(0).map_err(Error::torch("selecting the picture"))
        };
        layers.iter().zip(&values).map(arranged).collect()
    }

    /// The part of the photo that the network sees, as sharp as it is shown.
    fn seen(&self, photo: &Photo) -> Result<RgbImage> {
        self.preprocess().sharp_view(photo, PHOTO)
    }
}
