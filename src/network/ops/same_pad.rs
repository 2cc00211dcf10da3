//! The border that gives a window as many places as its steps divide the picture into.

use tch::{TchError, Tensor};

use super::operation::{Backprop, Operation};
use super::shape::{Misfit, at_least_one, four, one};
use super::{Axes, Read, Seen, only};
use crate::layer_kind::LayerKind;

/// A border around a picture `[N, C, H, W]` after which a convolution or a pooling gives
/// ⌈size / stride⌉ values, as TensorFlow's `SAME` has it: how wide depends on the picture's size.
#[derive(Clone, Copy, Debug)]
pub struct SamePad {
    /// The window.
    pub kernel: [i64; 2],
    /// Its step.
    pub stride: [i64; 2],
    /// The distance of its values.
    pub dilation: [i64; 2],
    /// Whether an odd border has its larger half in front (ONNX's `SAME_LOWER`) instead of behind.
    pub lower: bool,
    /// What stands in it.
    pub value: f64,
}

impl SamePad {
    /// What is added before and after, in direction `d` of a picture of that size.
    pub(crate) fn amounts(&self, d: usize, size: i64) -> [i64; 2] {
        let places = (size + self.stride[d] - 1) / self.stride[d];
        let span = (self.kernel[d] - 1) * self.dilation[d] + 1;
        let all = ((places - 1) * self.stride[d] + span - size).max(0);
        let (less, more) = (all / 2, all - all / 2);
        if self.lower { [more, less] } else { [less, more] }
    }
}

impl Operation for SamePad {
    fn name(&self) -> &'static str {
        "pad_same"
    }

    fn shape(&self, inputs: &[&[i64]]) -> Result<Vec<i64>, Misfit> {
        let [n, c, h, w] = four(one(inputs)?)?;
        at_least_one([self.kernel, self.stride, self.dilation].concat())?;
        let padded = |d: usize, size: i64| size + self.amounts(d, size).iter().sum::<i64>();
        Ok(vec![n, c, padded(0, h), padded(1, w)])
    }

    fn compute(&self, inputs: &[&Tensor], _training: bool) -> Result<Tensor, TchError> {
        let x = only(inputs)?;
        let [.., h, w] = x.size()[..] else {
            return Err(TchError::Shape("a picture is needed".to_owned()));
        };
        let [[top, bottom], [left, right]] = [self.amounts(0, h), self.amounts(1, w)];
        x.f_pad([left, right, top, bottom], "constant", self.value)
    }

    fn terms(&self, _inputs: &[&[i64]]) -> u64 {
        0
    }

    fn kind(&self) -> LayerKind {
        LayerKind::Other
    }

    fn axes(&self, x: &Axes, _others: &[&Axes], output: &[i64]) -> Axes {
        x.windows(output, false)
    }

    fn receptive_field(&self, read: &Read<'_>) -> Seen {
        match read.dim().checked_sub(2) {
            Some(d @ (0 | 1)) => read.behind(1, 1, self.amounts(d, read.size())[0], 1),
            _ => read.seen,
        }
    }

    fn backprop(&self) -> Backprop {
        Backprop::Usual
    }
}

#[cfg(test)]
mod tests {
    use super::SamePad;

    #[test]
    fn borders_as_tensorflow_has_them() {
        let pad = |kernel, stride, dilation, lower| SamePad {
            kernel: [kernel; 2],
            stride: [stride; 2],
            dilation: [dilation; 2],
            lower,
            value: 0.0,
        };
        for (kernel, stride, dilation, lower, size, expected) in [
            (3, 2, 1, false, 224, [0, 1]),
            (3, 2, 1, true, 224, [1, 0]),
            (3, 2, 1, false, 225, [1, 1]),
            (7, 2, 1, false, 224, [2, 3]),
            (3, 1, 2, false, 9, [2, 2]),
            (1, 2, 1, false, 9, [0, 0]),
        ] {
            let found = pad(kernel, stride, dilation, lower).amounts(0, size);
            assert_eq!(found, expected, "kernel {kernel}, stride {stride}, size {size}");
        }
    }
}
