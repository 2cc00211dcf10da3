//! Small random movements of the image at each step, so that what is found doesn't hang on single
//! pixels.
//!
//! Olah, Mordvintsev, Schubert, "Feature Visualization", Distill, 2017
//! ([doi:10.23915/distill.00007](https://doi.org/10.23915/distill.00007)).

use tch::{TchError, Tensor};

use crate::random::Random;
use crate::{Error, Result};

/// How the image is moved before the network gets it: shifted, scaled and turned about its middle, then
/// shifted again, other amounts for each step and each image. All of that is one resampling
/// (bilinear). What the network gets has the image's size, plus padding.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Robust {
    /// How many pixels beyond the image are seen on each side. The network gets images
    /// larger by twice as many: leave it at 0 for networks that take one size only.
    pub pad: u32,
    /// What lies beyond the image.
    pub beyond: Beyond,
    /// The range of the first shift in pixels: 8 is from 4 to the left to 4 to the right.
    pub jitter: u32,
    /// The range of sizes: 0.9 to 1.1.
    pub scale: [f64; 2],
    /// The largest turn to either side, in degrees.
    pub rotate: f64,
    /// The range of the shift after that.
    pub jitter_after: u32,
}

/// What lies beyond the edges of the image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Beyond {
    /// Gray, 0.5.
    #[default]
    Gray,
    /// The image mirrored.
    Mirror,
}

const GRAY: f64 = 0.5;

impl Robust {
    /// The image as it is.
    pub const NONE: Robust = Robust {
        pad: 0,
        beyond: Beyond::Gray,
        jitter: 0,
        scale: [1.0, 1.0],
        rotate: 0.0,
        jitter_after: 0,
    };

    /// Lucid's amounts for images of 224×224: shifts of 8 and 4 pixels, sizes from 0.9 to 1.1, turns up
    /// to 10 degrees.
    pub const LUCID: Robust =
        Robust { jitter: 8, scale: [0.9, 1.1], rotate: 10.0, jitter_after: 4, ..Robust::NONE };

    pub(super) fn check(&self) -> Result<()> {
        let [low, high] = self.scale;
        if [self.pad, self.jitter, self.jitter_after].iter().any(|&pixels| pixels > 1 << 16) {
            return Err(Error::Argument(format!(
                "padding by {} pixels and shifts of {} and {}: give at most 65536",
                self.pad, self.jitter, self.jitter_after
            )));
        }
        if !(low > 0.0 && low <= high && high.is_finite() && self.rotate.is_finite()) {
            return Err(Error::Argument(format!(
                "sizes from {low} to {high} and turns of {} degrees make no movement; sizes ascend from \
                 above 0, such as [0.9, 1.1], and turns are finite",
                self.rotate
            )));
        }
        Ok(())
    }

    /// The height and width that the network gets of images of this size.
    pub(super) fn seen(&self, [height, width]: [i64; 2]) -> [i64; 2] {
        let both = 2 * i64::from(self.pad);
        [height + both, width + both]
    }

    /// The images moved, each by its own generator's numbers; a gradient goes through.
    pub(super) fn apply(&self, images: &Tensor, random: &mut [Random]) -> Result<Tensor> {
        if *self == Robust::NONE {
            return Ok(images.shallow_clone());
        }
        let mut moved = || {
            let [batch, channels, height, width] = *images.size() else {
                return Err(TchError::Shape("images are [N, C, H, W]".to_owned()));
            };
            let [tall, wide] = self.seen([height, width]);
            let matrices: Vec<f64> = random
                .iter_mut()
                .flat_map(|random| self.draw(random).matrix([height, width], [tall, wide]))
                .collect();
            let theta = Tensor::f_from_slice(&matrices)?.f_view([batch, 2, 3])?;
            let theta = theta.f_to_kind(images.kind())?.f_to_device(images.device())?;
            let grid =
                Tensor::f_affine_grid_generator(&theta, [batch, channels, tall, wide], false)?;
            // libtorch's numbers for bilinear interpolation, and for zeros or a mirror beyond.
            match self.beyond {
                Beyond::Gray => {
                    let zero_is_gray = images.f_sub_scalar(GRAY)?;
                    zero_is_gray.f_grid_sampler(&grid, 0, 0, false)?.f_add_scalar(GRAY)
                }
                Beyond::Mirror => images.f_grid_sampler(&grid, 0, 2, false),
            }
        };
        moved().map_err(Error::torch("moving the image"))
    }

    fn draw(&self, random: &mut Random) -> Movement {
        let mut shift = |range: u32| {
            let at = random.bits() % (u64::from(range) + 1);
            at as f64 - f64::from(range / 2)
        };
        let (first, last) = (
            [shift(self.jitter), shift(self.jitter)],
            [shift(self.jitter_after), shift(self.jitter_after)],
        );
        let [low, high] = self.scale;
        let scale = low + (high - low) * f64::from(random.unit());
        let turn = self.rotate * (2.0 * f64::from(random.unit()) - 1.0);
        Movement { first, scale, turn, last }
    }
}

/// A movement, in pixels (down, right) and degrees (clockwise).
#[derive(Clone, Copy, Debug)]
struct Movement {
    first: [f64; 2],
    scale: f64,
    turn: f64,
    last: [f64; 2],
}

