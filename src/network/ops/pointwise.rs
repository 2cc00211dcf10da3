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

/// libtorch's GELU takes no more.
const GELU_DIMS: usize = 12;

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
                x.f_relu()?.f_sub(&x.f_neg()?.f_relu()?.f_mul_scalar(slope)?)
            }
            Pointwise::Gelu => x.f_gelu("none"),
            Pointwise::GeluTanh => x.f_gelu("tanh"),
            Pointwise::Silu => x.f_silu(),
            Pointwise::Sigmoid => x.f_sigmoid(),
            Pointwise::HardSigmoid => x.f_hardsigmoid(),
            Pointwise::HardSwish => x.f_hardswish(),
            Pointwise::Tanh => x.f_tanh(),
            Pointwise::Softplus => x.f_softplus(),
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
            | Pointwise::Softplus => LayerKind::Activation,
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
pub(super) mod tests {
    use super::Pointwise;

    /// One of each.
    pub(in super::super) const ALL: [Pointwise; 21] = [
        Pointwise::Relu,
        Pointwise::Relu6,
        Pointwise::LeakyRelu { slope: 0.2 },
        Pointwise::Gelu,
        Pointwise::GeluTanh,
        Pointwise::Silu,
        Pointwise::Sigmoid,
        Pointwise::HardSigmoid,
        Pointwise::HardSwish,
        Pointwise::Tanh,
        Pointwise::Erf,
        Pointwise::Exp,
        Pointwise::Log,
        Pointwise::Sqrt,
        Pointwise::Neg,
        Pointwise::Abs,
        Pointwise::Pow { exponent: 2.0 },
        Pointwise::Scale { factor: 3.0 },
        Pointwise::Shift { term: 0.5 },
        Pointwise::Clamp { low: -0.5, high: 1.5 },
        Pointwise::Softplus,
    ];

    #[test]
    fn all_functions_are_among_them() {
        // A function that is added must be added here, or this no longer compiles.
        let place = |function: &Pointwise| match function {
            Pointwise::Relu => 0,
            Pointwise::Relu6 => 1,
            Pointwise::LeakyRelu { .. } => 2,
            Pointwise::Gelu => 3,
            Pointwise::GeluTanh => 4,
            Pointwise::Silu => 5,
            Pointwise::Sigmoid => 6,
            Pointwise::HardSigmoid => 7,
            Pointwise::HardSwish => 8,
            Pointwise::Tanh => 9,
            Pointwise::Erf => 10,
            Pointwise::Exp => 11,
            Pointwise::Log => 12,
            Pointwise::Sqrt => 13,
            Pointwise::Neg => 14,
            Pointwise::Abs => 15,
            Pointwise::Pow { .. } => 16,
            Pointwise::Scale { .. } => 17,
            Pointwise::Shift { .. } => 18,
            Pointwise::Clamp { .. } => 19,
            Pointwise::Softplus => 20,
        };
        assert!(ALL.iter().enumerate().all(|(at, function)| place(function) == at));
    }
}
