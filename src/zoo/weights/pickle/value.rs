//! What a pickle holds.

use super::element::Element;

/// A value. Texts and bytes are those of the file; what holds others is kept apart and named by index.
/// So nothing here is recursive, and a value can be copied as often as a file recalls it: a hostile one
/// can't overflow the stack or multiply what it holds.
#[derive(Clone, Copy, Debug)]
pub(super) enum Value<'a> {
    /// None, fractions, integers of more than 64 bits: nothing that describes a tensor.
    Other,
    Bool(bool),
    Int(i64),
    Text(&'a str),
    Bytes(&'a [u8]),
    /// Bytes as Python 3 writes them for Python 2: a character each.
    Latin1(&'a str),
    Tuple(usize),
    /// A list or a set.
    List(usize),
    /// Key, value, key, value.
    Dict(usize),
    /// A class or a function by its module and name.
    Global(usize),
    Object(usize),
    Storage(usize),
    Tensor(usize),
}

/// Whatever else Python has made: how it would be made anew, which nobody does.
#[derive(Clone, Copy, Debug)]
pub(super) struct Object<'a> {
    /// The class or function called, among the globals.
    pub(super) class: Option<usize>,
    /// What it is called with: a tuple.
    pub(super) arguments: usize,
    /// Its entries, where it is a kind of dictionary.
    pub(super) entries: usize,
    /// What `__setstate__` would be given: for most classes a dictionary of the attributes.
    pub(super) state: Option<Value<'a>>,
}

/// A storage as the pickle refers to it.
#[derive(Clone, Debug)]
pub(super) struct Storage<'a> {
    pub(super) numbers: Numbers<'a>,
    pub(super) element: Element<'a>,
    /// Where it begins in these numbers: not at 0 for views in old files.
    pub(super) begin: i64,
}

/// A tensor as the pickle describes it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Described<'a> {
    pub(crate) element: Element<'a>,
    pub(crate) numbers: Numbers<'a>,
    /// In elements, within the storage.
    pub(crate) offset: i64,
    pub(crate) size: Vec<i64>,
    pub(crate) stride: Vec<i64>,
}

/// Where a tensor's numbers lie.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Numbers<'a> {
    /// In the storage of this key, beside the pickle.
    Storage(&'a str),
    /// In the pickle itself, as NumPy's arrays are.
    Here(&'a [u8]),
    /// Likewise, a character for each byte.
    Latin1(&'a str),
    /// They can't be had: what the tensor is instead.
    Nowhere(&'static str),
}

impl<'a> Value<'a> {
    /// Python 2 writes its texts as bytes.
    pub(super) fn text(self) -> Option<&'a str> {
        match self {
            Value::Text(text) => Some(text),
            Value::Bytes(bytes) => std::str::from_utf8(bytes).ok(),
            _ => None,
        }
    }

    pub(super) fn numbers(self) -> Option<Numbers<'a>> {
        match self {
            Value::Bytes(bytes) => Some(Numbers::Here(bytes)),
            Value::Latin1(text) => Some(Numbers::Latin1(text)),
            _ => None,
        }
    }
}
