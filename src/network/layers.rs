//! Finding a layer by name, by prefix, and, where there is none, what was probably meant.

use std::collections::BTreeSet;

use super::Network;
use crate::error::quoted;
use crate::{Error, Result};

impl Network {
    /// The names of all nodes in the order they are computed; the first is `input`.
    pub fn layer_names(&self) -> Vec<String> {
        self.nodes.iter().map(|node| node.name.clone()).collect()
    }

    /// The node of that name; for a prefix such as `layer4`, the last node under it, which is what
    /// the module of that name returns in PyTorch.
    pub(crate) fn find(&self, layer: &str) -> Result<usize> {
        if let Some(index) = self.nodes.iter().position(|node| node.name == layer) {
            return Ok(index);
        }
        if let Some((_, index)) = self.aliases.iter().find(|(alias, _)| alias == layer) {
            return Ok(*index);
        }
        let under = |name: &str| name.strip_prefix(layer).is_some_and(|rest| rest.starts_with('.'));
        let last = self.nodes.iter().rposition(|node| under(&node.name));
        last.ok_or_else(|| Error::UnknownLayer {
            network: self.name.clone(),
            layer: layer.to_owned(),
            hint: self.hint(layer),
        })
    }

    fn hint(&self, layer: &str) -> String {
        // A prefix of as many parts may be meant: `layer4` where `layer5` was written.
        let parts = layer.matches('.').count();
        let prefix = |name: &'_ str| name.match_indices('.').nth(parts).map(|(end, _)| end);
        let names: Vec<&str> = self.nodes.iter().map(|node| node.name.as_str()).collect();
        let prefixes = names.iter().filter_map(|name| prefix(name).map(|end| &name[..end]));
        let names: BTreeSet<&str> = names.iter().copied().chain(prefixes).collect();
        let near = nearest(layer, names.into_iter(), 3);
        match near.as_slice() {
            [] => String::new(),
            names => format!("Nearest: {}.", quoted(names)),
        }
    }
}

/// The `count` names closest to `wanted` by edit distance; among equally close ones those whose letters
/// are nearer in the alphabet: to `layer5`, `layer4` is nearer than `layer1`.
pub(crate) fn nearest<'a>(
    wanted: &str,
    names: impl Iterator<Item = &'a str>,
    count: usize,
) -> Vec<&'a str> {
    // The time is proportional to the lengths' product.
    const COMPARED: usize = 100;
    let start = |name: &str| name.chars().take(COMPARED).collect::<String>().to_lowercase();
    let wanted = start(wanted);
    let letters = |name: &str| -> u32 {
        wanted.chars().zip(name.chars()).map(|(a, b)| u32::from(a).abs_diff(b.into())).sum()
    };
    let rank = |name: &'a str| {
        let start = start(name);
        (strsim::levenshtein(&wanted, &start), letters(&start), name)
    };
    let mut ranked: Vec<_> = names.map(rank).collect();
    ranked.sort();
    ranked.into_iter().take(count).map(|(.., name)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_names_first() {
        let names = ["conv1", "layer1.0.conv1", "fc"];
        assert_eq!(nearest("conv_1", names.into_iter(), 1), ["conv1"]);
        let layers = ["layer1", "layer2", "layer3", "layer4"];
        assert_eq!(nearest("Layer5", layers.into_iter(), 2), ["layer4", "layer3"]);
        // Names of any length take no time.
        let long = "x".repeat(1 << 20);
        assert_eq!(nearest(&long, layers.into_iter().chain([long.as_str()]), 1), [&long]);
    }

    #[test]
    fn a_prefix_may_be_what_was_meant() {
        let net = crate::zoo::untrained("resnet18").expect("a network");
        for (asked, meant) in [
            ("LAYER4", "Nearest: `layer4`"),
            ("layer5", "Nearest: `layer4`"),
            ("layer4.2", "Nearest: `layer4.1`"),
            ("layer4_1_conv2", "Nearest: `layer4.1.conv2`"),
        ] {
            let error = net.find(asked).expect_err("no such layer").to_string();
            assert!(error.contains(meant), "{error}");
        }
    }
}
