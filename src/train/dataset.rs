//! Images prepared for training, with their labels.

use std::fmt;

use tch::{Device, Kind, TchError, Tensor};

use crate::batching::free;
use crate::data::{self, Samples};
use crate::error::shape_text;
use crate::live::Progress;
use crate::network::Network;
use crate::random::Random;
use crate::{Error, Result};

/// Images ready for a network, each with the number of its class; at least one.
///
/// ```
/// # use convscope::prelude::*;
/// let images = Tensor::rand([10, 1, 28, 28], (Kind::Float, Device::Cpu));
/// let labels = Tensor::from_slice(&[0i64, 1, 0, 1, 1, 0, 0, 1, 1, 0]);
/// let (train, test) = Dataset::new(images, labels)?.split(0.7)?;
/// assert_eq!((train.len(), test.len()), (7, 3));
/// # Ok::<(), convscope::Error>(())
/// ```
pub struct Dataset {
    images: Tensor,
    labels: Tensor,
}

impl Dataset {
    /// `images` `[N, C, H, W]`, floating-point, normalized as the network wants them; `labels`
    /// `[N]`, integers of any kind, from 0.
    ///
    /// # Errors
    ///
    /// Other shapes or kinds, no images, a negative label.
    pub fn new(images: Tensor, labels: Tensor) -> Result<Dataset> {
        let (pictures, classes) = (images.size(), labels.size());
        let fits = matches!((pictures.as_slice(), classes.as_slice()),
            ([n, _, _, _], [m]) if n == m && images.numel() > 0);
        if !fits {
            return Err(Error::Shape {
                at: "a dataset".to_owned(),
                expected: "images [N, C, H, W] and labels [N], N at least 1".to_owned(),
                got: format!("images {}, labels {}", shape_text(&pictures), shape_text(&classes)),
                remedy:
                    "A missing channel axis: `.unsqueeze(1)`; one-hot labels: `.argmax(1, false)`."
                        .to_owned(),
            });
        }
        if !images.is_floating_point() {
            return Err(Error::Argument(format!(
                "a dataset: the images hold {:?}, expected floating-point numbers normalized as the \
                 network wants them, such as `(bytes.to_kind(Kind::Float) / 255.0 - mean) / std`",
                images.kind()
            )));
        }
        if labels.is_floating_point() || labels.is_complex() {
            return Err(Error::Argument(format!(
                "a dataset: the labels hold {:?}, expected whole numbers such as Kind::Int64",
                labels.kind()
            )));
        }
        let whole = labels.f_to_kind(Kind::Int64).map_err(failed)?;
        let data = Dataset { images: images.f_detach().map_err(failed)?, labels: whole };
        let (least, _) = data.label_range()?;
        if least < 0 {
            return Err(Error::Argument(format!(
                "a dataset: there is a label {least}; classes are numbered from 0"
            )));
        }
        Ok(data)
    }

    /// Labeled images, prepared as `net` wants them ([`Network::prepare`]). They then take four bytes a
    /// value, on the CPU: 188 MB for MNIST's 60,000 in a network for 28×28.
    ///
    /// ```
    /// # use convscope::prelude::*;
    /// let net = zoo::digits()?;
    /// let test = Dataset::prepare(&net, &data::digits(100, 3)?)?;
    /// assert!(net.accuracy(&test)? > 0.9);
    /// # Ok::<(), convscope::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// No images, or images without labels; a network for other than one or three channels; not enough
    /// memory for all images, which is found out before they are made.
    pub fn prepare(net: &Network, samples: &(impl Samples + ?Sized)) -> Result<Dataset> {
        const AT_ONCE: i64 = 1000;
        const PHOTOS: usize = 32;
        let count = data::count(samples)?;
        let labels = data::labels_for(net, samples)?.ok_or_else(|| {
            Error::Argument(format!(
                "a dataset needs at least one image, and a label for each; there are {count} images"
            ))
        })?;
        let images = match samples.bytes().filter(|bytes| net.preprocess().takes(&bytes.size())) {
            Some(bytes) => {
                let batches = (0..count as i64).step_by(AT_ONCE as usize).map(|start| {
                    let batch = bytes.f_narrow(0, start, AT_ONCE.min(count as i64 - start));
                    net.preprocess().of_bytes(&batch.map_err(failed)?)
                });
                prepared(net, count, batches)?
            }
            None => {
                let preprocess = net.preprocess();
                let batches = (0..count).step_by(PHOTOS).map(|start| {
                    let range = start..(start + PHOTOS).min(count);
                    preprocess.batch(data::each(samples, range, |photo| preprocess.values(&photo))?)
                });
                prepared(net, count, batches)?
            }
        };
        let labels: Vec<i64> = labels.into_iter().map(|label| label as i64).collect();
        Dataset::new(images, Tensor::f_from_slice(&labels).map_err(failed)?)
    }

