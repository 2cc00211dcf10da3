//! Building a network node by node.

// Sizes are what a user says.
#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss
    )
)]

use tch::nn::Init;
use tch::{Device, Kind, Tensor};

use super::ops::{self, Arithmetic, Pointwise};
use super::{Conv2d, Network, Node, Op, Pool, Preprocess};
use crate::error::{quoted, shape_text, short};
use crate::limits::check_memory;
use crate::{Error, Result};

/// A node of a network under construction, as [`Builder`] hands it out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeId(usize);

/// Appends nodes. Parameters start at random (PyTorch's default initialization;
/// seed it with `manual_seed`).
///
/// A mistake (a shape that doesn't fit, a name used twice) is remembered and returned by
/// [`build`](Builder::build), so a network's definition needs no `?` on every line.
///
/// ```
/// use convscope::prelude::*;
///
/// let mut b = Network::builder("tiny", [1, 28, 28]);
/// let x = b.conv2d(b.input(), "conv", Conv2d::new(8, 5));
/// let x = b.relu(x, "relu");
/// let x = b.global_avg_pool(x, "avgpool");
/// let x = b.flatten(x, "flatten");
/// b.linear(x, "fc", 10);
/// let net = b.build()?;
/// assert_eq!(net.forward(&Tensor::zeros([2, 1, 28, 28], (Kind::Float, Device::Cpu)))?.size(), [2, 10]);
/// # Ok::<(), convscope::Error>(())
/// ```
#[derive(Debug)]
pub struct Builder {
    network: Network,
    /// The output shape of each node for one input of the nominal size.
    shapes: Vec<Vec<i64>>,
    mistake: Option<Error>,
}

impl Builder {
    pub(super) fn new(name: &str, input: [i64; 3]) -> Self {
        let usable = Preprocess::plain(input).check();
        let [c, h, w] = if usable.is_ok() { input } else { [1; 3] };
        let node = Node { name: "input".to_owned(), op: ops::Input.into(), inputs: Vec::new() };
        Builder {
            network: Network {
                name: name.to_owned(),
                nodes: vec![node],
                aliases: Vec::new(),
                output: 0,
                heads: Vec::new(),
                preprocess: Preprocess::plain(input),
                classes: Vec::new(),
                detection: None,
                packed: None,
            },
            shapes: vec![vec![1, c, h, w]],
            mistake: usable.err(),
        }
    }

    /// The network's input.
    pub fn input(&self) -> NodeId {
        NodeId(0)
    }

    /// Sets how pictures are made ready for this network.
    pub fn preprocess(&mut self, preprocess: Preprocess) -> &mut Self {
        self.network.preprocess = preprocess;
        self
    }

    /// Sets the names of the classes, in the order of the output's logits.
    pub fn classes(&mut self, names: impl IntoIterator<Item = impl Into<String>>) -> &mut Self {
        self.network.classes = names.into_iter().map(Into::into).collect();
        self
    }

    /// Adds a convolution.
    pub fn conv2d(&mut self, input: NodeId, name: &str, conv: Conv2d) -> NodeId {
        let Conv2d { channels, kernel, stride, padding, dilation, groups, bias } = conv;
        let per_group = self.channels(input).checked_div(groups.max(1)).unwrap_or_default();
        let fan_in = per_group.saturating_mul(kernel[0]).saturating_mul(kernel[1]);
        let weight = self.random(name, &[channels, per_group, kernel[0], kernel[1]], fan_in);
        let bias = bias.then(|| self.random(name, &[channels], fan_in));
        let op = ops::Conv2d { weight, bias, stride, padding, dilation, groups };
        self.op(name, op, &[input])
    }

    /// Adds a rectified linear unit with a learned slope of negative values, 0.25 at first, one for each
    /// channel.
    pub fn prelu(&mut self, input: NodeId, name: &str) -> NodeId {
        let channels = [self.channels(input)];
        let weight = self.filled(name, 0.25, &channels);
        self.op(name, ops::PRelu { weight }, &[input])
    }

