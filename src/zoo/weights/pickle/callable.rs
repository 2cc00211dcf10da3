//! What a pickle may refer to: of all that Python has, what describes a tensor.

use crate::error::short;

#[derive(Clone, Copy, Debug)]
pub(super) enum Callable {
    OrderedDict,
    RebuildTensor,
    RebuildParameter,
    Storage(&'static str),
}

const STORAGES: [&str; 8] = [
    "FloatStorage",
    "DoubleStorage",
    "HalfStorage",
    "BFloat16Storage",
    "LongStorage",
    "IntStorage",
    "ByteStorage",
    "BoolStorage",
];

/// What a pickle may refer to, by its Python module and name.
pub(super) fn callable(module: &str, name: &str) -> Result<Callable, String> {
    let storage = STORAGES.into_iter().find(|storage| *storage == name);
    match (module, name, storage) {
        ("torch", _, Some(storage)) => Ok(Callable::Storage(storage)),
        ("collections", "OrderedDict", _) => Ok(Callable::OrderedDict),
        ("torch._utils", "_rebuild_tensor_v2", _) => Ok(Callable::RebuildTensor),
        ("torch._utils", "_rebuild_parameter", _) => Ok(Callable::RebuildParameter),
        _ => Err(format!(
            "it refers to `{}.{}`, which no state_dict needs; nothing was executed. \
             Save the model anew: `torch.save(model.state_dict(), path)`.",
            short(module),
            short(name)
        )),
    }
}
