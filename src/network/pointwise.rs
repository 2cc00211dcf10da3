//! Functions that work on each value by itself, and arithmetic between two tensors.

use tch::{TchError, Tensor};

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

impl Pointwise {
    pub(super) fn name(self) -> &'static str {
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
            Pointwise::Erf => "erf",
            Pointwise::Exp => "exp",
            Pointwise::Log => "log",
            Pointwise::Sqrt => "sqrt",
            Pointwise::Neg => "neg",
            Pointwise::Abs => "abs",
            Pointwise::Pow { .. } => "pow",
            Pointwise::Scale { .. } => "scale",
            Pointwise::Shift { .. } => "shift",
            Pointwise::Clamp { .. } => "clamp",
        }
    }

    pub(super) fn apply(self, x: &Tensor) -> Result<Tensor, TchError> {
        match self {
            Pointwise::Relu => x.f_relu(),
            Pointwise::Relu6 => x.f_relu6(),
            // tch's leaky_relu knows no slope but 0.01.
            Pointwise::LeakyRelu { slope } => {
                x.f_relu()?.f_sub(&x.f_neg()?.f_relu()?.f_mul_scalar(slope)?)
            }
            Pointwise::Gelu => x.f_gelu("none"),
            Pointwise::GeluTanh => x.f_gelu("tanh"),
            Pointwise::Silu => x.f_silu(),
            Pointwise::Sigmoid => x.f_sigmoid(),
            Pointwise::HardSigmoid => x.f_hardsigmoid(),
            Pointwise::HardSwish => x.f_hardswish(),
            Pointwise::Tanh => x.f_tanh(),
            Pointwise::Erf => x.f_erf(),
            Pointwise::Exp => x.f_exp(),
            Pointwise::Log => x.f_log(),
            Pointwise::Sqrt => x.f_sqrt(),
            Pointwise::Neg => x.f_neg(),
            Pointwise::Abs => x.f_abs(),
            Pointwise::Pow { exponent } => x.f_pow_tensor_scalar(exponent),
            Pointwise::Scale { factor } => x.f_mul_scalar(factor),
            Pointwise::Shift { term } => x.f_add_scalar(term),
            Pointwise::Clamp { low, high } => x.f_clamp(low, high),
        }
    }
}

/// Arithmetic between two tensors, value by value; a dimension of 1 is repeated (broadcasting).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arithmetic {
    /// a + b: a skip connection
    Add,
    /// a − b
    Sub,
    /// a · b: a gate, or a scale for each channel
    Mul,
    /// a / b
    Div,
}

impl Arithmetic {
    pub(super) fn name(self) -> &'static str {
        match self {
            Arithmetic::Add => "Add",
            Arithmetic::Sub => "Sub",
            Arithmetic::Mul => "Mul",
            Arithmetic::Div => "Div",
        }
    }

    pub(super) fn apply(self, a: &Tensor, b: &Tensor) -> Result<Tensor, TchError> {
        match self {
            Arithmetic::Add => a.f_add(b),
            Arithmetic::Sub => a.f_sub(b),
            Arithmetic::Mul => a.f_mul(b),
            Arithmetic::Div => a.f_div(b),
        }
    }
}
