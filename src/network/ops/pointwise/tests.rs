//! Which functions there are.

use super::Pointwise;

/// One of each.
pub(in super::super) const ALL: [Pointwise; 34] = [
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
    Pointwise::Softsign,
    Pointwise::Elu { alpha: 1.5 },
    Pointwise::Celu { alpha: 0.7 },
    Pointwise::Selu,
    Pointwise::Mish,
    Pointwise::Threshold { at: 0.4 },
    Pointwise::Sign,
    Pointwise::Floor,
    Pointwise::Ceil,
    Pointwise::Round,
    Pointwise::Sin,
    Pointwise::Cos,
    Pointwise::Trunc,
];

/// Those without a slope.
pub(in super::super) const STEPS: [Pointwise; 5] =
    [Pointwise::Sign, Pointwise::Floor, Pointwise::Ceil, Pointwise::Round, Pointwise::Trunc];

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
        Pointwise::Softsign => 21,
        Pointwise::Elu { .. } => 22,
        Pointwise::Celu { .. } => 23,
        Pointwise::Selu => 24,
        Pointwise::Mish => 25,
        Pointwise::Threshold { .. } => 26,
        Pointwise::Sign => 27,
        Pointwise::Floor => 28,
        Pointwise::Ceil => 29,
        Pointwise::Round => 30,
        Pointwise::Sin => 31,
        Pointwise::Cos => 32,
        Pointwise::Trunc => 33,
    };
    assert!(ALL.iter().enumerate().all(|(at, function)| place(function) == at));
}