    /// The number of images.
    #[allow(clippy::len_without_is_empty)] // there is at least one
    pub fn len(&self) -> usize {
        self.labels.numel()
    }

    /// The images, `[N, C, H, W]`.
    pub fn images(&self) -> &Tensor {
        &self.images
    }

    /// The labels, `[N]`, `Kind::Int64`.
    pub fn labels(&self) -> &Tensor {
        &self.labels
    }

    /// Two parts without a common image, the first with this `fraction` of them; drawn at random,
    /// the same way at each call.
    ///
    /// # Errors
    ///
    /// A fraction that leaves one part empty.
    pub fn split(&self, fraction: f64) -> Result<(Dataset, Dataset)> {
        const SEED: u64 = 0;
        let count = self.len();
        let first = (fraction * count as f64).round();
        if !(first >= 1.0 && first < count as f64) {
            return Err(Error::Argument(format!(
                "splitting {count} images at {fraction} leaves one part empty; \
                 the fraction lies between 0 and 1, such as 0.9"
            )));
        }
        let order = Random(SEED).order(count as i64);
        let (first, second) = order.split_at(first as usize);
        Ok((self.chosen(first)?, self.chosen(second)?))
    }

    /// The images of these indices, with their labels.
    pub(super) fn chosen(&self, indices: &[i64]) -> Result<Dataset> {
        let chosen = |indices: Tensor| {
            Ok(Dataset {
                images: self
                    .images
                    .f_index_select(0, &indices.f_to_device(self.images.device())?)?,
                labels: self
                    .labels
                    .f_index_select(0, &indices.f_to_device(self.labels.device())?)?,
            })
        };
        Tensor::f_from_slice(indices).and_then(chosen).map_err(failed)
    }

    /// `count` images from `start` on, without copying.
    pub(super) fn part(&self, start: i64, count: i64) -> Result<Dataset> {
        let images = self.images.f_narrow(0, start, count).map_err(failed)?;
        let labels = self.labels.f_narrow(0, start, count).map_err(failed)?;
        Ok(Dataset { images, labels })
    }

    /// The smallest and the largest label.
    pub(super) fn label_range(&self) -> Result<(i64, i64)> {
        let (least, most) = self.labels.f_aminmax(None::<i64>, false).map_err(failed)?;
        let number = |tensor: Tensor| tensor.f_int64_value(&[]).map_err(failed);
        Ok((number(least)?, number(most)?))
    }
}

impl Clone for Dataset {
    /// The same data, not a copy of it.
    fn clone(&self) -> Self {
        Dataset { images: self.images.shallow_clone(), labels: self.labels.shallow_clone() }
    }
}

impl fmt::Debug for Dataset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Dataset: {} images {}", self.len(), shape_text(&self.images.size()))?;
        match self.label_range() {
            Ok((least, most)) => write!(f, ", labels {least} to {most}"),
            Err(_) => Ok(()),
        }
    }
}

/// `count` inputs of a network, which come some at a time, in memory that is taken at once.
fn prepared(
    net: &Network,
    count: usize,
    parts: impl Iterator<Item = Result<Tensor>>,
) -> Result<Tensor> {
    let [channels, height, width] = net.preprocess().input_shape();
    let whole = [count as i64, channels, height, width];
    let bytes = 4.0 * whole.iter().map(|&size| size as f64).product::<f64>();
    let free = free(Device::Cpu) as f64;
    if bytes > free {
        return Err(Error::Argument(format!(
            "a dataset: the images {} for {} take {:.1} GB, and {:.1} GB are free. \
             Take fewer: `.first(1000)`.",
            shape_text(&whole),
            net.name(),
            bytes / 1e9,
            free / 1e9
        )));
    }
    let images = Tensor::f_empty(whole, (Kind::Float, Device::Cpu)).map_err(failed)?;
    let mut progress = Progress::new("preparing images");
    let mut done = 0;
    for part in parts {
        let part = part?;
        let size = part.size().first().copied().unwrap_or(0);
        let place = images.f_narrow(0, done, size);
        place.and_then(|mut place| place.f_copy_(&part)).map_err(failed)?;
        done += size;
        progress.step(done as usize, count, || format!("{done} of {count}"));
        progress.check(done as usize, count)?;
    }
    Ok(images)
}

fn failed(error: TchError) -> Error {
    Error::torch("making a dataset")(error)
}
