//! Convolution.

use tch::{TchError, Tensor};

use super::operation::{Backprop, Operation, Reach, Spread};
use super::shape::{Misfit, Window, at_least_one, count, even, four, misfit, one};
use super::{Axes, Op, Read, Seen, kernel, only, weight_and_bias, window_text};
use crate::error::shape_text;
use crate::layer_kind::LayerKind;
use crate::random::Random;

/// 2-D convolution (cross-correlation, as every framework has it).
#[derive(Debug)]
pub struct Conv2d {
    /// `[out, in / groups, kernel height, kernel width]`
    pub weight: Tensor,
    /// `[out]`
    pub bias: Option<Tensor>,
    /// Step.
    pub stride: [i64; 2],
    /// Zeros added on each side.
    pub padding: [i64; 2],
    /// Distance between the kernel's taps.
    pub dilation: [i64; 2],
    /// Number of groups: channels of one group see only the inputs of the same group.
    pub groups: i64,
}

impl Clone for Conv2d {
    fn clone(&self) -> Conv2d {
        Conv2d {
            weight: self.weight.shallow_clone(),
            bias: self.bias.as_ref().map(Tensor::shallow_clone),
            ..*self
        }
    }
}

impl Operation for Conv2d {
    fn name(&self) -> &'static str {
        "Conv2d"
    }

    fn shape(&self, inputs: &[&[i64]]) -> Result<Vec<i64>, Misfit> {
        let x = one(inputs)?;
        let [n, c, h, w] = four(x)?;
        let weight = self.weight.size();
        let [out, per_group, kh, kw] = four(&weight)?;
        at_least_one([out, per_group, self.groups])?;
        if c != per_group * self.groups {
            return misfit(format!("{} input channels", per_group * self.groups), shape_text(x));
        }
        if out % self.groups != 0 {
            let groups = self.groups;
            return misfit(
                format!("output channels in {groups} groups of one size"),
                out.to_string(),
            );
        }
        let Conv2d { stride, padding, dilation, .. } = *self;
        let padding = even(padding);
        let window = Window { kernel: [kh, kw], stride, padding, dilation, ceil: false };
        let [h, w] = window.count(x, [h, w])?;
        Ok(vec![n, out, h, w])
    }

    fn compute(&self, inputs: &[&Tensor], _training: bool) -> Result<Tensor, TchError> {
        let Conv2d { weight, bias, stride, padding, dilation, groups } = self;
        only(inputs)?.f_conv2d(weight, bias.as_ref(), stride, padding, dilation, *groups)
    }

    fn terms(&self, _inputs: &[&[i64]]) -> u64 {
        count(self.weight.size().get(1..).unwrap_or_default())
    }

    fn kind(&self) -> LayerKind {
        LayerKind::Convolution
    }

    fn summary(&self) -> String {
        let mut words = self.name().to_owned();
        if let [out, _, height, width] = self.weight.size()[..] {
            words.push_str(&window_text([height, width], self.stride));
            match self.groups {
                1 => {}
                groups if groups == out => words.push_str(" depthwise"),
                groups => words.push_str(&format!(", {groups} groups")),
            }
        }
        match self.dilation {
            [1, 1] => {}
            [height, width] => words.push_str(&format!(", dilation {height}×{width}")),
        }
        words
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

    fn receptive_field(&self, read: &Read<'_>) -> Seen {
        match kernel(&self.weight) {
            Some(kernel) => read.windows(kernel, self.stride, self.padding, self.dilation),
            None => Seen::WHOLE,
        }
    }

    fn spread(&self) -> Spread {
        let Some(kernel) = kernel(&self.weight) else { return Spread::Everywhere };
        let Conv2d { stride, padding, dilation, .. } = *self;
        let span = [0, 1].map(|d| dilation[d] * (kernel[d] - 1) + 1);
        let unpadded = Op::Conv2d(Conv2d { padding: [0, 0], ..self.clone() });
        Spread::Windows(Reach { span, stride, padding, border: 0.0, unpadded })
    }

    fn backprop(&self) -> Backprop {
        Backprop::Usual
    }
}
