//! The operations a network is made of, with their parameters: one file each.
//!
//! A file says all that is known of its operation, in one `impl Operation`: what its parameters are,
//! which shape comes out, how it is computed, what it costs, what it sees of the picture, and how the
//! methods treat it that need more than a value. Sizes are `[height, width]`; dimensions count from
//! 0, the batch.

mod adaptive_avg_pool2d;
mod arg_max;
mod arithmetic;
mod avg_pool2d;
mod axes;
mod batch_norm2d;
mod choose;
mod concat;
mod conv2d;
mod conv_transpose2d;
mod dropout;
mod field;
mod flatten;
mod group_norm;
mod index_select;
mod input;
mod layer_norm;
mod linear;
mod local_response_norm;
mod matmul;
mod max_pool2d;
mod operation;
mod pad;
mod parameter;
mod permute;
mod pixel_shuffle;
mod pointwise;
mod position_grid;
mod prelu;
mod quantize;
mod reduce;
mod reshape;
mod resize;
mod rms_norm;
mod same_pad;
mod select;
mod shape;
mod slice;
mod softmax;
#[cfg(test)]
mod tests;
mod unsqueeze;

use tch::{TchError, Tensor};

pub use adaptive_avg_pool2d::AdaptiveAvgPool2d;
pub use arg_max::ArgMax;
pub use arithmetic::Arithmetic;
pub use avg_pool2d::AvgPool2d;
pub(crate) use axes::Axes;
pub(in crate::network) use axes::{Counts, Part};
pub use batch_norm2d::BatchNorm2d;
pub use choose::Choose;
pub use concat::Concat;
pub use conv_transpose2d::ConvTranspose2d;
pub use conv2d::Conv2d;
pub use dropout::Dropout;
pub(crate) use field::{Read, Seen};
pub use flatten::Flatten;
pub use group_norm::GroupNorm;
pub use index_select::IndexSelect;
pub use input::Input;
pub use layer_norm::LayerNorm;
pub use linear::Linear;
pub use local_response_norm::LocalResponseNorm;
pub use matmul::MatMul;
pub use max_pool2d::MaxPool2d;
pub(crate) use operation::{Backprop, Operation, Reach, Spread};
pub use pad::{Pad, PadMode};
pub use parameter::Parameter;
pub use permute::Permute;
pub use pixel_shuffle::{PixelShuffle, PixelUnshuffle};
pub use pointwise::Pointwise;
pub use position_grid::PositionGrid;
pub use prelu::PRelu;
pub use quantize::Quantize;
pub use reduce::{Reduce, Reduction};
pub use reshape::Reshape;
pub use resize::{Extent, Placing, Resize, ResizeMode, Rounding};
pub use rms_norm::RmsNorm;
pub use same_pad::SamePad;
pub use select::Select;
pub(crate) use shape::{MOST_DIMS, Misfit, count};
pub(super) use shape::{broadcast, countable};
pub use slice::Slice;
pub use softmax::{LogSoftmax, Softmax};
pub use unsqueeze::Unsqueeze;

