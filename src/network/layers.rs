//! Finding a layer by name, by prefix, and, where there is none, what was probably meant.

use super::Network;
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
        let near = nearest(layer, self.nodes.iter().map(|node| node.name.as_str()), 3);
        match near.as_slice() {
            [] => String::new(),
            names => format!("Nearest: {}.", quoted(names)),
        }
    }
}

/// The `count` names closest to `wanted` by edit distance.
pub(crate) fn nearest<'a>(
    wanted: &str,
    names: impl Iterator<Item = &'a str>,
    count: usize,
) -> Vec<&'a str> {
    let wanted = wanted.to_lowercase();
    let mut ranked: Vec<_> =
        names.map(|name| (strsim::levenshtein(&wanted, &name.to_lowercase()), name)).collect();
    ranked.sort();
    ranked.into_iter().take(count).map(|(_, name)| name).collect()
}

pub(crate) fn quoted(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_names_first() {
        let names = ["conv1", "layer1.0.conv1", "fc"];
        assert_eq!(nearest("conv_1", names.into_iter(), 1), ["conv1"]);
    }
}
