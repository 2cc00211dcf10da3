//! `net.summary()`

use crate::Result;
use crate::network::{Network, Op, Pointwise};
use crate::view::{LayerKind, LayerRow, Summary};

impl Network {
    /// The architecture as a figure: what reads what, and for each layer the operation, the shape of
    /// its output, its parameters, its multiply-adds and its receptive field, all for one picture of
    /// the nominal size. Nothing is run.
    ///
    /// A large network is shown by blocks, a small one layer by layer; [`Summary::layers`] and
    /// [`Summary::blocks`] choose.
    ///
    /// ```
    /// # use convscope::prelude::*;
    /// let summary = zoo::digits()?.summary()?;
    /// assert_eq!(summary.parameters(), 32_826);
    /// assert_eq!(summary.rows()[6].shape, [1, 24, 4, 4]);
    /// println!("{}", summary.text());
    /// # Ok::<(), convscope::Error>(())
    /// ```
    pub fn summary(&self) -> Result<Summary> {
        let [c, h, w] = self.preprocess().input_shape();
        self.summary_for([1, c, h, w])
    }

    /// The same for an input `[N, C, H, W]` of another size.
    ///
    /// Errors: an input that does not fit.
    pub fn summary_for(&self, input: [i64; 4]) -> Result<Summary> {
        let shapes = self.shapes(&input)?;
        let fields = self.receptive_fields(&input)?;
        let mut rows = Vec::with_capacity(shapes.len());
        for ((node, shape), field) in self.nodes().iter().zip(&shapes).zip(fields) {
            let inputs: Vec<&[i64]> = node.inputs.iter().map(|&i| shapes[i].as_slice()).collect();
            rows.push(LayerRow {
                name: node.name.clone(),
                operation: operation(&node.op),
                kind: kind(&node.op),
                shape: shape.clone(),
                parameters: node.op.parameter_count(),
                multiply_adds: node.op.multiply_adds(&inputs, shape),
                receptive_field: field.map(|field| field.size()),
                inputs: node.inputs.clone(),
            });
        }
        Ok(Summary::new(format!("Layers of {}", self.name()), rows))
    }
}

/// The operation in a few words: `Conv2d 3×3 /2`.
fn operation(op: &Op) -> String {
    let mut words = op.name().to_owned();
    let mut window = |kernel: [i64; 2], stride: [i64; 2]| {
        words.push_str(&format!(" {}×{}", kernel[0], kernel[1]));
        match stride {
            [1, 1] => {}
            [height, width] if height == width => words.push_str(&format!(" /{height}")),
            [height, width] => words.push_str(&format!(" /{height}×{width}")),
        }
    };
    match op {
        Op::Conv2d { weight, stride, dilation, groups, .. } => {
            let size = weight.size();
            if let [out, _, height, width] = size[..] {
                window([height, width], *stride);
                match *groups {
                    1 => {}
                    groups if groups == out => words.push_str(" depthwise"),
                    groups => words.push_str(&format!(", {groups} groups")),
                }
            }
            match dilation {
                [1, 1] => {}
                [height, width] => words.push_str(&format!(", dilation {height}×{width}")),
            }
        }
        Op::MaxPool2d { kernel, stride, .. } | Op::AvgPool2d { kernel, stride, .. } => {
            window(*kernel, *stride);
        }
        Op::AdaptiveAvgPool2d { output } => window(*output, [1, 1]),
        _ => {}
    }
    words
}

fn kind(op: &Op) -> LayerKind {
    match op {
        Op::Input => LayerKind::Input,
        Op::Parameter { .. } => LayerKind::Parameter,
        Op::Conv2d { .. } => LayerKind::Convolution,
        Op::Linear { .. } => LayerKind::Linear,
        Op::MatMul | Op::Softmax { .. } | Op::LogSoftmax { .. } => LayerKind::Attention,
        Op::MaxPool2d { .. }
        | Op::AvgPool2d { .. }
        | Op::AdaptiveAvgPool2d { .. }
        | Op::Mean { .. } => LayerKind::Pooling,
        Op::Arithmetic(_) | Op::Concat { .. } => LayerKind::Join,
        Op::BatchNorm2d { .. } | Op::LayerNorm { .. } => LayerKind::Normalisation,
        Op::Pointwise(function) => match function {
            Pointwise::Relu
            | Pointwise::Relu6
            | Pointwise::LeakyRelu { .. }
            | Pointwise::Gelu
            | Pointwise::GeluTanh
            | Pointwise::Silu
            | Pointwise::Sigmoid
            | Pointwise::HardSigmoid
            | Pointwise::HardSwish
            | Pointwise::Tanh => LayerKind::Activation,
            Pointwise::Erf
            | Pointwise::Exp
            | Pointwise::Log
            | Pointwise::Sqrt
            | Pointwise::Neg
            | Pointwise::Abs
            | Pointwise::Pow { .. }
            | Pointwise::Scale { .. }
            | Pointwise::Shift { .. }
            | Pointwise::Clamp { .. } => LayerKind::Other,
        },
        Op::Dropout { .. }
        | Op::Unsqueeze { .. }
        | Op::Flatten { .. }
        | Op::Reshape { .. }
        | Op::Permute { .. }
        | Op::Slice { .. }
        | Op::Select { .. }
        | Op::Pad { .. } => LayerKind::Other,
    }
}
