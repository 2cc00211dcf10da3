//! Reading a weights file, whichever its form is, and fitting it to a network.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use tch::{Kind, Tensor};

use super::contents::{Contents, Loaded, Wanted};
use super::find::find;
use super::legacy::{self, Legacy};
use super::pickle;
use super::pth::Archive;
use super::storage::Tensors;
use crate::error::{first_line, short};
use crate::network::Network;
use crate::{Error, Result};

/// Loads a file's weights into a network: safetensors, or what `torch.save` wrote, whichever the file's
/// content is. Returns what was done beyond taking the file as it is.
pub(super) fn load(network: &mut Network, path: &Path) -> Result<Option<String>> {
    let mut head = Vec::new();
    File::open(path)
        .and_then(|file| file.take(HEAD).read_to_end(&mut head))
        .map_err(Error::io("read the weights", path))?;
    let loaded = match head.as_slice() {
        [] => Err("the file is empty. Delete it, so that it can be fetched anew.".to_owned()),
        [b'P', b'K', 3, 4, ..] => from_archive(network, path),
        head if head.get(8) == Some(&b'{') => from_safetensors(network, &whole(path)?),
        head if pickle::is_tar(head) => from_tar(network, &whole(path)?),
        head if legacy::begins_so(head) => from_legacy(network, path),
        _ => Err("it is neither safetensors nor a state_dict (.pth, .pt) as PyTorch saves it."
            .to_owned()),
    };
    loaded.map_err(|problem| Error::weights_file(path, problem))
}

/// As much of a file as tells its form.
const HEAD: u64 = 512;

fn whole(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(Error::io("read the weights", path))
}

type Done = std::result::Result<Option<String>, String>;

fn from_archive(network: &mut Network, path: &Path) -> Done {
    let mut archive = Archive::open(path)?;
    let bytes = archive.pickle()?;
    let pickled = pickle::read(&bytes)?;
    fit(network, &pickled.contents, |wanted| archive.tensors(&pickled, wanted))
}

fn from_legacy(network: &mut Network, path: &Path) -> Done {
    let legacy = Legacy::open(path)?;
    let pickled = pickle::read(legacy.pickle())?;
    fit(network, &pickled.contents, |wanted| legacy.tensors(&pickled, wanted))
}

fn from_tar(network: &mut Network, bytes: &[u8]) -> Done {
    let pickled = pickle::tar(bytes)?;
    fit(network, &pickled.contents, |wanted| {
        Tensors::new(&pickled.tensors, wanted, bytes.len() as u64)?.all()
    })
}

/// Loads safetensors held in memory, as the zoo's embedded weights are.
pub(super) fn from_safetensors(network: &mut Network, bytes: &[u8]) -> Done {
    let file = safetensors::SafeTensors::deserialize(bytes).map_err(|error| {
        let error = error.to_string();
        format!(
            "broken or truncated safetensors ({}). Delete it, and fetch it anew.",
            short(&error)
        )
    })?;
    let shape = |sizes: &[usize]| sizes.iter().map(|&size| crate::limits::position(size)).collect();
    let tensors = file.tensors().into_iter();
    let shapes = tensors.map(|(name, view)| (name, shape(view.shape())));
    fit(network, &Contents::flat(shapes), |wanted| {
        let tensor = |(&id, name): (&usize, &String)| {
            let view = file.tensor(name).map_err(|error| error.to_string());
            let tensor = view.and_then(|view| Tensor::try_from(view).map_err(|e| e.to_string()));
            match tensor {
                Ok(tensor) => Ok((id, tensor)),
                Err(error) => Err(format!("`{}`: {}", short(name), first_line(&error))),
            }
        };
        wanted.iter().map(tensor).collect()
    })
}

/// Puts tensors into the network under its own names or others that are known.
pub(super) fn from_tensors(network: &mut Network, tensors: Vec<(String, Tensor)>) -> Done {
    let shapes = tensors.iter().map(|(name, tensor)| (name.clone(), tensor.size()));
    fit(network, &Contents::flat(shapes), |wanted| {
        let wanted = |id: usize| wanted.contains_key(&id);
        let tensors = tensors.iter().enumerate().filter(|(id, _)| wanted(*id));
        Ok(tensors.map(|(id, (_, tensor))| (id, tensor.shallow_clone())).collect())
    })
}

/// Finds the network's parameters in a file, reads these and no others, and puts them into the network.
fn fit(
    network: &mut Network,
    contents: &Contents,
    read: impl FnOnce(&Wanted) -> std::result::Result<Loaded, String>,
) -> Done {
    let found = find(network, contents)?;
    let loaded = read(&found.wanted)?;
    network
        .replace_parameters(|name, old| {
            let parts = found.sources.get(name).map(Vec::as_slice).unwrap_or_default();
            let parts: Vec<&Tensor> = parts.iter().filter_map(|id| loaded.get(id)).collect();
            let whole = match parts.as_slice() {
                &[one] => Ok(one.shallow_clone()),
                parts => Tensor::f_cat(parts, 0),
            };
            whole
                .and_then(|tensor| tensor.f_to_kind(Kind::Float)?.f_view(old.size().as_slice()))
                .map_err(Error::torch(format!("reading {name}")))
        })
        .and_then(|()| network.lay_out())
        .map_err(|error| error.to_string())?;
    Ok(found.done)
}
