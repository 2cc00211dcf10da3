//! The mean along dimensions.

use tch::{Kind, TchError, Tensor};

use super::operation::{Backprop, Operation};
use super::shape::{Misfit, extent, one};
use super::{Read, Seen, only};
use crate::layer_kind::LayerKind;

/// The mean along dimensions.
#[derive(Clone, Debug)]
pub struct Mean {
    /// The dimensions.
    pub dims: Vec<usize>,
    /// Whether they stay, with size 1.
    pub keep_dims: bool,
}

impl Operation for Mean {
    fn name(&self) -> &'static str {
        "mean"
    }

    fn shape(&self, inputs: &[&[i64]]) -> Result<Vec<i64>, Misfit> {
        let x = one(inputs)?;
        let mut shape = x.to_vec();
        for &dim in &self.dims {
            extent(x, dim)?;
            shape[dim] = 1;
        }
        if !self.keep_dims {
            let kept = (0..x.len()).filter(|dim| !self.dims.contains(dim));
            shape = kept.map(|dim| x[dim]).collect();
        }
        Ok(shape)
    }

    fn compute(&self, inputs: &[&Tensor], _training: bool) -> Result<Tensor, TchError> {
        let dims: Vec<i64> = self.dims.iter().map(|&dim| dim as i64).collect();
        only(inputs)?.f_mean_dim(dims, self.keep_dims, None::<Kind>)
    }

    fn terms(&self, _inputs: &[&[i64]]) -> u64 {
        0
    }

    fn kind(&self) -> LayerKind {
        LayerKind::Pooling
    }

    fn receptive_field(&self, read: &Read<'_>) -> Seen {
        let dim = read.dim();
        let dropped = self.dims.iter().filter(|&&other| other < dim && !self.keep_dims).count();
        if self.dims.contains(&dim) { Seen::WHOLE } else { read.at(dim - dropped) }
    }

    fn backprop(&self) -> Backprop {
        Backprop::Usual
    }
}