impl Movement {
    /// From a place in what the network gets to the place in the image that is seen there, both from
    /// -1 to 1: two rows of three.
    fn matrix(self, [height, width]: [i64; 2], [tall, wide]: [i64; 2]) -> [f64; 6] {
        let (sin, cos) = self.turn.to_radians().sin_cos();
        let (sin, cos) = (sin / self.scale, cos / self.scale);
        let [down, right] = self.last;
        // In pixels from the middle: x = cos·(x' + right) + sin·(y' + down) + first, y likewise.
        let x = cos * right + sin * down + self.first[1];
        let y = cos * down - sin * right + self.first[0];
        let half = |size: i64| size as f64 / 2.0;
        let (h, w, t, v) = (half(height), half(width), half(tall), half(wide));
        [cos * v / w, sin * t / w, x / w, -sin * v / h, cos * t / h, y / h]
    }
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind};

    use super::*;

    fn images() -> Tensor {
        let values = Tensor::arange(2 * 2 * 9 * 7, (Kind::Double, Device::Cpu));
        ((values * 12.9898).sin() * 0.4 + 0.5).view([2, 2, 9, 7])
    }

    fn generators() -> Vec<Random> {
        vec![Random(5), Random(6)]
    }

    fn moved(robust: Robust, images: &Tensor) -> Tensor {
        robust.apply(images, &mut generators()).expect("moved")
    }

    #[test]
    fn gradients_of_each_movement_agree_with_finite_differences() {
        let none = Robust::NONE;
        for robust in [
            Robust { pad: 2, ..none },
            Robust { jitter: 4, ..none },
            Robust { jitter: 4, beyond: Beyond::Mirror, ..none },
            Robust { scale: [0.7, 1.4], ..none },
            Robust { rotate: 30.0, ..none },
            Robust { pad: 1, ..Robust::LUCID },
        ] {
            let images = images().set_requires_grad(true);
            let output = moved(robust, &images);
            let weights = (output.detach() * 77.0).cos();
            let score = (&output * &weights).sum(Kind::Double);
            let gradient = Tensor::run_backward(&[&score], &[&images], false, false).remove(0);
            let value = |images: &Tensor| {
                (moved(robust, images) * &weights).sum(Kind::Double).double_value(&[])
            };
            for at in (0..images.numel() as i64).step_by(7) {
                let beside = |by: f64| {
                    let copy = images.detach().copy();
                    let _ = copy.view([-1]).get(at).f_add_scalar_(by);
                    value(&copy)
                };
                let measured = (beside(1e-6) - beside(-1e-6)) / 2e-6;
                let given = gradient.reshape([-1]).double_value(&[at]);
                assert!((measured - given).abs() < 1e-7, "{robust:?} at {at}: {measured} {given}");
            }
        }
    }

    #[test]
    fn a_whole_shift_and_padding_move_pixels_exactly() {
        let images = images();
        let padded = moved(Robust { pad: 3, ..Robust::NONE }, &images);
        let by_hand = (&images - 0.5).constant_pad_nd([3, 3, 3, 3]) + 0.5;
        assert_eq!(padded.size(), [2, 2, 15, 13]);
        let off = (&padded - &by_hand).abs().max().double_value(&[]);
        assert!(off < 1e-12, "{off}");

        let shifted = moved(Robust { jitter: 4, ..Robust::NONE }, &images);
        for (image, random) in generators().iter_mut().enumerate() {
            let [down, right] = Robust { jitter: 4, ..Robust::NONE }.draw(random).first;
            let (row, column) = (3 + down as i64, 3 + right as i64);
            let cut = by_hand.get(image as i64).narrow(1, row, 9).narrow(2, column, 7);
            let off = (shifted.get(image as i64) - cut).abs().max().double_value(&[]);
            assert!(off < 1e-12, "image {image}: {off}");
        }
    }

    #[test]
    fn a_quarter_turn_and_a_doubling_are_what_they_say() {
        let images = images().narrow(2, 0, 7);
        let quarter = Movement { first: [0.0; 2], scale: 1.0, turn: 90.0, last: [0.0; 2] };
        let sample = |movement: Movement| {
            let theta = Tensor::from_slice(&movement.matrix([7, 7], [7, 7])).view([1, 2, 3]);
            let theta = theta.expand([2, 2, 3], false);
            let grid = Tensor::affine_grid_generator(&theta, [2, 2, 7, 7], false);
            images.grid_sampler(&grid, 0, 0, false)
        };
        // Clockwise: what was at the top is at the right.
        let off = (sample(quarter) - images.rot90(-1, [2, 3])).abs().max().double_value(&[]);
        assert!(off < 1e-12, "{off}");
        let double = sample(Movement { scale: 2.0, turn: 0.0, ..quarter });
        for (y, x) in [(3, 3), (1, 5), (5, 1)] {
            let (from_y, from_x) = (3 + (y - 3) / 2, 3 + (x - 3) / 2);
            let (a, b) =
                (double.double_value(&[0, 1, y, x]), images.double_value(&[0, 1, from_y, from_x]));
            assert!((a - b).abs() < 1e-12, "{a} {b}");
        }
    }

    #[test]
    fn movements_keep_within_their_bounds() {
        let mut random = Random(1);
        for _ in 0..1000 {
            let movement = Robust::LUCID.draw(&mut random);
            assert!(movement.first.iter().all(|shift| (-4.0..=4.0).contains(shift)));
            assert!(movement.last.iter().all(|shift| (-2.0..=2.0).contains(shift)));
            assert!((0.9..=1.1).contains(&movement.scale) && movement.turn.abs() <= 10.0);
        }
        assert!(Robust { scale: [1.1, 0.9], ..Robust::NONE }.check().is_err());
        assert!(Robust { rotate: f64::NAN, ..Robust::NONE }.check().is_err());
    }
}
