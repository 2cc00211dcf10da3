//! Functions that work on each value by itself.

use tch::{TchError, Tensor};

use super::operation::{Backprop, Operation, Spread};
use super::shape::{Misfit, misfit, one};
use super::{Read, Seen, only};
use crate::error::shape_text;
use crate::layer_kind::LayerKind;

/// A function of each value by itself; the shape stays.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Pointwise {
    /// max(x, 0)
    Relu,
    /// max(x, 0), but at most 6
    Relu6,
    /// x where positive, else `slope`·x
    LeakyRelu {
        /// The factor of negative values.
        slope: f64,
    },
    /// x·Φ(x), with Φ the normal distribution's cumulative function
    Gelu,
    /// Its approximation by tanh
    GeluTanh,
    /// x·sigmoid(x), also known as Swish
    Silu,
    /// 1 / (1 + e⁻ˣ)
    Sigmoid,
    /// Piecewise linear: x/6 + 1/2, between 0 and 1
    HardSigmoid,
    /// x·hardsigmoid(x)
    HardSwish,
    /// Hyperbolic tangent
    Tanh,
    /// ln(1 + eˣ), a smooth ReLU
    Softplus,
    /// x / (1 + |x|)
    Softsign,
    /// x where positive, else `alpha`·(eˣ − 1)
    Elu {
        /// How far negative values go.
        alpha: f64,
    },
    /// x where positive, else `alpha`·(e^(x/`alpha`) − 1), of slope 1 at 0
    Celu {
        /// How far negative values go.
        alpha: f64,
    },
    /// ELU with the two constants that keep mean 0 and variance 1 (Klambauer et al., 2017)
    Selu,
    /// x·tanh(softplus(x))
    Mish,
    /// x where larger than `at`, else 0
    Threshold {
        /// The bound.
        at: f64,
    },
    /// Error function
    Erf,
    /// eˣ
    Exp,
    /// Natural logarithm
    Log,
    /// √x
    Sqrt,
    /// −x
    Neg,
    /// |x|
    Abs,
    /// −1, 0 or 1
    Sign,
    /// The next whole number below
    Floor,
    /// The next whole number above
    Ceil,
    /// The nearest whole number, of two the even one
    Round,
    /// The next whole number towards 0
    Trunc,
    /// Sine
    Sin,
    /// Cosine
    Cos,
    /// xᵖ
    Pow {
        /// p
        exponent: f64,
    },
    /// x·factor
    Scale {
        /// The factor.
        factor: f64,
    },
    /// x + term
    Shift {
        /// What is added.
        term: f64,
    },
    /// x, but no less than `low` and no more than `high`
    Clamp {
        /// Lower bound.
        low: f64,
        /// Upper bound.
        high: f64,
    },
}

/// libtorch's GELU takes no more.
const GELU_DIMS: usize = 12;

/// x where positive, else `alpha`·(e^(x/`scale`) − 1), of which tch knows but `alpha` and `scale` of 1. At 0 the
/// slope is the negative side's, as in PyTorch: relu has none there.
fn elu(x: &Tensor, alpha: f64, scale: f64) -> Result<Tensor, TchError> {
    let negative = x.f_clamp_max(0)?.f_div_scalar(scale)?.f_expm1()?.f_mul_scalar(alpha)?;
    x.f_relu()?.f_add(&negative)
}

