//! Average pooling.

use tch::{TchError, Tensor};

use super::operation::{Backprop, Operation, Reach, Spread};
use super::shape::{Misfit, Window, bordered, count, pooled};
use super::{Axes, Op, Read, Seen, only, window_text};
use crate::layer_kind::LayerKind;

/// The mean of each window.
#[derive(Clone, Copy, Debug)]
pub struct AvgPool2d {
    /// Window.
    pub kernel: [i64; 2],
    /// Step.
    pub stride: [i64; 2],
    /// Border, `[before, after]` of each direction.
    pub padding: [[i64; 2]; 2],
    /// Whether a last window may reach over the edge, so that no value is left out.
    pub ceil: bool,
    /// Whether the border counts, as zeros (PyTorch's default), or not at all.
    pub count_padding: bool,
}

impl AvgPool2d {
    fn window(&self) -> Window {
        let AvgPool2d { kernel, stride, padding, ceil, .. } = *self;
        Window { kernel, stride, padding, dilation: [1, 1], ceil }
    }

    /// 1 at each place that counts in the mean, 0 beyond.
    fn counted(&self, x: &Tensor, sides: [[i64; 2]; 2]) -> Result<Tensor, TchError> {
        let ones = x.f_detach()?.f_narrow(0, 0, 1)?.f_narrow(1, 0, 1)?.f_ones_like()?;
        if !self.count_padding {
            return bordered(&ones, sides, 0.0);
        }
        // What a last window has beyond the border does not count.
        let beyond = [0, 1].map(|d| [0, 1].map(|side| sides[d][side] - self.padding[d][side]));
        bordered(&bordered(&ones, self.padding, 1.0)?, beyond, 0.0)
    }
}

impl Operation for AvgPool2d {
    fn name(&self) -> &'static str {
        "AvgPool2d"
    }

    fn shape(&self, inputs: &[&[i64]]) -> Result<Vec<i64>, Misfit> {
        pooled(&self.window(), inputs)
    }

    fn compute(&self, inputs: &[&Tensor], _training: bool) -> Result<Tensor, TchError> {
        let AvgPool2d { kernel, stride, ceil, count_padding, .. } = *self;
        let (x, window) = (only(inputs)?, self.window());
        if let Some(padding) = window.known_to_libtorch() {
            return x.f_avg_pool2d(kernel, stride, padding, ceil, count_padding, None);
        }
        let sums = |x: &Tensor| x.f_avg_pool2d(kernel, stride, [0, 0], false, true, 1);
        let sides = window.sides(x)?;
        sums(&bordered(x, sides, 0.0)?)?.f_div(&sums(&self.counted(x, sides)?)?)
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
        read.windows(self.kernel, self.stride, self.padding.map(|side| side[0]), [1, 1])
    }

    /// Where the border does not count, windows at the border divide by less.
    fn spread(&self) -> Spread {
        let AvgPool2d { kernel, stride, padding, ceil, count_padding } = *self;
        if ceil || !(count_padding || padding == [[0; 2]; 2]) {
            return Spread::Everywhere;
        }
        let unpadded = AvgPool2d { padding: [[0; 2]; 2], count_padding: true, ..*self };
        let unpadded = Op::AvgPool2d(unpadded);
        let padding = padding.map(|side| side[0]);
        Spread::Windows(Reach { span: kernel, stride, padding, border: 0.0, unpadded })
    }

    fn backprop(&self) -> Backprop {
        Backprop::Usual
    }
}
