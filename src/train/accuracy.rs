//! How well a network does: `net.accuracy(&data)`

use tch::{Kind, Reduction, Tensor};

use super::{Dataset, Score};
use crate::error::shape_text;
use crate::network::{Network, Node};
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

    /// Loss and accuracy, a few images at a time.
    pub(super) fn score(&self, data: &Dataset) -> Result<Score> {
        // 8 MB of input: the memory that a large network needs for it stays bearable.
        const NUMBERS: usize = 1 << 21;
        let count = data.len() as i64;
        let each = data.images().numel() / data.len().max(1);
        let step = (NUMBERS / each.max(1)).clamp(1, 1000) as i64;
        let mut tally = Tally::default();
        tch::no_grad(|| {
            for start in (0..count).step_by(step as usize) {
                let part = data.part(start, step.min(count - start))?;
                let logits = self.forward(part.images())?;
                let _ = tally.add(&logits, part.labels())?;
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
        let [_, classes] = output.as_slice() else {
            return Err(Error::Shape {
                at: format!("{}'s output", self.name()),
                expected: "logits [N, classes]".to_owned(),
                got: shape_text(&output),
                remedy: "End the network with `flatten` and `linear`.".to_owned(),
            });
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
#[derive(Default)]
pub(super) struct Tally {
    loss: f64,
    right: f64,
    count: f64,
}

impl Tally {
    /// Counts a batch, and returns its mean cross-entropy.
    pub(super) fn add(&mut self, logits: &Tensor, labels: &Tensor) -> Result<Tensor> {
        let compared = || {
            let labels = labels.f_to_device(logits.device())?;
            let none = None::<&Tensor>;
            let loss = logits.f_cross_entropy_loss(&labels, none, Reduction::Mean, -100, 0.0)?;
            let right = logits.f_argmax(-1, false)?.f_eq_tensor(&labels)?.f_sum(Kind::Int64)?;
            let (mean, right) = (loss.f_double_value(&[])?, right.f_int64_value(&[])?);
            Ok((loss, mean, right as f64))
        };
        let (loss, mean, right) =
            compared().map_err(Error::torch("comparing logits with labels"))?;
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
