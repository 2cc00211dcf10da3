//! Arithmetic between two inputs.

use tch::{TchError, Tensor};

use super::operation::{Backprop, Operation, Spread};
use super::shape::{Misfit, broadcast, unlike};
use super::{Axes, Read, Seen, both};
use crate::layer_kind::LayerKind;

/// Arithmetic between two tensors, value by value; a dimension of 1 is repeated (broadcasting).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Arithmetic {
    /// a + b: a skip connection
    Add,
    /// a − b
    Sub,
    /// a · b: a gate, or a scale for each channel
    Mul,
    /// a / b
    Div,
    /// aᵇ
    Pow,
    /// The larger of a and b
    Max,
    /// The smaller of a and b
    Min,
    /// 1 where a > b, else 0; comparisons have no gradient
    Greater,
    /// 1 where a ≥ b, else 0
    GreaterOrEqual,
    /// 1 where a < b, else 0
    Less,
    /// 1 where a ≤ b, else 0
    LessOrEqual,
    /// 1 where a = b, else 0
    Equal,
}

impl Operation for Arithmetic {
    fn name(&self) -> &'static str {
        match self {
            Arithmetic::Add => "Add",
            Arithmetic::Sub => "Sub",
            Arithmetic::Mul => "Mul",
            Arithmetic::Div => "Div",
            Arithmetic::Pow => "Pow",
            Arithmetic::Max => "Max",
            Arithmetic::Min => "Min",
            Arithmetic::Greater => "Greater",
            Arithmetic::GreaterOrEqual => "GreaterOrEqual",
            Arithmetic::Less => "Less",
            Arithmetic::LessOrEqual => "LessOrEqual",
            Arithmetic::Equal => "Equal",
        }
    }

    fn shape(&self, inputs: &[&[i64]]) -> Result<Vec<i64>, Misfit> {
        match inputs {
            [a, b] => broadcast(a, b).ok_or_else(|| unlike("two inputs of one shape", inputs)),
            _ => Err(unlike("two inputs", inputs)),
        }
    }

    fn compute(&self, inputs: &[&Tensor], _training: bool) -> Result<Tensor, TchError> {
        let [a, b] = both(inputs)?;
        let truth = |holds: Result<Tensor, TchError>| holds?.f_to_kind(a.kind());
        match self {
            Arithmetic::Add => a.f_add(b),
            Arithmetic::Sub => a.f_sub(b),
            Arithmetic::Mul => a.f_mul(b),
            Arithmetic::Div => a.f_div(b),
            Arithmetic::Pow => a.f_pow(b),
            Arithmetic::Max => a.f_maximum(b),
            Arithmetic::Min => a.f_minimum(b),
            Arithmetic::Greater => truth(a.f_gt_tensor(b)),
            Arithmetic::GreaterOrEqual => truth(a.f_ge_tensor(b)),
            Arithmetic::Less => truth(a.f_lt_tensor(b)),
            Arithmetic::LessOrEqual => truth(a.f_le_tensor(b)),
            Arithmetic::Equal => truth(a.f_eq_tensor(b)),
        }
    }

    fn terms(&self, _inputs: &[&[i64]]) -> u64 {
        0
    }

    fn kind(&self) -> LayerKind {
        LayerKind::Join
    }

    fn works_in_place(&self) -> bool {
        *self == Arithmetic::Add
    }

    fn compute_over(&self, mut x: Tensor, other: Option<&Tensor>) -> Result<Tensor, TchError> {
        match (self, other) {
            (Arithmetic::Add, Some(other)) if x.size() == other.size() => x.f_add_(other),
            _ => self.compute_beside(&x, other),
        }
    }

    fn allocates(&self) -> bool {
        true
    }

    fn broadcasts(&self) -> bool {
        true
    }

    fn axes(&self, x: &Axes, others: &[&Axes], output: &[i64]) -> Axes {
        Axes::broadcast(&[&[x], others].concat(), output)
    }

    fn receptive_field(&self, read: &Read<'_>) -> Seen {
        read.broadcast()
    }

    fn spread(&self) -> Spread {
        Spread::Aligned
    }

    fn backprop(&self) -> Backprop {
        match self {
            Arithmetic::Add | Arithmetic::Sub | Arithmetic::Mul | Arithmetic::Div => {
                Backprop::Usual
            }
            Arithmetic::Max | Arithmetic::Min => Backprop::Usual,
            _ => Backprop::Refused,
        }
    }
}
