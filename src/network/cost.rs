//! What an operation costs: parameters and multiply-adds, counted without running anything.

use super::Op;

impl Op {
    /// How many numbers training changes. A batch normalisation's running statistics are buffers
    /// and do not count, as in PyTorch's `parameters()`.
    pub(crate) fn parameter_count(&self) -> u64 {
        let parameters = self.parameters().into_iter();
        let learned = parameters.filter(|(name, _)| !name.starts_with("running_"));
        learned.map(|(_, tensor)| tensor.numel() as u64).sum()
    }

    /// Multiplications followed by an addition, in convolutions, linear layers and matrix products;
    /// biases and everything else are left out, as fvcore and torchvision's tables leave them out.
    pub(crate) fn multiply_adds(&self, inputs: &[&[i64]], output: &[i64]) -> u64 {
        // How many products are summed for each value of the output.
        let terms = match self {
            Op::Conv2d { weight, .. } | Op::Linear { weight, .. } => {
                count(weight.size().get(1..).unwrap_or_default())
            }
            Op::MatMul => {
                let inner = inputs.first().and_then(|shape| shape.last());
                inner.map_or(0, |&inner| count(&[inner]))
            }
            Op::Input
            | Op::Parameter { .. }
            | Op::BatchNorm2d { .. }
            | Op::LayerNorm { .. }
            | Op::Pointwise(_)
            | Op::Softmax { .. }
            | Op::LogSoftmax { .. }
            | Op::Dropout { .. }
            | Op::MaxPool2d { .. }
            | Op::AvgPool2d { .. }
            | Op::AdaptiveAvgPool2d { .. }
            | Op::Mean { .. }
            | Op::Flatten { .. }
            | Op::Reshape { .. }
            | Op::Permute { .. }
            | Op::Slice { .. }
            | Op::Select { .. }
            | Op::Unsqueeze { .. }
            | Op::Pad { .. }
            | Op::Arithmetic(_)
            | Op::Concat { .. } => 0,
        };
        terms.saturating_mul(count(output))
    }
}

fn count(sizes: &[i64]) -> u64 {
    sizes.iter().fold(1, |all: u64, &size| all.saturating_mul(size.max(0) as u64))
}
