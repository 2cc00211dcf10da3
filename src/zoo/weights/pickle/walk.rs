//! All dictionaries of a pickle that hold tensors, wherever they are.

use std::collections::{BTreeMap, HashMap};

use super::machine::Machine;
use super::value::{Numbers, Value};
use crate::error::short;
use crate::zoo::weights::contents::{Contents, Dict};

/// How deep dictionaries and modules lie in one another at most; deeper ones are passed over.
const DEEPEST: usize = 32;
/// How many keys are looked at, each as often as it lies in another dictionary.
const MOST_KEYS: usize = 1 << 22;
/// How many names of tensors there may be, and how long they may be together.
const MOST_NAMES: usize = 1 << 18;
const MOST_LETTERS: usize = 1 << 25;

/// Where a module keeps what it consists of, under names of its own.
const MODULE: [&str; 3] = ["_parameters", "_buffers", "_modules"];

/// Something that may hold dictionaries, and where it was found.
struct Found<'a> {
    value: Value<'a>,
    /// In which of those found before, and under what key.
    inside: Option<usize>,
    key: &'a str,
    depth: usize,
}

#[derive(Default)]
struct Spent {
    keys: usize,
    names: usize,
    letters: usize,
}

impl<'a> Machine<'a> {
    /// The dictionaries and modules with tensors in them, those that lie outside first.
    pub(super) fn contents(&mut self, root: Value<'a>) -> Result<Contents, String> {
        let mut found = vec![Found { value: root, inside: None, key: "", depth: 0 }];
        let (mut containers, mut objects) =
            (vec![false; self.containers.len()], vec![false; self.objects.len()]);
        let (mut late, mut spent, mut dicts) = (HashMap::new(), Spent::default(), Vec::new());
        let mut at = 0;
        while let Some(&Found { value, key: _, depth, inside: _ }) = found.get(at) {
            let seen = match value {
                Value::Tuple(id) | Value::List(id) | Value::Dict(id) => containers.get_mut(id),
                Value::Object(id) => objects.get_mut(id),
                _ => None,
            };
            if seen.is_some_and(|seen| !std::mem::replace(seen, true)) {
                let names = self.names(value, &mut late, &mut spent)?;
                if !names.is_empty() {
                    let module = matches!(value, Value::Object(_));
                    dicts.push(Dict { place: place(&found, at), names, module });
                }
                if depth < DEEPEST {
                    let inside =
                        |(key, value)| Found { value, inside: Some(at), key, depth: depth + 1 };
                    found.extend(self.inner(value).into_iter().map(inside));
                }
            }
            at += 1;
        }
        let shape = |tensor: &super::Described| match tensor.numbers {
            Numbers::Nowhere(_) => None,
            _ => Some(tensor.size.clone()),
        };
        Ok(Contents { dicts, shapes: self.tensors.iter().map(shape).collect() })
    }

    /// What lies in a value and may hold more.
    fn inner(&self, value: Value<'a>) -> Vec<(&'a str, Value<'a>)> {
        let holds = |value: Value| {
            matches!(value, Value::Tuple(_) | Value::List(_) | Value::Dict(_) | Value::Object(_))
        };
        let pairs = |id: usize| {
            let pairs = self.containers[id].chunks_exact(2).filter(|pair| holds(pair[1]));
            pairs.map(|pair| (pair[0].text().unwrap_or(""), pair[1])).collect()
        };
        match value {
            Value::Dict(id) => pairs(id),
            Value::Tuple(id) | Value::List(id) => {
                let items = self.containers[id].iter().copied();
                items.filter(|&item| holds(item)).map(|item| ("", item)).collect()
            }
            Value::Object(id) => {
                let object = self.objects[id];
                let mut inner: Vec<_> = pairs(object.entries);
                inner.push(("", Value::Tuple(object.arguments)));
                inner.extend(object.state.filter(|&state| holds(state)).map(|state| ("", state)));
                inner
            }
            _ => Vec::new(),
        }
    }

    /// The tensors in a dictionary or a module by their names, in which those of dictionaries and
    /// modules within are joined by dots.
    fn names(
        &mut self,
        value: Value<'a>,
        late: &mut HashMap<usize, Option<usize>>,
        spent: &mut Spent,
    ) -> Result<BTreeMap<String, usize>, String> {
        let mut names = BTreeMap::new();
        let mut open = vec![(value, String::new(), 0)];
        while let Some((value, prefix, depth)) = open.pop() {
            for pair in self.parts(value) {
                let (key, value) = pair;
                spent.keys += 1;
                let named = match value {
                    Value::Tensor(id) => Some(id),
                    Value::Object(id) => match late.get(&id) {
                        Some(&known) => known,
                        None => {
                            let tensor = self.late_tensor(id);
                            late.insert(id, tensor);
                            tensor
                        }
                    },
                    Value::Dict(_) => None,
                    _ => continue,
                };
                let module = matches!(value, Value::Dict(_)) && MODULE.contains(&key);
                let name = if module { prefix.clone() } else { format!("{prefix}{key}") };
                spent.names += 1;
                spent.letters += name.len();
                if spent.keys > MOST_KEYS
                    || spent.names > MOST_NAMES
                    || spent.letters > MOST_LETTERS
                {
                    return Err("it holds more names than any checkpoint has".to_owned());
                }
                match named {
                    Some(tensor) => drop(names.insert(name, tensor)),
                    None if depth < DEEPEST => {
                        let dot = if module { "" } else { "." };
                        open.push((value, name + dot, depth + 1));
                    }
                    None => {}
                }
            }
        }
        Ok(names)
    }

    /// The named parts of a dictionary, of a module (of TorchScript: all that is in it), or of an object
    /// that is a kind of dictionary.
    fn parts(&self, value: Value<'a>) -> Vec<(&'a str, Value<'a>)> {
        let mut parts = Vec::new();
        let mut take = |id: usize, all: bool| {
            let pairs = self.containers[id].chunks_exact(2);
            let texts = pairs.filter_map(|pair| Some((pair[0].text()?, pair[1])));
            parts.extend(texts.filter(|(key, _)| all || MODULE.contains(key)));
        };
        match value {
            Value::Dict(id) => take(id, true),
            Value::Object(id) => {
                let object = self.objects[id];
                let class = object.class.map_or("", |id| self.globals[id].0);
                take(object.entries, true);
                if let Some(Value::Dict(id)) = object.state {
                    take(id, class.starts_with("__torch__"));
                }
            }
            _ => {}
        }
        parts
    }
}

/// The keys that lead to what was found.
fn place(found: &[Found], at: usize) -> Vec<String> {
    let mut place = Vec::new();
    let mut next = Some(at);
    while let Some(Found { inside, key, .. }) = next.and_then(|at| found.get(at)) {
        if !key.is_empty() {
            place.push(short(key).into_owned());
        }
        next = *inside;
    }
    place.reverse();
    place
}
