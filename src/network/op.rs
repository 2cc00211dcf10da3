//! The operations a network is made of, with their parameters.

use tch::Tensor;

use super::{Arithmetic, Pointwise};

/// One operation with its parameters. Sizes are `[height, width]`; dimensions count from 0, the
/// batch.
#[derive(Debug)]
#[non_exhaustive]
pub enum Op {
    /// The network's input, `[N, C, H, W]`.
    Input,
    /// A tensor that belongs to no layer and that others read: a class token, a position embedding,
    /// a scale for each channel.
    Parameter {
        /// Its values.
        value: Tensor,
    },
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
    /// Batch normalisation by its running statistics; in training, by the batch's.
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
    /// Normalisation over the last dimensions, those of `weight`.
    LayerNorm {
        /// Scale, of the shape normalised over.
        weight: Tensor,
        /// Shift, of the same shape.
        bias: Option<Tensor>,
        /// Added to the variance.
        eps: f64,
    },
    /// A function of each value by itself.
    Pointwise(Pointwise),
    /// Exponentials that sum to 1 along a dimension.
    Softmax {
        /// The dimension.
        dim: usize,
    },
    /// The logarithm of [`Op::Softmax`], without its loss of small numbers.
    LogSoftmax {
        /// The dimension.
        dim: usize,
    },
    /// In training, values set to 0 at random; else nothing.
    Dropout {
        /// The probability of being set to 0.
        p: f64,
    },
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
    /// The mean of each window.
    AvgPool2d {
        /// Window.
        kernel: [i64; 2],
        /// Step.
        stride: [i64; 2],
        /// Border on each side.
        padding: [i64; 2],
        /// Whether a last window may reach over the edge, so that no value is left out.
        ceil: bool,
        /// Whether the border counts, as zeros (PyTorch's default), or not at all.
        count_padding: bool,
    },
    /// The mean over as many windows as give this output size.
    AdaptiveAvgPool2d {
        /// Output size.
        output: [i64; 2],
    },
    /// The mean along dimensions.
    Mean {
        /// The dimensions.
        dims: Vec<usize>,
        /// Whether they stay, with size 1.
        keep_dims: bool,
    },
    /// The dimensions from `from` on become one: `[N, C, H, W]` from 1 is `[N, C·H·W]`.
    Flatten {
        /// The first of those that become one.
        from: usize,
    },
    /// The same values in another shape.
    Reshape {
        /// The new shape; a single `-1` takes what is left, and with it the batch.
        shape: Vec<i64>,
    },
    /// The dimensions in another order.
    Permute {
        /// For each new dimension, which of the old ones it is.
        order: Vec<usize>,
    },
    /// A part along one dimension.
    Slice {
        /// The dimension.
        dim: usize,
        /// The first index; negative ones count from the end.
        start: i64,
        /// The index to end before; beyond the end means to the end.
        end: i64,
        /// Step, at least 1.
        step: i64,
    },
    /// One index of one dimension, which is dropped.
    Select {
        /// The dimension.
        dim: usize,
        /// The index; negative ones count from the end.
        index: i64,
    },
    /// A dimension of size 1 added.
    Unsqueeze {
        /// Where it stands afterwards.
        dim: usize,
    },
    /// Zeros added before and after each dimension; negative numbers cut.
    Pad {
        /// `[before, after]` for each dimension.
        amounts: Vec<[i64; 2]>,
    },
    /// Fully connected layer, on the last dimension.
    Linear {
        /// `[out, in]`
        weight: Tensor,
        /// `[out]`
        bias: Option<Tensor>,
    },
    /// Matrix product over the last two dimensions.
    MatMul,
    /// Arithmetic between two inputs.
    Arithmetic(Arithmetic),
    /// Inputs behind one another; an input of batch 1 is repeated for the others' batch.
    Concat {
        /// The dimension along which they are put.
        dim: usize,
    },
}

impl Op {
    /// max(x, 0)
    pub const RELU: Op = Op::Pointwise(Pointwise::Relu);
    /// Sum of two inputs.
    pub const ADD: Op = Op::Arithmetic(Arithmetic::Add);

