//! Zip `.pth`/`.pt` files: a pickle that describes the tensors, and a file of bytes for each.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use tch::Tensor;
use zip::ZipArchive;

use super::pickle::state_dict;
use super::storage::{Budget, tensor};
use crate::error::short;

/// No state_dict's pickle is larger: it holds names and sizes only.
const LARGEST_PICKLE: u64 = 64 << 20;

/// Reads a state_dict as `torch.save` has written it since PyTorch 1.6.
pub(super) fn read(path: &Path) -> Result<BTreeMap<String, Tensor>, String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    let length = file.metadata().map_err(|error| error.to_string())?.len();
    let broken = |error: zip::result::ZipError| {
        format!(
            "the zip archive is broken or truncated ({error}). Delete it, so that it can be \
             fetched anew."
        )
    };
    let mut archive = ZipArchive::new(BufReader::new(file)).map_err(broken)?;
    let pickle_name = archive.file_names().find(|name| name.ends_with("/data.pkl"));
    let pickle_name = pickle_name.ok_or("the zip archive holds no data.pkl: no state_dict")?;
    let folder = pickle_name.trim_end_matches("data.pkl").to_owned();
    let pickle = bytes(&mut archive, &format!("{folder}data.pkl"), LARGEST_PICKLE)?;

    let mut storages: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let mut tensors = BTreeMap::new();
    let mut budget = Budget::of(length);
    for (name, described) in state_dict(&pickle)?.tensors {
        if !storages.contains_key(described.key) {
            // PyTorch stores without compression, so no entry is larger than the file.
            let storage = bytes(&mut archive, &format!("{folder}data/{}", described.key), length)?;
            budget.spend(storage.len())?;
            storages.insert(described.key.to_owned(), storage);
        }
        let Some(storage) = storages.get(described.key) else { continue };
        let fits = tensor(&described, storage);
        let tensor = fits.map_err(|why| format!("`{}`: {why}", short(name)))?;
        budget.spend_on(&tensor)?;
        tensors.insert(name.to_owned(), tensor);
    }
    Ok(tensors)
}

fn bytes(
    archive: &mut ZipArchive<BufReader<File>>,
    name: &str,
    limit: u64,
) -> Result<Vec<u8>, String> {
    let broken = |error: &dyn std::fmt::Display| {
        let name = short(name);
        format!("{name} in the archive is missing or broken ({error}); the file may be truncated")
    };
    let entry = archive.by_name(name).map_err(|error| broken(&error))?;
    if entry.size() > limit {
        return Err(format!("{} in the archive claims {} bytes", short(name), entry.size()));
    }
    let mut content = Vec::with_capacity(usize::try_from(entry.size()).unwrap_or_default());
    entry.take(limit).read_to_end(&mut content).map_err(|error| broken(&error))?;
    Ok(content)
}
