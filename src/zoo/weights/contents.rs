//! What a weights file holds, before any number of it is read.

use std::collections::BTreeMap;

use tch::Tensor;

/// A dictionary of tensors in a file.
pub(super) struct Dict {
    /// The keys under which it lies in the file; none for the file's own.
    pub(super) place: Vec<String>,
    /// The tensors' names, and which of the file's tensors they are.
    pub(super) names: BTreeMap<String, usize>,
    /// Whether it is a whole module that was pickled, not its state_dict.
    pub(super) module: bool,
}

/// All dictionaries of tensors in a file.
pub(super) struct Contents {
    pub(super) dicts: Vec<Dict>,
    /// Of each tensor; `None` for those whose numbers can't be had.
    pub(super) shapes: Vec<Option<Vec<i64>>>,
}

/// The tensors that are wanted of a file, with the names they have there.
pub(super) type Wanted = BTreeMap<usize, String>;

pub(super) type Loaded = BTreeMap<usize, Tensor>;

impl Contents {
    /// Of a file that is one dictionary.
    pub(super) fn flat(tensors: impl IntoIterator<Item = (String, Vec<i64>)>) -> Contents {
        let (mut names, mut shapes) = (BTreeMap::new(), Vec::new());
        for (name, shape) in tensors {
            names.insert(name, shapes.len());
            shapes.push(Some(shape));
        }
        Contents { dicts: vec![Dict { place: Vec::new(), names, module: false }], shapes }
    }
}
