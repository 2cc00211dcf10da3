//! Transposed convolution.

use tch::{TchError, Tensor};

use super::operation::{Backprop, Operation};
use super::shape::{Misfit, at_least_one, at_least_zero, count, four, misfit, one};
use super::{Axes, Read, Seen, kernel, only, weight_and_bias, window_text};
use crate::error::shape_text;
use crate::layer_kind::LayerKind;
use crate::random::Random;

/// 2-D transposed convolution: each value of the input adds a kernel to the output, `stride` apart. It
/// is the gradient of a convolution, and enlarges maps.
#[derive(Debug)]
pub struct ConvTranspose2d {
    /// `[in, out / groups, kernel height, kernel width]`
    pub weight: Tensor,
    /// `[out]`
    pub bias: Option<Tensor>,
    /// Distance between the kernels in the output.
    pub stride: [i64; 2],
    /// Values cut from each side of the output.
    pub padding: [i64; 2],
    /// Values added at the output's bottom and right, smaller than stride or dilation.
    pub output_padding: [i64; 2],
    /// Distance between the kernel's taps.
    pub dilation: [i64; 2],
    /// Number of groups: channels of one group see only the inputs of the same group.
    pub groups: i64,
}

impl ConvTranspose2d {
    /// From a kernel's first tap to its last, less one.
    fn reach(&self, kernel: [i64; 2], d: usize) -> i64 {
        self.dilation[d] * (kernel[d] - 1)
    }
}

impl Clone for ConvTranspose2d {
    fn clone(&self) -> ConvTranspose2d {
        ConvTranspose2d {
            weight: self.weight.shallow_clone(),
            bias: self.bias.as_ref().map(Tensor::shallow_clone),
            ..*self
        }
    }
}

impl Operation for ConvTranspose2d {
    fn name(&self) -> &'static str {
        "ConvTranspose2d"
    }

    fn shape(&self, inputs: &[&[i64]]) -> Result<Vec<i64>, Misfit> {
        let x = one(inputs)?;
        let [n, c, h, w] = four(x)?;
        let weight = self.weight.size();
        let [from, per_group, kh, kw] = four(&weight)?;
        let sizes = [from, per_group, kh, kw, self.groups];
        at_least_one(sizes.into_iter().chain(self.stride).chain(self.dilation))?;
        at_least_zero(self.padding.into_iter().chain(self.output_padding))?;
        if c != from || c % self.groups != 0 {
            let groups = self.groups;
            return misfit(format!("{from} input channels in {groups} groups"), shape_text(x));
        }
        let out = per_group * self.groups;
        if self.bias.as_ref().is_some_and(|bias| bias.size() != [out]) {
            return misfit(format!("a bias for {out} channels"), "another");
        }
        if (0..2).any(|d| self.output_padding[d] >= self.stride[d].max(self.dilation[d])) {
            let added = shape_text(&self.output_padding);
            return misfit("output padding smaller than stride or dilation", added);
        }
        let along = |d: usize, size: i64| {
            (size - 1) * self.stride[d] - 2 * self.padding[d]
                + self.reach([kh, kw], d)
                + self.output_padding[d]
                + 1
        };
        let (rows, columns) = (along(0, h), along(1, w));
        if rows < 1 || columns < 1 {
            return misfit("more rows and columns than padding cuts", shape_text(x));
        }
        Ok(vec![n, out, rows, columns])
    }

    fn compute(&self, inputs: &[&Tensor], _training: bool) -> Result<Tensor, TchError> {
        let ConvTranspose2d { weight, bias, stride, padding, output_padding, dilation, groups } =
            self;
        let (bias, x) = (bias.as_ref(), only(inputs)?);
        x.f_conv_transpose2d(weight, bias, stride, padding, output_padding, *groups, dilation)
    }

    /// On the average, rounded up: at the border fewer are summed.
    fn terms(&self, inputs: &[&[i64]]) -> u64 {
        let taps = count(self.weight.size().get(2..).unwrap_or_default());
        let steps = count(&self.stride).max(1);
        let channels = inputs.first().and_then(|x| x.get(1)).copied().unwrap_or(0);
        let each = count(&[channels.checked_div(self.groups).unwrap_or(0)]);
        each.saturating_mul(taps.div_ceil(steps))
    }

    /// Each weight is used once at each place of its input channel.
    fn multiply_adds(&self, inputs: &[&[i64]], _output: &[i64]) -> u64 {
        let Ok([n, _, h, w]) = one(inputs).and_then(four) else { return 0 };
        count(&[n, h, w]).saturating_mul(count(&self.weight.size()))
    }

    fn kind(&self) -> LayerKind {
        LayerKind::Convolution
    }

    fn summary(&self) -> String {
        let window = kernel(&self.weight).map(|kernel| window_text(kernel, self.stride));
        self.name().to_owned() + &window.unwrap_or_default()
    }

    fn parameters(&self) -> Vec<(&'static str, &Tensor)> {
        weight_and_bias(&self.weight, self.bias.as_ref())
    }

    fn parameters_mut(&mut self) -> Vec<(&'static str, &mut Tensor)> {
        weight_and_bias(&mut self.weight, self.bias.as_mut())
    }

    fn reinitialize(&mut self, random: &mut Random) -> Result<(), TchError> {
        random.reinitialize_weight(&mut self.weight, self.bias.as_mut())
    }

    fn allocates(&self) -> bool {
        true
    }

    fn axes(&self, x: &Axes, _others: &[&Axes], output: &[i64]) -> Axes {
        x.windows(output, true)
    }

    /// Output o is a sum over inputs i for which o + padding − i·stride is a tap's place.
    fn receptive_field(&self, read: &Read<'_>) -> Seen {
        let (Some(kernel), Some(d)) = (kernel(&self.weight), read.dim().checked_sub(2)) else {
            return Seen::WHOLE;
        };
        let (stride, padding) = (self.stride[d] as f64, self.padding[d] as f64);
        let reach = self.reach(kernel, d) as f64;
        read.between(stride, [(padding - reach) / stride, padding / stride])
    }

    fn backprop(&self) -> Backprop {
        Backprop::Usual
    }
}
