//! Layers' names: PyTorch's, wherever the file still tells them.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::import::Origin;
use super::message::Node as OnnxNode;
use crate::network::Node;

/// Names all nodes, each differently:
///
/// 1. a parameter after its initializer (`class_token`), a layer after its weight's
///    (`layer1.0.conv1` of `layer1.0.conv1.weight`), so that a state_dict fits;
/// 2. else after the module it stands in (`layer1.0.relu`), with the operation's name behind it where
///    a module has several (`layer1.0.add`);
/// 3. else as the file's node, or what the node gives.
///
/// A name that comes again gets a number: `layer1.0.relu_1`, as torchvision numbers them. The names of
/// the graph's `outputs` (with the nodes that give them) are kept free for those.
pub(super) fn assign(nodes: &mut [Node], origins: &[Origin], outputs: &[(&str, usize)]) {
    let mut weights: HashMap<&str, usize> = HashMap::new();
    let mut modules: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    let stands_in: Vec<Option<String>> =
        origins.iter().map(|origin| origin.node.and_then(module)).collect();
    for ((node, origin), module) in nodes.iter().zip(origins).zip(&stands_in) {
        *weights.entry(origin.weight).or_default() += 1;
        if let Some(module) = module {
            modules.entry(module.clone()).or_default().insert(node.op.name());
        }
    }
    // A module around others is more than any single node of its own.
    let simple = |module: &str| {
        let inside = format!("{module}.");
        let next = modules.range(inside.clone()..).next();
        modules.get(module).is_some_and(|operations| operations.len() == 1)
            && !next.is_some_and(|(other, _)| other.starts_with(&inside))
    };
    let given: HashSet<(&str, usize)> = outputs.iter().copied().collect();
    let mut taken: HashMap<String, usize> =
        outputs.iter().map(|(name, _)| ((*name).to_owned(), 0)).collect();
    let origins = origins.iter().zip(stands_in);
    for (index, (node, (origin, module))) in nodes.iter_mut().zip(origins).enumerate() {
        let of_weight = || {
            let alone = weights.get(origin.weight) == Some(&1);
            let layer = origin.weight.strip_suffix(".weight")?;
            (alone && !layer.is_empty()).then(|| layer.to_owned())
        };
        let of_module = || {
            let operation = || node.op.name().to_lowercase();
            module.map(|module| match module.as_str() {
                "" => operation(),
                _ if simple(&module) => module,
                _ => format!("{module}.{}", operation()),
            })
        };
        let of_node = || origin.node.map(|node| plain(node).to_owned());
        let itself = || origin.node.is_none().then(|| origin.weight.to_owned());
        let name = itself().or_else(of_weight).or_else(of_module).or_else(of_node);
        let name = name.unwrap_or_default();
        let own = given.contains(&(name.as_str(), index));
        node.name = if own { name } else { unique(name, &mut taken) };
    }
}

/// The name of the file's node or, where it has none, of what it gives.
pub(super) fn plain<'a>(node: &OnnxNode<'a>) -> &'a str {
    let given = node.outputs.first().copied().unwrap_or_default();
    if node.name.is_empty() { given } else { node.name }
}

/// `taken` holds for each name how many more there were of it.
fn unique(name: String, taken: &mut HashMap<String, usize>) -> String {
    let base = if name.is_empty() { "layer".to_owned() } else { name };
    let mut number = taken.get(&base).copied();
    let mut name = base.clone();
    while let Some(count) = number.filter(|_| taken.contains_key(&name)) {
        name = format!("{base}_{}", count + 1);
        number = Some(count + 1);
    }
    taken.insert(base, number.unwrap_or(0));
    taken.entry(name.clone()).or_insert(0);
    name
}

/// The module that a node stands in, "" for the model itself; `None` where the file doesn't say.
fn module(node: &OnnxNode) -> Option<String> {
    // A longer one is no PyTorch's, and would only cost.
    const LONGEST: usize = 500;
    if node.scopes.len().max(node.name.len()) > LONGEST {
        return None;
    }
    if !node.scopes.is_empty() {
        // ['', 'layer1', 'layer1.0', 'layer1.0.relu', 'relu_1']: modules, then the function.
        let (modules, _) = node.scopes.trim_matches(['[', ']']).rsplit_once(", ")?;
        return Some(modules.rsplit(", ").next()?.trim_matches('\'').to_owned());
    }
    // /layer1/layer1.0/relu_1/Relu: each module, within a Sequential with that one's name.
    let (path, _) = node.name.strip_prefix('/')?.rsplit_once('/').unwrap_or_default();
    let mut module = String::new();
    let mut parent = "";
    for part in path.split('/').filter(|part| !part.is_empty()) {
        match part.strip_prefix(parent).and_then(|rest| rest.strip_prefix('.')) {
            Some(rest) if !parent.is_empty() => module.extend([".", rest]),
            _ if module.is_empty() => module.push_str(part),
            _ => module.extend([".", part]),
        }
        parent = part;
    }
    Some(module)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str, scopes: &str) -> Option<String> {
        module(&OnnxNode { name, scopes, ..Default::default() })
    }

    #[test]
    fn modules_as_both_exporters_write_them() {
        for (name, expected) in [
            ("/layer1/layer1.0/relu_1/Relu", Some("layer1.0.relu_1")),
            ("/features/features.1/features.1.0/block/block.3/Add", Some("features.1.0.block.3")),
            ("/Flatten", Some("")),
            ("model/block1/Conv2D", None),
        ] {
            assert_eq!(of(name, "").as_deref(), expected, "{name}");
        }
        let scopes = "['', 'layer1', 'layer1.0', 'layer1.0.relu', 'relu_1']";
        assert_eq!(of("node_relu_1", scopes).as_deref(), Some("layer1.0.relu"));
    }

    #[test]
    fn names_differ() {
        let mut taken = HashMap::new();
        let names = ["relu", "relu_1", "relu", ""].map(|name| unique(name.to_owned(), &mut taken));
        assert_eq!(names, ["relu", "relu_1", "relu_2", "layer"]);
    }
}
