//! State_dicts as PyTorch wrote them until 1.5, and as torchvision still hosts VGG's and DenseNet's:
//! five pickles in a row (magic number, version, system, state_dict, keys of the storages), then the
//! storages.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;
use std::rc::Rc;

use tch::Tensor;

use super::pickle::{Described, StateDict, end, state_dict, texts};
use super::storage::{Budget, kind, tensor};
use crate::error::short;

/// No state_dict's pickles are larger: they hold names and sizes only.
const LARGEST_PICKLES: u64 = 64 << 20;

/// How such a file begins: protocol 2, and a magic number of ten bytes.
pub(super) const MAGIC: [u8; 4] = [0x80, 2, 0x8a, 10];

pub(super) fn read(path: &Path) -> Result<BTreeMap<String, Tensor>, String> {
    let truncated =
        || "the file is truncated. Delete it, so that it can be fetched anew.".to_owned();
    let broken = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::UnexpectedEof => truncated(),
        _ => error.to_string(),
    };
    let mut file = BufReader::new(File::open(path).map_err(broken)?);
    let length = file.get_ref().metadata().map_err(broken)?.len();
    let mut head = Vec::new();
    file.by_ref().take(LARGEST_PICKLES).read_to_end(&mut head).map_err(broken)?;
    let mut at = 0;
    for _magic_version_system in 0..3 {
        at += end(&head[at..])?;
    }
    let StateDict { tensors: described, storages, end: used } = state_dict(&head[at..])?;
    at += used;
    let (keys, used) = texts(&head[at..])?;
    at += used;

    let mut users: BTreeMap<&str, Vec<(&str, Rc<Described>)>> = BTreeMap::new();
    for (name, described) in described {
        users.entry(described.key).or_default().push((name, described));
    }
    file.seek(SeekFrom::Start(at as u64)).map_err(broken)?;
    let mut tensors = BTreeMap::new();
    let mut budget = Budget::of(length);
    let mut left = length.saturating_sub(at as u64);
    for key in keys {
        let content = storages.get(key);
        let content =
            content.ok_or_else(|| format!("no tensor uses its storage {}", short(key)))?;
        let mut count = [0; 8];
        left = left.checked_sub(8).ok_or_else(truncated)?;
        file.read_exact(&mut count).map_err(broken)?;
        let bytes = u64::from_le_bytes(count)
            .checked_mul(kind(content)?.elt_size_in_bytes() as u64)
            .filter(|&bytes| bytes <= left)
            .ok_or("a storage claims to be larger than what is left of the file")?;
        left = left.saturating_sub(bytes);
        let Some(users) = users.remove(key) else {
            // Of a tensor beside the state_dict.
            file.seek_relative(bytes as i64).map_err(broken)?;
            continue;
        };
        let mut storage = vec![0; usize::try_from(bytes).map_err(|_| truncated())?];
        file.read_exact(&mut storage).map_err(broken)?;
        for (name, described) in users {
            let fits = tensor(&described, &storage);
            let tensor = fits.map_err(|why| format!("`{}`: {why}", short(name)))?;
            budget.spend_on(&tensor)?;
            tensors.insert(name.to_owned(), tensor);
        }
    }
    match users.keys().next() {
        Some(key) => {
            Err(format!("its storage {} is missing; the file may be truncated", short(key)))
        }
        None => Ok(tensors),
    }
}
