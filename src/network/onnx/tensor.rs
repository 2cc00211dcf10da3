//! From a tensor of the file to one of libtorch: floating-point numbers as float32, all others as
//! int64. Lengths are checked before anything is allocated.

use std::borrow::Cow;
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
    if let Some(size) = unsigned(array.kind) {
        return read_unsigned(array, folder, size).map_err(say);
    }
    let kind = kind(array.kind).map_err(say)?;
    let size = kind.elt_size_in_bytes();
    let data = bytes(array, folder, size).map_err(say)?;
    let floating = matches!(kind, Kind::Float | Kind::Double | Kind::Half | Kind::BFloat16);
    let to = if floating { Kind::Float } else { Kind::Int64 };
    Tensor::f_from_data_size(&data, &array.dims, kind)
        .and_then(|tensor| tensor.f_to_kind(to))
        .map_err(|error| say(first_line(&error.to_string())))
}

/// The size of a number of those kinds that libtorch has not, or hardly: uint16, uint32, uint64.
fn unsigned(kind: i64) -> Option<usize> {
    [(4, 2), (12, 4), (13, 8)].into_iter().find(|&(known, _)| known == kind).map(|(_, size)| size)
}

fn read_unsigned(array: &Array, folder: &mut Folder, size: usize) -> Result<Tensor, String> {
    let data = bytes(array, folder, size)?;
    let number = |chunk: &[u8]| {
        let mut bytes = [0; 8];
        bytes.iter_mut().zip(chunk).for_each(|(to, from)| *to = *from);
        i64::from_le_bytes(bytes)
    };
    let numbers: Vec<i64> = data.chunks_exact(size).map(number).collect();
    Tensor::f_from_slice(&numbers)
        .and_then(|row| row.f_reshape(&array.dims))
        .map_err(|error| first_line(&error.to_string()))
}

/// A tensor's bytes, as many as its shape asks for.
fn bytes<'a>(array: &Array<'a>, folder: &mut Folder, size: usize) -> Result<Cow<'a, [u8]>, String> {
    let bytes = array
        .dims
        .iter()
        .try_fold(size as i64, |all, &dim| all.checked_mul(dim).filter(|&all| dim >= 0 && all >= 0))
        .and_then(|bytes| usize::try_from(bytes).ok())
        .filter(|_| array.dims.len() <= MOST_DIMS)
        .ok_or_else(|| format!("impossible shape {}", shape_text(&array.dims)))?;
    let data: Cow<[u8]> = match array.raw {
        _ if array.external => external(&array.entries, folder, bytes)?.into(),
        Some(raw) => raw.into(),
        None => typed(array, size).into(),
    };
    if data.len() != bytes {
        let shape = shape_text(&array.dims);
        return Err(format!("{shape} needs {bytes} bytes, it has {}", data.len()));
    }
    Ok(data)
}

/// Of TensorProto's data types, those that networks hold. A boolean is a byte.
fn kind(number: i64) -> Result<Kind, String> {
    Ok(match number {
        1 => Kind::Float,
        2 | 9 => Kind::Uint8,
        3 => Kind::Int8,
        5 => Kind::Int16,
        6 => Kind::Int,
        7 => Kind::Int64,
        10 => Kind::Half,
        11 => Kind::Double,
        16 => Kind::BFloat16,
        other => {
            return Err(format!(
                "data type {other} is not supported (float16 to float64, bfloat16, int8 to int64, \
                 uint8 to uint64 and bool are)"
            ));
        }
    })
}

/// The bytes of numbers that the file holds one by one. 16-bit floats come as their bits.
fn typed(array: &Array, size: usize) -> Vec<u8> {
    const FLOAT: i64 = 1;
    const DOUBLE: i64 = 11;
    match array.kind {
        FLOAT => array.floats.iter().flat_map(|value| value.to_le_bytes()).collect(),
        DOUBLE => array.doubles.iter().flat_map(|value| value.to_le_bytes()).collect(),
        _ => {
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