/// Makes the enumeration of all operations, and the way from it to what each says.
macro_rules! operations {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {
        /// One operation with its parameters. A clone shares them in memory.
        #[derive(Clone, Debug)]
        #[non_exhaustive]
        pub enum Op {
            $($(#[$doc])* $name($name)),+
        }

        impl Op {
            #[cfg(test)]
            const VARIANTS: &[&str] = &[$(stringify!($name)),+];

            /// What the operation says of itself.
            pub(crate) fn operation(&self) -> &dyn Operation {
                match self {
                    $(Op::$name(operation) => operation),+
                }
            }

            pub(crate) fn operation_mut(&mut self) -> &mut dyn Operation {
                match self {
                    $(Op::$name(operation) => operation),+
                }
            }
        }

        $(impl From<$name> for Op {
            fn from(operation: $name) -> Op {
                Op::$name(operation)
            }
        })+
    };
}

operations! {
    /// The network's input, `[N, C, H, W]`.
    Input,
    /// A tensor that belongs to no layer and that others read.
    Parameter,
    /// 2-D convolution.
    Conv2d,
    /// 2-D transposed convolution.
    ConvTranspose2d,
    /// Batch normalization.
    BatchNorm2d,
    /// Normalization over the last dimensions.
    LayerNorm,
    /// The same without the mean.
    RmsNorm,
    /// Normalization over all places of some channels.
    GroupNorm,
    /// Normalization over neighboring channels of one place.
    LocalResponseNorm,
    /// A function of each value by itself.
    Pointwise,
    /// A ReLU with a learned slope of negative values.
    PRelu,
    /// Exponentials that sum to 1 along a dimension.
    Softmax,
    /// The logarithm of [`Softmax`].
    LogSoftmax,
    /// In training, values set to 0 at random.
    Dropout,
    /// The maximum of each window.
    MaxPool2d,
    /// The mean of each window.
    AvgPool2d,
    /// The mean over as many windows as give an output size.
    AdaptiveAvgPool2d,
    /// One number of all those along dimensions.
    Reduce,
    /// Several dimensions become one.
    Flatten,
    /// The same values in another shape.
    Reshape,
    /// The dimensions in another order.
    Permute,
    /// Channels made places.
    PixelShuffle,
    /// Places made channels.
    PixelUnshuffle,
    /// Dimensions made larger or smaller.
    Resize,
    /// A part along one dimension.
    Slice,
    /// One index of one dimension.
    Select,
    /// Chosen indices of one dimension.
    IndexSelect,
    /// A dimension of size 1 added.
    Unsqueeze,
    /// Values added around, or cut.
    Pad,
    /// The border of TensorFlow's `SAME`.
    SamePad,
    /// A position embedding for another grid of patches.
    PositionGrid,
    /// Fully connected layer.
    Linear,
    /// Matrix product.
    MatMul,
    /// Arithmetic between two inputs.
    Arithmetic,
    /// One of two inputs, place by place.
    Choose,
    /// Inputs joined along a dimension.
    Concat,
    /// Where the largest value stands.
    ArgMax,
    /// Rounding to whole numbers of few bits.
    Quantize,
}

impl Op {
    /// max(x, 0)
    pub const RELU: Op = Op::Pointwise(Pointwise::Relu);
    /// Sum of two inputs.
    pub const ADD: Op = Op::Arithmetic(Arithmetic::Add);

    /// The operation's name, as PyTorch writes it.
    pub fn name(&self) -> &'static str {
        self.operation().name()
    }

    /// The parameters and buffers with their names, in PyTorch's order. The value of
    /// [`Op::Parameter`] has the name "".
    pub fn parameters(&self) -> Vec<(&'static str, &Tensor)> {
        self.operation().parameters()
    }

    /// How many numbers training changes.
    pub(crate) fn parameter_count(&self) -> u64 {
        let parameters = self.parameters().into_iter();
        let learned = parameters.filter(|(name, _)| !is_buffer(name));
        learned.map(|(_, tensor)| tensor.numel() as u64).sum()
    }

    /// Multiplications followed by an addition; biases and everything else are left out, as fvcore and
    /// torchvision's tables leave them out.
    pub(crate) fn multiply_adds(&self, inputs: &[&[i64]], output: &[i64]) -> u64 {
        self.operation().multiply_adds(inputs, output)
    }

    /// About how many values are looked at to compute the output, which is what it costs in time.
    pub(crate) fn work(&self, inputs: &[&[i64]], output: &[i64]) -> u64 {
        let read = inputs.iter().fold(0, |all: u64, input| all.saturating_add(count(input)));
        self.operation().reads(inputs).saturating_mul(count(output)).saturating_add(read)
    }

    /// The output's shape; one that arithmetic on sizes can't overflow with.
    pub(crate) fn shape(&self, inputs: &[&[i64]]) -> Result<Vec<i64>, Misfit> {
        self.operation().shape(inputs).and_then(shape::countable)
    }

    pub(crate) fn compute(&self, inputs: &[&Tensor], training: bool) -> Result<Tensor, TchError> {
        self.operation().compute(inputs, training)
    }
}

/// Whether a tensor of that name is a buffer, as PyTorch calls what training does not change: a batch
/// normalization's running statistics.
pub(crate) fn is_buffer(parameter: &str) -> bool {
    parameter.starts_with("running_")
}

/// The input of an operation that has one.
fn only<'a>(inputs: &[&'a Tensor]) -> Result<&'a Tensor, TchError> {
    match inputs {
        [x] => Ok(x),
        _ => Err(TchError::Shape(format!("one input is needed, not {}", inputs.len()))),
    }
}

/// The inputs of an operation that has two.
fn both<'a>(inputs: &[&'a Tensor]) -> Result<[&'a Tensor; 2], TchError> {
    match inputs {
        [a, b] => Ok([a, b]),
        _ => Err(TchError::Shape(format!("two inputs are needed, not {}", inputs.len()))),
    }
}

/// Height and width of a convolution's kernels.
fn kernel(weight: &Tensor) -> Option<[i64; 2]> {
    match weight.size()[..] {
        [_, _, height, width] => Some([height, width]),
        _ => None,
    }
}

/// A kernel and its step in the architecture's figure: ` 3×3 /2`.
fn window_text(kernel: [i64; 2], stride: [i64; 2]) -> String {
    let step = match stride {
        [1, 1] => String::new(),
        [height, width] if height == width => format!(" /{height}"),
        [height, width] => format!(" /{height}×{width}"),
    };
    format!(" {}×{}{step}", kernel[0], kernel[1])
}

/// Weight and bias under their names.
fn weight_and_bias<T>(weight: T, bias: Option<T>) -> Vec<(&'static str, T)> {
    [Some(("weight", weight)), bias.map(|bias| ("bias", bias))].into_iter().flatten().collect()
}

/// A value `[1, …]` for each of `count` images, `[count, …]`, without copying it.
pub(crate) fn repeated(value: &Tensor, count: i64) -> Result<Tensor, TchError> {
    let mut shape = value.size();
    if let Some(batch) = shape.first_mut() {
        *batch = count;
    }
    value.f_expand(shape, false)
}

/// A tensor of the shape of `like`, the same number everywhere.
fn constant(like: &Tensor, value: f64) -> Result<Tensor, TchError> {
    like.f_detach()?.f_full_like(value)
}
