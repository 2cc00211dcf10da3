//! Targets resolved against a network: the scored node, and one score per image.

use tch::{Kind, TchError, Tensor};

use super::Measure;
use super::target::{Score, Target, Unit};
use crate::error::{quoted, shape_text, short};
use crate::limits::position;
use crate::network::{Network, OutputScale, nearest, one_number, only};
use crate::{Error, Result};

/// The targets of a batch, one per image, all at one node.
#[derive(Clone, Debug)]
pub(crate) struct ResolvedTargets {
    /// The node whose value is scored.
    pub node: usize,
    /// What the numbers of that value are, where it holds classes.
    scale: OutputScale,
    picks: Vec<Pick>,
}

#[derive(Clone, Debug)]
enum Pick {
    /// The top class of whatever value is scored, until [`ResolvedTargets::with_top_from`] makes it a class.
    Top,
    Class(usize),
    Unit(Unit),
    Score(Score),
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
        let output = net.find(&net.output().name)?;
        let node = |target: &Target| match target {
            Target::Unit(unit) => net.find(&unit.layer),
            _ => Ok(output),
        };
        let first = node(&targets[0])?;
        for target in targets {
            if node(target)? != first {
                return Err(Error::Argument(
                    "the targets of one batch must all be of one layer, or all of the output"
                        .to_owned(),
                ));
            }
        }
        let pick = |target: &Target| match target {
            Target::Top => Ok(Pick::Top),
            Target::Class(class) => Ok(Pick::Class(*class)),
            Target::Name(name) => Ok(Pick::Class(by_name(net, name)?)),
            Target::Unit(unit) => Ok(Pick::Unit(unit.clone())),
            Target::Score(score) => Ok(Pick::Score(score.clone())),
        };
        let picks = targets.iter().map(pick).collect::<Result<_>>()?;
        net.check_dependence(first, 0)?;
        let resolved = ResolvedTargets { node: first, scale: net.output_scale(), picks };
        resolved.check_classes(net, input)?;
        Ok(resolved)
    }

    /// Whether a top class is still to be found.
    pub(crate) fn is_open(&self) -> bool {
        self.picks.iter().any(|pick| matches!(pick, Pick::Top))
    }

    /// The same with the top classes of this output in the place of [`Target::Top`].
    pub(crate) fn with_top_from(mut self, output: &Tensor) -> Result<ResolvedTargets> {
        if self.is_open() {
            for (pick, top) in self.picks.iter_mut().zip(top_classes(output)?) {
                if matches!(pick, Pick::Top) {
                    *pick = Pick::Class(top);
                }
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

    /// The class that is explained for image `index`, if it is one.
    pub(crate) fn class(&self, index: usize) -> Option<usize> {
        match self.picks.get(index) {
            Some(Pick::Class(class)) => Some(*class),
            _ => None,
        }
    }

    /// What a measure gives for image `index`, for color bars.
    pub(crate) fn unit(&self, index: usize, measure: Measure) -> &'static str {
        match (self.class(index), measure) {
            (Some(_), Measure::Probability) => "probability",
            (Some(_), Measure::Score) => self.scale.unit(),
            (None, _) => "score",
        }
    }

    /// What is explained for image `index`, for titles.
    pub(crate) fn name(&self, net: &Network, index: usize) -> String {
        match self.picks.get(index) {
            Some(Pick::Class(class)) => net.class_name(*class),
            Some(Pick::Unit(unit)) => unit.to_string(),
            Some(Pick::Score(score)) => score.name().to_owned(),
            Some(Pick::Top) | None => "the top class".to_owned(),
        }
    }

    /// The score of each image, `[N]`, made of the node's value.
    pub(crate) fn scores(&self, value: &Tensor) -> Result<Tensor> {
        self.measured(value, Measure::Score)
    }

    /// The same by another measure.
    pub(crate) fn measured(&self, value: &Tensor, measure: Measure) -> Result<Tensor> {
        // Many variants of one class at once.
        let classes = self.picks.iter().map(|pick| match pick {
            Pick::Class(class) => Some(position(*class)),
            _ => None,
        });
        if let Some(classes) = classes.collect::<Option<Vec<i64>>>() {
            return self.of_classes(value, &classes, measure).map_err(failed);
        }
        let scored = |(index, pick): (usize, &Pick)| -> Result<Tensor> {
            let one = value.f_narrow(0, index as i64, 1);
            let one = match (measure, pick) {
                (Measure::Probability, Pick::Top | Pick::Class(_)) => {
                    one.and_then(|one| self.scale.probabilities(&one, None))
                }
                _ => one,
            };
            let one = one.map_err(failed)?;
            let score = match pick {
                Pick::Top => one.f_amax([1], false),
                Pick::Class(class) => one.f_select(1, position(*class)),
                Pick::Unit(unit) => return unit_sum(&one, unit),
                Pick::Score(score) => score.of(&one),
            };
            let score = one_number(score.map_err(failed)?)?;
            score.f_reshape([1]).map_err(failed)
        };
        let scores: Vec<Tensor> =
            self.picks.iter().enumerate().map(scored).collect::<Result<_>>()?;
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

    fn check_classes(&self, net: &Network, input: &Tensor) -> Result<()> {
        let shapes = net.shapes(&input.size())?;
        let output = &shapes[self.node];
        for pick in &self.picks {
            let class = match pick {
                Pick::Top => 0,
                Pick::Class(class) => *class,
                _ => continue,
            };
            let [_, classes] = output.as_slice() else {
                return Err(Error::UnknownClass(format!(
                    "{}'s output is {}, not logits of classes; give a `Target::score`",
                    net.name(),
                    shape_text(output)
                )));
            };
            if position(class) >= *classes {
                return Err(Error::UnknownClass(format!(
                    "{} has no class {class}; its {classes} classes are numbered from 0",
                    net.name()
                )));
            }
        }
        Ok(())
    }
}

/// The sum of a unit's activations, `[1]`, of one image's layer `[1, C, H, W]` or `[1, C]`.
fn unit_sum(value: &Tensor, unit: &Unit) -> Result<Tensor> {
    let shape = value.size();
    let beyond = || {
        Err(Error::Argument(format!(
            "there is no {unit:?} in `{}`, which is {}; channels, rows and columns count from 0",
            unit.layer,
            shape_text(&shape)
        )))
    };
    let mut value = value.shallow_clone();
    if let Some(channel) = unit.channel {
        if shape.get(1).is_none_or(|&channels| position(channel) >= channels) {
            return beyond();
        }
        value = value.f_narrow(1, position(channel), 1).map_err(failed)?;
    }
    for (dim, at) in [2, 3].into_iter().zip(unit.position.into_iter().flatten()) {
        if shape.len() != 4 || position(at) >= shape[dim] {
            return beyond();
        }
        value = value.f_narrow(dim as i64, position(at), 1).map_err(failed)?;
    }
    let sum = value.f_sum(value.kind()).and_then(|sum| sum.f_reshape([1]));
    sum.map_err(failed)
}

/// The class with the highest logit of each row of `[N, classes]`.
fn top_classes(logits: &Tensor) -> Result<Vec<usize>> {
    let top = logits.f_to_kind(Kind::Double).and_then(|logits| logits.f_argmax(1, false));
    let top = top.and_then(Vec::<i64>::try_from);
    let top = top.map_err(Error::torch("finding the top class"))?;
    Ok(top.into_iter().map(|class| class as usize).collect())
}

/// The class of that name, upper and lower case alike.
pub(crate) fn by_name(network: &Network, name: &str) -> Result<usize> {
    if let Some(class) = network.class_index(name)? {
        return Ok(class);
    }
    let near = nearest(name, network.classes().iter().map(String::as_str), 3);
    let hint = match near.as_slice() {
        [] => "It has no class names; give the class's number.".to_owned(),
        near => format!("Nearest: {}.", quoted(near)),
    };
    let (network, name) = (short(network.name()), short(name));
    Err(Error::UnknownClass(format!("{network} has no class `{name}`. {hint}")))
}

fn failed(error: tch::TchError) -> Error {
    Error::torch("making the score of a target")(error)
}
