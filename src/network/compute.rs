//! How each operation is computed.

use tch::{Kind, TchError, Tensor};

use super::{Arithmetic, Op, Pointwise};

impl Op {
    /// Computes the output, and leaves the inputs alone. Shapes were checked before
    /// ([`super::shape`]).
    pub(crate) fn apply(&self, inputs: &[&Tensor], training: bool) -> Result<Tensor, TchError> {
        if let Op::Parameter { value } = self {
            return Ok(value.shallow_clone());
        }
        let [x, ..] = inputs else {
            return Err(TchError::Shape(format!("{} has no input", self.name())));
        };
        match self {
            Op::Input | Op::Parameter { .. } => Ok(x.shallow_clone()),
            Op::Conv2d { weight, bias, stride, padding, dilation, groups } => {
                x.f_conv2d(weight, bias.as_ref(), stride, padding, dilation, *groups)
            }
            Op::BatchNorm2d { weight, bias, running_mean, running_var, eps } => {
                const MOMENTUM: f64 = 0.1; // PyTorch's default
                let (mean, var) = (Some(running_mean), Some(running_var));
                let (weight, bias) = (Some(weight), Some(bias));
                x.f_batch_norm(weight, bias, mean, var, training, MOMENTUM, *eps, true)
            }
            Op::LayerNorm { weight, bias, eps } => {
                x.f_layer_norm(weight.size(), Some(weight), bias.as_ref(), *eps, true)
            }
            Op::Pointwise(function) => function.apply(x),
            Op::Softmax { dim } => x.f_softmax(*dim as i64, None::<Kind>),
            Op::LogSoftmax { dim } => x.f_log_softmax(*dim as i64, None::<Kind>),
            Op::Dropout { p } if training => x.f_dropout(*p, true),
            Op::Dropout { .. } => Ok(x.shallow_clone()),
            Op::MaxPool2d { kernel, stride, padding, ceil } => {
                x.f_max_pool2d(kernel, stride, padding, [1, 1], *ceil)
            }
            Op::AvgPool2d { kernel, stride, padding, ceil, count_padding } => {
                x.f_avg_pool2d(kernel, stride, padding, *ceil, *count_padding, None)
            }
            Op::AdaptiveAvgPool2d { output } => x.f_adaptive_avg_pool2d(output),
            Op::Mean { dims, keep_dims } => {
                let dims: Vec<i64> = dims.iter().map(|&dim| dim as i64).collect();
                x.f_mean_dim(dims, *keep_dims, None::<Kind>)
            }
            Op::Flatten { from } => x.f_flatten(*from as i64, -1),
            Op::Reshape { shape } => x.f_reshape(shape),
            Op::Permute { order } => {
                let order: Vec<i64> = order.iter().map(|&dim| dim as i64).collect();
                x.f_permute(order)
            }
            Op::Slice { dim, start, end, step } => {
                x.f_slice(*dim as i64, Some(*start), Some(*end), *step)
            }
            Op::Select { dim, index } => x.f_select(*dim as i64, *index),
            Op::Unsqueeze { dim } => x.f_unsqueeze(*dim as i64),
            Op::Pad { amounts } => {
                // libtorch counts from the last dimension.
                let amounts: Vec<i64> = amounts.iter().rev().flatten().copied().collect();
                x.f_constant_pad_nd(amounts)
            }
            Op::Linear { weight, bias } => x.f_linear(weight, bias.as_ref()),
            Op::MatMul => x.f_matmul(second(self, inputs)?),
            Op::Arithmetic(arithmetic) => arithmetic.apply(x, second(self, inputs)?),
            Op::Concat { dim } => {
                let batch = |input: &&Tensor| input.size().first().copied().unwrap_or(1);
                let most = inputs.iter().map(batch).max().unwrap_or(1);
                let repeated = |input: &&Tensor| {
                    let mut shape = input.size();
                    if let Some(batch) = shape.first_mut() {
                        *batch = most;
                    }
                    input.f_expand(shape, false)
                };
                if *dim == 0 || inputs.iter().all(|input| batch(input) == most) {
                    return Tensor::f_cat(inputs, *dim as i64);
                }
                let inputs: Vec<Tensor> = inputs.iter().map(repeated).collect::<Result<_, _>>()?;
                Tensor::f_cat(&inputs, *dim as i64)
            }
        }
    }
}

impl Op {
    /// Whether [`Op::apply_over`] can write over an input.
    pub(crate) fn works_in_place(&self) -> bool {
        matches!(
            self,
            Op::Arithmetic(Arithmetic::Add) | Op::Pointwise(Pointwise::Relu | Pointwise::Relu6)
        )
    }

    /// Whether the output lies in memory of its own rather than in an input's.
    pub(crate) fn allocates(&self) -> bool {
        matches!(
            self,
            Op::Conv2d { .. } | Op::BatchNorm2d { .. } | Op::Linear { .. } | Op::Arithmetic(_)
        )
    }

    /// Computes the output in the memory of one of the inputs. `other` is the other one, if any.
    pub(crate) fn apply_over(
        &self,
        mut x: Tensor,
        other: Option<&Tensor>,
    ) -> Result<Tensor, TchError> {
        match (self, other) {
            (Op::Arithmetic(Arithmetic::Add), Some(other)) if x.size() == other.size() => {
                x.f_add_(other)
            }
            (Op::Pointwise(Pointwise::Relu), None) => x.f_relu_(),
            (Op::Pointwise(Pointwise::Relu6), None) => x.f_relu6_(),
            (_, None) => self.apply(&[&x], false),
            (_, Some(other)) => self.apply(&[&x, other], false),
        }
    }
}

fn second<'a>(op: &Op, inputs: &[&'a Tensor]) -> Result<&'a Tensor, TchError> {
    match inputs {
        [_, second] => Ok(second),
        _ => Err(TchError::Shape(format!("{} has {} inputs", op.name(), inputs.len()))),
    }
}
