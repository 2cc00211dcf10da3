//! Weights: where they lie, fetching the official file, reading it, fitting it to the network.

mod download;
mod home;
mod legacy;
mod load;
mod names;
mod pickle;
mod pth;
mod save;
mod storage;

use std::path::{Path, PathBuf};

pub(crate) use download::Official;
pub use home::weights_folder;

use crate::network::Network;
use crate::{Error, Result};

/// Loads the weights of a network of the zoo.
///
/// A file laid there by hand, `NAME.safetensors` or `NAME.pth`, is used as it is; else the official
/// file, fetched once.
pub(crate) fn load_official(network: &mut Network, official: Official) -> Result<()> {
    let path = locate(network.name(), official)?;
    load_file(network, &path)
}

fn load_file(network: &mut Network, path: &Path) -> Result<()> {
    let parameters = load::read(path)?;
    load::fit(network, parameters).map_err(|problem| Error::weights_file(path, problem))
}

impl Network {
    /// Replaces all parameters by those of a file: safetensors, or a state_dict as PyTorch saves it
    /// (`.pth`, `.pt`), with this network's parameter names. Read without executing anything.
    ///
    /// Errors: a file that is none of these or truncated; names or shapes that don't fit, all of
    /// them at once.
    pub fn load_weights(mut self, path: impl AsRef<Path>) -> Result<Network> {
        let device = self.device();
        load_file(&mut self, path.as_ref())?;
        self.to_device(device)
    }

    /// Writes all parameters as safetensors. The file appears whole or not at all.
    pub fn save_weights(&self, path: impl AsRef<Path>) -> Result<()> {
        save::save(self, path.as_ref())
    }
}

/// Loads weights that the crate carries in itself.
pub(crate) fn load_embedded(network: &mut Network, bytes: &[u8]) -> Result<()> {
    let fitted = load::parse_safetensors(bytes).and_then(|tensors| load::fit(network, tensors));
    fitted.map_err(|problem| Error::weights_file("embedded weights", problem))
}

fn locate(name: &str, official: Official) -> Result<PathBuf> {
    let folder = weights_folder()?;
    let official_name = official.url.rsplit('/').next().unwrap_or(name);
    let by_hand = [format!("{name}.safetensors"), format!("{name}.pth"), format!("{name}.pt")];
    let mut candidates = by_hand.iter().map(String::as_str).chain([official_name]);
    if let Some(found) = candidates.find(|file| folder.join(file).is_file()) {
        return Ok(folder.join(found));
    }
    let absent = |problem: String| Error::WeightsAbsent {
        network: name.to_owned(),
        problem,
        file: format!("`{name}.safetensors`, `{name}.pth` or `{official_name}`"),
        folder: folder.clone(),
        url: official.url.to_owned(),
    };
    if home::offline() {
        return Err(absent("they are not on this machine, and CONVSCOPE_OFFLINE is set".into()));
    }
    let target = folder.join(official_name);
    crate::view::say(&format!("Fetching {} to {}", official.url, folder.display()));
    match download::fetch(official, &target) {
        Ok(()) => Ok(target),
        Err(Error::WeightsFile { problem, .. }) => Err(absent(problem)),
        Err(other) => Err(absent(other.to_string())),
    }
}
