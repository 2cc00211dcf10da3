//! How well a network does: `net.accuracy(&data)`

use tch::{Kind, TchError, Tensor};

use super::{Dataset, Score};
use crate::error::shape_text;
use crate::network::{Network, Node, OutputScale};
use crate::{Error, Result};

impl Network {
    /// The share of these images that the network classifies rightly, 0 to 1.
    ///
    /// # Errors
    ///
    /// Data that don't fit the network, labels beyond its classes.
    pub fn accuracy(&self, data: &Dataset) -> Result<f64> {
        self.check_labeled(data)?;
        Ok(self.score(data)?.accuracy)
    }

    fn score(&self, data: &Dataset) -> Result<Score> {
        self.score_by(data, |_, part| self.forward(part.images()))
    }

    /// Loss and accuracy of what `output` makes of a few images at a time; it gets the first one's place.
    pub(super) fn score_by(
        &self,
        data: &Dataset,
        output: impl Fn(i64, &Dataset) -> Result<Tensor>,
    ) -> Result<Score> {
        // 8 MB of input: the memory that a large network needs for it stays bearable.
        const NUMBERS: usize = 1 << 21;
        let count = data.len() as i64;
        let each = data.images().numel() / data.len().max(1);
        let step = (NUMBERS / each.max(1)).clamp(1, 1000) as i64;
        let mut tally = Tally::new(self);
        tch::no_grad(|| {
            for start in (0..count).step_by(step as usize) {
                let part = data.part(start, step.min(count - start))?;
                let _ = tally.add(&output(start, &part)?, part.labels())?;
            }
            Ok(tally.score())
        })
    }

    /// Refuses data that the network can't be scored on.
    pub(super) fn check_labeled(&self, data: &Dataset) -> Result<()> {
        let shapes = self.shapes(&data.images().size())?;
        let is_output = |node: &Node| node.name == self.output().name;
        let output = self.nodes().iter().zip(shapes).find(|(node, _)| is_output(node));
        let output = output.map(|(_, shape)| shape).unwrap_or_default();
        let classes = match output.as_slice() {
            // A single output's class would always be the first.
            [_, classes] if *classes >= 2 => classes,
            _ => {
                return Err(Error::Shape {
                    at: format!("{}'s output", self.name()),
                    expected: "[N, classes], at least 2 classes".to_owned(),
                    got: shape_text(&output),
                    remedy: "End the network with `flatten` and a `linear` of an output for each \
                             class."
                        .to_owned(),
                });
            }
        };
        match data.label_range()? {
            (_, most) if most >= *classes => Err(Error::UnknownClass(format!(
                "there is a label {most}, but {} has {classes} classes, 0 to {}",
                self.name(),
                classes - 1
            ))),
            _ => Ok(()),
        }
    }
}

/// Sums over the images seen.
pub(super) struct Tally {
    scale: OutputScale,
    loss: f64,
    right: f64,
    count: f64,
}

impl Tally {
    pub(super) fn new(net: &Network) -> Tally {
        Tally { scale: net.output_scale(), loss: 0.0, right: 0.0, count: 0.0 }
    }

    /// Counts a batch, and returns its mean cross-entropy.
    pub(super) fn add(&mut self, output: &Tensor, labels: &Tensor) -> Result<Tensor> {
        let compared = || -> Result<_, TchError> {
            let labels = labels.f_to_device(output.device())?;
            let loss = self.scale.cross_entropy(output, &labels)?;
            let right = output.f_argmax(-1, false)?.f_eq_tensor(&labels)?.f_sum(Kind::Int64)?;
            let (mean, right) = (loss.f_double_value(&[])?, right.f_int64_value(&[])?);
            Ok((loss, mean, right as f64))
        };
        let (loss, mean, right) =
            compared().map_err(Error::torch("comparing the output with labels"))?;
        let count = labels.numel() as f64;
        self.loss += mean * count;
        self.right += right;
        self.count += count;
        Ok(loss)
    }

    pub(super) fn is_finite(&self) -> bool {
        self.loss.is_finite()
    }

    pub(super) fn score(&self) -> Score {
        Score { loss: self.loss / self.count, accuracy: self.right / self.count }
    }
}
