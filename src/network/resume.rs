//! Running on from variants of one layer's value, with everything that goes past the layer as it was.

use tch::Tensor;

use super::ops::repeated;
use super::{Network, Op};
use crate::{Error, Result};

/// A layer of a network on one picture, ready to be replaced.
pub(crate) struct Resumed<'a> {
    net: &'a Network,
    layer: usize,
    scored: usize,
    /// The layer's value, `[1, …]`.
    pub value: Tensor,
    /// The scored node's value, `[1, …]`.
    pub output: Tensor,
    /// What later nodes read past the layer, with its values: skips, other branches.
    past: Vec<(usize, Tensor)>,
}

impl Network {
    /// Runs one picture `[1, C, H, W]`, to run on from other values of node `layer` to node `scored`.
    ///
    /// # Errors
    ///
    /// A layer that the scored one does not depend on.
    pub(crate) fn resume_at(
        &self,
        input: &Tensor,
        layer: usize,
        scored: usize,
    ) -> Result<Resumed<'_>> {
        self.check_dependence(scored, layer)?;
        let depends = self.dependents(layer);
        let after = self.nodes.iter().enumerate().take(scored + 1).skip(layer + 1);
        let readers = after.filter(|(index, _)| depends[*index]).map(|(_, node)| node);
        let mut past: Vec<usize> = readers
            .flat_map(|node| &node.inputs)
            .copied()
            .filter(|&i| !depends[i] && !matches!(self.nodes[i].op, Op::Parameter(_)))
            .collect();
        past.sort_unstable();
        past.dedup();
        let wanted: Vec<usize> = [layer, scored].into_iter().chain(past.iter().copied()).collect();
        let mut values = self.values(input, &wanted)?;
        let rest = values.split_off(2);
        let [Some(output), Some(value)] = [values.pop(), values.pop()] else {
            return Err(self.broken("a layer has no value"));
        };
        let past = past.into_iter().zip(rest).collect();
        Ok(Resumed { net: self, layer, scored, value, output, past })
    }
}

impl Resumed<'_> {
    /// The scored node's value, `[K, …]`, for these values of the layer, `[K, …]`.
    pub(crate) fn run(&self, variants: &Tensor) -> Result<Tensor> {
        let count = variants.size().first().copied().unwrap_or(1);
        let past = self.past.iter().map(|(at, value)| Ok((*at, repeated(value, count)?)));
        let past = past
            .collect::<std::result::Result<Vec<(usize, Tensor)>, tch::TchError>>()
            .map_err(Error::torch("repeating the branches that bypass a layer"))?;
        let given: Vec<(usize, &Tensor)> =
            past.iter().map(|(at, value)| (*at, value)).chain([(self.layer, variants)]).collect();
        tch::no_grad(|| self.net.run(&given, &[self.scored], false)).and_then(super::only)
    }
}
