//! Hyperparameters of convolutions and poolings.

/// The hyperparameters of a convolution; the number of input channels follows from its input.
#[derive(Clone, Debug)]
pub struct Conv2d {
    /// Output channels, that is filters.
    pub channels: i64,
    /// Kernel `[height, width]`.
    pub kernel: [i64; 2],
    /// Step.
    pub stride: [i64; 2],
    /// Zeros added on each side.
    pub padding: [i64; 2],
    /// Distance between taps.
    pub dilation: [i64; 2],
    /// Number of groups (see `torch.nn.Conv2d`).
    pub groups: i64,
    /// Whether a bias is added.
    pub bias: bool,
}

impl Conv2d {
    /// `channels` filters of `kernel`×`kernel`, stride 1, no padding, with bias.
    pub fn new(channels: i64, kernel: i64) -> Self {
        Conv2d {
            channels,
            kernel: [kernel; 2],
            stride: [1; 2],
            padding: [0; 2],
            dilation: [1; 2],
            groups: 1,
            bias: true,
        }
    }

    /// Sets the stride of both directions.
    #[must_use]
    pub fn stride(mut self, stride: i64) -> Self {
        self.stride = [stride; 2];
        self
    }

    /// Sets the padding of all sides.
    #[must_use]
    pub fn padding(mut self, padding: i64) -> Self {
        self.padding = [padding; 2];
        self
    }

    /// Sets the number of groups (see `torch.nn.Conv2d`).
    #[must_use]
    pub fn groups(mut self, groups: i64) -> Self {
        self.groups = groups;
        self
    }

    /// Leaves the bias out, as before a batch normalization.
    #[must_use]
    pub fn no_bias(mut self) -> Self {
        self.bias = false;
        self
    }
}

/// The windows of a pooling.
#[derive(Clone, Copy, Debug)]
pub struct Pool {
    /// Window `[height, width]`.
    pub kernel: [i64; 2],
    /// Step.
    pub stride: [i64; 2],
    /// Border on each side.
    pub padding: [i64; 2],
    /// Whether a last window may reach over the edge, so that no value is left out.
    pub ceil: bool,
}

impl Pool {
    /// Windows of `kernel`×`kernel`, a step of `stride`, no padding.
    pub fn new(kernel: i64, stride: i64) -> Self {
        Pool { kernel: [kernel; 2], stride: [stride; 2], padding: [0; 2], ceil: false }
    }

    /// Sets the padding of all sides.
    #[must_use]
    pub fn padding(mut self, padding: i64) -> Self {
        self.padding = [padding; 2];
        self
    }

    /// Lets a last window reach over the edge.
    #[must_use]
    pub fn ceil(mut self) -> Self {
        self.ceil = true;
        self
    }
}
