//! Random numbers that are the same on every machine, for one seed.

use tch::{TchError, Tensor};

/// SplitMix64: small, well mixed even from neighboring seeds, and ours, so no update changes it.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    /// 64 random bits.
    pub(crate) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Uniform in 0..1, with the 24 bits that an `f32` holds exactly.
    pub(crate) fn unit(&mut self) -> f32 {
        (self.bits() >> 40) as f32 / (1u32 << 24) as f32
    }

    /// Standard normal numbers in the shape, precision and on the device of `like`, by Box and
    /// Muller's transform.
    pub(crate) fn normal(&mut self, like: &Tensor) -> Result<Tensor, TchError> {
        let count = like.numel();
        let pairs = std::iter::repeat_with(|| {
            // 1 - unit is never 0, whose logarithm is infinite.
            let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
            let (sin, cos) = (std::f32::consts::TAU * self.unit()).sin_cos();
            [radius * cos, radius * sin]
        });
        let numbers: Vec<f32> = pairs.flatten().take(count).collect();
        let tensor = Tensor::f_from_slice(&numbers)?.f_to_device(like.device())?;
        tensor.f_to_kind(like.kind())?.f_view(like.size().as_slice())
    }

    /// A weight of variance 2 / fan-in, which keeps activations in their range through ReLUs (He et al.,
    /// 2015), and a bias of 0.
    pub(crate) fn reinitialize_weight(
        &mut self,
        weight: &mut Tensor,
        bias: Option<&mut Tensor>,
    ) -> Result<(), TchError> {
        let fan_in: i64 = weight.size().iter().skip(1).product();
        let deviation = (2.0 / fan_in.max(1) as f64).sqrt();
        *weight = self.normal(weight)?.f_mul_scalar(deviation)?;
        if let Some(bias) = bias {
            *bias = bias.f_detach()?.f_zeros_like()?;
        }
        Ok(())
    }

    /// The numbers from 0 to `count` - 1 in random order (Fisher and Yates).
    pub(crate) fn order(&mut self, count: i64) -> Vec<i64> {
        let mut order: Vec<i64> = (0..count).collect();
        for last in (1..order.len()).rev() {
            // The remainder favors small numbers by one part in 2^64 / count: nothing.
            let other = (self.bits() % (last as u64 + 1)) as usize;
            order.swap(last, other);
        }
        order
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normal_numbers_have_mean_0_and_variance_1() {
        let like = Tensor::zeros([3, 33_333], (tch::Kind::Double, tch::Device::Cpu));
        let numbers = Random(4).normal(&like).expect("numbers");
        let mean = numbers.mean(tch::Kind::Double).double_value(&[]);
        let variance = numbers.var(true).double_value(&[]);
        assert!(mean.abs() < 0.01 && (variance - 1.0).abs() < 0.02, "{mean} {variance}");
        assert_eq!(numbers.size(), like.size());
    }

    #[test]
    fn an_order_has_every_number_once() {
        let order = Random(1).order(1000);
        assert_ne!(order, Random(2).order(1000));
        assert_eq!(order, Random(1).order(1000));
        let moved = order.iter().enumerate().filter(|&(at, &number)| at as i64 != number).count();
        assert!(moved > 980, "{moved} of 1000 moved");
        let mut sorted = order;
        sorted.sort_unstable();
        assert_eq!(sorted, (0..1000).collect::<Vec<i64>>());
        assert!(Random(1).order(0).is_empty());
    }
}
