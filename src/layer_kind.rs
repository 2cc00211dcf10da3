//! What kinds of layers there are: operations say theirs, figures have a color for each.

/// What a layer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LayerKind {
    /// The network's input.
    Input,
    /// A tensor that others read: a class token, a position embedding.
    Parameter,
    /// A convolution.
    Convolution,
    /// A fully connected layer.
    Linear,
    /// A matrix product or a softmax.
    Attention,
    /// A maximum or a mean over windows, or over a whole map.
    Pooling,
    /// A sum, a product, a concatenation: where branches meet.
    Join,
    /// A normalization.
    Normalization,
    /// A function of each value by itself.
    Activation,
    /// What moves values, scales them or passes them on: flattening, permuting, dropout.
    Other,
}
