//! The graph's outputs, as they are in networks here.

use super::graph::Checked;
use super::import::Importer;
use super::names;
use super::value::Value;
use crate::Result;
use crate::network::ops::{Axes, Permute};
use crate::network::{Network, Node};

/// The graph's outputs by name, with the nodes that give them.
pub(super) fn named<'a>(importer: &Importer<'a>, checked: &Checked<'a>) -> Vec<(&'a str, usize)> {
    let node = |name: &'a str| match importer.values.get(name) {
        Some(Value::Node(index)) => Some((name, *index)),
        _ => None,
    };
    checked.graph.outputs.iter().filter_map(|output| node(output.name)).collect()
}

/// The file's names of nodes and values, for layers.
pub(super) fn aliases(importer: &Importer, checked: &Checked) -> Vec<(String, usize)> {
    let index = |value: &str| match importer.values.get(value) {
        Some(Value::Node(index)) => Some(*index),
        _ => None,
    };
    let nodes = checked.order.iter().map(|&index| &checked.graph.nodes[index]);
    let values = nodes.flat_map(|node| {
        let given = node.outputs.iter().map(|&value| (value, value));
        let itself = node.outputs.first().map(|&value| (names::plain(node), value));
        itself.into_iter().chain(given)
    });
    let found = values.filter_map(|(name, value)| Some((name.to_owned(), index(value)?)));
    found.filter(|(name, _)| !name.is_empty()).collect()
}

/// Maps `[N, h, w, K]` among the outputs (their names, and the nodes that give them) become
/// `[N, K, h, w]`, which is how classes of pixels are shown and explained.
pub(super) fn channels_first(network: &mut Network, outputs: &[(&str, usize)]) -> Result<()> {
    let [c, h, w] = network.preprocess.input_shape();
    let (_, axes) = network.axes(&[1, c, h, w])?;
    for (head, &(name, index)) in outputs.iter().enumerate() {
        if !axes.get(index).is_some_and(Axes::are_channels_last) {
            continue;
        }
        let turned = network.nodes.len();
        if head == 0 {
            network.output = turned;
        }
        network.heads[head] = turned;
        // The output has its name still; the layer before is found by its own.
        if network.nodes[index].name == name {
            let mut own = format!("{name}.channels_last");
            while network.nodes.iter().any(|node| node.name == own) {
                own.push('_');
            }
            network.nodes[index].name = own;
        }
        for alias in network.aliases.iter_mut().filter(|(alias, _)| alias == name) {
            alias.1 = turned;
        }
        let op = Permute { order: vec![0, 3, 1, 2] }.into();
        network.nodes.push(Node { name: name.to_owned(), op, inputs: vec![index] });
    }
    Ok(())
}
