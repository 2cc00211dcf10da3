//! Building a network node by node.

use tch::nn::Init;
use tch::{Device, Kind, Tensor};

use super::shape::output_shape;
use super::{Network, Node, Op, Preprocess};
use crate::error::shape_text;
use crate::{Error, Result};

/// A node of a network under construction, as [`Builder`] hands it out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeId(usize);

/// How a convolution looks; the number of input channels follows from its input.
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
    /// Channel groups that do not see each other.
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
    pub fn stride(mut self, stride: i64) -> Self {
        self.stride = [stride; 2];
        self
    }

    /// Sets the padding of all sides.
    pub fn padding(mut self, padding: i64) -> Self {
        self.padding = [padding; 2];
        self
    }

    /// Sets the number of groups of channels that do not see each other.
    pub fn groups(mut self, groups: i64) -> Self {
        self.groups = groups;
        self
    }

    /// Leaves the bias out, as before a batch normalisation.
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
    pub fn padding(mut self, padding: i64) -> Self {
        self.padding = [padding; 2];
        self
    }

    /// Lets a last window reach over the edge.
    pub fn ceil(mut self) -> Self {
        self.ceil = true;
        self
    }
}

/// Puts nodes behind one another. Parameters start at random (PyTorch's default initialisation;
/// seed it with `tch::manual_seed`).
///
/// A mistake (a shape that doesn't fit, a name used twice) is remembered and returned by
/// [`build`](Builder::build), so that the network's definition reads without a `?` a line.
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
        let [c, h, w] = input;
        let node = Node { name: "input".to_owned(), op: Op::Input, inputs: Vec::new() };
        Builder {
            network: Network {
                name: name.to_owned(),
                nodes: vec![node],
                preprocess: Preprocess::plain(input),
                classes: Vec::new(),
            },
            shapes: vec![vec![1, c, h, w]],
            mistake: None,
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
        let per_group = self.channels(input) / groups.max(1);
        let fan_in = per_group * kernel[0] * kernel[1];
        let weight = self.random(name, &[channels, per_group, kernel[0], kernel[1]], fan_in);
        let bias = bias.then(|| self.random(name, &[channels], fan_in));
        self.node(name, Op::Conv2d { weight, bias, stride, padding, dilation, groups }, &[input])
    }

    /// Adds a batch normalisation (its running statistics start at mean 0, variance 1), with 1e-5
    /// added to the variance.
    pub fn batch_norm(&mut self, input: NodeId, name: &str) -> NodeId {
        self.batch_norm_eps(input, name, 1e-5)
    }

    /// The same with another number added to the variance.
    pub fn batch_norm_eps(&mut self, input: NodeId, name: &str, eps: f64) -> NodeId {
        let channels = [self.channels(input).max(0)];
        let options = (Kind::Float, Device::Cpu);
        let op = Op::BatchNorm2d {
            weight: Tensor::ones(channels, options),
            bias: Tensor::zeros(channels, options),
            running_mean: Tensor::zeros(channels, options),
            running_var: Tensor::ones(channels, options),
            eps,
        };
        self.node(name, op, &[input])
    }

    /// Adds a rectified linear unit.
    pub fn relu(&mut self, input: NodeId, name: &str) -> NodeId {
        self.node(name, Op::Relu, &[input])
    }

    /// Adds a rectified linear unit that ends at 6.
    pub fn relu6(&mut self, input: NodeId, name: &str) -> NodeId {
        self.node(name, Op::Relu6, &[input])
    }

    /// Adds the maximum of each window.
    pub fn max_pool(&mut self, input: NodeId, name: &str, pool: Pool) -> NodeId {
        let Pool { kernel, stride, padding, ceil } = pool;
        self.node(name, Op::MaxPool2d { kernel, stride, padding, ceil }, &[input])
    }

    /// Adds the mean of each window.
    pub fn avg_pool(&mut self, input: NodeId, name: &str, pool: Pool) -> NodeId {
        let Pool { kernel, stride, padding, ceil } = pool;
        self.node(name, Op::AvgPool2d { kernel, stride, padding, ceil }, &[input])
    }

    /// Adds the mean over as many windows as give this output size.
    pub fn adaptive_avg_pool(&mut self, input: NodeId, name: &str, output: [i64; 2]) -> NodeId {
        self.node(name, Op::AdaptiveAvgPool2d { output }, &[input])
    }

    /// Adds the mean of each channel: `[N, C, H, W]` to `[N, C, 1, 1]`.
    pub fn global_avg_pool(&mut self, input: NodeId, name: &str) -> NodeId {
        self.adaptive_avg_pool(input, name, [1, 1])
    }

    /// Adds a flattening to `[N, features]`.
    pub fn flatten(&mut self, input: NodeId, name: &str) -> NodeId {
        self.node(name, Op::Flatten, &[input])
    }

    /// Adds a fully connected layer of `features` outputs, with bias.
    pub fn linear(&mut self, input: NodeId, name: &str, features: i64) -> NodeId {
        let inputs = self.shapes[input.0].last().copied().unwrap_or_default();
        let op = Op::Linear {
            weight: self.random(name, &[features, inputs], inputs),
            bias: Some(self.random(name, &[features], inputs)),
        };
        self.node(name, op, &[input])
    }

    /// Adds the sum of two nodes: a skip connection.
    pub fn add(&mut self, a: NodeId, b: NodeId, name: &str) -> NodeId {
        self.node(name, Op::Add, &[a, b])
    }

    /// Puts nodes behind one another along the channels.
    pub fn concat(&mut self, inputs: &[NodeId], name: &str) -> NodeId {
        self.node(name, Op::Concat, inputs)
    }

    /// The network, or the first mistake made while building it. Its output is the last node.
    pub fn build(self) -> Result<Network> {
        match self.mistake {
            Some(mistake) => Err(mistake),
            None => Ok(self.network),
        }
    }

    fn channels(&self, node: NodeId) -> i64 {
        self.shapes[node.0].get(1).copied().unwrap_or_default()
    }

    /// PyTorch's default for convolutions and linear layers: uniform within ±1/√fan-in.
    fn random(&mut self, name: &str, shape: &[i64], fan_in: i64) -> Tensor {
        let bound = 1.0 / (fan_in.max(1) as f64).sqrt();
        let init = Init::Uniform { lo: -bound, up: bound };
        tch::nn::f_init(init, shape, Device::Cpu, Kind::Float).unwrap_or_else(|error| {
            self.mistaken(Error::torch(format!("making the parameters of {name}"))(error));
            Tensor::new()
        })
    }

    fn node(&mut self, name: &str, op: Op, inputs: &[NodeId]) -> NodeId {
        let shapes: Vec<&[i64]> = inputs.iter().map(|id| self.shapes[id.0].as_slice()).collect();
        let shape = output_shape(&op, &shapes).unwrap_or_else(|misfit| {
            let error = Error::Shape {
                at: format!("{}, layer `{name}` ({})", self.network.name, op.name()),
                expected: misfit.expected,
                got: misfit.got,
                remedy: "Change this layer or the one before it.".to_owned(),
            };
            // The nodes after a mistake still need some shape; the input's is as good as any.
            let shape = shapes.first().map(|shape| shape.to_vec()).unwrap_or_default();
            self.mistake.get_or_insert(error);
            shape
        });
        if self.network.nodes.iter().any(|node| node.name == name) {
            self.mistaken(Error::Argument(format!(
                "two layers named `{name}` in {}; names must differ (this one would have given {})",
                self.network.name,
                shape_text(&shape)
            )));
        }
        let inputs = inputs.iter().map(|id| id.0).collect();
        self.network.nodes.push(Node { name: name.to_owned(), op, inputs });
        self.shapes.push(shape);
        NodeId(self.network.nodes.len() - 1)
    }

    fn mistaken(&mut self, error: Error) {
        self.mistake.get_or_insert(error);
    }
}
