//! The operators that can be imported, by their names in ONNX.

use super::import::Importer;
use super::message::Node;
use super::value::{Outcome, Value};
use super::{
    attention, choices, constants, einsum, enlarge, known, layers, norms, parts, pointwise,
    quantized, rearrange, reductions, repeats, windows,
};

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
        "ConvTranspose" => enlarge::conv_transpose,
        "Resize" => enlarge::resize,
        "Upsample" => enlarge::upsample,
        "DepthToSpace" | "SpaceToDepth" => enlarge::shuffle,
        "BatchNormalization" => layers::batch_norm,
        "LayerNormalization" => layers::layer_norm,
        "InstanceNormalization" => norms::instance,
        "GroupNormalization" => norms::group,
        "RMSNormalization" => norms::rms,
        "LRN" => norms::local_response,
        "MeanVarianceNormalization" => norms::mean_variance,
        "Gemm" => layers::gemm,
        "MatMul" => layers::mat_mul,
        "MaxPool" | "AveragePool" => windows::pool,
        "GlobalAveragePool" | "GlobalMaxPool" => reductions::global_pool,
        "ReduceMean" | "ReduceSum" | "ReduceMax" | "ReduceMin" | "ReduceProd" | "ReduceL1"
        | "ReduceL2" | "ReduceSumSquare" | "ReduceLogSum" | "ReduceLogSumExp" => reductions::reduce,
        "LpNormalization" => reductions::lp_normalization,
        "Softmax" | "LogSoftmax" => layers::softmax,
        "Attention" => attention::attention,
        "Einsum" => einsum::einsum,
        "QuantizeLinear" => quantized::quantize,
        "DequantizeLinear" => quantized::dequantize,

        "Add" | "Sub" | "Mul" | "Div" => pointwise::arithmetic,
        "Pow" => pointwise::pow,
        "Clip" => pointwise::clip,
        "Relu" | "LeakyRelu" | "Sigmoid" | "HardSigmoid" | "HardSwish" | "Tanh" | "Erf" | "Exp"
        | "Log" | "Softplus" | "Softsign" | "Elu" | "Celu" | "ThresholdedRelu" | "Mish"
        | "Sqrt" | "Neg" | "Abs" | "Reciprocal" | "Gelu" | "Sign" | "Floor" | "Ceil" | "Round"
        | "Sin" | "Cos" => pointwise::function,
        "Selu" => pointwise::selu,
        "Swish" => pointwise::swish,
        "PRelu" => pointwise::prelu,
        "Sum" | "Mean" | "Max" | "Min" => pointwise::several,

        "Identity" => rearrange::identity,
        "Dropout" => rearrange::dropout,
        "Reshape" => rearrange::reshape,
        "Flatten" => rearrange::flatten,
        "Squeeze" => rearrange::squeeze,
        "Unsqueeze" => rearrange::unsqueeze,
        "Transpose" => rearrange::transpose,
        "Concat" => rearrange::concat,
        "Slice" => parts::slice,
        "Gather" => parts::gather,
        "Expand" => rearrange::expand,
        "Tile" => repeats::tile,
        "Trilu" => repeats::trilu,
        "Pad" => rearrange::pad,
        "Split" => return Some(Convert::Several(parts::split)),

        "Constant" => constants::constant,
        "ConstantOfShape" => constants::constant_of_shape,
        "Shape" => constants::shape,
        "Size" => constants::size,
        "Cast" => constants::cast,
        "CastLike" => constants::cast_like,
        "Mod" => constants::arithmetic,
        "Equal" | "Greater" | "GreaterOrEqual" | "Less" | "LessOrEqual" => choices::compare,
        "Not" | "And" | "Or" | "Xor" => choices::logic,
        "Where" => choices::choose,
        "ArgMax" | "ArgMin" => choices::arg,
        _ => return None,
    }))
}
