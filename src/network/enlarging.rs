//! Layers that make maps larger.

use super::ops::{self, Extent, Placing, ResizeMode, Rounding};
use super::{Builder, Conv2d, NodeId};

impl Builder {
    /// Adds a transposed convolution. `Conv2d::new(8, 2).stride(2)` makes maps of 8 channels, twice as
    /// large.
    pub fn conv_transpose2d(&mut self, input: NodeId, name: &str, conv: Conv2d) -> NodeId {
        let Conv2d { channels, kernel, stride, padding, dilation, groups, bias } = conv;
        let from = self.channels(input);
        let per_group = channels.checked_div(groups.max(1)).unwrap_or_default();
        let fan_in = per_group.saturating_mul(kernel[0]).saturating_mul(kernel[1]);
        let weight = self.random(name, &[from, per_group, kernel[0], kernel[1]], fan_in);
        let bias = bias.then(|| self.random(name, &[channels], fan_in));
        let output_padding = [0, 0];
        let op = ops::ConvTranspose2d {
            weight,
            bias,
            stride,
            padding,
            output_padding,
            dilation,
            groups,
        };
        self.op(name, op, &[input])
    }

    /// Makes maps `factor` times as large: each value is repeated.
    pub fn upsample_nearest(&mut self, input: NodeId, name: &str, factor: i64) -> NodeId {
        let mode = ResizeMode::Nearest(Rounding::Floor);
        self.upsample(input, name, factor, mode, Placing::Asymmetric)
    }

    /// Makes maps `factor` times as large, with straight lines between values; corners are not aligned.
    pub fn upsample_bilinear(&mut self, input: NodeId, name: &str, factor: i64) -> NodeId {
        self.upsample(input, name, factor, ResizeMode::Linear, Placing::HalfPixel)
    }

    fn upsample(
        &mut self,
        input: NodeId,
        name: &str,
        factor: i64,
        mode: ResizeMode,
        place: Placing,
    ) -> NodeId {
        let scale = Extent::Scale(factor as f64);
        let dims = vec![(2, scale), (3, scale)];
        self.op(name, ops::Resize { dims, mode, place, antialias: false }, &[input])
    }
}
