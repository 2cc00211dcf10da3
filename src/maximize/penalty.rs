//! What is held against an image `[N, C, H, W]`: one number per image, `[N]`.

use tch::{TchError, Tensor};

use super::smoothing::differences;

const GRAY: f64 = 0.5;

type Outcome = Result<Tensor, TchError>;

/// The sum over everything but the batch.
pub(super) fn sum(values: &Tensor) -> Outcome {
    values.f_flatten(1, -1)?.f_sum_dim_intlist([1_i64].as_slice(), false, None)
}

/// The sum of absolute differences between neighbors, above one another and side by side.
pub(super) fn total_variation(images: &Tensor) -> Outcome {
    let along = |dim: i64| sum(&differences(images, dim)?.f_abs()?);
    along(2)?.f_add(&along(3)?)
}

pub(super) fn l1(images: &Tensor) -> Outcome {
    sum(&images.f_sub_scalar(GRAY)?.f_abs()?)
}

/// A little is added below the root, which has no slope at 0.
pub(super) fn l2(images: &Tensor) -> Outcome {
    sum(&images.f_sub_scalar(GRAY)?.f_square()?)?.f_add_scalar(1e-6)?.f_sqrt()
}

/// Half the squared distance from the blurred image, which itself counts as given.
pub(super) fn blur(images: &Tensor) -> Outcome {
    let [_, channels, ..] = *images.size() else { return sum(images) };
    let row = Tensor::f_from_slice(&[0.25_f32, 0.5, 0.25])?.f_to_kind(images.kind())?;
    let row = row.f_to_device(images.device())?;
    let kernel = row.f_outer(&row)?.f_view([1, 1, 3, 3])?.f_expand([channels, 1, 3, 3], false)?;
    let padded = images.f_detach()?.f_replication_pad2d([1, 1, 1, 1])?;
    let blurred = padded.f_conv2d(&kernel, None::<&Tensor>, [1, 1], [0, 0], [1, 1], channels)?;
    sum(&images.f_sub(&blurred)?.f_square()?)?.f_mul_scalar(0.5)
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind};

    use super::*;

    fn images() -> Tensor {
        let values = Tensor::arange(2 * 3 * 5 * 4, (Kind::Double, Device::Cpu));
        ((values * 12.9898).sin() * 0.4 + 0.5).view([2, 3, 5, 4])
    }

    /// The gradient of the sum of `f` against central differences, at every value.
    fn check(f: fn(&Tensor) -> Outcome) {
        let images = images().set_requires_grad(true);
        let score = f(&images).expect("one number per image");
        assert_eq!(score.size(), [2]);
        let score = score.sum(Kind::Double);
        let gradient = Tensor::run_backward(&[&score], &[&images], false, false).remove(0);
        let value = |images: &Tensor| {
            f(images).expect("one number per image").sum(Kind::Double).double_value(&[])
        };
        let step = 1e-6;
        for at in 0..images.numel() as i64 {
            let moved = |by: f64| {
                let copy = images.detach().copy();
                let _ = copy.view([-1]).get(at).f_add_scalar_(by);
                value(&copy)
            };
            let measured = (moved(step) - moved(-step)) / (2.0 * step);
            let given = gradient.reshape([-1]).double_value(&[at]);
            assert!((measured - given).abs() < 1e-7, "at {at}: {measured} against {given}");
        }
    }

    #[test]
    fn gradients_agree_with_finite_differences() {
        check(total_variation);
        check(l1);
        check(l2);
    }

    #[test]
    fn total_variation_of_a_ramp_and_of_gray() {
        let ramp = Tensor::arange(4, (Kind::Double, Device::Cpu)).view([1, 1, 1, 4]);
        let value = |images: &Tensor| total_variation(images).expect("TV").double_value(&[0]);
        assert_eq!(value(&ramp.expand([1, 1, 3, 4], false)), 9.0);
        assert_eq!(value(&Tensor::full([1, 3, 7, 5], 0.5, (Kind::Double, Device::Cpu))), 0.0);
        assert_eq!(value(&Tensor::ones([1, 1, 1, 1], (Kind::Double, Device::Cpu))), 0.0);
    }

    #[test]
    fn the_blur_penalty_draws_towards_the_blurred_image() {
        let images = Tensor::zeros([1, 2, 5, 5], (Kind::Double, Device::Cpu));
        let _ = images.get(0).get(1).get(2).get(2).fill_(1.0);
        let leaf = images.copy().set_requires_grad(true);
        let score = blur(&leaf).expect("blur").sum(Kind::Double);
        let gradient = Tensor::run_backward(&[&score], &[&leaf], false, false).remove(0);
        let at = |y: i64, x: i64| gradient.double_value(&[0, 1, y, x]);
        assert_eq!((at(2, 2), at(2, 1), at(1, 1), at(0, 0)), (0.75, -0.125, -0.0625, 0.0));
        assert_eq!(gradient.get(0).get(0).abs().max().double_value(&[]), 0.0);
        let flat = Tensor::full([1, 1, 4, 6], 0.3, (Kind::Double, Device::Cpu));
        assert!(blur(&flat).expect("blur").double_value(&[0]).abs() < 1e-30);
    }
}
