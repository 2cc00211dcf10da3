//! Normalizations of activations.

use super::{Builder, NodeId, ops};

impl Builder {
    /// Adds a batch normalization (its running statistics start at mean 0, variance 1), with 1e-5
    /// added to the variance.
    pub fn batch_norm(&mut self, input: NodeId, name: &str) -> NodeId {
        self.batch_norm_with(input, name, 1e-5)
    }

    /// The same with another number added to the variance.
    pub fn batch_norm_with(&mut self, input: NodeId, name: &str, eps: f64) -> NodeId {
        let channels = [self.channels(input)];
        let op = ops::BatchNorm2d {
            weight: self.filled(name, 1.0, &channels),
            bias: self.filled(name, 0.0, &channels),
            running_mean: self.filled(name, 0.0, &channels),
            running_var: self.filled(name, 1.0, &channels),
            eps,
        };
        self.op(name, op, &[input])
    }

    /// Adds a normalization over the last dimension (scale 1, shift 0 at first), with `eps` added
    /// to the variance.
    pub fn layer_norm(&mut self, input: NodeId, name: &str, eps: f64) -> NodeId {
        let features = [self.shape(input).last().copied().unwrap_or_default()];
        let weight = self.filled(name, 1.0, &features);
        let bias = Some(self.filled(name, 0.0, &features));
        self.op(name, ops::LayerNorm { weight, bias, eps }, &[input])
    }

    /// Adds a normalization over all places of `groups` groups of channels (scale 1, shift 0 at first),
    /// with 1e-5 added to the variance.
    pub fn group_norm(&mut self, input: NodeId, name: &str, groups: i64) -> NodeId {
        let channels = [self.channels(input)];
        let weight = self.filled(name, 1.0, &channels);
        let bias = self.filled(name, 0.0, &channels);
        self.op(name, ops::GroupNorm { groups, weight, bias, eps: 1e-5 }, &[input])
    }

    /// Adds a normalization over all places of each channel by itself.
    pub fn instance_norm(&mut self, input: NodeId, name: &str) -> NodeId {
        let channels = self.channels(input);
        self.group_norm(input, name, channels)
    }
}
