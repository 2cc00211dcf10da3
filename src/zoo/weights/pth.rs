//! Zip `.pth`/`.pt` files: a pickle that describes the tensors, and a file of bytes for each.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use tch::{Kind, Tensor};
use zip::ZipArchive;

use super::pickle::{Described, state_dict};
use crate::error::first_line;

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
    let mut held = 0;
    for (name, described) in state_dict(&pickle)? {
        if !storages.contains_key(&described.key) {
            // PyTorch stores without compression, so no entry is larger than the file.
            let storage = bytes(&mut archive, &format!("{folder}data/{}", described.key), length)?;
            held += storage.len() as u64;
            storages.insert(described.key.clone(), storage);
        }
        let Some(storage) = storages.get(&described.key) else { continue };
        let tensor = tensor(&described, storage).map_err(|why| format!("`{name}`: {why}"))?;
        held += tensor.numel() as u64 * tensor.kind().elt_size_in_bytes() as u64;
        // Tied parameters share a storage; a file that makes much of little is a bomb.
        if held > 4 * length {
            return Err("its tensors are together far larger than the file".to_owned());
        }
        tensors.insert(name, tensor);
    }
    Ok(tensors)
}

fn bytes(
    archive: &mut ZipArchive<BufReader<File>>,
    name: &str,
    limit: u64,
) -> Result<Vec<u8>, String> {
    let broken = |error: &dyn std::fmt::Display| {
        format!("{name} in the archive is missing or broken ({error}); the file may be truncated")
    };
    let mut entry = archive.by_name(name).map_err(|error| broken(&error))?;
    if entry.size() > limit {
        return Err(format!("{name} in the archive claims {} bytes", entry.size()));
    }
    let mut content = Vec::with_capacity(entry.size() as usize);
    entry.read_to_end(&mut content).map_err(|error| broken(&error))?;
    Ok(content)
}

/// Cuts a tensor out of its storage. Sizes are checked before libtorch sees them.
fn tensor(described: &Described, storage: &[u8]) -> Result<Tensor, String> {
    let kind = match described.storage.as_str() {
        "FloatStorage" => Kind::Float,
        "DoubleStorage" => Kind::Double,
        "HalfStorage" => Kind::Half,
        "BFloat16Storage" => Kind::BFloat16,
        "LongStorage" => Kind::Int64,
        "IntStorage" => Kind::Int,
        "ByteStorage" => Kind::Uint8,
        "BoolStorage" => Kind::Bool,
        other => return Err(format!("{other} is not known")),
    };
    let Described { offset, size, stride, .. } = described;
    let count = (storage.len() / kind.elt_size_in_bytes()) as i64;
    let sound = size.len() == stride.len()
        && *offset >= 0
        && size.iter().chain(stride).all(|&value| (0..=count.max(1)).contains(&value));
    // The last element read; in i128, since hostile numbers may be large.
    let empty = size.contains(&0);
    let steps = size.iter().zip(stride).map(|(&n, &step)| i128::from(n - 1) * i128::from(step));
    let last = i128::from(*offset) + steps.sum::<i128>();
    // A tensor larger than its storage (stride 0) would be a bomb, and is no parameter.
    let elements = size.iter().map(|&n| n as i128).product::<i128>();
    if !sound || (!empty && last >= i128::from(count)) || elements > i128::from(count) {
        return Err(format!("size {size:?} does not fit a storage of {count} numbers"));
    }
    Tensor::f_from_data_size(
        storage,
        &[storage.len() as i64 / kind.elt_size_in_bytes() as i64],
        kind,
    )
    .and_then(|flat| flat.f_as_strided(size, stride, *offset)?.f_contiguous())
    // A copy of its own, so that a slice does not keep a large storage alive.
    .map(|tensor| tensor.copy())
    .map_err(|error| first_line(&error.to_string()))
}