    /// The operation's name, as PyTorch writes it.
    pub fn name(&self) -> &'static str {
        match self {
            Op::Input => "Input",
            Op::Parameter { .. } => "Parameter",
            Op::Conv2d { .. } => "Conv2d",
            Op::BatchNorm2d { .. } => "BatchNorm2d",
            Op::LayerNorm { .. } => "LayerNorm",
            Op::Pointwise(function) => function.name(),
            Op::Softmax { .. } => "Softmax",
            Op::LogSoftmax { .. } => "LogSoftmax",
            Op::Dropout { .. } => "Dropout",
            Op::MaxPool2d { .. } => "MaxPool2d",
            Op::AvgPool2d { .. } => "AvgPool2d",
            Op::AdaptiveAvgPool2d { .. } => "AdaptiveAvgPool2d",
            Op::Mean { .. } => "mean",
            Op::Flatten { .. } => "Flatten",
            Op::Reshape { .. } => "reshape",
            Op::Permute { .. } => "permute",
            Op::Slice { .. } => "slice",
            Op::Select { .. } => "select",
            Op::Unsqueeze { .. } => "unsqueeze",
            Op::Pad { .. } => "pad",
            Op::Linear { .. } => "Linear",
            Op::MatMul => "matmul",
            Op::Arithmetic(arithmetic) => arithmetic.name(),
            Op::Concat { .. } => "Concat",
        }
    }

    /// The parameters and buffers with their names, in PyTorch's order. The value of
    /// [`Op::Parameter`] has the name "".
    pub fn parameters(&self) -> Vec<(&'static str, &Tensor)> {
        match self {
            Op::Parameter { value } => vec![("", value)],
            Op::Conv2d { weight, bias, .. }
            | Op::Linear { weight, bias }
            | Op::LayerNorm { weight, bias, .. } => {
                named([Some(weight), bias.as_ref(), None, None])
            }
            Op::BatchNorm2d { weight, bias, running_mean, running_var, .. } => {
                named([Some(weight), Some(bias), Some(running_mean), Some(running_var)])
            }
            _ => Vec::new(),
        }
    }

    /// The same operation over the same parameters in memory (a `Tensor` can't be cloned).
    pub(crate) fn shared(&self) -> Op {
        let share = Tensor::shallow_clone;
        match self {
            Op::Input => Op::Input,
            Op::Parameter { value } => Op::Parameter { value: share(value) },
            Op::Conv2d { weight, bias, stride, padding, dilation, groups } => Op::Conv2d {
                weight: share(weight),
                bias: bias.as_ref().map(share),
                stride: *stride,
                padding: *padding,
                dilation: *dilation,
                groups: *groups,
            },
            Op::BatchNorm2d { weight, bias, running_mean, running_var, eps } => Op::BatchNorm2d {
                weight: share(weight),
                bias: share(bias),
                running_mean: share(running_mean),
                running_var: share(running_var),
                eps: *eps,
            },
            Op::LayerNorm { weight, bias, eps } => {
                Op::LayerNorm { weight: share(weight), bias: bias.as_ref().map(share), eps: *eps }
            }
            Op::Linear { weight, bias } => {
                Op::Linear { weight: share(weight), bias: bias.as_ref().map(share) }
            }
            &Op::Pointwise(function) => Op::Pointwise(function),
            &Op::Softmax { dim } => Op::Softmax { dim },
            &Op::LogSoftmax { dim } => Op::LogSoftmax { dim },
            &Op::Dropout { p } => Op::Dropout { p },
            &Op::MaxPool2d { kernel, stride, padding, ceil } => {
                Op::MaxPool2d { kernel, stride, padding, ceil }
            }
            &Op::AvgPool2d { kernel, stride, padding, ceil, count_padding } => {
                Op::AvgPool2d { kernel, stride, padding, ceil, count_padding }
            }
            &Op::AdaptiveAvgPool2d { output } => Op::AdaptiveAvgPool2d { output },
            Op::Mean { dims, keep_dims } => Op::Mean { dims: dims.clone(), keep_dims: *keep_dims },
            &Op::Flatten { from } => Op::Flatten { from },
            Op::Reshape { shape } => Op::Reshape { shape: shape.clone() },
            Op::Permute { order } => Op::Permute { order: order.clone() },
            &Op::Slice { dim, start, end, step } => Op::Slice { dim, start, end, step },
            &Op::Select { dim, index } => Op::Select { dim, index },
            &Op::Unsqueeze { dim } => Op::Unsqueeze { dim },
            Op::Pad { amounts } => Op::Pad { amounts: amounts.clone() },
            Op::MatMul => Op::MatMul,
            &Op::Arithmetic(arithmetic) => Op::Arithmetic(arithmetic),
            &Op::Concat { dim } => Op::Concat { dim },
        }
    }

    /// The parameters and buffers, to replace.
    pub(crate) fn parameters_mut(&mut self) -> Vec<(&'static str, &mut Tensor)> {
        match self {
            Op::Parameter { value } => vec![("", value)],
            Op::Conv2d { weight, bias, .. }
            | Op::Linear { weight, bias }
            | Op::LayerNorm { weight, bias, .. } => {
                named([Some(weight), bias.as_mut(), None, None])
            }
            Op::BatchNorm2d { weight, bias, running_mean, running_var, .. } => {
                named([Some(weight), Some(bias), Some(running_mean), Some(running_var)])
            }
            _ => Vec::new(),
        }
    }
}

/// Those parameters that an operation has, under PyTorch's names.
fn named<T>(parameters: [Option<T>; 4]) -> Vec<(&'static str, T)> {
    let names = ["weight", "bias", "running_mean", "running_var"];
    let pairs = names.into_iter().zip(parameters);
    pairs.filter_map(|(name, parameter)| Some((name, parameter?))).collect()
}
