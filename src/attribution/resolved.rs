//! Targets resolved against a network: the scored node, and one score per image.

use tch::{TchError, Tensor};

use super::Measure;
use super::pick::Pick;
use super::scored::{Scored, at_output};
use super::target::Target;
use crate::limits::position;
use crate::network::{Network, OutputScale, only};
use crate::{Error, Result};

/// The targets of a batch, one per image, all at one node.
#[derive(Clone, Debug)]
pub(crate) struct ResolvedTargets {
    /// The node whose value is scored.
    pub node: usize,
    /// What the numbers of that value are, where it holds classes.
    pub scale: OutputScale,
    picks: Vec<Pick>,
}

impl ResolvedTargets {
    /// Finds out what each target means for this network.
    pub(crate) fn new(
        net: &Network,
        input: &Tensor,
        targets: &[Target],
    ) -> Result<ResolvedTargets> {
        let batch = input.size().first().copied().unwrap_or_default() as usize;
        if targets.len() != batch || batch == 0 {
            return Err(Error::Argument(format!(
                "{} targets for {batch} images; give each image one",
                targets.len()
            )));
        }
        let node = node(net, &targets[0])?;
        let scale = net.scale_of(node, 1);
        let (input, shapes) = (input.size(), net.shapes(&input.size())?);
        let scored = Scored { net, node, shape: &shapes[node], input: &input, scale };
        let pick = |target: &Target| {
            if self::node(net, target)? != node {
                return Err(Error::Argument(
                    "the targets of one batch must all be of one layer, or all of one output"
                        .to_owned(),
                ));
            }
            match target {
                Target::At(at) => scored.pick(&at.target),
                target => scored.pick(target),
            }
        };
        let picks = targets.iter().map(pick).collect::<Result<_>>()?;
        net.check_dependence(node, 0)?;
        Ok(ResolvedTargets { node, scale, picks })
    }

    /// Whether something is still to be found in the unchanged images: a top class, a class's region.
    pub(crate) fn is_open(&self) -> bool {
        self.picks.iter().any(Pick::is_open)
    }

    /// The same with that found in the node's value for the unchanged images.
    pub(crate) fn settled(mut self, net: &Network, value: &Tensor) -> Result<ResolvedTargets> {
        for (row, pick) in (0..).zip(&mut self.picks) {
            if pick.is_open() {
                *pick = pick.settled(net, &value.f_narrow(0, row, 1).map_err(failed)?)?;
            }
        }
        Ok(self)
    }

    /// The target of image `index` alone.
    pub(crate) fn one(&self, index: usize) -> ResolvedTargets {
        let picks = self.picks.get(index).cloned().into_iter().collect();
        ResolvedTargets { picks, ..*self }
    }

    /// The same targets of a network in which the scored node has another number.
    pub(crate) fn read_at(&self, node: usize) -> ResolvedTargets {
        ResolvedTargets { node, ..self.clone() }
    }

    /// The targets of `count` variants of the whole batch, one variant after the other.
    pub(crate) fn repeated(&self, count: usize) -> ResolvedTargets {
        let picks = std::iter::repeat_n(&self.picks, count).flatten().cloned().collect();
        ResolvedTargets { picks, ..*self }
    }

    /// The class of a row of classes that is explained for image `index`, if it is one.
    pub(crate) fn class(&self, index: usize) -> Option<usize> {
        match self.picks.get(index) {
            Some(Pick::Class(class, _)) => Some(*class),
            _ => None,
        }
    }

    /// What a measure gives for image `index`, for color bars.
    pub(crate) fn unit(&self, index: usize, measure: Measure) -> &'static str {
        self.picks.get(index).map_or("score", |pick| pick.unit(measure, self.scale))
    }

    /// What is explained for image `index`, for titles.
    pub(crate) fn name(&self, net: &Network, index: usize) -> String {
        match self.picks.get(index) {
            // A unit says its layer itself.
            Some(Pick::Unit(unit, _)) => unit.to_string(),
            Some(pick) => format!("{}{}", pick.name(), at_output(net, self.node)),
            None => String::new(),
        }
    }

    /// What the network gives the target of image `index`, to begin a note with, of the node's value.
    pub(crate) fn given(&self, net: &Network, index: usize, value: &Tensor) -> Result<String> {
        let one = value.f_narrow(0, position(index), 1).map_err(failed)?;
        let given = self.picks.get(index).map(|pick| pick.given(net.name(), &one, self.scale));
        given.unwrap_or_else(|| Ok(String::new()))
    }

    /// The score of each image, `[N]`, made of the node's value.
    pub(crate) fn scores(&self, value: &Tensor) -> Result<Tensor> {
        self.measured(value, Measure::Score)
    }

    /// The same by another measure.
    pub(crate) fn measured(&self, value: &Tensor, measure: Measure) -> Result<Tensor> {
        // Many variants of one class at once.
        let classes = self.picks.iter().map(|pick| match pick {
            Pick::Class(class, _) => Some(position(*class)),
            _ => None,
        });
        if let Some(classes) = classes.collect::<Option<Vec<i64>>>() {
            return self.of_classes(value, &classes, measure).map_err(failed);
        }
        let scored = |(row, pick): (i64, &Pick)| {
            pick.score(&value.f_narrow(0, row, 1).map_err(failed)?, measure, self.scale)
        };
        let scores: Vec<Tensor> = (0..).zip(&self.picks).map(scored).collect::<Result<_>>()?;
        Tensor::f_cat(&scores, 0).map_err(failed)
    }

    /// One class of each row of `[N, classes]`: `[N]`.
    fn of_classes(
        &self,
        value: &Tensor,
        classes: &[i64],
        measure: Measure,
    ) -> Result<Tensor, TchError> {
        let columns = Tensor::f_from_slice(classes)?.f_to_device(value.device())?.f_unsqueeze(1)?;
        let value = match measure {
            Measure::Score => value.shallow_clone(),
            Measure::Probability => self.scale.probabilities(value, None)?,
        };
        value.f_gather(1, &columns, false)?.f_squeeze_dim(1)
    }

    /// The sum of all scores: its gradient with respect to an image is that of the image's score.
    pub(crate) fn total(&self, value: &Tensor) -> Result<Tensor> {
        let scores = self.scores(value)?;
        scores.f_sum(scores.kind()).map_err(failed)
    }

    /// The gradient of each image's score with respect to the input, `[N, C, H, W]`.
    pub(crate) fn input_gradient(&self, net: &Network, input: &Tensor) -> Result<Tensor> {
        let run = net.differentiate(input, &[0], self.node, |value| self.total(value))?;
        only(run.gradients)
    }
}

/// The node that a target reads.
fn node(net: &Network, target: &Target) -> Result<usize> {
    match target {
        Target::Unit(unit) => net.find(&unit.layer),
        Target::At(at) if matches!(*at.target, Target::Unit(_)) => Err(Error::Argument(
            "a unit names its layer itself, and is of no output: leave out `.of(output)`"
                .to_owned(),
        )),
        Target::At(at) => net.find(&at.output),
        _ => Ok(net.output_index()),
    }
}

fn failed(error: TchError) -> Error {
    Error::torch("making the score of a target")(error)
}
