//! `net.feature_maps(&photo, "layer2")`, the difference of two photos' maps, and a photo's way
//! through several layers.

use image::RgbImage;
use tch::Tensor;

use crate::network::Network;
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
        Ok(FeatureMaps::new(title, &self.maps(photo, layer)?)?.over(self.seen(photo)?))
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
            photos.iter().map(|photo| self.maps(photo, layer)).collect::<Result<Vec<_>>>()?;
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
        let (first, second) = (self.maps(first, layer)?, self.maps(second, layer)?);
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
        let activations = match layers {
            [] => Vec::new(),
            layers => self.activations(&self.prepare(photo)?, layers)?,
        };
        let first = |(name, batch): (&&str, &Tensor)| Ok((name.to_string(), only(batch)?));
        let layers = layers.iter().zip(&activations).map(first).collect::<Result<_>>()?;
        let title = format!("{} on its way through {}", photo.title(), self.name());
        Journey::new(title, self.seen(photo)?, layers)
    }

    /// A layer's activations on one picture, without the batch's dimension.
    fn maps(&self, photo: &Photo, layer: &str) -> Result<Tensor> {
        match self.activations(&self.prepare(photo)?, &[layer])?.as_slice() {
            [batch] => only(batch),
            _ => Err(Error::Argument(format!("{layer}: expected one activation"))),
        }
    }

    /// The part of the photo that the network sees, as sharp as it is shown.
    fn seen(&self, photo: &Photo) -> Result<RgbImage> {
        self.preprocess().sharp_view(photo, PHOTO)
    }
}

fn only(batch: &Tensor) -> Result<Tensor> {
    batch.f_get(0).map_err(Error::torch("selecting the picture"))
}
