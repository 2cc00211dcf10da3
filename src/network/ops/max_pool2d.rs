//! Maximum pooling.

use tch::{TchError, Tensor};

use super::operation::{Backprop, Operation, Reach, Spread};
use super::shape::{Misfit, Window, count, pooled};
use super::{Op, Read, Seen, only, window_text};
use crate::layer_kind::LayerKind;

/// The maximum of each window.
#[derive(Clone, Copy, Debug)]
pub struct MaxPool2d {
    /// Window.
    pub kernel: [i64; 2],
    /// Step.
    pub stride: [i64; 2],
    /// Border that never wins.
    pub padding: [i64; 2],
    /// Whether a last window may reach over the edge, so that no value is left out.
    pub ceil: bool,
}

impl Operation for MaxPool2d {
    fn name(&self) -> &'static str {
        "MaxPool2d"
    }

    fn shape(&self, inputs: &[&[i64]]) -> Result<Vec<i64>, Misfit> {
        let MaxPool2d { kernel, stride, padding, ceil } = *self;
        pooled(&Window { kernel, stride, padding, dilation: [1, 1], ceil }, inputs)
    }

    fn compute(&self, inputs: &[&Tensor], _training: bool) -> Result<Tensor, TchError> {
        only(inputs)?.f_max_pool2d(self.kernel, self.stride, self.padding, [1, 1], self.ceil)
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

    fn spread(&self) -> Spread {
        let MaxPool2d { kernel, stride, padding, .. } = *self;
        let unpadded = Op::MaxPool2d(MaxPool2d { kernel, stride, padding: [0, 0], ceil: false });
        let border = f64::NEG_INFINITY;
        Spread::Windows(Reach { span: kernel, stride, padding, border, unpadded })
    }

    fn backprop(&self) -> Backprop {
        Backprop::Usual
    }
}
