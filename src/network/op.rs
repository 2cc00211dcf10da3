//! The operations a network is made of, and how each is computed.

use tch::{TchError, Tensor};

/// One operation with its parameters. Sizes are `[height, width]`.
#[derive(Debug)]
#[non_exhaustive]
pub enum Op {
    /// The network's input, `[N, C, H, W]`.
    Input,
    /// 2-D convolution (cross-correlation, as every framework has it).
    Conv2d {
        /// `[out, in / groups, kernel height, kernel width]`
        weight: Tensor,
        /// `[out]`
        bias: Option<Tensor>,
        /// Step.
        stride: [i64; 2],
        /// Zeros added on each side.
        padding: [i64; 2],
        /// Distance between the kernel's taps.
        dilation: [i64; 2],
        /// Channel groups that do not see each other.
        groups: i64,
    },
    /// Batch normalisation by its running statistics (inference).
    BatchNorm2d {
        /// Scale, `[C]`.
        weight: Tensor,
        /// Shift, `[C]`.
        bias: Tensor,
        /// `[C]`
        running_mean: Tensor,
        /// `[C]`
        running_var: Tensor,
        /// Added to the variance.
        eps: f64,
    },
    /// max(x, 0)
    Relu,
    /// max(x, 0), but at most 6
    Relu6,
    /// The maximum of each window.
    MaxPool2d {
        /// Window.
        kernel: [i64; 2],
        /// Step.
        stride: [i64; 2],
        /// Border that never wins.
        padding: [i64; 2],
        /// Whether a last window may reach over the edge, so that no value is left out.
        ceil: bool,
    },
    /// The mean of each window (padding counts as zeros).
    AvgPool2d {
        /// Window.
        kernel: [i64; 2],
        /// Step.
        stride: [i64; 2],
        /// Zeros added on each side.
        padding: [i64; 2],
        /// Whether a last window may reach over the edge, so that no value is left out.
        ceil: bool,
    },
    /// The mean over as many windows as give this output size.
    AdaptiveAvgPool2d {
        /// Output size.
        output: [i64; 2],
    },
    /// `[N, C, H, W]` to `[N, C·H·W]`.
    Flatten,
    /// Fully connected layer.
    Linear {
        /// `[out, in]`
        weight: Tensor,
        /// `[out]`
        bias: Option<Tensor>,
    },
    /// Sum of two inputs of one shape: a skip connection.
    Add,
    /// Inputs behind one another along the channels.
    Concat,
}

impl Op {
    /// The operation's name, as PyTorch writes it.
    pub fn name(&self) -> &'static str {
        match self {
            Op::Input => "Input",
            Op::Conv2d { .. } => "Conv2d",
            Op::BatchNorm2d { .. } => "BatchNorm2d",
            Op::Relu => "ReLU",
            Op::Relu6 => "ReLU6",
            Op::MaxPool2d { .. } => "MaxPool2d",
            Op::AvgPool2d { .. } => "AvgPool2d",
            Op::AdaptiveAvgPool2d { .. } => "AdaptiveAvgPool2d",
            Op::Flatten => "Flatten",
            Op::Linear { .. } => "Linear",
            Op::Add => "Add",
            Op::Concat => "Concat",
        }
    }

    /// The parameters and buffers with their names, in PyTorch's order.
    pub fn parameters(&self) -> Vec<(&'static str, &Tensor)> {
        match self {
            Op::Conv2d { weight, bias, .. } | Op::Linear { weight, bias } => {
                named([Some(weight), bias.as_ref(), None, None])
            }
            Op::BatchNorm2d { weight, bias, running_mean, running_var, .. } => {
                named([Some(weight), Some(bias), Some(running_mean), Some(running_var)])
            }
            _ => Vec::new(),
        }
    }

    /// The same, to replace.
    pub(crate) fn parameters_mut(&mut self) -> Vec<(&'static str, &mut Tensor)> {
        match self {
            Op::Conv2d { weight, bias, .. } | Op::Linear { weight, bias } => {
                named([Some(weight), bias.as_mut(), None, None])
            }
            Op::BatchNorm2d { weight, bias, running_mean, running_var, .. } => {
                named([Some(weight), Some(bias), Some(running_mean), Some(running_var)])
            }
            _ => Vec::new(),
        }
    }

    /// Computes the output. Shapes were checked before ([`super::shape`]); nothing works in place,
    /// so that every activation can be kept and differentiated.
    pub(crate) fn apply(&self, inputs: &[&Tensor]) -> Result<Tensor, TchError> {
        let [x, ..] = inputs else {
            return Err(TchError::Shape(format!("{} has no input", self.name())));
        };
        match self {
            Op::Input => Ok(x.shallow_clone()),
            Op::Conv2d { weight, bias, stride, padding, dilation, groups } => {
                x.f_conv2d(weight, bias.as_ref(), stride, padding, dilation, *groups)
            }
            Op::BatchNorm2d { weight, bias, running_mean, running_var, eps } => x.f_batch_norm(
                Some(weight),
                Some(bias),
                Some(running_mean),
                Some(running_var),
                false,
                0.0,
                *eps,
                true,
            ),
            Op::Relu => x.f_relu(),
            Op::Relu6 => x.f_relu6(),
            Op::MaxPool2d { kernel, stride, padding, ceil } => {
                x.f_max_pool2d(kernel, stride, padding, [1, 1], *ceil)
            }
            Op::AvgPool2d { kernel, stride, padding, ceil } => {
                x.f_avg_pool2d(kernel, stride, padding, *ceil, true, None)
            }
            Op::AdaptiveAvgPool2d { output } => x.f_adaptive_avg_pool2d(output),
            Op::Flatten => x.f_flatten(1, -1),
            Op::Linear { weight, bias } => x.f_linear(weight, bias.as_ref()),
            Op::Add => match inputs {
                [a, b] => a.f_add(b),
                _ => Err(TchError::Shape(format!("Add has {} inputs", inputs.len()))),
            },
            Op::Concat => Tensor::f_cat(inputs, 1),
        }
    }
}

/// Those parameters that an operation has, under PyTorch's names.
fn named<T>(parameters: [Option<T>; 4]) -> Vec<(&'static str, T)> {
    let names = ["weight", "bias", "running_mean", "running_var"];
    let pairs = names.into_iter().zip(parameters);
    pairs.filter_map(|(name, parameter)| Some((name, parameter?))).collect()
}
