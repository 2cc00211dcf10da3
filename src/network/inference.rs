//! The form in which a network runs fastest when only its result is wanted.

use super::fused::Packed;
use super::{Network, Node};
use crate::{Error, Result};

impl Network {
    /// The same network made for speed: batch normalizations folded into the convolutions before
    /// them, dropouts gone. On x86 processors, in single precision, oneDNN computes convolutions and linear
    /// layers together with the sum and the function that follow, on weights that it packs once; this takes
    /// the weights' memory again, and is left where less than 512 MiB would stay free. On Intel's
    /// processors, linear layers stay with libtorch's own library.
    ///
    /// On Linux, a convolutional network that has run 100 times from inputs of one size to the same layer is
    /// then planned as a whole, which takes 0.1 to 1 s once, and is up to twice as fast from then on where
    /// layers are small.
    ///
    /// The network has its weights as they are now: make it after training. It can be explained, trained
    /// and changed like any other. From where gradients are recorded it computes as the original does, so
    /// Grad-CAM of a late layer gains most of it.
    ///
    /// Results agree within about 1e-5 of the largest logit. The original stays as it is. A folded
    /// convolution has the name of the batch normalization, since it gives that layer's value
    /// (`bn1`, not `conv1`), so any layer name that is left means what it meant before.
    ///
    /// ```
    /// # use convscope::prelude::*;
    /// let net = zoo::untrained("resnet18")?;
    /// let fast = net.for_inference()?;
    /// assert_eq!(fast.nodes().len(), net.nodes().len() - 20);
    /// # Ok::<(), convscope::Error>(())
    /// ```
    pub fn for_inference(&self) -> Result<Network> {
        let readers = self.readers();
        let mut nodes: Vec<Node> = Vec::with_capacity(self.nodes.len());
        // Where each node of the original stands in the new list.
        let mut places: Vec<usize> = Vec::with_capacity(self.nodes.len());
        for (index, node) in self.nodes.iter().enumerate() {
            let inputs: Vec<usize> = node.inputs.iter().map(|&i| places[i]).collect();
            // Of its own: what a dropout before it passes on may have other readers.
            let only_reader = |&i: &usize| {
                let passes_on = self.nodes[i].op.operation().is_identity();
                readers[i] == 1 && i != self.output && !passes_on
            };
            let operation = node.op.operation();
            if operation.is_identity() && index != self.output {
                places.push(inputs[0]);
                continue;
            }
            let before = node.inputs.first().filter(|&i| only_reader(i)).map(|&i| places[i]);
            let folded = before.and_then(|place| operation.fold_into(&nodes[place].op));
            if let (Some(place), Some(folded)) = (before, folded) {
                nodes[place].op = folded.map_err(Error::torch(format!("folding {}", node.name)))?;
                nodes[place].name.clone_from(&node.name);
                places.push(place);
                continue;
            }
            places.push(nodes.len());
            nodes.push(Node { name: node.name.clone(), op: node.op.clone(), inputs });
        }
        // A layer that was folded away has no value that another name could find.
        let kept = |index: usize| nodes[places[index]].name == self.nodes[index].name;
        let aliases = self.aliases.iter().filter(|(_, index)| kept(*index));
        let heads = self.heads.iter().filter(|&&index| kept(index));
        let mut network = Network {
            aliases: aliases.map(|(alias, index)| (alias.clone(), places[*index])).collect(),
            output: places[self.output],
            heads: heads.map(|&index| places[index]).collect(),
            nodes,
            ..self.clone()
        };
        network.lay_out()?;
        let (kind, device) = network.kind_and_device();
        network.packed = Packed::of(&network.nodes, kind, device);
        Ok(network)
    }

    /// The form in which so many pictures are computed fastest: folding and packing take longer than they
    /// save where there are few.
    pub(crate) fn fast_for(&self, pictures: usize) -> Result<Network> {
        const FEW: usize = 16;
        match self.packed.is_some() || pictures < FEW {
            true => Ok(self.clone()),
            false => self.for_inference(),
        }
    }

    /// To be called before parameters change in place.
    pub(crate) fn unpack(&mut self) {
        self.packed = None;
    }

    /// The network up to the last of these layers, which becomes its output: what comes after takes
    /// no part, not even in the check of an input's shape.
    pub(crate) fn until(&self, layers: &[usize]) -> Network {
        let last = layers.iter().copied().max().unwrap_or_default().min(self.nodes.len() - 1);
        let aliases = self.aliases.iter().filter(|(_, index)| *index <= last);
        Network {
            aliases: aliases.cloned().collect(),
            output: last,
            heads: self.heads.iter().copied().filter(|&index| index <= last).collect(),
            nodes: self.nodes[..=last].to_vec(),
            ..self.clone()
        }
    }

    /// The form in which these layers are computed fastest: the network up to them, made for inference
    /// unless one of them was folded away in it.
    pub(crate) fn fast_until(&self, layers: &[usize]) -> Result<Network> {
        let part = self.until(layers);
        let fast = part.for_inference()?;
        let left = |layer: &usize| fast.node_named(&self.nodes[*layer].name).is_some();
        Ok(if layers.iter().all(left) { fast } else { part })
    }

    /// The node of this very name.
    pub(crate) fn node_named(&self, name: &str) -> Option<usize> {
        self.nodes.iter().position(|node| node.name == name)
    }

    /// How many nodes read each node.
    pub(super) fn readers(&self) -> Vec<usize> {
        let mut readers = vec![0; self.nodes.len()];
        self.nodes.iter().flat_map(|node| &node.inputs).for_each(|&i| readers[i] += 1);
        readers
    }
}
