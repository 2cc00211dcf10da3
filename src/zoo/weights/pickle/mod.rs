//! A reader of the pickles in PyTorch's `.pth` files that executes nothing.
//!
//! Of pickle's machine it knows the few operations that `torch.save` writes for a state_dict, and
//! of all callables those that describe a tensor. Anything else is an error, by name.

mod machine;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use machine::{Machine, Value, short};

/// A tensor as the pickle describes it; its numbers lie in another file of the archive.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Described {
    /// `FloatStorage`, `HalfStorage` …
    pub(super) storage: String,
    /// The name of the storage's file.
    pub(super) key: String,
    /// In elements, within the storage.
    pub(super) offset: i64,
    pub(super) size: Vec<i64>,
    pub(super) stride: Vec<i64>,
}

/// What a pickled state_dict says.
pub(super) struct StateDict {
    /// By name, in the file's order.
    pub(super) tensors: Vec<(String, Described)>,
    /// What each storage holds (`FloatStorage`), by its key: those of other tensors too, which a
    /// training checkpoint has beside the state_dict.
    pub(super) storages: BTreeMap<String, String>,
    /// Where the pickle ends.
    pub(super) end: usize,
}

/// Reads a pickled state_dict, be it the whole file or, as in training checkpoints, the entry
/// `state_dict` or `model` of a dictionary.
pub(super) fn state_dict(bytes: &[u8]) -> Result<StateDict, String> {
    let (machine, root) = Machine::read(bytes)?;
    let Value::Dict(root) = root else {
        return Err("it holds no state_dict but another object".to_owned());
    };
    let chosen = WRAPPERS.into_iter().find_map(|name| inner_dict(&machine.containers[root], name));
    let mut tensors = Vec::new();
    for pair in machine.containers[chosen.unwrap_or(root)].chunks_exact(2) {
        match pair {
            [Value::Text(name), Value::Tensor(id)] => {
                tensors.push((name.clone(), machine.tensors[*id].clone()));
            }
            // Some programs keep a version number or the like beside the tensors.
            [Value::Text(_), Value::Int(_) | Value::Other] => {}
            [Value::Text(name), _] => {
                return Err(format!(
                    "its entry `{name}` is no tensor. If this is a training checkpoint, save the \
                     model alone: `torch.save(model.state_dict(), path)`."
                ));
            }
            _ => return Err("a key of the state_dict is no text".to_owned()),
        }
    }
    let storages =
        machine.tensors.iter().map(|tensor| (tensor.key.clone(), tensor.storage.clone()));
    Ok(StateDict { tensors, storages: storages.collect(), end: machine.at })
}

/// Where training programs put the state_dict.
const WRAPPERS: [&str; 2] = ["state_dict", "model"];

fn inner_dict(dict: &[Value], wanted: &str) -> Option<usize> {
    dict.chunks_exact(2).find_map(|pair| match pair {
        [Value::Text(name), Value::Dict(inner)] if name == wanted => Some(*inner),
        _ => None,
    })
}

/// A pickled list of texts, and where the pickle ends.
pub(super) fn texts(bytes: &[u8]) -> Result<(Vec<String>, usize), String> {
    let (machine, root) = Machine::read(bytes)?;
    let Value::List(id) = root else { return Err(short()) };
    let text = |value: &Value| match value {
        Value::Text(text) => Ok(text.clone()),
        _ => Err(short()),
    };
    Ok((machine.containers[id].iter().map(text).collect::<Result<_, _>>()?, machine.at))
}

/// Where a pickle ends whose content does not matter.
pub(super) fn end(bytes: &[u8]) -> Result<usize, String> {
    Machine::read(bytes).map(|(machine, _)| machine.at)
}
