//! A reader of pickles that executes nothing.
//!
//! It knows all operations of pickle's machine, and of all callables those that describe tensors and
//! dictionaries. Whatever else a training program has put beside the weights is carried as a note of
//! what would have been called, and never called.

mod bytes;
mod element;
mod late;
mod machine;

mod object;
mod reference;
mod tar;
#[cfg(test)]
mod tests;
mod value;
mod walk;

use std::collections::HashMap;

use super::contents::Contents;
use bytes::damaged;
pub(super) use element::Element;
use machine::Machine;
pub(super) use tar::{is_tar, tar};
use value::Value;
pub(super) use value::{Described, Numbers};

/// What a pickle holds.
pub(super) struct Pickled<'a> {
    /// All dictionaries in it that hold tensors, which these are.
    pub(super) contents: Contents,
    pub(super) tensors: Vec<Described<'a>>,
    /// The bytes of a number in each storage, by its key: of those of other tensors too.
    pub(super) storages: HashMap<&'a str, usize>,
    /// Where the pickle ends.
    pub(super) end: usize,
}

/// Reads a pickle that holds tensors.
pub(super) fn read(bytes: &[u8]) -> Result<Pickled<'_>, String> {
    pickled(Machine::of(bytes))
}

fn pickled(mut machine: Machine<'_>) -> Result<Pickled<'_>, String> {
    let root = machine.run()?;
    let contents = machine.contents(root)?;
    let storages = machine.storages.iter().filter_map(|storage| match storage.numbers {
        Numbers::Storage(key) => Some((key, storage.element.bytes)),
        _ => None,
    });
    Ok(Pickled {
        contents,
        storages: storages.collect(),
        end: machine.bytes.at,
        tensors: machine.tensors,
    })
}

/// A pickled list of texts, and where the pickle ends.
pub(super) fn texts(bytes: &[u8]) -> Result<(Vec<&str>, usize), String> {
    let (machine, root) = Machine::read(bytes)?;
    let Value::List(id) = root else { return Err(damaged()) };
    let texts = machine.containers[id].iter().map(|value| value.text().ok_or_else(damaged));
    Ok((texts.collect::<Result<_, _>>()?, machine.bytes.at))
}

/// Where a pickle ends of which no more is wanted than whether the dictionary that it may be says this
/// of this key.
pub(super) fn says(bytes: &[u8], wanted: &str, expected: bool) -> Result<(bool, usize), String> {
    let (machine, root) = Machine::read(bytes)?;
    let pairs = match root {
        Value::Dict(id) => machine.containers[id].as_slice(),
        _ => &[],
    };
    let said = pairs.chunks_exact(2).any(|pair| {
        pair[0].text() == Some(wanted) && matches!(pair[1], Value::Bool(is) if is == expected)
    });
    Ok((said, machine.bytes.at))
}
