//! Networks from Hugging Face's hub, by the name of their repository.

mod architecture;
mod config;
mod preparation;
mod timm;
mod transformers;

use std::path::PathBuf;

use convscope_weights::Repository;
use serde_json::Value;
use tch::Device;

use super::{weights, weights_folder};
use crate::download::{self, Download};
use crate::error::{quoted, short};
use crate::network::Network;
use crate::{Error, Result};
use architecture::Described;

/// A network of Hugging Face's hub by the name of its repository, as `timm` or `transformers` saved it: on
/// the GPU where there is one.
///
/// The architectures are the zoo's: ResNet, ViT, DeiT, ConvNeXt and DINOv2. The repository's `config.json`
/// says how pictures are prepared (mean, deviation, crop, interpolation, size) and what the classes are
/// called. What Hugging Face's programs have fetched is used from their cache (`$HF_HUB_CACHE`,
/// `$HF_HOME/hub`, `~/.cache/huggingface/hub`), else files are fetched once to `hub/` in
/// [`weights_folder`]. No checksum is known of them.
///
/// ```no_run
/// # use convscope::prelude::*;
/// let net = zoo::hub("timm/resnet18.a1_in1k")?;
/// net.classify(&Photo::open("dog.jpg")?)?
/// # ; Ok::<(), convscope::Error>(())
/// ```
///
/// # Errors
///
/// A name that is no repository's; files that are neither on this machine nor to be had; an
/// architecture that the zoo lacks, or a form of it, each by its name.
pub fn hub(repository: &str) -> Result<Network> {
    let repository = Repository::new(repository).ok_or_else(|| {
        Error::Argument(format!(
            "{} is no repository of the hub; names look like `timm/resnet18.a1_in1k`",
            quoted(&[repository])
        ))
    })?;
    let config = config::read(&file(&repository, "config.json")?)?;
    let described = describe(&repository, &config)?;
    let weights = weights_file(&repository)?;
    let network = described.build(&repository.to_string())?;
    weights::load_known(network, &weights)?.to_device(Device::cuda_if_available())
}

fn describe(repository: &Repository, config: &Value) -> Result<Described> {
    let refused = |why: String| Error::Argument(refusal(repository, &why));
    if config.get("architecture").is_some() {
        return timm::describe(config).map_err(refused);
    }
    if config.get("model_type").is_some() {
        let preparation = config::read(&file(repository, "preprocessor_config.json")?)?;
        return transformers::describe(config, &preparation).map_err(refused);
    }
    Err(refused(
        "its config.json names neither timm's architecture nor transformers' model_type".into(),
    ))
}

/// What of a repository the zoo can't make, with the way around it.
fn refusal(repository: &Repository, why: &str) -> String {
    format!(
        "{repository}: {}. The way in is an ONNX file: load it in Python, \
         `torch.onnx.export(model.eval(), torch.randn(1, 3, 224, 224), \"model.onnx\")`, then \
         `Network::from_onnx(\"model.onnx\")`",
        short(why)
    )
}

/// The weights, whichever form they have.
fn weights_file(repository: &Repository) -> Result<PathBuf> {
    let [first, second] = ["model.safetensors", "pytorch_model.bin"];
    let folder = weights_folder()?;
    // What is on this machine is used before anything is fetched.
    match repository.find(&folder, first).or_else(|| repository.find(&folder, second)) {
        Some(found) => Ok(found),
        None => match file(repository, first) {
            Err(Error::Stopped(how)) => Err(Error::Stopped(how)),
            first => first.or_else(|_| file(repository, second)),
        },
    }
}

fn file(repository: &Repository, name: &str) -> Result<PathBuf> {
    let folder = weights_folder()?;
    let obtained = repository.obtain(&folder, name, &Download::new(name));
    obtained.map_err(download::failed(|error| {
        Error::Argument(format!(
            "{repository}: there is no `{name}`: {error}. Run `hf download {repository}` (of Python's \
             huggingface_hub), whose cache is looked into, or put {} into {}",
            repository.url(name),
            repository.folder(&folder).display()
        ))
    }))
}
