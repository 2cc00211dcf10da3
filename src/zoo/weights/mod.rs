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

mod legacy;
mod load;
mod names;
mod pickle;
mod pth;
mod save;
mod storage;

use std::path::{Path, PathBuf};

use tch::{Device, Tensor};

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
    /// # Errors
    ///
    /// A file that is none of these or truncated; names or shapes that don't fit, all of
    /// them at once (of more than twenty the first and the last).
    pub fn load_weights(mut self, path: impl AsRef<Path>) -> Result<Network> {
        let device = self.device();
        load_file(&mut self, path.as_ref())?;
        self.to_device(device)
    }

    /// Replaces all parameters by copies of these tensors, with this network's names
    /// ([`Network::state_dict`]), on any device. Numbers of any precision become float32.
    ///
    /// # Errors
    ///
    /// Names or shapes that don't fit, all of them at once.
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
        load::fit(&mut self, tensors).map_err(|problem| {
            Error::Argument(format!("the tensors can't be used as parameters: {problem}"))
        })?;
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

/// Loads weights that the crate carries in itself.
pub(crate) fn load_embedded(network: &mut Network, bytes: &[u8]) -> Result<()> {
    let fitted = load::parse_safetensors(bytes).and_then(|tensors| load::fit(network, tensors));
    fitted.map_err(|problem| Error::weights_file("embedded weights", problem))
}

fn locate(name: &str) -> Result<PathBuf> {
    let official = convscope_weights::find(name)
        .ok_or_else(|| Error::Argument(format!("there are no official weights for {name}")))?;
    let folder = weights_folder()?;
    official.obtain(&folder, &notebook::say).map_err(|error| Error::WeightsAbsent {
        network: name.to_owned(),
        file: format!("`{name}.safetensors`, `{name}.pth` or `{}`", official.file_name),
        folder,
        url: official.url(),
        source: error.into(),
    })
}
