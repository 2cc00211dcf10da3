//! What a picture is occluded with: patches of a size, from place to place, and what fills them.

use std::time::Duration;

use tch::{Kind, TchError, Tensor};

use super::Measure;
use crate::random::Random;
use crate::{Error, Result};

/// What patches are filled with.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Fill {
    /// 0 in the network's normalised input: ImageNet's mean colour for its networks.
    #[default]
    Zero,
    /// The picture's own mean colour.
    Mean,
    /// The picture, blurred.
    Blur,
    /// Noise of the picture's mean and deviation, by this seed.
    Noise(u64),
}

/// How a picture is occluded. Sizes are `[height, width]` in the network's input.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Patches {
    /// The patch.
    pub size: [i64; 2],
    /// From one place to the next.
    pub stride: [i64; 2],
    /// What covers the picture.
    pub fill: Fill,
    /// What is compared with and without the patch.
    pub measure: Measure,
    /// After this time the places that are left stay blank.
    pub at_most: Option<Duration>,
}

impl Patches {
    /// Square patches, each half a patch from the last.
    pub fn new(size: i64) -> Patches {
        Patches {
            size: [size; 2],
            stride: [(size / 2).max(1); 2],
            fill: Fill::Zero,
            measure: Measure::Score,
            at_most: None,
        }
    }

    /// Sets the distance from one place to the next.
    pub fn stride(mut self, stride: i64) -> Patches {
        self.stride = [stride; 2];
        self
    }

    /// Sets what covers the picture.
    pub fn fill(mut self, fill: Fill) -> Patches {
        self.fill = fill;
        self
    }

    /// Sets what is compared: the score, or a class's probability.
    pub fn measure(mut self, measure: Measure) -> Patches {
        self.measure = measure;
        self
    }

    /// Bounds the time; a batch of places that was begun is finished.
    pub fn at_most(mut self, time: Duration) -> Patches {
        self.at_most = Some(time);
        self
    }

    /// The places along one direction: each patch's first and last pixel but one. The last patch may
    /// be cut by the border, so that no pixel is left out.
    pub(super) fn places(&self, d: usize, size: i64) -> Vec<[i64; 2]> {
        let count =
            (size - self.size[d] + self.stride[d] - 1).div_euclid(self.stride[d]).max(0) + 1;
        let place = |i: i64| [i * self.stride[d], (i * self.stride[d] + self.size[d]).min(size)];
        (0..count).map(place).filter(|[from, to]| from < to).collect()
    }

    pub(super) fn check(&self, height: i64, width: i64) -> Result<()> {
        let fits = self.size[0] <= height && self.size[1] <= width;
        if fits && self.size.iter().chain(&self.stride).all(|&n| n >= 1) {
            return Ok(());
        }
        Err(Error::Argument(format!(
            "a patch of {:?} every {:?} pixels on a picture of [{height}, {width}]: \
             give sizes from 1 to the picture's",
            self.size, self.stride
        )))
    }
}

/// A picture of what covers the picture, of its shape.
pub(super) fn filler(input: &Tensor, fill: Fill) -> Result<Tensor, TchError> {
    let mean = || input.f_mean_dim([2_i64, 3].as_slice(), true, None::<Kind>);
    match fill {
        Fill::Zero => input.f_zeros_like(),
        Fill::Mean => mean()?.f_expand_as(input)?.f_contiguous(),
        Fill::Blur => {
            // Three boxes make nearly a Gaussian.
            const BOX: i64 = 11;
            let blur =
                |x: &Tensor| x.f_avg_pool2d([BOX; 2], [1, 1], [BOX / 2; 2], false, false, None);
            blur(&blur(&blur(input)?)?)
        }
        Fill::Noise(seed) => {
            let deviation = input.f_sub(&mean()?)?.f_square()?;
            let deviation = deviation.f_mean_dim([2_i64, 3].as_slice(), true, None::<Kind>)?;
            Random(seed).normal(input)?.f_mul(&deviation.f_sqrt()?)?.f_add(&mean()?)
        }
    }
}
