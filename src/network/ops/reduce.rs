//! One number of all those along dimensions.

use tch::{Kind, TchError, Tensor};

use super::operation::{Backprop, Operation};
use super::shape::{Misfit, extent, one};
use super::{Axes, Read, Seen, only};
use crate::layer_kind::LayerKind;
use crate::network::is_floating;

/// What [`Reduce`] makes of many numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reduction {
    /// Their mean.
    Mean,
    /// Their sum.
    Sum,
    /// The largest; several alike share its gradient.
    Max,
    /// The smallest; several alike share its gradient.
    Min,
    /// Their product.
    Product,
    /// √Σx²
    L2,
    /// ln Σeˣ
    LogSumExp,
}

/// One number of all those along dimensions: their mean, their sum, their maximum, …
#[derive(Clone, Debug)]
pub struct Reduce {
    /// What is made of them.
    pub by: Reduction,
    /// The dimensions.
    pub dims: Vec<usize>,
    /// Whether they stay, with size 1.
    pub keep_dims: bool,
}

impl Operation for Reduce {
    fn name(&self) -> &'static str {
        match self.by {
            Reduction::Mean => "mean",
            Reduction::Sum => "sum",
            Reduction::Max => "max",
            Reduction::Min => "min",
            Reduction::Product => "prod",
            Reduction::L2 => "norm",
            Reduction::LogSumExp => "logsumexp",
        }
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
        let (x, keep) = (only(inputs)?, self.keep_dims);
        let dims: Vec<i64> = self.dims.iter().map(|&dim| dim as i64).collect();
        match self.by {
            // libtorch takes no dimensions for all of them.
            _ if dims.is_empty() => Ok(x.shallow_clone()),
            Reduction::Mean => x.f_mean_dim(dims, keep, None::<Kind>),
            Reduction::Sum => x.f_sum_dim_intlist(dims, keep, None::<Kind>),
            Reduction::Max => x.f_amax(dims, keep),
            Reduction::Min => x.f_amin(dims, keep),
            // tch ends in a panic where libtorch refuses whole numbers.
            Reduction::L2 if is_floating(x.kind()) => x.f_norm_scalaropt_dim(2, dims, keep),
            Reduction::L2 => Err(TchError::Kind("a norm of whole numbers".to_owned())),
            Reduction::LogSumExp => x.f_logsumexp(dims, keep),
            Reduction::Product => {
                let mut last_first = dims;
                last_first.sort_unstable();
                let over = |x: Tensor, dim: &i64| x.f_prod_dim_int(*dim, keep, None::<Kind>);
                last_first.iter().rev().try_fold(x.shallow_clone(), over)
            }
        }
    }

    fn terms(&self, _inputs: &[&[i64]]) -> u64 {
        0
    }

    fn kind(&self) -> LayerKind {
        LayerKind::Pooling
    }

    fn axes(&self, x: &Axes, _others: &[&Axes], _output: &[i64]) -> Axes {
        x.without(&self.dims, self.keep_dims)
    }

    fn receptive_field(&self, read: &Read<'_>) -> Seen {
        let dim = read.dim();
        let dropped = self.dims.iter().filter(|&&other| other < dim && !self.keep_dims).count();
        if self.dims.contains(&dim) { Seen::WHOLE } else { read.at(dim - dropped) }
    }

    fn backprop(&self) -> Backprop {
        match self.by {
            Reduction::Mean | Reduction::Sum | Reduction::Max | Reduction::Min => Backprop::Usual,
            Reduction::Product | Reduction::L2 | Reduction::LogSumExp => Backprop::Refused,
        }
    }
}
