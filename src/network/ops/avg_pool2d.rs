//! Average pooling.

use tch::{TchError, Tensor};

use super::operation::{Backprop, Operation, Reach, Spread};
use super::shape::{Misfit, Window, count, pooled};
use super::{Op, Read, Seen, only, window_text};
use crate::layer_kind::LayerKind;

/// The mean of each window.
#[derive(Clone, Copy, Debug)]
pub struct AvgPool2d {
    /// Window.
    pub kernel: [i64; 2],
    /// Step.
    pub stride: [i64; 2],
    /// Border on each side.
    pub padding: [i64; 2],
    /// Whether a last window may reach over the edge, so that no value is left out.
    pub ceil: bool,
    /// Whether the border counts, as zeros (PyTorch's default), or not at all.
    pub count_padding: bool,
}

impl Operation for AvgPool2d {
    fn name(&self) -> &'static str {
        "AvgPool2d"
    }

    fn shape(&self, inputs: &[&[i64]]) -> Result<Vec<i64>, Misfit> {
        let AvgPool2d { kernel, stride, padding, ceil, .. } = *self;
        pooled(&Window { kernel, stride, padding, dilation: [1, 1], ceil }, inputs)
    }

    fn compute(&self, inputs: &[&Tensor], _training: bool) -> Result<Tensor, TchError> {
        let AvgPool2d { kernel, stride, padding, ceil, count_padding } = self;
        only(inputs)?.f_avg_pool2d(kernel, stride, padding, *ceil, *count_padding, None)
    }

    fn terms(&self, _inputs: &[&[i64]]) -> u64 {
        0
    }

    fn reads(&self, _inputs: &[&[i64]]) -> u64 {
        count(&self.kernel)
    }

    fn kind(&self) -> LayerKind {
        LayerKind::Pooling
    }

    fn summary(&self) -> String {
        format!("{}{}", self.name(), window_text(self.kernel, self.stride))
    }

    fn receptive_field(&self, read: &Read<'_>) -> Seen {
        read.windows(self.kernel, self.stride, self.padding, [1, 1])
    }

    /// Where the border does not count, windows at the border divide by less.
    fn spread(&self) -> Spread {
        let AvgPool2d { kernel, stride, padding, ceil, count_padding } = *self;
        if ceil || !(count_padding || padding == [0, 0]) {
            return Spread::Everywhere;
        }
        let unpadded = AvgPool2d { padding: [0, 0], count_padding: true, ..*self };
        let unpadded = Op::AvgPool2d(unpadded);
        Spread::Windows(Reach { span: kernel, stride, padding, border: 0.0, unpadded })
    }

    fn backprop(&self) -> Backprop {
        Backprop::Usual
    }
}