    /// Adds a rectified linear unit.
    pub fn relu(&mut self, input: NodeId, name: &str) -> NodeId {
        self.op(name, Op::RELU, &[input])
    }

    /// Adds a function of each value: GELU, sigmoid, …
    pub fn pointwise(&mut self, input: NodeId, name: &str, function: Pointwise) -> NodeId {
        self.op(name, function, &[input])
    }

    /// Adds a dropout: in training, each value becomes 0 with probability `p`.
    pub fn dropout(&mut self, input: NodeId, name: &str, p: f64) -> NodeId {
        self.op(name, ops::Dropout { p }, &[input])
    }

    /// Adds the maximum of each window.
    pub fn max_pool(&mut self, input: NodeId, name: &str, pool: Pool) -> NodeId {
        let Pool { kernel, stride, padding, ceil } = pool;
        let padding = padding.map(|side| [side; 2]);
        let op = ops::MaxPool2d { kernel, stride, padding, dilation: [1, 1], ceil };
        self.op(name, op, &[input])
    }

    /// Adds the mean of each window.
    pub fn avg_pool(&mut self, input: NodeId, name: &str, pool: Pool) -> NodeId {
        let Pool { kernel, stride, padding, ceil } = pool;
        let padding = padding.map(|side| [side; 2]);
        let op = ops::AvgPool2d { kernel, stride, padding, ceil, count_padding: true };
        self.op(name, op, &[input])
    }

    /// Adds the mean over as many windows as give this output size.
    pub fn adaptive_avg_pool(&mut self, input: NodeId, name: &str, output: [i64; 2]) -> NodeId {
        self.op(name, ops::AdaptiveAvgPool2d { output }, &[input])
    }

    /// Adds the mean of each channel: `[N, C, H, W]` to `[N, C, 1, 1]`.
    pub fn global_avg_pool(&mut self, input: NodeId, name: &str) -> NodeId {
        self.adaptive_avg_pool(input, name, [1, 1])
    }

    /// Adds the maximum of each channel: `[N, C, H, W]` to `[N, C, 1, 1]`.
    pub fn global_max_pool(&mut self, input: NodeId, name: &str) -> NodeId {
        let by = ops::Reduction::Max;
        self.op(name, ops::Reduce { by, dims: vec![2, 3], keep_dims: true }, &[input])
    }

    /// Adds a flattening to `[N, features]`.
    pub fn flatten(&mut self, input: NodeId, name: &str) -> NodeId {
        self.op(name, ops::Flatten { from: 1 }, &[input])
    }

    /// Adds a fully connected layer of `features` outputs, with bias.
    pub fn linear(&mut self, input: NodeId, name: &str, features: i64) -> NodeId {
        let inputs = self.shape(input).last().copied().unwrap_or_default();
        let op = ops::Linear {
            weight: self.random(name, &[features, inputs], inputs),
            bias: Some(self.random(name, &[features], inputs)),
        };
        self.op(name, op, &[input])
    }

    /// Adds the sum of two nodes: a skip connection.
    pub fn add(&mut self, a: NodeId, b: NodeId, name: &str) -> NodeId {
        self.op(name, Op::ADD, &[a, b])
    }

    /// Adds the product of two nodes: a gate.
    pub fn mul(&mut self, a: NodeId, b: NodeId, name: &str) -> NodeId {
        self.op(name, Arithmetic::Mul, &[a, b])
    }

    /// Concatenates nodes along the channels.
    pub fn concat(&mut self, inputs: &[NodeId], name: &str) -> NodeId {
        self.op(name, ops::Concat { dim: 1 }, inputs)
    }

    /// Adds a learned tensor for other nodes to read, normally distributed with this standard
    /// deviation: a class token, a position embedding.
    pub fn parameter(&mut self, name: &str, shape: &[i64], deviation: f64) -> NodeId {
        let init = Init::Randn { mean: 0.0, stdev: deviation };
        let value = self.made(name, init, shape);
        self.op(name, ops::Parameter { value }, &[])
    }

