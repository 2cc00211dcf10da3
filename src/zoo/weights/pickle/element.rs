//! What tensors hold: numbers of one type, by the names that PyTorch and NumPy give it.

use tch::Kind;

/// The type of a tensor's numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Element<'a> {
    /// As the file says: `FloatStorage`, `float8_e4m3fn`, `f8`.
    pub(crate) name: &'a str,
    /// What libtorch calls it; `None` where numbers of this type are no network's here.
    pub(crate) kind: Option<Kind>,
    /// Bytes of one, as far as that is known.
    pub(crate) bytes: usize,
    pub(crate) big_endian: bool,
}

/// PyTorch's types: what their storages' names begin with, their names, and their bytes.
const TYPES: [(&str, &str, Option<Kind>, usize); 16] = [
    ("Float", "float32", Some(Kind::Float), 4),
    ("Double", "float64", Some(Kind::Double), 8),
    ("Half", "float16", Some(Kind::Half), 2),
    ("BFloat16", "bfloat16", Some(Kind::BFloat16), 2),
    ("Long", "int64", Some(Kind::Int64), 8),
    ("Int", "int32", Some(Kind::Int), 4),
    ("Short", "int16", Some(Kind::Int16), 2),
    ("Char", "int8", Some(Kind::Int8), 1),
    ("Byte", "uint8", Some(Kind::Uint8), 1),
    ("Bool", "bool", Some(Kind::Bool), 1),
    // Bytes, whatever they mean.
    ("Untyped", "uint8", Some(Kind::Uint8), 1),
    ("ComplexFloat", "complex64", None, 8),
    ("ComplexDouble", "complex128", None, 16),
    ("QInt8", "qint8", None, 1),
    ("QUInt8", "quint8", None, 1),
    ("QInt32", "qint32", None, 4),
];

impl<'a> Element<'a> {
    /// What a storage holds, by its class: `FloatStorage`, in old files of a GPU's `torch.cuda`.
    pub(super) fn of_storage(module: &str, name: &'a str) -> Option<Element<'a>> {
        let stem = name.trim_start_matches('_').strip_suffix("Storage")?;
        if !["torch", "torch.cuda", "torch.storage"].contains(&module) {
            return None;
        }
        let known = TYPES.iter().find(|(storage, ..)| *storage == stem);
        // Those that are left are packed: several numbers in a byte.
        let (kind, bytes) = known.map_or((None, 1), |&(_, _, kind, bytes)| (kind, bytes));
        Some(Element { name, kind, bytes, big_endian: false })
    }

    /// `torch.float32`.
    pub(super) fn of_dtype(name: &'a str) -> Element<'a> {
        let known = TYPES.iter().find(|(_, dtype, ..)| *dtype == name);
        let (kind, bytes) = known.map_or((None, 1), |&(_, _, kind, bytes)| (kind, bytes));
        Element { name, kind, bytes, big_endian: false }
    }

    /// NumPy's: `f4`.
    pub(super) fn of_numpy(name: &'a str, big_endian: bool) -> Element<'a> {
        let (kind, bytes) = match name {
            "f4" => (Some(Kind::Float), 4),
            "f8" => (Some(Kind::Double), 8),
            "f2" => (Some(Kind::Half), 2),
            "i8" => (Some(Kind::Int64), 8),
            "i4" => (Some(Kind::Int), 4),
            "i2" => (Some(Kind::Int16), 2),
            "i1" => (Some(Kind::Int8), 1),
            "u1" => (Some(Kind::Uint8), 1),
            "b1" => (Some(Kind::Bool), 1),
            _ => (None, 1),
        };
        Element { name, kind, bytes, big_endian }
    }
}
