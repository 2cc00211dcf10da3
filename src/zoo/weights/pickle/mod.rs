//! A reader of the pickles in PyTorch's `.pth` files that executes nothing.
//!
//! Of pickle's machine it knows the few operations that `torch.save` writes for a state_dict, and
//! of all callables those that describe a tensor. Anything else is an error, by name.

mod callable;
mod machine;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::error::short;
use machine::{Machine, Value, damaged};

/// A tensor as the pickle describes it; its numbers lie in another file of the archive.
#[derive(Debug, PartialEq)]
pub(super) struct Described<'a> {
    /// `FloatStorage`, `HalfStorage` …
    pub(super) storage: &'static str,
    /// The name of the storage's file.
    pub(super) key: &'a str,
    /// In elements, within the storage.
    pub(super) offset: i64,
    pub(super) size: Vec<i64>,
    pub(super) stride: Vec<i64>,
}

/// What a pickled state_dict says.
pub(super) struct StateDict<'a> {
    /// By name, in the file's order.
    pub(super) tensors: Vec<(&'a str, Rc<Described<'a>>)>,
    /// What each storage holds (`FloatStorage`), by its key: those of other tensors too, which a
    /// training checkpoint has beside the state_dict.
    pub(super) storages: BTreeMap<&'a str, &'static str>,
    /// Where the pickle ends.
    pub(super) end: usize,
}

/// Reads a pickled state_dict, be it the whole file or, as in training checkpoints, the entry
/// `state_dict` or `model` of a dictionary.
pub(super) fn state_dict(bytes: &[u8]) -> Result<StateDict<'_>, String> {
    let (machine, root) = Machine::read(bytes)?;
    let Value::Dict(root) = root else {
        return Err("it holds no state_dict but another object".to_owned());
    };
    let chosen = WRAPPERS.into_iter().find_map(|name| inner_dict(&machine.containers[root], name));
    let mut tensors = Vec::new();
    for pair in machine.containers[chosen.unwrap_or(root)].chunks_exact(2) {
        match pair {
            [Value::Text(name), Value::Tensor(id)] => {
                tensors.push((*name, machine.tensors[*id].clone()));
            }
            // Some programs keep a version number or the like beside the tensors.
            [Value::Text(_), Value::Int(_) | Value::Other] => {}
            [Value::Text(name), _] => {
                return Err(format!(
                    "its entry `{}` is no tensor. If this is a training checkpoint, save the \
                     model alone: `torch.save(model.state_dict(), path)`.",
                    short(name)
                ));
            }
            _ => return Err("a key of the state_dict is no text".to_owned()),
        }
    }
    let storages = machine.tensors.iter().map(|tensor| (tensor.key, tensor.storage));
    Ok(StateDict { tensors, storages: storages.collect(), end: machine.at })
}

/// Where training programs put the state_dict.
const WRAPPERS: [&str; 2] = ["state_dict", "model"];

fn inner_dict(dict: &[Value], wanted: &str) -> Option<usize> {
    dict.chunks_exact(2).find_map(|pair| match pair {
        [Value::Text(name), Value::Dict(inner)] if *name == wanted => Some(*inner),
        _ => None,
    })
}

/// A pickled list of texts, and where the pickle ends.
pub(super) fn texts(bytes: &[u8]) -> Result<(Vec<&str>, usize), String> {
    let (machine, root) = Machine::read(bytes)?;
    let Value::List(id) = root else { return Err(damaged()) };
    let texts = machine.containers[id].iter().map(|value| match value {
        Value::Text(text) => Ok(*text),
        _ => Err(damaged()),
    });
    Ok((texts.collect::<Result<_, _>>()?, machine.at))
}

/// Where a pickle ends whose content does not matter.
pub(super) fn end(bytes: &[u8]) -> Result<usize, String> {
    Machine::read(bytes).map(|(machine, _)| machine.at)
}
