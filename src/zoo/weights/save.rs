//! Writing a network's parameters.

use std::path::Path;

use safetensors::SafeTensorError;
use tch::{Device, TchError, Tensor};

use crate::network::Network;
use crate::{Error, Result, atomic_write};

pub(super) fn save(network: &Network, path: &Path) -> Result<()> {
    let plain = |tensor: &Tensor| tensor.f_detach()?.f_to_device(Device::Cpu)?.f_contiguous();
    let tensors = network
        .state_dict()
        .into_iter()
        .map(|(name, tensor)| Ok((name, plain(&tensor)?)))
        .collect::<std::result::Result<Vec<_>, tch::TchError>>()
        .map_err(Error::torch("reading the parameters"))?;
    let action = "write the weights";
    atomic_write::write(action, path, |part| {
        Tensor::write_safetensors(&tensors, part).map_err(|error| match error {
            TchError::SafeTensorError { err: SafeTensorError::IoError(error), .. } => {
                Error::io(action, path)(error)
            }
            other => Error::weights_file(path, format!("it can't be written: {other}")),
        })
    })
}
