//! Reading a repository's JSON files.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde_json::Value;

use crate::error::short;
use crate::{Error, Result};

/// Names of 22,000 classes take 2 MB.
const LARGEST: u64 = 16 << 20;

pub(super) fn read(path: &Path) -> Result<Value> {
    let mut text = Vec::new();
    File::open(path)
        .and_then(|file| file.take(LARGEST).read_to_end(&mut text))
        .map_err(Error::io("read the configuration", path))?;
    serde_json::from_slice(&text).map_err(|error| {
        let problem = format!("it is no JSON ({error}). Delete it, so that it can be fetched anew");
        Error::weights_file(path, problem)
    })
}

/// A whole number from 0 to a million.
pub(super) fn number(config: &Value, key: &str) -> Option<i64> {
    config.get(key)?.as_i64().filter(|number| (0..=1_000_000).contains(number))
}

pub(super) fn text<'a>(config: &'a Value, key: &str) -> Option<&'a str> {
    config.get(key)?.as_str()
}

/// Three numbers for the colors, or one for all.
pub(super) fn colors(config: &Value, key: &str) -> Option<[f32; 3]> {
    let numbers: Vec<f32> = match config.get(key)? {
        Value::Array(numbers) => numbers.iter().filter_map(|n| Some(n.as_f64()? as f32)).collect(),
        number => vec![number.as_f64()? as f32; 3],
    };
    numbers.try_into().ok()
}

/// Refuses a key with another value than that which the zoo's network has; absent means that.
pub(super) fn only(config: &Value, key: &str, usual: &Value) -> Result<(), String> {
    match config.get(key) {
        None | Some(Value::Null) => Ok(()),
        Some(value) if value == usual => Ok(()),
        Some(value) => Err(format!(
            "its {key} is {}, the zoo's network has {usual}",
            short(&value.to_string())
        )),
    }
}
