//! What an image is occluded with: patches of a size, from place to place, and what fills them.

use std::time::Duration;

use tch::{Kind, TchError, Tensor};

use super::Measure;
use crate::limits::position;
use crate::random::Random;
use crate::{Error, Result};

/// What stands in for the pixels that are taken away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Baseline {
    /// 0 in the network's normalized input: ImageNet's mean color for its networks.
    #[default]
    Zero,
    /// The image's own mean color.
    Mean,
    /// The image, blurred.
    Blur,
    /// Noise of the image's mean and deviation, by this seed.
    Noise(u64),
}

/// Occlusion: an image covered patch by patch. Sizes are `[height, width]` in the network's input.
///
/// As a method its map is, at each pixel, the mean drop of the score over the patches that cover it,
/// `[N, H, W]`; [`occlusion`](super::occlusion) shows each patch by itself.
///
/// ```
/// use convscope::prelude::*;
/// let patches = Patches::new(6).stride(2).baseline(Baseline::Mean);
/// let map = patches.explain(&zoo::digits()?, &data::digit(4, 2)?, Target::Top)?;
/// assert_eq!(map.values().shape(), [28, 28]);
/// # Ok::<(), convscope::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Patches {
    pub(super) size: [i64; 2],
    pub(super) stride: [i64; 2],
    pub(super) baseline: Baseline,
    pub(super) measure: Measure,
    pub(super) time_limit: Option<Duration>,
}

impl Patches {
    /// Square patches, each half a patch from the last.
    pub fn new(size: usize) -> Patches {
        Patches::sized([size; 2])
    }

    /// Patches `[height, width]`, each half a patch from the last.
    pub fn sized(size: [usize; 2]) -> Patches {
        let size = size.map(position);
        Patches {
            size,
            stride: size.map(|side| (side / 2).max(1)),
            baseline: Baseline::Zero,
            measure: Measure::Score,
            time_limit: None,
        }
    }

    /// Sets the distance from one patch to the next, along both directions.
    #[must_use]
    pub fn stride(self, stride: usize) -> Patches {
        self.strides([stride; 2])
    }

    /// Sets the distances from one patch to the next, `[down, right]`.
    #[must_use]
    pub fn strides(mut self, strides: [usize; 2]) -> Patches {
        self.stride = strides.map(position);
        self
    }

    /// Sets what covers the image.
    #[must_use]
    pub fn baseline(mut self, baseline: Baseline) -> Patches {
        self.baseline = baseline;
        self
    }

    /// Sets what is compared with and without the patch: the score, or a class's probability.
    #[must_use]
    pub fn measure(mut self, measure: Measure) -> Patches {
        self.measure = measure;
        self
    }

    /// After this time the places that are left stay blank; a batch of places that was begun is
    /// finished.
    #[must_use]
    pub fn time_limit(mut self, time: Duration) -> Patches {
        self.time_limit = Some(time);
        self
    }

    /// The half-open pixel range of each patch along one axis. The last patch may be cut by the border,
    /// so that no pixel is left out.
    pub(super) fn places(&self, d: usize, size: i64) -> Vec<[i64; 2]> {
        let count = (size - self.size[d])
            .saturating_add(self.stride[d] - 1)
            .div_euclid(self.stride[d])
            .max(0)
            + 1;
        let place = |i: i64| {
            let from = i.saturating_mul(self.stride[d]);
            [from, from.saturating_add(self.size[d]).min(size)]
        };
        (0..count).map(place).filter(|[from, to]| from < to).collect()
    }

    pub(super) fn check(&self, height: i64, width: i64) -> Result<()> {
        let fits = self.size[0] <= height && self.size[1] <= width;
        if fits && self.size.iter().chain(&self.stride).all(|&n| n >= 1) {
            return Ok(());
        }
        Err(Error::Argument(format!(
            "a patch of {:?} every {:?} pixels on an image of [{height}, {width}]: \
             give sizes from 1 to the image's",
            self.size, self.stride
        )))
    }
}

/// What stands in for each pixel of images `[N, C, H, W]`, of the same shape.
pub(crate) fn baseline(input: &Tensor, baseline: Baseline) -> Result<Tensor, TchError> {
    let mean = || input.f_mean_dim([2_i64, 3].as_slice(), true, None::<Kind>);
    match baseline {
        Baseline::Zero => input.f_zeros_like(),
        Baseline::Mean => mean()?.f_expand_as(input)?.f_contiguous(),
        Baseline::Blur => {
            // Three boxes make nearly a Gaussian.
            const BOX: i64 = 11;
            let blur =
                |x: &Tensor| x.f_avg_pool2d([BOX; 2], [1, 1], [BOX / 2; 2], false, false, None);
            blur(&blur(&blur(input)?)?)
        }
        Baseline::Noise(seed) => {
            let deviation = input.f_sub(&mean()?)?.f_square()?;
            let deviation = deviation.f_mean_dim([2_i64, 3].as_slice(), true, None::<Kind>)?;
            Random(seed).normal(input)?.f_mul(&deviation.f_sqrt()?)?.f_add(&mean()?)
        }
    }
}
