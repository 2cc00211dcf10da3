//! Vega specifications that are put together from several files.

use serde_json::Value;

use crate::{Error, Result};

/// A specification, or a part of one, that lies beside the source.
pub(super) fn parsed(text: &str) -> Result<Value> {
    serde_json::from_str(text)
        .map_err(|error| Error::Argument(format!("a figure's specification: {error}")))
}

/// Adds the signals, data, scales and marks of `part` behind those of `spec`.
pub(super) fn append(spec: &mut Value, mut part: Value) {
    for list in ["signals", "data", "scales", "marks"] {
        let new = part.get_mut(list).and_then(Value::as_array_mut);
        if let (Some(all), Some(new)) = (spec.get_mut(list).and_then(Value::as_array_mut), new) {
            all.append(new);
        }
    }
}

/// Sets a property (`value`, `bind` …) of the signal with this name.
pub(super) fn set_signal(spec: &mut Value, name: &str, property: &str, to: Value) {
    let signals = spec.get_mut("signals").and_then(Value::as_array_mut);
    if let Some(signal) = signals.and_then(|all| all.iter_mut().find(|s| s["name"] == name)) {
        signal[property] = to;
    }
}
