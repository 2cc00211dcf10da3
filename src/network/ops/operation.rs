//! What the network asks of an operation.

use std::fmt;

use tch::{TchError, Tensor};

use super::field::{Read, Seen};
use super::shape::{Misfit, count};
use super::{Axes, Op};
use crate::layer_kind::LayerKind;
use crate::random::Random;

/// One operation. What it does not say has a default that is slower or refuses, but is never wrong.
pub(crate) trait Operation: fmt::Debug {
    /// As PyTorch writes it.
    fn name(&self) -> &'static str;

    /// The output's shape, from the shapes of the node's inputs; or why they don't fit.
    fn shape(&self, inputs: &[&[i64]]) -> Result<Vec<i64>, Misfit>;

    /// Computes the output and leaves the inputs alone. Their shapes were checked.
    fn compute(&self, inputs: &[&Tensor], training: bool) -> Result<Tensor, TchError>;

    /// How many products are summed for each value of the output, from the inputs' shapes: 0 for all
    /// but convolutions, linear layers and matrix products, as fvcore and torchvision count.
    fn terms(&self, inputs: &[&[i64]]) -> u64;

    /// How many products are summed in all, from the shapes of inputs and output.
    fn multiply_adds(&self, inputs: &[&[i64]], output: &[i64]) -> u64 {
        self.terms(inputs).saturating_mul(count(output))
    }

    /// How many values are looked at for each value of the output, from the inputs' shapes.
    fn reads(&self, inputs: &[&[i64]]) -> u64 {
        self.terms(inputs).max(1)
    }

    /// For colors in the architecture's figure.
    fn kind(&self) -> LayerKind;

    /// A few words for the architecture's figure: `Conv2d 3×3 /2`.
    fn summary(&self) -> String {
        self.name().to_owned()
    }

    /// Parameters and buffers with their names, in PyTorch's order.
    fn parameters(&self) -> Vec<(&'static str, &Tensor)> {
        Vec::new()
    }

    /// The same, to replace.
    fn parameters_mut(&mut self) -> Vec<(&'static str, &mut Tensor)> {
        Vec::new()
    }

    /// New parameters for the model-randomization test.
    fn reinitialize(&mut self, _random: &mut Random) -> Result<(), TchError> {
        match self.parameters().is_empty() {
            true => Ok(()),
            false => Err(TchError::Torch(format!("{} can't be re-initialized", self.name()))),
        }
    }

    /// Whether [`Operation::compute_over`] can write over an input.
    fn works_in_place(&self) -> bool {
        false
    }

    /// Computes the output in the memory of one of the inputs. `other` is the other one, if any.
    fn compute_over(&self, x: Tensor, other: Option<&Tensor>) -> Result<Tensor, TchError> {
        self.compute_beside(&x, other)
    }

    /// The same in memory of its own: what [`Operation::compute_over`] does where it can't write.
    fn compute_beside(&self, x: &Tensor, other: Option<&Tensor>) -> Result<Tensor, TchError> {
        match other {
            Some(other) => self.compute(&[x, other], false),
            None => self.compute(&[x], false),
        }
    }

    /// Whether the output lies in memory of its own, never in an input's.
    fn allocates(&self) -> bool {
        false
    }

    /// Whether an input of batch 1 stands for any batch.
    fn broadcasts(&self) -> bool {
        false
    }

    /// What it reads of the picture where it reads no node.
    fn source(&self, _direction: usize) -> Option<Seen> {
        None
    }

    /// What one of its inputs lets it see of the picture.
    fn receptive_field(&self, _read: &Read<'_>) -> Seen {
        Seen::WHOLE
    }

    /// Where the places of the picture lie in the output, from where they lie in the inputs: of those that
    /// keep the shape, where they were; else unknown.
    fn axes(&self, x: &Axes, others: &[&Axes], output: &[i64]) -> Axes {
        if others.is_empty() { x.kept(output) } else { Axes::unknown(output) }
    }

    /// How a change of a part of the input spreads.
    fn spread(&self) -> Spread {
        Spread::Everywhere
    }

    /// What guided backpropagation and deconvolution make of it.
    fn backprop(&self) -> Backprop {
        Backprop::Refused
    }

    /// Whether it does nothing outside training.
    fn is_identity(&self) -> bool {
        false
    }

    /// The operation that does what `before` and then this one do, outside training.
    fn fold_into(&self, _before: &Op) -> Option<Result<Op, TchError>> {
        None
    }
}

/// How a change of a part of an input `[N, C, H, W]` spreads over the output, for the incremental
/// computation of occlusion.
pub(crate) enum Spread {
    /// To all of it, as far as is known: the output is computed as a whole.
    Everywhere,
    /// Nowhere: each value depends on the values of its own place.
    Stays,
    /// Nowhere, and the inputs must be looked at in one and the same window.
    Aligned,
    /// As far as windows reach.
    Windows(Reach),
}

/// How output windows read their input, per direction, wherever they are.
pub(crate) struct Reach {
    pub span: [i64; 2],
    pub stride: [i64; 2],
    pub padding: [i64; 2],
    /// What stands beyond the border.
    pub border: f64,
    /// The operation on crops that hold their border already.
    pub unpadded: Op,
}

/// How gradients pass an operation under another rule for rectified linear units.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Backprop {
    /// As always.
    Usual,
    /// By that rule; the unit lets values through from 0 to `most`.
    Rectified { most: f64 },
    /// Not at all: the rule says nothing of other non-linear functions.
    Refused,
}
