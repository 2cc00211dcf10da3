//! The network as data: named nodes in topological order, and one executor that runs them.
//!
//! tch has no hooks, so a network that is a Rust closure can't be looked into. Here every method is
//! a way of running the same list of nodes: keep an activation, stop early, differentiate with
//! respect to any node.

mod attention;
mod builder;
mod classes;
mod cut;
mod detection;
mod enlarging;
mod executor;
mod fused;
mod gradient;
mod head;
mod inference;
mod layers;
mod layout;
mod liveness;
mod maps;
mod modified_backprop;
mod norms;
mod onnx;
pub mod ops;
mod options;
mod outputs;
mod preprocess;
mod receptive;
mod regions;
mod reinitialize;
mod resample;
mod resume;
mod windows;

use std::fmt;
use std::sync::Arc;

use tch::{Device, Kind, Tensor};

pub use builder::{Builder, NodeId};
pub(crate) use classes::OutputScale;
pub(crate) use cut::Cut;
pub(crate) use detection::Detector;
pub use detection::{BoxForm, Detection, ScoreForm};
pub(crate) use executor::only;
use fused::Packed;
pub use gradient::Gradients;
pub(crate) use gradient::{backward, leaf, one_number};
pub use head::Head;
pub(crate) use layers::nearest;
pub(crate) use maps::Maps;
pub(crate) use modified_backprop::BackpropRule;
pub use ops::{Arithmetic, Op, Pointwise};
pub use options::{Conv2d, Pool};
pub use outputs::Output;
pub use preprocess::{Preprocess, Resize};
pub use receptive::ReceptiveField;
pub use resample::Interpolation;
pub(crate) use windows::Windows;

use crate::limits::check_device;
use crate::{Error, Photo, Result};

/// One node: an operation, its name, and the nodes it reads.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Node {
    /// The name in torchvision's style: `layer1.0.conv1`.
    pub name: String,
    /// The operation with its parameters.
    pub op: Op,
    /// Indices of the nodes it reads, all smaller than its own.
    pub inputs: Vec<usize>,
}

impl Node {
    /// The full name of one of its operation's parameters: `layer1.0.conv1.weight`.
    fn parameter_name(&self, parameter: &str) -> String {
        parameter_name(&self.name, parameter)
    }
}

fn parameter_name(node: &str, parameter: &str) -> String {
    if parameter.is_empty() {
        return node.to_owned();
    }
    // PyTorch's MultiheadAttention holds its input projection as `in_proj_weight`.
    let separator = if node.ends_with(".in_proj") { '_' } else { '.' };
    format!("{node}{separator}{parameter}")
}

/// A network: nodes, how a picture is made ready for it, and the names of its classes.
///
/// Networks come from [`crate::zoo`], from [`Network::builder`], or from an ONNX file
/// ([`Network::from_onnx`]). A clone shares the parameters in memory: it costs nothing, and training one
/// trains both.
#[derive(Clone)]
pub struct Network {
    name: String,
    nodes: Vec<Node>,
    /// Other names by which nodes are found: those of the file they come from.
    aliases: Vec<(String, usize)>,
    /// The node whose value is the result.
    output: usize,
    /// Other nodes that are outputs by what their file says.
    heads: Vec<usize>,
    preprocess: Preprocess,
    classes: Vec<String>,
    /// How the result says boxes.
    detection: Option<Arc<Detector>>,
    /// Of a network made for inference, how its layers are computed faster.
    packed: Option<Packed>,
}

impl Network {
    /// Starts a network that takes `[channels, height, width]`.
    pub fn builder(name: &str, input: [i64; 3]) -> Builder {
        Builder::new(name, input)
    }

    /// The network's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The nodes in the order they are computed.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// How a picture is made ready for this network.
    pub fn preprocess(&self) -> &Preprocess {
        &self.preprocess
    }

    /// The same network with another way of making pictures ready.
    ///
    /// # Errors
    ///
    /// A preparation for another number of channels.
    pub fn with_preprocess(mut self, preprocess: Preprocess) -> Result<Network> {
        let ([ours, ..], [theirs, ..]) = (self.preprocess.input_shape(), preprocess.input_shape());
        if ours != theirs {
            return Err(Error::Argument(format!(
                "{} takes {ours} channels, this preparation gives {theirs}",
                self.name
            )));
        }
        preprocess.check()?;
        self.preprocess = preprocess;
        Ok(self)
    }

    /// A picture as this network's input: `[1, C, H, W]`, resized, cropped and normalized.
    pub fn prepare(&self, photo: &Photo) -> Result<Tensor> {
        self.preprocess.tensor(photo)
    }

    /// The node of that name, or the last one under that prefix.
    pub fn layer(&self, layer: &str) -> Result<&Node> {
        Ok(&self.nodes[self.find(layer)?])
    }

