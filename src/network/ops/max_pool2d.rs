//! Maximum pooling.

use tch::{TchError, Tensor};

use super::operation::{Backprop, Operation, Reach, Spread};
use super::shape::{Misfit, Window, bordered, count, pooled};
use super::{Axes, Op, Read, Seen, only, window_text};
use crate::layer_kind::LayerKind;

/// The maximum of each window.
#[derive(Clone, Copy, Debug)]
pub struct MaxPool2d {
    /// Window.
    pub kernel: [i64; 2],
    /// Step.
    pub stride: [i64; 2],
    /// Border that never wins, `[before, after]` of each direction.
    pub padding: [[i64; 2]; 2],
    /// Distance between a window's values.
    pub dilation: [i64; 2],
    /// Whether a last window may reach over the edge, so that no value is left out.
    pub ceil: bool,
}

impl MaxPool2d {
    fn window(&self) -> Window {
        let MaxPool2d { kernel, stride, padding, dilation, ceil } = *self;
        Window { kernel, stride, padding, dilation, ceil }
    }
}

impl Operation for MaxPool2d {
    fn name(&self) -> &'static str {
        "MaxPool2d"
    }

    fn shape(&self, inputs: &[&[i64]]) -> Result<Vec<i64>, Misfit> {
        pooled(&self.window(), inputs)
    }

    fn compute(&self, inputs: &[&Tensor], _training: bool) -> Result<Tensor, TchError> {
        let MaxPool2d { kernel, stride, dilation, ceil, .. } = *self;
        let (x, window) = (only(inputs)?, self.window());
        match window.known_to_libtorch() {
            Some(padding) => x.f_max_pool2d(kernel, stride, padding, dilation, ceil),
            None => {
                let x = bordered(x, window.sides(x)?, f64::NEG_INFINITY)?;
                x.f_max_pool2d(kernel, stride, [0, 0], dilation, false)
            }
        }
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

    fn axes(&self, x: &Axes, _others: &[&Axes], output: &[i64]) -> Axes {
        x.windows(output, false)
    }

    fn receptive_field(&self, read: &Read<'_>) -> Seen {
        read.windows(self.kernel, self.stride, self.padding.map(|side| side[0]), self.dilation)
    }

    fn spread(&self) -> Spread {
        let MaxPool2d { kernel, stride, padding, dilation, .. } = *self;
        let span = [0, 1].map(|d| dilation[d] * (kernel[d] - 1) + 1);
        let unpadded = Op::MaxPool2d(MaxPool2d { padding: [[0; 2]; 2], ceil: false, ..*self });
        let (padding, border) = (padding.map(|side| side[0]), f64::NEG_INFINITY);
        Spread::Windows(Reach { span, stride, padding, border, unpadded })
    }

    fn backprop(&self) -> Backprop {
        Backprop::Usual
    }
}
