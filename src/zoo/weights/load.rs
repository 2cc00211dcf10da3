//! Reading a weights file, and fitting it to a network: names and shapes, all misfits at once.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use tch::{Kind, Tensor};

use super::{legacy, pth};
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
    parameters: Parameters,
) -> std::result::Result<(), String> {
    let mut parameters = without_wrapper(parameters);
    // The count of training batches, and GoogLeNet's auxiliary classifiers: for training only.
    let for_training = |name: &str| {
        name.ends_with(".num_batches_tracked")
            || name.starts_with("aux1.")
            || name.starts_with("aux2.")
    };
    parameters.retain(|name, _| !for_training(name));
    let mut parameters: Parameters =
        parameters.into_iter().map(|(name, tensor)| (modern_name(name), tensor)).collect();
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

/// DataParallel, in which networks are trained on several GPUs, puts `module.` before every name.
fn without_wrapper(parameters: Parameters) -> Parameters {
    const WRAPPER: &str = "module.";
    if !parameters.keys().all(|name| name.starts_with(WRAPPER)) {
        return parameters;
    }
    let unwrapped = |name: String| name.strip_prefix(WRAPPER).unwrap_or(&name).to_owned();
    parameters.into_iter().map(|(name, tensor)| (unwrapped(name), tensor)).collect()
}

/// DenseNet's file of 2017 says `denselayer1.norm.1.weight` where torchvision now says
/// `denselayer1.norm1.weight`.
fn modern_name(name: String) -> String {
    let parts: Vec<&str> = name.split('.').collect();
    let old = |window: &[&str]| {
        window[0].starts_with("denselayer")
            && ["norm", "conv"].contains(&window[1])
            && ["1", "2"].contains(&window[2])
    };
    match parts.windows(3).position(old) {
        Some(at) => {
            let joined = format!("{}{}", parts[at + 1], parts[at + 2]);
            [&parts[..=at], &[joined.as_str()], &parts[at + 3..]].concat().join(".")
        }
        None => name,
    }
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

#[cfg(test)]
mod tests {
    use super::modern_name;

    #[test]
    fn densenets_old_names() {
        let new = |name: &str| modern_name(name.to_owned());
        let old = "features.denseblock1.denselayer12.norm.2.running_mean";
        assert_eq!(new(old), "features.denseblock1.denselayer12.norm2.running_mean");
        assert_eq!(new("features.transition1.norm.weight"), "features.transition1.norm.weight");
        assert_eq!(new("layer1.0.conv1.weight"), "layer1.0.conv1.weight");
    }
}
