//! Copies of a network with parameters drawn anew, to see what depends on them.

use std::ops::Range;

use tch::{Kind, TchError, Tensor};

use super::{Network, Node, Op};
use crate::random::Random;
use crate::{Error, Result};

impl Network {
    /// The convolutions and linear layers that node `end` depends on, in the order they are computed.
    pub(crate) fn weighted_layers(&self, end: usize) -> Vec<usize> {
        let mut needed = vec![false; end + 1];
        needed[end] = true;
        for (index, node) in self.nodes.iter().enumerate().take(end + 1).rev() {
            if needed[index] {
                node.inputs.iter().for_each(|&i| needed[i] = true);
            }
        }
        let weighted = |op: &Op| matches!(op, Op::Conv2d { .. } | Op::Linear { .. });
        (0..=end).filter(|&index| needed[index] && weighted(&self.nodes[index].op)).collect()
    }

    /// A copy in which the parameters of these nodes are drawn anew; the others are shared with this
    /// network, which stays as it is. A node's new parameters depend on `seed` and its place only.
    ///
    /// Weights are normal with variance 2 / fan-in, which keeps activations in their range through
    /// ReLUs (He et al., 2015), biases are 0, normalisations do nothing; a tensor that belongs to no
    /// layer keeps its mean and deviation.
    pub(crate) fn redrawn(&self, nodes: Range<usize>, seed: u64) -> Result<Network> {
        let node = |(index, node): (usize, &Node)| {
            let mut op = node.op.shared();
            if nodes.contains(&index) {
                redraw(&mut op, &mut Random(seed.wrapping_add((index as u64) << 32)))
                    .map_err(Error::torch(format!("drawing `{}` anew", node.name)))?;
            }
            Ok(Node { name: node.name.clone(), op, inputs: node.inputs.clone() })
        };
        Ok(Network {
            name: self.name.clone(),
            nodes: self.nodes.iter().enumerate().map(node).collect::<Result<_>>()?,
            aliases: self.aliases.clone(),
            output: self.output,
            preprocess: self.preprocess.clone(),
            classes: self.classes.clone(),
        })
    }
}

fn redraw(op: &mut Op, random: &mut Random) -> Result<(), TchError> {
    let constant = |like: &Tensor, value: f64| like.f_detach()?.f_full_like(value);
    match op {
        Op::Parameter { value } => {
            let old = value.f_detach()?.f_to_kind(Kind::Double)?;
            let mean = old.f_mean(Kind::Double)?;
            let deviation = old.f_sub(&mean)?.f_square()?.f_mean(Kind::Double)?.f_sqrt()?;
            let new = random.normal(&old)?.f_mul(&deviation)?.f_add(&mean)?;
            *value = new.f_to_kind(value.kind())?;
        }
        Op::Conv2d { weight, bias, .. } | Op::Linear { weight, bias } => {
            let fan_in: i64 = weight.size().iter().skip(1).product();
            let deviation = (2.0 / fan_in.max(1) as f64).sqrt();
            *weight = random.normal(weight)?.f_mul_scalar(deviation)?;
            if let Some(bias) = bias {
                *bias = constant(bias, 0.0)?;
            }
        }
        Op::BatchNorm2d { weight, bias, running_mean, running_var, .. } => {
            (*weight, *bias) = (constant(weight, 1.0)?, constant(bias, 0.0)?);
            (*running_mean, *running_var) =
                (constant(running_mean, 0.0)?, constant(running_var, 1.0)?);
        }
        Op::LayerNorm { weight, bias, .. } => {
            *weight = constant(weight, 1.0)?;
            if let Some(bias) = bias {
                *bias = constant(bias, 0.0)?;
            }
        }
        _ => (),
    }
    Ok(())
}
