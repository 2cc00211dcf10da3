//! The gradient of one number, made of a layer's value, with respect to other layers.

use tch::{TchError, Tensor};

use super::Network;
use super::executor::contiguous;
use crate::error::shape_text;
use crate::{Error, Result};

/// Activations of chosen layers and the gradient of one number with respect to them.
#[derive(Debug)]
#[non_exhaustive]
pub struct Gradients {
    /// The network's output, `[N, classes]`.
    pub output: Tensor,
    /// The number that was differentiated.
    pub score: Tensor,
    /// The layers' activations, in the order asked.
    pub activations: Vec<Tensor>,
    /// The gradients, each of its activation's shape.
    pub gradients: Vec<Tensor>,
}

impl Network {
    /// Runs the network, lets `score` make one number of its output, and differentiates that with
    /// respect to the input (layer `input`) or any other layers.
    ///
    /// Nothing stays behind on the network: parameters take no gradient, there are no hooks.
    ///
    /// ```
    /// # use convscope::prelude::*;
    /// let net = zoo::digits()?;
    /// let input = net.prepare(&data::digit(3, 0)?)?;
    /// let run = net.gradients(&input, &["input", "conv2"], |logits| Ok(logits.f_get(0)?.f_get(3)?))?;
    /// assert_eq!(run.gradients[0].size(), input.size());
    /// # Ok::<(), convscope::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// An unknown layer, or one that the output does not depend on; a score that is not one number,
    /// or that has no gradient: a constant, a class's index, a comparison.
    pub fn gradients(
        &self,
        input: &Tensor,
        layers: &[impl AsRef<str>],
        score: impl FnOnce(&Tensor) -> std::result::Result<Tensor, TchError>,
    ) -> Result<Gradients> {
        let score = |output: &Tensor| score(output).map_err(Error::torch("making the score"));
        self.differentiate(input, &self.find_all(layers)?, self.output, score)
    }

    /// The gradient of a score of node `scored` with respect to the nodes `wanted`. Only what comes
    /// after them is recorded; before them it runs as without a gradient.
    pub(crate) fn differentiate(
        &self,
        input: &Tensor,
        wanted: &[usize],
        scored: usize,
        score: impl FnOnce(&Tensor) -> Result<Tensor>,
    ) -> Result<Gradients> {
        for &layer in wanted {
            self.check_dependence(scored, layer)?;
        }
        let wanted: Vec<usize> = wanted.iter().copied().chain([scored]).collect();
        tch::with_grad(|| {
            // The caller's tensor is never marked.
            let input = detached(&self.check_input(input)?)?;
            let mut activations = self.run_marking(&[(0, &input)], &wanted)?;
            let output = activations.pop().ok_or_else(|| self.broken("no output"))?;
            let score = one_number(score(&output)?)?;
            let leaves: Vec<&Tensor> = activations.iter().collect();
            let gradients = backward(&score, &leaves, false)?
                .into_iter()
                .map(|gradient| gradient.ok_or_else(without_gradient));
            let plain = |tensor: &Tensor| contiguous(&detached(tensor)?);
            Ok(Gradients {
                gradients: gradients.map(|g| plain(&g?)).collect::<Result<_>>()?,
                output: plain(&output)?,
                score: detached(&score)?,
                activations: activations.iter().map(plain).collect::<Result<_>>()?,
            })
        })
    }

    /// Which nodes depend on node `layer`, itself among them.
    pub(super) fn dependents(&self, layer: usize) -> Vec<bool> {
        let mut depends = vec![false; self.nodes.len()];
        for (index, node) in self.nodes.iter().enumerate() {
            depends[index] = index == layer || node.inputs.iter().any(|&i| depends[i]);
        }
        depends
    }

    /// Which nodes node `layer` depends on, itself among them.
    pub(super) fn needed_by(&self, layer: usize) -> Vec<bool> {
        let mut needed = vec![false; self.nodes.len()];
        needed[layer] = true;
        for index in (0..=layer).rev() {
            if needed[index] {
                self.nodes[index].inputs.iter().for_each(|&i| needed[i] = true);
            }
        }
        needed
    }

    /// Refuses a layer (0 is the input) that takes no part in the value of node `scored`: nothing
    /// can be said of its share.
    pub(crate) fn check_dependence(&self, scored: usize, layer: usize) -> Result<()> {
        if self.dependents(layer)[scored] {
            return Ok(());
        }
        let (name, scored) = (&self.name, &self.nodes[scored].name);
        Err(Error::Argument(match layer {
            0 => {
                format!("{name}: `{scored}` does not depend on the image; choose a layer that does")
            }
            _ => format!(
                "{name}: `{scored}` does not depend on layer `{}`; choose a layer before it",
                self.nodes[layer].name
            ),
        }))
    }
}

/// Refuses a score of several numbers or of none.
pub(crate) fn one_number(score: Tensor) -> Result<Tensor> {
    if score.numel() == 1 {
        return Ok(score);
    }
    Err(Error::Shape {
        at: "the score to explain".to_owned(),
        expected: "one number".to_owned(),
        got: shape_text(&score.size()),
        remedy: "Pick or sum until one number is left, as `.f_sum(Kind::Float)` does.".to_owned(),
    })
}

/// The gradients of one number with respect to leaves; `None` for a leaf that it doesn't depend on.
/// `keep` leaves the graph for another pass.
///
/// # Errors
///
/// A number without any gradient. libtorch takes for granted that it has one, and ends the process.
pub(crate) fn backward(
    score: &Tensor,
    leaves: &[&Tensor],
    keep: bool,
) -> Result<Vec<Option<Tensor>>> {
    if !score.requires_grad() {
        return Err(without_gradient());
    }
    let gradients = Tensor::f_run_backward(&[score], leaves, keep, false);
    let gradients = gradients.map_err(Error::torch("differentiating"))?;
    Ok(gradients.into_iter().map(|gradient| gradient.defined().then_some(gradient)).collect())
}

/// The same values without a history.
pub(super) fn detached(tensor: &Tensor) -> Result<Tensor> {
    tensor.f_detach().map_err(Error::torch("taking values out of a gradient's graph"))
}

/// The same values as a leaf, with respect to which can be differentiated.
pub(crate) fn leaf(tensor: &Tensor) -> Result<Tensor> {
    let leaf = tensor.f_detach().and_then(|values| values.f_set_requires_grad(true));
    leaf.map_err(Error::torch("beginning to record a gradient"))
}

fn without_gradient() -> Error {
    Error::Argument(
        "the score has no gradient: it is a constant, or made by `argmax`, a comparison, `detach` or \
         `no_grad`. Make it of values that change smoothly with the layer's, such as a logit."
            .to_owned(),
    )
}
