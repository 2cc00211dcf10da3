//! The backward pass under another rule for rectified linear units.
//!
//! libtorch offers no way to change an operation's derivative. So the graph is cut at every unit: its
//! output goes on as a fresh leaf. Then the pieces are run backwards, the last first; each leaf
//! collects what all its readers send, the rule turns that into what the unit's input gets, and the
//! piece before goes on from there. Skips and concatenations add up by themselves.

use tch::{TchError, Tensor};

use super::gradient::{backward, detached, leaf};
use super::ops::Backprop;
use super::{Network, only};
use crate::{Error, Result};

/// What a rectified linear unit passes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BackpropRule {
    /// Positive gradients where the input was positive (Springenberg et al., 2014).
    Guided,
    /// Positive gradients wherever (Zeiler and Fergus, 2013).
    Deconvolution,
}

impl BackpropRule {
    /// `most` is where the unit stops to let values through.
    fn apply(self, most: f64, input: &Tensor, gradient: &Tensor) -> Result<Tensor, TchError> {
        let positive = gradient.f_clamp_min(0)?;
        if self == BackpropRule::Deconvolution {
            return Ok(positive);
        }
        let mut open = input.f_gt(0)?;
        if most.is_finite() {
            open = open.f_logical_and(&input.f_lt(most)?)?;
        }
        positive.f_mul(&open.f_to_kind(gradient.kind())?)
    }
}

/// A unit at which the graph was cut.
struct Cut {
    most: f64,
    before: Tensor,
    after: Tensor,
}

impl Network {
    /// The gradient of a score of node `scored` with respect to the input, `[N, C, H, W]`, with
    /// this rule at each ReLU and ReLU6; and that node's value.
    ///
    /// # Errors
    ///
    /// A network with none of these, or with other non-linear functions beside them.
    pub(crate) fn modified_gradient(
        &self,
        input: &Tensor,
        rule: BackpropRule,
        scored: usize,
        score: impl FnOnce(&Tensor) -> Result<Tensor>,
    ) -> Result<(Tensor, Tensor)> {
        self.check_modifiable(scored)?;
        tch::with_grad(|| {
            let leaf = leaf(&self.check_input(input)?)?;
            let mut cuts: Vec<Cut> = Vec::new();
            let value = only(self.run_with(&[(0, &leaf)], &[scored], |op, inputs| {
                match (op.operation().backprop(), inputs) {
                    (Backprop::Rectified { most }, [before]) => {
                        let after =
                            op.compute(inputs, false)?.f_detach()?.f_set_requires_grad(true)?;
                        let before = before.shallow_clone();
                        cuts.push(Cut { most, before, after: after.shallow_clone() });
                        Ok(after)
                    }
                    _ => op.compute(inputs, false),
                }
            })?)?;
            let gradient = backwards(&leaf, &cuts, rule, &score(&value)?)?;
            Ok((gradient, detached(&value)?))
        })
    }

    fn check_modifiable(&self, scored: usize) -> Result<()> {
        let nodes = &self.nodes[..=scored];
        let refuse = |why: String| {
            Err(Error::Argument(format!(
                "{}: guided backpropagation and deconvolution change what ReLUs pass back, and {why}. \
                 Use `saliency`, `integrated_gradients` or `grad_cam`, which need no ReLU.",
                self.name
            )))
        };
        if let Some(node) =
            nodes.iter().find(|node| node.op.operation().backprop() == Backprop::Refused)
        {
            return refuse(format!("`{}` is a {}", node.name, node.op.name()));
        }
        let is_unit = |rule: Backprop| matches!(rule, Backprop::Rectified { .. });
        if !nodes.iter().any(|node| is_unit(node.op.operation().backprop())) {
            return refuse("there is none".to_owned());
        }
        Ok(())
    }
}

/// The gradient of `score` with respect to `leaf`, piece by piece.
fn backwards(leaf: &Tensor, cuts: &[Cut], rule: BackpropRule, score: &Tensor) -> Result<Tensor> {
    let leaves: Vec<&Tensor> =
        [leaf].into_iter().chain(cuts.iter().map(|cut| &cut.after)).collect();
    let mut sums: Vec<Option<Tensor>> = leaves.iter().map(|_| None).collect();
    // Adds what the pieces between `root` and the first `count` leaves pass back. The graph is kept
    // because pieces may share a part of it.
    let add = |root: &Tensor, count: usize, sums: &mut Vec<Option<Tensor>>| -> Result<()> {
        for (sum, gradient) in sums.iter_mut().zip(backward(root, &leaves[..count], true)?) {
            let Some(gradient) = gradient else { continue };
            *sum = Some(match sum.take() {
                Some(earlier) => earlier.f_add(&gradient).map_err(failed)?,
                None => gradient,
            });
        }
        Ok(())
    };
    add(score, leaves.len(), &mut sums)?;
    for (index, cut) in cuts.iter().enumerate().rev() {
        // All readers of this unit come after it, so its sum is complete.
        let Some(gradient) = sums[index + 1].take() else { continue };
        // A unit that reads parameters alone passes nothing on.
        if cut.before.requires_grad() {
            let passed = rule.apply(cut.most, &cut.before, &gradient).map_err(failed)?;
            let root = passed.f_detach().and_then(|passed| cut.before.f_mul(&passed));
            let root = root.and_then(|root| root.f_sum(root.kind())).map_err(failed)?;
            add(&root, index + 1, &mut sums)?;
        }
    }
    sums.swap_remove(0).map_or_else(|| leaf.f_zeros_like().map_err(failed), Ok)
}

fn failed(error: TchError) -> Error {
    Error::torch("passing gradients back through the ReLUs")(error)
}
