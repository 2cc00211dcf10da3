//! Reading a weights file, and fitting it to a network: names and shapes, all misfits at once.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use tch::{Kind, Tensor};

use super::{legacy, names, pth};
use crate::error::{first_line, shape_text};
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
        format!("broken or truncated safetensors ({error}). Delete it, and fetch it anew.")
    })?;
    let mut parameters = Parameters::new();
    for (name, view) in file.tensors() {
        let tensor = Tensor::try_from(view)
            .map_err(|error| format!("`{name}`: {}", first_line(&error.to_string())))?;
        parameters.insert(name, tensor);
    }
    Ok(parameters)
}

/// Puts the parameters into the network, or says everything that doesn't fit.
pub(crate) fn fit(
    network: &mut Network,
    mut parameters: Parameters,
) -> std::result::Result<(), String> {
    // The count of training batches, and GoogLeNet's auxiliary classifiers: for training only.
    let for_training = |name: &str| {
        name.ends_with(".num_batches_tracked")
            || name.starts_with("aux1.")
            || name.starts_with("aux2.")
    };
    parameters.retain(|name, _| !for_training(name));
    let mut parameters = names::torchvisions(parameters);
    let mut problems = Vec::new();
    let mut expected = 0;
    for (name, tensor) in network.parameters() {
        expected += 1;
        match parameters.get(&name) {
            None => problems.push(format!("`{name}` is missing")),
            Some(found) if found.size() != tensor.size() => problems.push(format!(
                "`{name}` should be {}, is {}",
                shape_text(&tensor.size()),
                shape_text(&found.size())
            )),
            Some(_) => {}
        }
    }
    let known: Vec<String> = network.parameters().into_iter().map(|(name, _)| name).collect();
    let extra = parameters.keys().filter(|name| !known.contains(name));
    problems.extend(extra.map(|name| format!("`{name}` is not a parameter of this network")));
    if !problems.is_empty() {
        return Err(misfit_text(network.name(), expected, &problems));
    }
    let kind = Kind::Float;
    network
        .replace_parameters(|name, _| match parameters.remove(name) {
            Some(tensor) => tensor.f_to_kind(kind).map_err(Error::torch(format!("reading {name}"))),
            None => Err(Error::Argument(format!("`{name}` is missing"))),
        })
        .map_err(|error| error.to_string())
}

fn misfit_text(network: &str, expected: usize, problems: &[String]) -> String {
    const SHOWN: usize = 12;
    let mut text = format!(
        "it does not fit {network}, which has {expected} parameters with torchvision's names; \
         {} do not agree:",
        problems.len()
    );
    for problem in problems.iter().take(SHOWN) {
        text.push_str("\n  ");
        text.push_str(problem);
    }
    if problems.len() > SHOWN {
        text.push_str(&format!("\n  … and {} more", problems.len() - SHOWN));
    }
    text.push_str("\nIs it another network's file?");
    text
}