    /// All parameters and buffers as `(name, tensor)`, with PyTorch's names: `layer1.0.conv1.weight`,
    /// `bn1.running_mean`. The tensors share the network's memory.
    pub fn state_dict(&self) -> Vec<(String, Tensor)> {
        self.tensors(|_, _| true)
    }

    /// The parameters without the buffers: what training changes.
    pub fn parameters(&self) -> Vec<(String, Tensor)> {
        self.tensors(|_, name| !ops::is_buffer(name))
    }

    /// Those whose node and name within their layer are wanted, with their full names.
    fn tensors(&self, wanted: impl Fn(usize, &str) -> bool) -> Vec<(String, Tensor)> {
        let mut all = Vec::new();
        for (index, node) in self.nodes.iter().enumerate() {
            let chosen = node.op.parameters().into_iter().filter(|(name, _)| wanted(index, name));
            all.extend(chosen.map(|(name, t)| (node.parameter_name(name), t.shallow_clone())));
        }
        all
    }

    /// The node whose value [`Network::forward`] returns.
    pub fn output(&self) -> &Node {
        &self.nodes[self.output]
    }

    pub(crate) fn output_index(&self) -> usize {
        self.output
    }

    /// The same network with another layer's value as its result: one head of several, or an
    /// embedding. The names of the classes stay where there are as many logits as before.
    pub fn with_output(mut self, layer: &str) -> Result<Network> {
        let output = self.find(layer)?;
        let [c, h, w] = self.preprocess.input_shape();
        let shapes = self.shapes(&[1, c, h, w])?;
        if shapes[output].get(1) != shapes[self.output].get(1) {
            self.classes.clear();
        }
        if output != self.output {
            self.detection = None;
        }
        self.output = output;
        Ok(self)
    }

    /// Replaces parameters by name. The caller has checked names and shapes.
    pub(crate) fn replace_parameters(
        &mut self,
        mut replacement: impl FnMut(&str, &Tensor) -> Result<Tensor>,
    ) -> Result<()> {
        for node in &mut self.nodes {
            for (name, tensor) in node.op.operation_mut().parameters_mut() {
                *tensor = replacement(&parameter_name(&node.name, name), tensor)?;
            }
        }
        Ok(())
    }

    /// Moves the network to a device. Inputs follow by themselves.
    ///
    /// ```no_run
    /// # use convscope::prelude::*;
    /// let net = zoo::resnet18()?.to_device(Device::Cuda(0))?;
    /// # Ok::<(), convscope::Error>(())
    /// ```
    pub fn to_device(mut self, device: Device) -> Result<Network> {
        check_device(device)?;
        self.replace_parameters(|name, tensor| {
            tensor.f_to_device(device).map_err(Error::torch(format!("moving {name}")))
        })?;
        self.lay_out()?;
        Ok(self)
    }

    /// Converts the parameters to a precision, such as `Kind::Double`. Inputs follow.
    ///
    /// # Errors
    ///
    /// A kind other than `Float`, `Double`, `Half` and `BFloat16`: networks don't compute with whole
    /// numbers.
    pub fn to_kind(mut self, kind: Kind) -> Result<Network> {
        if !is_floating(kind) {
            return Err(Error::Argument(format!(
                "{} can't compute in {kind:?}: give `Kind::Float`, `Double`, `Half` or `BFloat16`",
                self.name
            )));
        }
        self.replace_parameters(|name, tensor| {
            tensor.f_to_kind(kind).map_err(Error::torch(format!("converting {name}")))
        })?;
        self.lay_out()?;
        Ok(self)
    }

    /// The device the network is on.
    pub fn device(&self) -> Device {
        self.kind_and_device().1
    }

    pub(crate) fn kind_and_device(&self) -> (Kind, Device) {
        let first = self.nodes.iter().find_map(|node| node.op.parameters().first().copied());
        first.map_or((Kind::Float, Device::Cpu), |(_, tensor)| (tensor.kind(), tensor.device()))
    }
}

/// Whether a network can compute with numbers of this kind.
fn is_floating(kind: Kind) -> bool {
    matches!(kind, Kind::Float | Kind::Double | Kind::Half | Kind::BFloat16)
}

impl fmt::Debug for Network {
    /// One line: a notebook prints this, not the parameters.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parameters: usize = self.parameters().iter().map(|(_, tensor)| tensor.numel()).sum();
        let [c, h, w] = self.preprocess.input_shape();
        write!(
            f,
            "Network {}: {} layers, {parameters} parameters, input [N, {c}, {h}, {w}], \
             {} classes, on {:?}",
            self.name,
            self.nodes.len() - 1,
            self.classes.len(),
            self.device()
        )
    }
}
