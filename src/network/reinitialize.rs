//! Re-initialized copies of a network, for the model-randomization test.

use std::ops::Range;

use super::Network;
use crate::layer_kind::LayerKind;
use crate::random::Random;
use crate::{Error, Result};

impl Network {
    /// The convolutions and linear layers that node `end` depends on, in the order they are computed.
    pub(crate) fn weighted_layers(&self, end: usize) -> Vec<usize> {
        let needed = self.needed_by(end);
        let weighted = |index: usize| {
            let kind = self.nodes[index].op.operation().kind();
            matches!(kind, LayerKind::Convolution | LayerKind::Linear)
        };
        (0..=end).filter(|&index| needed[index] && weighted(index)).collect()
    }

    /// A copy in which the parameters of these nodes are initialized anew; the others are shared with
    /// this network, which stays as it is. A node's new parameters depend on `seed` and its place only.
    ///
    /// Weights are normal with variance 2 / fan-in, which keeps activations in their range through
    /// ReLUs (He et al., 2015), biases are 0, normalizations do nothing; a tensor that belongs to no
    /// layer keeps its mean and deviation.
    pub(crate) fn reinitialized(&self, nodes: Range<usize>, seed: u64) -> Result<Network> {
        let mut network = self.clone();
        for index in nodes {
            let Some(node) = network.nodes.get_mut(index) else { break };
            let mut random = Random(seed.wrapping_add((index as u64) << 32));
            let new = node.op.operation_mut().reinitialize(&mut random);
            new.map_err(Error::torch(format!("re-initializing `{}`", node.name)))?;
        }
        Ok(network)
    }
}
