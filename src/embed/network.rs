//! `net.features(&samples, layer, pooling)`: a layer's activations as features.

use std::ops::Range;

use image::RgbImage;
use tch::{Kind, Tensor};

use super::Features;
use crate::batching::Batches;
use crate::data::{self, Samples};
use crate::live::Progress;
use crate::network::Network;
use crate::picture::fit;
use crate::{Error, Result};

/// More pictures at once are no faster.
const MOST: usize = 64;
/// A thumbnail's longer side.
const THUMBNAIL: u32 = 48;
/// More take hundreds of megabytes, and a notebook has room for some hundreds only.
const MOST_THUMBNAILS: usize = 20_000;

/// How a layer's maps become features `[N, D]`. They are `[N, C, h, w]` however the network keeps them; a
/// transformer's are its patches, without class and register tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Pooling {
    /// The mean of each map: D is C. What is there, wherever it is.
    #[default]
    Mean,
    /// The largest value of each map: D is C.
    Max,
    /// All values of the layer as it is, class tokens among them.
    Flatten,
}

impl Network {
    /// A layer's activations for each image, pooled, with captions, classes where the images have labels,
    /// and thumbnails (of up to 20,000 images). Batches are as large as memory allows.
    ///
    /// ```
    /// # use convscope::prelude::*;
    /// let net = zoo::digits()?;
    /// let features = net.features(&data::digits(20, 1)?, "relu2", Pooling::Mean)?;
    /// assert_eq!(features.values().size(), [20, 24]);
    /// # Ok::<(), convscope::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// An unknown layer; no images; an image that can't be read or prepared.
    pub fn features(
        &self,
        samples: &(impl Samples + ?Sized),
        layer: &str,
        pooling: Pooling,
    ) -> Result<Features> {
        let count = data::count(samples)?;
        let mut thumbnails: Vec<RgbImage> = Vec::new();
        let preprocess = self.preprocess();
        let values = self.pooled(layer, pooling, count, &preprocess.input_shape(), |range| {
            thumbnails.truncate(range.start); // a batch that finds no memory is prepared again
            // Both of one look at each image, so files need not be in memory together.
            let made = data::each(samples, range, |photo| {
                let thumbnail = (count <= MOST_THUMBNAILS).then(|| fit(photo.pixels(), THUMBNAIL));
                Ok((preprocess.values(&photo)?, thumbnail))
            })?;
            let (values, seen): (Vec<_>, Vec<_>) = made.into_iter().unzip();
            thumbnails.extend(seen.into_iter().flatten());
            preprocess.batch(values)
        })?;
        let mut features = self.described(layer, values)?;
        if let Some(title) = samples.title() {
            let title = format!("{title} in {}", features.title);
            features = features.titled(title);
        }
        if !thumbnails.is_empty() {
            features = features.thumbnails(&thumbnails)?;
        }
        let captions: Option<Vec<String>> = (0..count).map(|at| samples.caption(at)).collect();
        if let Some(captions) = captions {
            features = features.labels(&captions)?;
        }
        let Some(labels) = data::labels(samples)? else { return Ok(features) };
        let labels: Vec<i64> = labels.into_iter().map(|label| label as i64).collect();
        let labels = Tensor::f_from_slice(&labels).map_err(failed)?;
        match samples.class_names() {
            [] => features.classes(&labels, &self.names_for(&labels)?),
            names => features.classes(&labels, names),
        }
    }

    /// The same for images prepared for the network, `[N, C, H, W]`: features `[N, D]` on the
    /// network's device.
    pub fn features_tensor(
        &self,
        images: &Tensor,
        layer: &str,
        pooling: Pooling,
    ) -> Result<Tensor> {
        let _ = self.shapes(&images.size())?;
        let size = images.size();
        self.pooled(layer, pooling, size[0] as usize, &size[1..], |range| {
            images.f_narrow(0, range.start as i64, range.len() as i64).map_err(failed)
        })
    }

    /// Runs `count` pictures `[C, H, W]` in batches, of which `prepared` gives each.
    fn pooled(
        &self,
        layer: &str,
        pooling: Pooling,
        count: usize,
        picture: &[i64],
        mut prepared: impl FnMut(Range<usize>) -> Result<Tensor>,
    ) -> Result<Tensor> {
        let (at, layer) = (self.find(layer)?, self.layer(layer)?.name.clone());
        if count == 0 {
            return Err(Error::Argument(format!(
                "features of `{layer}`: there are no pictures; at least one is needed"
            )));
        }
        let fast = self.fast_until(&[at])?;
        let bytes = self.bytes(&[&[1], picture].concat(), Kind::Float, false)?;
        let mut batches = Batches::new(count, bytes, MOST, self.device());
        let mut progress = Progress::new(format!("features of `{layer}`"));
        let mut values = Vec::new();
        loop {
            let batch = batches.next(|range| {
                let input = prepared(range)?;
                let value = tch::no_grad(|| fast.forward(&input))?;
                if pooling == Pooling::Flatten {
                    return value.f_flatten(1, -1).map_err(failed);
                }
                pooling.of(&self.units(at, &input.size())?.of(&value)?).map_err(failed)
            })?;
            let Some(batch) = batch else { break };
            values.push(batch);
            let done = batches.done();
            progress.step(done, count, || format!("{done} of {count} pictures"));
            progress.check(done, count)?;
        }
        Tensor::f_cat(&values, 0).map_err(failed)
    }

    fn described(&self, layer: &str, values: Tensor) -> Result<Features> {
        let layer = &self.layer(layer)?.name;
        Ok(Features::new(&values)?.titled(format!("{} at `{layer}`", self.name())))
    }

    /// The names of the classes, if they are those of this network.
    fn names_for(&self, classes: &Tensor) -> Result<Vec<String>> {
        if classes.numel() == 0 {
            return Ok(Vec::new());
        }
        let most = classes.f_max().and_then(|most| most.f_int64_value(&[])).map_err(failed)?;
        let known = self.classes().len() as i64 > most;
        Ok(if known { self.classes().to_vec() } else { Vec::new() })
    }
}

impl Pooling {
    /// Of maps `[N, C, h, w]`.
    fn of(self, maps: &Tensor) -> super::Torch<Tensor> {
        match self {
            Pooling::Mean => maps.f_mean_dim([2_i64, 3].as_slice(), false, maps.kind()),
            Pooling::Max => maps.f_amax([2, 3], false),
            Pooling::Flatten => maps.f_flatten(1, -1),
        }
    }
}

fn failed(error: tch::TchError) -> Error {
    Error::torch("collecting features")(error)
}
