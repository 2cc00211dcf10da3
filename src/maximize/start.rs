//! From what image the ascent starts.

use tch::{Device, Kind, TchError, Tensor};

use super::Maximize;
use super::image::Images;
use super::pictures::values;
use crate::error::shape_text;
use crate::limits::position;
use crate::network::Network;
use crate::{Error, Photo, Result};

/// From what image the ascent starts.
#[derive(Debug, Default)]
#[non_exhaustive]
pub enum Start {
    /// Weak noise around gray, of the seed.
    #[default]
    Noise,
    /// Gray.
    Gray,
    /// A photo, prepared as the network wants it, in the size of the image: DeepDream.
    Photo(Photo),
    /// Images `[C, H, W]` or `[N, C, H, W]` of values from 0 to 1, of the size of those to be made; one
    /// serves for all.
    Images(Tensor),
}

impl Clone for Start {
    fn clone(&self) -> Start {
        match self {
            Start::Noise => Start::Noise,
            Start::Gray => Start::Gray,
            Start::Photo(photo) => Start::Photo(photo.clone()),
            Start::Images(images) => Start::Images(images.shallow_clone()),
        }
    }
}

impl Start {
    /// [`Start::Images`], without taking the tensor.
    pub fn images(images: &Tensor) -> Start {
        Start::Images(images.shallow_clone())
    }
}

/// The parameters to begin with.
pub(super) fn started(
    net: &Network,
    options: &Maximize,
    images: &Images,
    [batch, channels, height, width]: [i64; 4],
    first: usize,
    kind: (Kind, Device),
) -> Result<Tensor> {
    if matches!(&options.start, Start::Images(images) if !images.defined()) {
        return Err(Error::Argument("the images to start from are an undefined tensor".to_owned()));
    }
    let given = match &options.start {
        Start::Noise => return images.noise(options.seed, first, kind),
        Start::Gray => Tensor::f_full([1, channels, height, width], 0.5, kind),
        Start::Photo(photo) => Ok(values(net, photo, [height, width])?),
        Start::Images(given) if given.dim() == 3 => given.f_unsqueeze(0),
        Start::Images(given) => {
            let count = given.size().first().copied().unwrap_or_default();
            let rows = batch.min(count - position(first));
            if count > 1 { given.f_narrow(0, first as i64, rows) } else { given.f_detach() }
        }
    };
    let given = given.map_err(failed)?;
    let size = given.size();
    if size.get(1..) != Some(&[channels, height, width]) || ![1, batch].contains(&size[0]) {
        return Err(Error::Shape {
            at: "images to start from".to_owned(),
            expected: shape_text(&[batch, channels, height, width]),
            got: shape_text(&size),
            remedy: "`.size(height, width)` sets the size of the images to be made.".to_owned(),
        });
    }
    let ready = given
        .f_to_kind(kind.0)
        .and_then(|given| given.f_to_device(kind.1)?.f_expand([batch, -1, -1, -1], false));
    images.of(&ready.map_err(failed)?)?.f_detach_copy().map_err(failed)
}

fn failed(error: TchError) -> Error {
    Error::torch("starting from an image")(error)
}
