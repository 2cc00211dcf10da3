//! Less total variation in an image of pixels, whatever the weight.
//!
//! A step of fixed length against the gradient of the total variation overshoots where neighbors differ by
//! less than the step, and leaves a checkerboard there: the larger the weight, the more variation. Here
//! the weight is exact: an image `y` becomes the `x` that minimizes ½·‖x − y‖² + λ·TV(x), by
//! projected gradients on the dual. Chambolle, "An Algorithm for Total Variation Minimization and
//! Applications", 2004 ([doi:10.1023/B:JMIV.0000011325.36760.1e](https://doi.org/10.1023/B:JMIV.0000011325.36760.1e)),
//! with the sum of absolute differences down and across as TV.

use tch::{TchError, Tensor};

/// The longest step that never overshoots in a plane of pixels.
const STEP: f64 = 1.0 / 8.0;
/// The dual goes on from step to step of the ascent, so a few rounds each time do.
const ROUNDS: usize = 10;

/// What pulls on neighboring pixels, from step to step: what flows down, `[N, C, H - 1, W]`, and across,
/// `[N, C, H, W - 1]`, never more than λ.
#[derive(Debug)]
pub(super) struct Smoothing {
    flows: [Tensor; 2],
}

impl Clone for Smoothing {
    fn clone(&self) -> Smoothing {
        Smoothing { flows: self.flows.each_ref().map(Tensor::shallow_clone) }
    }
}

impl Smoothing {
    /// For images `[N, C, H, W]`.
    pub(super) fn new(images: &Tensor) -> Result<Smoothing, TchError> {
        Ok(Smoothing {
            flows: [
                differences(images, 2)?.f_zeros_like()?,
                differences(images, 3)?.f_zeros_like()?,
            ],
        })
    }

    /// The images with their total variation, weighted by `weight`, taken into account.
    pub(super) fn smooth(&mut self, images: &Tensor, weight: f64) -> Result<Tensor, TchError> {
        for _ in 0..ROUNDS {
            let smooth = self.apply(images)?;
            for (flow, dim) in self.flows.iter_mut().zip([2, 3]) {
                let steeper = differences(&smooth, dim)?.f_mul_scalar(STEP)?.f_add(flow)?;
                *flow = steeper.f_clamp(-weight, weight)?;
            }
        }
        self.apply(images)
    }

    /// Takes from each pixel what flows out of it and adds what flows in.
    fn apply(&self, images: &Tensor) -> Result<Tensor, TchError> {
        let smooth = images.f_detach_copy()?;
        for (flow, dim) in self.flows.iter().zip([2, 3]) {
            let length = flow.size().get(dim as usize).copied().unwrap_or_default();
            let _ = smooth.f_narrow(dim, 0, length)?.f_add_(flow)?;
            let _ = smooth.f_narrow(dim, 1, length)?.f_sub_(flow)?;
        }
        Ok(smooth)
    }
}

/// Each pixel less the one before it along a dimension.
pub(super) fn differences(images: &Tensor, dim: i64) -> Result<Tensor, TchError> {
    let length = images.size().get(dim as usize).map_or(0, |&size| (size - 1).max(0));
    images.f_narrow(dim, 1, length)?.f_sub(&images.f_narrow(dim, 0, length)?)
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind};

    use super::*;
    use crate::maximize::penalty::total_variation;

    const CPU: (Kind, Device) = (Kind::Double, Device::Cpu);

    fn smoothed(images: &Tensor, weight: f64, times: usize) -> Tensor {
        let mut smoothing = Smoothing::new(images).expect("flows");
        let mut smooth = images.shallow_clone();
        (0..times).for_each(|_| smooth = smoothing.smooth(images, weight).expect("an image"));
        smooth
    }

    #[test]
    fn a_step_edge_loses_height_by_the_weight_over_the_width() {
        // The exact solution for 3 pixels beside 5: both plateaus move by λ over their widths.
        let edge = Tensor::from_slice(&[0., 0., 0., 1., 1., 1., 1., 1.0_f64]).view([1, 1, 1, 8]);
        let smooth = smoothed(&edge, 0.3, 100);
        for (at, value) in [(0, 0.1), (2, 0.1), (3, 0.94), (7, 0.94)] {
            assert!((smooth.double_value(&[0, 0, 0, at]) - value).abs() < 1e-9, "{at}");
        }
        let flat = smoothed(&edge, 100.0, 1000);
        assert!((flat - 0.625).abs().max().double_value(&[]) < 1e-6, "the mean remains");
    }

    #[test]
    fn more_weight_leaves_less_variation() {
        tch::manual_seed(1);
        let noise = Tensor::rand([2, 3, 9, 14], CPU);
        let left = |weight: f64| {
            let smooth = smoothed(&noise, weight, 1);
            total_variation(&smooth).expect("TV").sum(Kind::Double).double_value(&[])
        };
        let all: Vec<f64> = [0.0, 0.001, 0.01, 0.1, 0.5, 2.0].map(left).to_vec();
        assert!(all.is_sorted_by(|more, less| more >= less) && all[1] < all[0], "{all:?}");
        assert!(all[4] < 0.4 * all[0], "{all:?}");
    }

    #[test]
    fn single_rows_and_single_pixels_have_no_neighbors() {
        for shape in [[1, 1, 1, 1], [2, 3, 1, 5], [1, 1, 7, 1]] {
            let images = Tensor::rand(shape, CPU);
            assert_eq!(smoothed(&images, 0.1, 2).size(), shape);
        }
    }
}