impl Operation for Pointwise {
    fn name(&self) -> &'static str {
        match self {
            Pointwise::Relu => "ReLU",
            Pointwise::Relu6 => "ReLU6",
            Pointwise::LeakyRelu { .. } => "LeakyReLU",
            Pointwise::Gelu | Pointwise::GeluTanh => "GELU",
            Pointwise::Silu => "SiLU",
            Pointwise::Sigmoid => "Sigmoid",
            Pointwise::HardSigmoid => "Hardsigmoid",
            Pointwise::HardSwish => "Hardswish",
            Pointwise::Tanh => "Tanh",
            Pointwise::Softplus => "Softplus",
            Pointwise::Softsign => "Softsign",
            Pointwise::Elu { .. } => "ELU",
            Pointwise::Celu { .. } => "CELU",
            Pointwise::Selu => "SELU",
            Pointwise::Mish => "Mish",
            Pointwise::Threshold { .. } => "Threshold",
            Pointwise::Erf => "erf",
            Pointwise::Exp => "exp",
            Pointwise::Log => "log",
            Pointwise::Sqrt => "sqrt",
            Pointwise::Neg => "neg",
            Pointwise::Abs => "abs",
            Pointwise::Sign => "sign",
            Pointwise::Floor => "floor",
            Pointwise::Ceil => "ceil",
            Pointwise::Round => "round",
            Pointwise::Trunc => "trunc",
            Pointwise::Sin => "sin",
            Pointwise::Cos => "cos",
            Pointwise::Pow { .. } => "pow",
            Pointwise::Scale { .. } => "scale",
            Pointwise::Shift { .. } => "shift",
            Pointwise::Clamp { .. } => "clamp",
        }
    }

    fn shape(&self, inputs: &[&[i64]]) -> Result<Vec<i64>, Misfit> {
        let x = one(inputs)?;
        if matches!(self, Pointwise::Gelu | Pointwise::GeluTanh) && x.len() > GELU_DIMS {
            return misfit(format!("at most {GELU_DIMS} dimensions"), shape_text(x));
        }
        Ok(x.to_vec())
    }

    fn compute(&self, inputs: &[&Tensor], _training: bool) -> Result<Tensor, TchError> {
        let x = only(inputs)?;
        match *self {
            Pointwise::Relu => x.f_relu(),
            Pointwise::Relu6 => x.f_relu6(),
            // tch's leaky_relu knows no slope but 0.01.
            Pointwise::LeakyRelu { slope } => {
                x.f_relu()?.f_add(&x.f_clamp_max(0)?.f_mul_scalar(slope)?)
            }
            Pointwise::Gelu => x.f_gelu("none"),
            Pointwise::GeluTanh => x.f_gelu("tanh"),
            Pointwise::Silu => x.f_silu(),
            Pointwise::Sigmoid => x.f_sigmoid(),
            Pointwise::HardSigmoid => x.f_hardsigmoid(),
            Pointwise::HardSwish => x.f_hardswish(),
            Pointwise::Tanh => x.f_tanh(),
            Pointwise::Softplus => x.f_softplus(),
            Pointwise::Softsign => x.f_div(&x.f_abs()?.f_add_scalar(1)?),
            Pointwise::Elu { alpha } => elu(x, alpha, 1.0),
            Pointwise::Celu { alpha } => elu(x, alpha, alpha),
            Pointwise::Selu => x.f_selu(),
            Pointwise::Mish => x.f_mish(),
            Pointwise::Threshold { at } => x.f_where_self(&x.f_gt(at)?, &x.f_zeros_like()?),
            Pointwise::Erf => x.f_erf(),
            Pointwise::Exp => x.f_exp(),
            Pointwise::Log => x.f_log(),
            Pointwise::Sqrt => x.f_sqrt(),
            Pointwise::Neg => x.f_neg(),
            Pointwise::Abs => x.f_abs(),
            Pointwise::Sign => x.f_sign(),
            Pointwise::Floor => x.f_floor(),
            Pointwise::Ceil => x.f_ceil(),
            Pointwise::Round => x.f_round(),
            Pointwise::Trunc => x.f_trunc(),
            Pointwise::Sin => x.f_sin(),
            Pointwise::Cos => x.f_cos(),
            Pointwise::Pow { exponent } => x.f_pow_tensor_scalar(exponent),
            Pointwise::Scale { factor } => x.f_mul_scalar(factor),
            Pointwise::Shift { term } => x.f_add_scalar(term),
            Pointwise::Clamp { low, high } => x.f_clamp(low, high),
        }
    }

    fn terms(&self, _inputs: &[&[i64]]) -> u64 {
        0
    }

    fn kind(&self) -> LayerKind {
        match self {
            Pointwise::Relu
            | Pointwise::Relu6
            | Pointwise::LeakyRelu { .. }
            | Pointwise::Gelu
            | Pointwise::GeluTanh
            | Pointwise::Silu
            | Pointwise::Sigmoid
            | Pointwise::HardSigmoid
            | Pointwise::HardSwish
            | Pointwise::Tanh
            | Pointwise::Softplus
            | Pointwise::Softsign
            | Pointwise::Elu { .. }
            | Pointwise::Celu { .. }
            | Pointwise::Selu
            | Pointwise::Mish
            | Pointwise::Threshold { .. } => LayerKind::Activation,
            _ => LayerKind::Other,
        }
    }

    fn works_in_place(&self) -> bool {
        matches!(self, Pointwise::Relu | Pointwise::Relu6)
    }

    fn compute_over(&self, mut x: Tensor, other: Option<&Tensor>) -> Result<Tensor, TchError> {
        match (self, other) {
            (Pointwise::Relu, None) => x.f_relu_(),
            (Pointwise::Relu6, None) => x.f_relu6_(),
            _ => self.compute_beside(&x, other),
        }
    }

    fn receptive_field(&self, read: &Read<'_>) -> Seen {
        read.seen
    }

    fn spread(&self) -> Spread {
        Spread::Stays
    }

    fn backprop(&self) -> Backprop {
        match self {
            Pointwise::Relu => Backprop::Rectified { most: f64::INFINITY },
            Pointwise::Relu6 => Backprop::Rectified { most: 6.0 },
            Pointwise::Scale { .. } | Pointwise::Shift { .. } | Pointwise::Neg => Backprop::Usual,
            _ => Backprop::Refused,
        }
    }
}

#[cfg(test)]
pub(super) mod tests;
