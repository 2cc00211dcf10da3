//! What a value of the file is while its graph is walked through.

use tch::Tensor;

use super::sizes::Sizes;
use crate::error::first_line;

/// A result, or what is wrong with the file.
pub(super) type Outcome<T> = Result<T, String>;

/// A value of the file: known now, or computed from the images.
pub(super) enum Value<'a> {
    /// An initializer, or computed from some: with the initializer's name, where it has one.
    Constant(Tensor, &'a str),
    /// A shape, or computed from one.
    Sizes(Sizes),
    /// The network's node of that index.
    Node(usize),
}

impl<'a> Value<'a> {
    /// The same value; tensors share their memory.
    pub(super) fn share(&self) -> Value<'a> {
        match self {
            Value::Constant(tensor, name) => Value::Constant(tensor.shallow_clone(), name),
            Value::Sizes(sizes) => Value::Sizes(sizes.clone()),
            Value::Node(index) => Value::Node(*index),
        }
    }

    pub(super) fn sizes(&self) -> Option<Sizes> {
        match self {
            Value::Constant(tensor, _) => Sizes::of(tensor),
            Value::Sizes(sizes) => Some(sizes.clone()),
            Value::Node(_) => None,
        }
    }

    /// The tensor of a value that is known now.
    pub(super) fn tensor(&self) -> Outcome<Tensor> {
        match self {
            Value::Constant(tensor, _) => Ok(tensor.shallow_clone()),
            Value::Sizes(sizes) => sizes.tensor(),
            Value::Node(_) => Err("a value that is computed from the images".to_owned()),
        }
    }

    /// The number, of a constant that holds a single one.
    pub(super) fn scalar(&self) -> Option<f64> {
        let tensor = if let Value::Node(_) = self { None } else { self.tensor().ok() }?;
        let one = if tensor.numel() == 1 { tensor.f_reshape(-1).ok()? } else { return None };
        one.f_double_value(&[0]).ok()
    }
}

pub(super) fn torch(error: tch::TchError) -> String {
    format!("libtorch: {}", first_line(&error.to_string()))
}
