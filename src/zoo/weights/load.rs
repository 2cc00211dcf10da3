//! Reading a weights file, and fitting it to a network: names and shapes, all misfits at once.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use tch::{Kind, Tensor};

use super::{legacy, names, pth};
use crate::error::{first_line, listed, shape_text, short};
use crate::network::Network;
use crate::{Error, Result};

type Parameters = BTreeMap<String, Tensor>;

/// Reads safetensors or a state_dict of PyTorch (`.pth`, `.pt`), whichever the file's content is.
pub(crate) fn read(path: &Path) -> Result<Parameters> {
    let mut head = Vec::new();
    File::open(path)
        .and_then(|file| file.take(9).read_to_end(&mut head))
        .map_err(Error::io("read the weights", path))?;
    let refuse = |problem: &str| Err(Error::weights_file(path, problem));
    match head.as_slice() {
        [] => refuse("the file is empty. Delete it, so that it can be fetched anew."),
        [b'P', b'K', 3, 4, ..] => {
            pth::read(path).map_err(|problem| Error::weights_file(path, problem))
        }
        [.., b'{'] if head.len() == 9 => read_safetensors(path),
        _ if head.starts_with(&legacy::MAGIC) => {
            legacy::read(path).map_err(|problem| Error::weights_file(path, problem))
        }
        _ => refuse("it is neither safetensors nor a state_dict (.pth, .pt) as PyTorch saves it."),
    }
}

fn read_safetensors(path: &Path) -> Result<Parameters> {
    let bytes = std::fs::read(path).map_err(Error::io("read the weights", path))?;
    parse_safetensors(&bytes).map_err(|problem| Error::weights_file(path, problem))
}

/// Parses safetensors held in memory, as the zoo's embedded weights are.
pub(crate) fn parse_safetensors(bytes: &[u8]) -> std::result::Result<Parameters, String> {
    let file = safetensors::SafeTensors::deserialize(bytes).map_err(|error| {
        let error = error.to_string();
        format!(
            "broken or truncated safetensors ({}). Delete it, and fetch it anew.",
            short(&error)
        )
    })?;
    let mut parameters = Parameters::new();
    for (name, view) in file.tensors() {
        let tensor = Tensor::try_from(view)
            .map_err(|error| format!("`{}`: {}", short(&name), first_line(&error.to_string())))?;
        parameters.insert(name, tensor);
    }
    Ok(parameters)
}

/// Puts the parameters into the network, or says everything that doesn't fit.
pub(crate) fn fit(
    network: &mut Network,
    parameters: Parameters,
) -> std::result::Result<(), String> {
    let mut parameters = names::torchvisions(parameters);
    // The count of training batches, and GoogLeNet's auxiliary classifiers: for training only.
    let for_training = |name: &str| {
        name.ends_with(".num_batches_tracked")
            || name.starts_with("aux1.")
            || name.starts_with("aux2.")
    };
    parameters.retain(|name, _| !for_training(name));
    let misfits = misfits(network, &parameters);
    if !misfits.is_empty() {
        let expected = network.state_dict().len();
        return Err(format!(
            "it does not fit {}, which has {expected} parameters with torchvision's names:{misfits}\n\
             Is it another network's file?",
            network.name()
        ));
    }
    let kind = Kind::Float;
    network
        .replace_parameters(|name, _| match parameters.remove(name) {
            Some(tensor) => tensor.f_to_kind(kind).map_err(Error::torch(format!("reading {name}"))),
            None => Err(Error::Argument(format!("`{name}` is missing"))),
        })
        .and_then(|()| network.lay_out())
        .map_err(|error| error.to_string())
}

/// The parameters that don't fit, by name, a line for each way of not fitting; "" where all do.
fn misfits(network: &Network, parameters: &Parameters) -> String {
    let expected: BTreeMap<String, Vec<i64>> =
        network.state_dict().into_iter().map(|(name, tensor)| (name, tensor.size())).collect();
    let shown = |name: &String| short(name).into_owned();
    let missing = expected.keys().filter(|name| !parameters.contains_key(*name)).map(shown);
    let unknown = parameters.keys().filter(|name| !expected.contains_key(*name)).map(shown);
    let misshapen = expected.iter().filter_map(|(name, shape)| {
        let found = parameters.get(name)?.size();
        let (shape, found_text) = (shape_text(shape), shape_text(&found));
        let name = short(name);
        (shape != found_text).then(|| format!("{name} (should be {shape}, is {found_text})"))
    });
    let line = |what: &str, names: Vec<String>| match names.len() {
        0 => String::new(),
        count => format!("\n  {what} ({count}): {}", listed(&names)),
    };
    line("missing", missing.collect())
        + &line("not of this network", unknown.collect())
        + &line("of another shape", misshapen.collect())
}
