//! The layers that objectives read, and the shortest way to their values.

use tch::{TchError, Tensor};

use crate::network::ops::{Concat, Pointwise};
use crate::network::{Maps, Network, Op};
use crate::{Error, Result};

/// A network as far as some layers, in the form that runs fastest.
pub(super) struct Layers {
    pub net: Network,
    reads: Vec<Read>,
    /// The nodes whose values are computed.
    wanted: Vec<usize>,
}

struct Read {
    /// The layer's name in the original network.
    name: String,
    /// What its value is made of, as places in [`Layers::wanted`]: the layer itself or, for a ReLU
    /// (or several ReLUs side by side), what goes into it.
    sources: Vec<usize>,
    rectified: bool,
    maps: Maps,
}

/// A layer's value as maps, `[N, C, h, w]`: features of linear layers are maps of one value, tokens
/// that lie on no grid are a column.
pub(super) struct Value {
    /// Before the ReLU, if the layer is one.
    pub before: Tensor,
    rectified: bool,
}

impl Layers {
    /// `layers` are nodes of `net`; `size` is that of the images that the network gets.
    pub(super) fn new(net: &Network, layers: &[usize], size: [i64; 2]) -> Result<Layers> {
        let names = layers.iter().filter_map(|&layer| net.nodes().get(layer)).map(|n| &n.name);
        let [channels, ..] = net.preprocess().input_shape();
        let input = [1, channels, size[0], size[1]];
        let net = net.fast_until(layers)?;
        let mut layers = Layers { net, reads: Vec::new(), wanted: Vec::new() };
        for name in names {
            if layers.place(name).is_none() {
                layers.add(name, &input)?;
            }
        }
        Ok(layers)
    }

    fn add(&mut self, name: &str, input: &[i64]) -> Result<()> {
        let node = self.net.node_named(name).unwrap_or_default();
        let maps = self.net.units(node, input)?;
        let before = before_relu(&self.net, node);
        let rectified = before.is_some();
        let mut sources = Vec::new();
        for source in before.unwrap_or_else(|| vec![node]) {
            let known = self.wanted.iter().position(|&wanted| wanted == source);
            sources.push(known.unwrap_or(self.wanted.len()));
            if known.is_none() {
                self.wanted.push(source);
            }
        }
        self.reads.push(Read { name: name.to_owned(), sources, rectified, maps });
        Ok(())
    }

    /// Whether all layers that are read end in a ReLU.
    pub(super) fn are_rectified(&self) -> bool {
        self.reads.iter().all(|read| read.rectified)
    }

    /// Which of the layers read has this name.
    pub(super) fn place(&self, name: &str) -> Option<usize> {
        self.reads.iter().position(|read| read.name == name)
    }

    /// `[C, h, w]` of a layer that is read.
    pub(super) fn shape(&self, read: usize) -> [i64; 3] {
        self.reads.get(read).map_or([0; 3], |read| read.maps.shape())
    }

    /// The values of all layers read; a gradient is recorded where the input asks for one.
    pub(super) fn values(&self, input: &Tensor) -> Result<Vec<Value>> {
        let values = self.net.values_with_grad(input, &self.wanted)?;
        let value = |read: &Read| -> Result<Value> {
            let sources: Vec<&Tensor> =
                read.sources.iter().filter_map(|&source| values.get(source)).collect();
            let before = match sources[..] {
                [one] => one.shallow_clone(),
                _ => Tensor::f_cat(&sources, 1).map_err(failed)?,
            };
            Ok(Value { before: read.maps.of(&before)?, rectified: read.rectified })
        };
        self.reads.iter().map(value).collect()
    }
}

impl Value {
    /// The layer's values. A channel that is silent everywhere in an image counts as it is before the
    /// ReLU, below 0: else it had no slope to climb.
    pub(super) fn live(&self) -> Result<Tensor, TchError> {
        if !self.rectified {
            return Ok(self.before.shallow_clone());
        }
        let silent = self.before.f_detach()?.f_amax([2, 3], true)?.f_le(0.0)?;
        self.before.f_where_self(&silent, &self.before.f_relu()?)
    }

    /// The layer's values as they are.
    pub(super) fn plain(&self) -> Result<Tensor, TchError> {
        if self.rectified { self.before.f_relu() } else { Ok(self.before.shallow_clone()) }
    }
}

/// What goes into a ReLU, or into ReLUs whose channels stand side by side, as in GoogLeNet.
fn before_relu(net: &Network, node: usize) -> Option<Vec<usize>> {
    let nodes = net.nodes();
    let node = nodes.get(node)?;
    match node.op {
        Op::Pointwise(Pointwise::Relu) => Some(node.inputs.clone()),
        Op::Concat(Concat { dim: 1 }) => {
            let relu = |&input: &usize| match nodes.get(input)?.op {
                Op::Pointwise(Pointwise::Relu) => nodes.get(input)?.inputs.first().copied(),
                _ => None,
            };
            node.inputs.iter().map(relu).collect()
        }
        _ => None,
    }
}

fn failed(error: TchError) -> Error {
    Error::torch("reading the layers of an objective")(error)
}
