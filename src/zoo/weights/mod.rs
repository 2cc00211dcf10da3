//! Weights: reading a file, and fitting it to the network. Where official files come from and where
//! they lie is `convscope-weights`' business.

mod legacy;
mod load;
mod names;
mod pickle;
mod pth;
mod save;
mod storage;

use std::path::{Path, PathBuf};

use crate::network::Network;
use crate::{Error, Result, view};

/// The folder for weights. It need not exist.
///
/// `$CONVSCOPE_HOME/weights`, else `convscope/weights` in the platform's cache folder
/// (`$XDG_CACHE_HOME` or `~/.cache`; `~/Library/Caches` on macOS; `%LOCALAPPDATA%` on Windows).
///
/// Errors: no variable says where this user's files lie.
pub fn weights_folder() -> Result<PathBuf> {
    convscope_weights::weights_folder().map_err(|error| Error::Argument(error.to_string()))
}

/// Loads the weights of a network of the zoo.
///
/// A file laid there by hand, `NAME.safetensors` or `NAME.pth`, is used as it is; else the official
/// file, fetched once.
pub(crate) fn load_official(network: &mut Network) -> Result<()> {
    let path = locate(network.name())?;
    load_file(network, &path)
}

fn load_file(network: &mut Network, path: &Path) -> Result<()> {
    let parameters = load::read(path)?;
    load::fit(network, parameters).map_err(|problem| Error::weights_file(path, problem))
}

impl Network {
    /// Replaces all parameters by those of a file: safetensors, or a state_dict as PyTorch saves it
    /// (`.pth`, `.pt`), with this network's parameter names. Read without executing anything.
    /// Numbers of any precision become float32.
    ///
    /// A training checkpoint is read too: the state_dict may be its entry `state_dict` or `model`, and
    /// its names may all begin with `module.`, as DataParallel leaves them.
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

fn locate(name: &str) -> Result<PathBuf> {
    let official = convscope_weights::find(name)
        .ok_or_else(|| Error::Argument(format!("there are no official weights for {name}")))?;
    let folder = weights_folder()?;
    official.obtain(&folder, &view::say).map_err(|error| Error::WeightsAbsent {
        network: name.to_owned(),
        problem: error.to_string(),
        file: format!("`{name}.safetensors`, `{name}.pth` or `{}`", official.file_name),
        folder,
        url: official.url(),
    })
}
