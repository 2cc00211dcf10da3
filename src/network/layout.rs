//! How convolutions' weights lie in memory.
//!
//! On the CPU the channels of each tap lie beside one another (channels-last). libtorch then lays out
//! all activations so, from the first convolution on, and computes forwards and backwards in half to
//! nine tenths of the time. Shapes and values stay the same; what leaves the executor is contiguous.

use tch::{Device, TchError, Tensor};

use super::{Network, Op};
use crate::{Error, Result};

impl Network {
    /// To be called where parameters have come from outside or from another device.
    pub(crate) fn lay_out(&mut self) -> Result<()> {
        let last = self.device() == Device::Cpu;
        for node in &mut self.nodes {
            if let Op::Conv2d(conv) = &mut node.op {
                let weight = &conv.weight;
                let laid_out = if last { channels_last(weight) } else { weight.f_contiguous() };
                conv.weight =
                    laid_out.map_err(Error::torch(format!("laying out {}", node.name)))?;
            }
        }
        Ok(())
    }
}

/// The same values with the channels of a pixel beside one another in memory.
pub(crate) fn channels_last(tensor: &Tensor) -> std::result::Result<Tensor, TchError> {
    tensor.f_permute([0, 2, 3, 1])?.f_contiguous()?.f_permute([0, 3, 1, 2])
}
