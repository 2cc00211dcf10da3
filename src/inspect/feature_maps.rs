//! `net.feature_maps(&photo, "layer2")`

use crate::network::Network;
use crate::view::FeatureMaps;
use crate::{Error, Photo, Result};

impl Network {
    /// A layer's activations on a picture, as a figure.
    ///
    /// `layer` is a name or a prefix (`layer2`: what the whole stage returns).
    /// Errors: no such layer; a picture that cannot be prepared.
    ///
    /// ```
    /// # use convscope::prelude::*;
    /// let maps = zoo::digits()?.feature_maps(&data::digit(8, 0)?, "relu1")?;
    /// assert_eq!(maps.values().size(), [12, 24, 24]);
    /// # Ok::<(), convscope::Error>(())
    /// ```
    pub fn feature_maps(&self, photo: &Photo, layer: &str) -> Result<FeatureMaps> {
        let activations = self.activations(&self.prepare(photo)?, &[layer])?;
        let [batch] = activations.as_slice() else {
            return Err(Error::Argument(format!("{layer}: expected one activation")));
        };
        let one = batch.f_get(0).map_err(Error::torch("selecting the picture"))?;
        let title = format!("Feature maps of {}, {layer}, on {}", self.name(), photo.title());
        FeatureMaps::new(title, &one)
    }
}
