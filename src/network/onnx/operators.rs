//! The operators that can be imported, by their names in ONNX.

use super::import::Importer;
use super::message::Node;
use super::value::{Outcome, Value};
use super::{constants, known, layers, parts, pointwise, rearrange, windows};

/// How an operator is converted: to its value, or to several.
pub(super) enum Convert {
    One(for<'a> fn(&mut Importer<'a>, &'a Node<'a>) -> Outcome<Value<'a>>),
    Several(for<'a> fn(&mut Importer<'a>, &'a Node<'a>) -> Outcome<Vec<Value<'a>>>),
}

/// Whether it is computed, of activations or of constants at least.
pub(super) fn is_supported(operator: &str) -> bool {
    find(operator).is_some() || known::is_known(operator)
}

pub(super) fn find(operator: &str) -> Option<Convert> {
    Some(Convert::One(match operator {
        "Conv" => layers::conv,
        "BatchNormalization" => layers::batch_norm,
        "LayerNormalization" => layers::layer_norm,
        "Gemm" => layers::gemm,
        "MatMul" => layers::mat_mul,
        "MaxPool" | "AveragePool" => windows::pool,
        "GlobalAveragePool" => layers::global_average_pool,
        "ReduceMean" => layers::mean,
        "Softmax" | "LogSoftmax" => layers::softmax,

        "Add" | "Sub" | "Mul" | "Div" => pointwise::arithmetic,
        "Pow" => pointwise::pow,
        "Clip" => pointwise::clip,
        "Relu" | "LeakyRelu" | "Sigmoid" | "HardSigmoid" | "HardSwish" | "Tanh" | "Erf" | "Exp"
        | "Log" | "Softplus" | "Sqrt" | "Neg" | "Abs" | "Reciprocal" | "Gelu" => {
            pointwise::function
        }

        "Identity" | "Dropout" => rearrange::identity,
        "Reshape" => rearrange::reshape,
        "Flatten" => rearrange::flatten,
        "Squeeze" => rearrange::squeeze,
        "Unsqueeze" => rearrange::unsqueeze,
        "Transpose" => rearrange::transpose,
        "Concat" => rearrange::concat,
        "Slice" => parts::slice,
        "Gather" => parts::gather,
        "Expand" => rearrange::expand,
        "Pad" => rearrange::pad,
        "Split" => return Some(Convert::Several(parts::split)),

        "Constant" => constants::constant,
        "ConstantOfShape" => constants::constant_of_shape,
        "Shape" => constants::shape,
        "Cast" => constants::cast,
        "Mod" | "Equal" => constants::arithmetic,
        "Where" => constants::choose,
        _ => return None,
    }))
}
