//! Weights: reading a file, and fitting it to the network. Where official files come from and where
//! they lie is `convscope-weights`' business.

// Sizes are what a file says.
#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss
    )
)]

mod contents;
mod find;
mod legacy;
mod load;
mod names;
mod pickle;
mod pth;
mod save;
mod storage;

use std::path::{Path, PathBuf};

use convscope_weights::Official;
use tch::{Device, Tensor};

use crate::download::{self, Download};
use crate::error::short;
use crate::network::Network;
use crate::{Error, Result, notebook};

/// The folder for weights. It need not exist.
///
/// `$CONVSCOPE_HOME/weights`, else `convscope/weights` in the platform's cache folder
/// (`$XDG_CACHE_HOME` or `~/.cache`; `~/Library/Caches` on macOS; `%LOCALAPPDATA%` on Windows).
///
/// # Errors
///
/// No variable says where this user's files lie.
pub fn weights_folder() -> Result<PathBuf> {
    convscope_weights::weights_folder().map_err(|error| Error::Argument(error.to_string()))
}

/// Loads the weights of a network of the zoo.
///
/// A file laid there by hand, `NAME.safetensors` or `NAME.pth`, is used as it is; else the official
/// file, fetched once.
pub(crate) fn load_official(network: &mut Network) -> Result<()> {
    let official = convscope_weights::find(network.name()).ok_or_else(|| {
        Error::Argument(format!("there are no official weights for {}", network.name()))
    })?;
    let path = obtain(official)?;
    let done = load::load(network, &path)?;
    // The official file is known to be as it is.
    if !path.ends_with(official.file_name) {
        say(&path, done);
    }
    Ok(())
}

/// Says in a line what was done with a file that wasn't simply the state_dict.
fn say(path: &Path, done: Option<String>) {
    if let Some(done) = done {
        let file = path.file_name().unwrap_or_default().to_string_lossy();
        notebook::say(&format!("Weights of {}: {done}", short(&file)));
    }
}

impl Network {
    /// Replaces all parameters by those of a file: safetensors, or anything that `torch.save` has
    /// written since 2017 (`.pth`, `.pt`, `.th`, `.ckpt`, …). Read without executing anything. Numbers
    /// of any precision become float32.
    ///
    /// The state_dict is found in whatever else a training program has put beside it: of all
    /// dictionaries in the file the one that fits this network best, without the prefixes that wrappers
    /// put before names (`module.`, `model.`, `_orig_mod.`), also in a whole model and in TorchScript.
    /// A line says what was done; none where the file fits as it is. What the file has beyond the
    /// network, such as another head, is left out and named in that line.
    ///
    /// # Errors
    ///
    /// A file that is none of these or truncated; names or shapes that don't fit: how many of each, and
    /// the first ones; a head of another size, which [`Network::with_head`] gives the network; a file
    /// of a deeper network; tensors that can't be had, such as quantized ones.
    pub fn load_weights(mut self, path: impl AsRef<Path>) -> Result<Network> {
        let device = self.device();
        let done = load::load(&mut self, path.as_ref())?;
        say(path.as_ref(), done);
        self.to_device(device)
    }

    /// Replaces all parameters by copies of these tensors, with this network's names
    /// ([`Network::state_dict`]), on any device. Numbers of any precision become float32. Names with
    /// a prefix are found as in files.
    ///
    /// # Errors
    ///
    /// Names or shapes that don't fit, as in files.
    pub fn load_tensors<N: Into<String>>(
        mut self,
        tensors: impl IntoIterator<Item = (N, Tensor)>,
    ) -> Result<Network> {
        let device = self.device();
        let copied = |(name, tensor): (N, Tensor)| {
            let tensor = tensor
                .f_detach_copy()
                .and_then(|tensor| tensor.f_detach()?.f_to_device(Device::Cpu));
            Ok((name.into(), tensor.map_err(Error::torch("copying parameters"))?))
        };
        let tensors = tensors.into_iter().map(copied).collect::<Result<_>>()?;
        let done = load::from_tensors(&mut self, tensors).map_err(|problem| {
            Error::Argument(format!("the tensors can't be used as parameters: {problem}"))
        })?;
        say(Path::new("these tensors"), done);
        self.to_device(device)
    }

    /// Replaces all parameters by copies of a tch model's variables, so that a model trained with
    /// [`tch::nn`] can be looked into. The names must be this network's: build both with the same ones.
    ///
    /// ```
    /// use convscope::prelude::*;
    /// use convscope::tch::nn;
    ///
    /// let store = nn::VarStore::new(Device::Cpu);
    /// let conv = nn::conv2d(store.root() / "conv", 1, 4, 3, Default::default());
    /// let fc = nn::linear(store.root() / "fc", 4, 10, Default::default());   // … trained as usual
    ///
    /// let mut b = Network::builder("mine", [1, 28, 28]);
    /// let x = b.conv2d(b.input(), "conv", Conv2d::new(4, 3));
    /// let x = b.relu(x, "relu");
    /// let x = b.global_avg_pool(x, "pool");
    /// let x = b.flatten(x, "flatten");
    /// b.linear(x, "fc", 10);
    /// let net = b.build()?.load_var_store(&store)?;
    /// net.feature_maps(&data::digit(3, 0)?, "relu")?
    /// # ; Ok::<(), convscope::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Network::load_tensors`].
    pub fn load_var_store(self, store: &tch::nn::VarStore) -> Result<Network> {
        self.load_tensors(store.variables())
    }

    /// Writes all parameters as safetensors. The file appears whole or not at all.
    pub fn save_weights(&self, path: impl AsRef<Path>) -> Result<()> {
        save::save(self, path.as_ref())
    }
}

/// Loads a file that is known to be of this network, by whatever names, without a word.
pub(crate) fn load_known(mut network: Network, path: &Path) -> Result<Network> {
    load::load(&mut network, path)?;
    Ok(network)
}

/// Loads weights that the crate carries in itself.
pub(crate) fn load_embedded(network: &mut Network, bytes: &[u8]) -> Result<()> {
    let loaded = load::from_safetensors(network, bytes);
    loaded.map(drop).map_err(|problem| Error::weights_file("embedded weights", problem))
}

fn obtain(official: &Official) -> Result<PathBuf> {
    let folder = weights_folder()?;
    let obtained = official.obtain(&folder, &Download::new(official.name));
    obtained.map_err(download::failed(|error| Error::WeightsAbsent {
        network: official.name.to_owned(),
        file: format!("`{0}.safetensors`, `{0}.pth` or `{1}`", official.name, official.file_name),
        folder,
        url: official.url(),
        source: error.into(),
    }))
}