    /// Adds any operation, with parameters of one's own.
    pub fn op(&mut self, name: &str, op: impl Into<Op>, inputs: &[NodeId]) -> NodeId {
        let op = op.into();
        let shape = self.check(name, &op, inputs).unwrap_or_else(|mistake| {
            self.mistaken(mistake);
            // The nodes after a mistake still need some shape; the input's is as good as any.
            inputs.first().map(|&id| self.shape(id).to_vec()).unwrap_or_default()
        });
        let inputs = inputs.iter().map(|id| id.0).collect();
        self.network.nodes.push(Node { name: name.to_owned(), op, inputs });
        self.shapes.push(shape);
        NodeId(self.network.nodes.len() - 1)
    }

    /// The shape of a node to be added.
    fn check(&self, name: &str, op: &Op, inputs: &[NodeId]) -> Result<Vec<i64>> {
        let network = &self.network;
        if inputs.iter().any(|id| id.0 >= network.nodes.len()) {
            return Err(Error::Argument(format!(
                "layer `{name}` of {} reads a node of another builder; use those that this one returned",
                network.name
            )));
        }
        let shapes: Vec<&[i64]> = inputs.iter().map(|&id| self.shape(id)).collect();
        let shape = op.shape(&shapes).map_err(|misfit| Error::Shape {
            at: format!("{}, layer `{name}` ({})", network.name, op.name()),
            expected: misfit.expected,
            got: misfit.got,
            remedy: "Change this layer or the one before it.".to_owned(),
        })?;
        if network.nodes.iter().any(|node| node.name == name) {
            return Err(Error::Argument(format!(
                "two layers named {} in {}; names must differ (this one would have given {})",
                quoted(&[name]),
                short(&network.name),
                shape_text(&shape)
            )));
        }
        Ok(shape)
    }

    /// The shape of a node's value for one input of the nominal size; empty for a node of another
    /// builder.
    pub fn shape(&self, node: NodeId) -> &[i64] {
        self.shapes.get(node.0).map_or(&[], Vec::as_slice)
    }

    /// The network, or the first mistake made while building it. Its output is the last node.
    pub fn build(self) -> Result<Network> {
        match self.mistake {
            Some(mistake) => Err(mistake),
            None => {
                self.network.preprocess.check()?;
                let output = self.network.nodes.len() - 1;
                let mut network = Network { output, ..self.network };
                network.check_classes()?;
                network.lay_out()?;
                Ok(network)
            }
        }
    }

    pub(super) fn channels(&self, node: NodeId) -> i64 {
        self.shape(node).get(1).copied().unwrap_or_default()
    }

    /// PyTorch's default for convolutions and linear layers: uniform within ±1/√fan-in.
    pub(super) fn random(&mut self, name: &str, shape: &[i64], fan_in: i64) -> Tensor {
        let bound = 1.0 / (fan_in.max(1) as f64).sqrt();
        self.made(name, Init::Uniform { lo: -bound, up: bound }, shape)
    }

    pub(super) fn filled(&mut self, name: &str, value: f64, shape: &[i64]) -> Tensor {
        self.made(name, Init::Const(value), shape)
    }

    fn made(&mut self, name: &str, init: Init, shape: &[i64]) -> Tensor {
        let doing = format!("making the parameters of {name}");
        let bytes = ops::count(shape).saturating_mul(4);
        let made = check_memory(&doing, bytes, Device::Cpu).and_then(|()| {
            let made = tch::nn::f_init(init, shape, Device::Cpu, Kind::Float);
            made.map_err(Error::torch(doing))
        });
        made.unwrap_or_else(|error| {
            self.mistaken(error);
            Tensor::new()
        })
    }

    fn mistaken(&mut self, error: Error) {
        self.mistake.get_or_insert(error);
    }
}
