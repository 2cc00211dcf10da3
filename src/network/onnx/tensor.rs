//! From a tensor of the file to one of libtorch: floating-point numbers as float32, all others as
//! int64. Lengths are checked before anything is allocated.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::path::{Component, Path, PathBuf};

use tch::{Kind, Tensor};

use super::message::Array;
use crate::error::{first_line, shape_text, short};
use crate::network::ops::MOST_DIMS;

/// The ONNX file's folder, where tensors with data of their own file find them.
pub(super) struct Folder {
    path: PathBuf,
    /// How much was read of each file.
    read: HashMap<PathBuf, u64>,
}

impl Folder {
    pub(super) fn new(path: &Path) -> Self {
        Folder { path: path.to_owned(), read: HashMap::new() }
    }
}

/// Reads an initializer or a constant.
pub(super) fn read(array: &Array, folder: &mut Folder) -> Result<Tensor, String> {
    let say = |problem: String| format!("tensor `{}`: {problem}", short(array.name));
    let kind = kind(array.kind).map_err(say)?;
    let size = kind.elt_size_in_bytes() as i64;
    let bytes = array
        .dims
        .iter()
        .try_fold(size, |all, &dim| all.checked_mul(dim).filter(|&all| dim >= 0 && all >= 0))
        .and_then(|bytes| usize::try_from(bytes).ok())
        .filter(|_| array.dims.len() <= MOST_DIMS)
        .ok_or_else(|| say(format!("impossible shape {}", shape_text(&array.dims))))?;
    let held;
    let data: &[u8] = match array.raw {
        _ if array.external => {
            held = external(&array.entries, folder, bytes).map_err(say)?;
            &held
        }
        Some(raw) => raw,
        None => {
            held = typed(array, kind);
            &held
        }
    };
    if data.len() != bytes {
        let shape = shape_text(&array.dims);
        let problem = format!("{shape} needs {bytes} bytes, it has {}", data.len());
        return Err(say(problem));
    }
    let floating = matches!(kind, Kind::Float | Kind::Double | Kind::Half | Kind::BFloat16);
    let to = if floating { Kind::Float } else { Kind::Int64 };
    Tensor::f_from_data_size(data, &array.dims, kind)
        .and_then(|tensor| tensor.f_to_kind(to))
        .map_err(|error| say(first_line(&error.to_string())))
}

/// Of TensorProto's data types, those that networks hold. A boolean is a byte.
fn kind(number: i64) -> Result<Kind, String> {
    Ok(match number {
        1 => Kind::Float,
        2 | 9 => Kind::Uint8,
        3 => Kind::Int8,
        6 => Kind::Int,
        7 => Kind::Int64,
        10 => Kind::Half,
        11 => Kind::Double,
        16 => Kind::BFloat16,
        other => {
            return Err(format!(
                "data type {other} is not supported (float32, float64, float16, bfloat16, int64, \
                 int32, int8, uint8 and bool are)"
            ));
        }
    })
}

/// The bytes of numbers that the file holds one by one. 16-bit floats come as their bits.
fn typed(array: &Array, kind: Kind) -> Vec<u8> {
    match kind {
        Kind::Float => array.floats.iter().flat_map(|value| value.to_le_bytes()).collect(),
        Kind::Double => array.doubles.iter().flat_map(|value| value.to_le_bytes()).collect(),
        _ => {
            let size = kind.elt_size_in_bytes();
            let low = |value: &i64| value.to_le_bytes().into_iter().take(size);
            array.ints.iter().flat_map(low).collect()
        }
    }
}

/// `bytes` bytes of another file, which must lie in the same folder or below.
fn external(
    entries: &[(&str, &str)],
    folder: &mut Folder,
    bytes: usize,
) -> Result<Vec<u8>, String> {
    let entry = |key| entries.iter().find(|(name, _)| *name == key).map(|(_, value)| *value);
    let number = |key| match entry(key) {
        None => Ok(None),
        Some(text) => {
            text.parse::<u64>().map(Some).map_err(|_| format!("{key} is `{}`", short(text)))
        }
    };
    let location = entry("location").ok_or("its data lie in another file that is not named")?;
    let outside =
        || format!("its data lie outside the file's folder, in `{}`: refused", short(location));
    let plain = |part: Component| matches!(part, Component::Normal(_) | Component::CurDir);
    if !Path::new(location).components().all(plain) {
        return Err(outside());
    }
    let path = folder.path.join(location);
    let problem = |error: std::io::Error| match error.kind() {
        ErrorKind::NotFound => format!(
            "its data can't be read: the file `{}` is missing. The two files belong together, in one \
             folder and under the names that they were written with",
            short(location)
        ),
        _ => format!("its data can't be read: `{}`, {error}", short(location)),
    };
    // A link must not lead out of the folder either.
    let whole = path.canonicalize().map_err(problem)?;
    if !whole.starts_with(folder.path.canonicalize().map_err(problem)?) {
        return Err(outside());
    }
    // Asked before it is opened: opening a pipe waits for its other end.
    let metadata = fs::metadata(&whole).map_err(problem)?;
    let offset = number("offset")?.unwrap_or(0);
    let left = metadata.len().saturating_sub(offset);
    let length = number("length")?.unwrap_or(bytes as u64);
    if !metadata.is_file() || length != bytes as u64 || length > left {
        return Err(format!(
            "needs {bytes} bytes, {length} from {offset} on are announced, and `{}` has {}: was it \
             truncated, or does it belong to another export?",
            short(location),
            metadata.len()
        ));
    }
    // Tensors may share data; a file that makes many of little is a bomb.
    let read = folder.read.entry(whole.clone()).or_default();
    *read = read.saturating_add(length);
    if *read > metadata.len().saturating_mul(4) {
        return Err(format!(
            "`{}` is used far more often than it is long: refused",
            short(location)
        ));
    }
    let mut file = File::open(&whole).map_err(problem)?;
    let mut data = vec![0; bytes];
    file.seek(SeekFrom::Start(offset)).map_err(problem)?;
    file.read_exact(&mut data).map_err(problem)?;
    Ok(data)
}
