//! What a network says of classes: their names, and how its output becomes probabilities.

use tch::{Kind, Reduction, TchError, Tensor};

use super::{Network, Op, Pointwise};
use crate::class_names::class_name;
use crate::error::quoted;
use crate::{Error, Result};

/// What the numbers of an output `[N, classes]` are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OutputScale {
    /// Any numbers; a softmax makes probabilities of them, a sigmoid of a single one.
    Logits,
    LogProbabilities,
    /// The network ends in a softmax itself.
    Probabilities,
    /// It ends in a sigmoid: each class's probability by itself, not one of them all.
    Independent,
}

impl OutputScale {
    /// `[N, classes]` as probabilities.
    pub(crate) fn probabilities(
        self,
        output: &Tensor,
        kind: impl Into<Option<Kind>>,
    ) -> Result<Tensor, TchError> {
        let output = match kind.into() {
            Some(kind) => output.f_to_kind(kind)?,
            None => output.shallow_clone(),
        };
        match self {
            OutputScale::Logits if output.size().get(1) == Some(&1) => output.f_sigmoid(),
            OutputScale::Logits => output.f_softmax(1, None::<Kind>),
            OutputScale::LogProbabilities => output.f_exp(),
            OutputScale::Probabilities | OutputScale::Independent => Ok(output),
        }
    }

    /// The mean of minus the logarithm of the probabilities of these classes, `[N]`, in `[N, classes]`.
    pub(crate) fn cross_entropy(
        self,
        output: &Tensor,
        labels: &Tensor,
    ) -> Result<Tensor, TchError> {
        let (weight, mean, ignored) = (None::<&Tensor>, Reduction::Mean, -100);
        let logarithms = match self {
            OutputScale::Logits => {
                return output.f_cross_entropy_loss(labels, weight, mean, ignored, 0.0);
            }
            OutputScale::LogProbabilities => output.shallow_clone(),
            // Where rounding left nothing, something is left that has a slope.
            OutputScale::Probabilities | OutputScale::Independent => {
                output.f_clamp_min(1e-12)?.f_log()?
            }
        };
        logarithms.f_nll_loss(labels, weight, mean, ignored)
    }

    /// What one of the numbers is, for color bars.
    pub(crate) fn unit(self) -> &'static str {
        match self {
            OutputScale::Logits => "logit",
            OutputScale::LogProbabilities => "log-probability",
            OutputScale::Probabilities | OutputScale::Independent => "probability",
        }
    }
}

impl Network {
    /// What the output's numbers are.
    pub(crate) fn output_scale(&self) -> OutputScale {
        self.scale_of(self.output, 1)
    }

    /// What the numbers of a node's value are whose classes lie in this dimension: what the last operation
    /// makes that does more than arrange values.
    pub(crate) fn scale_of(&self, node: usize, mut classes: usize) -> OutputScale {
        let mut node = &self.nodes[node];
        loop {
            match &node.op {
                Op::Softmax(softmax) if softmax.dim == classes => {
                    return OutputScale::Probabilities;
                }
                Op::LogSoftmax(softmax) if softmax.dim == classes => {
                    return OutputScale::LogProbabilities;
                }
                Op::Pointwise(Pointwise::Sigmoid) => return OutputScale::Independent,
                Op::Flatten(_) | Op::Reshape(_) | Op::Dropout(_) | Op::Resize(_) => {}
                Op::Permute(permute) => {
                    classes = permute.order.get(classes).copied().unwrap_or(classes)
                }
                Op::Concat(concat) if concat.dim != classes => {}
                _ => return OutputScale::Logits,
            }
            let Some(before) = node.inputs.first().and_then(|&i| self.nodes.get(i)) else {
                return OutputScale::Logits;
            };
            node = before;
        }
    }

    /// What to do where a node's value is numbers of classes, as `argmax` gives them: no class can be chosen from it,
    /// and it has no gradient.
    pub(crate) fn before_numbers(&self, node: usize) -> Option<String> {
        let mut node = self.nodes.get(node)?;
        while matches!(node.op, Op::Reshape(_) | Op::Flatten(_) | Op::Permute(_)) {
            node = self.nodes.get(*node.inputs.first()?)?;
        }
        let before = self.nodes.get(*node.inputs.first()?)?;
        matches!(node.op, Op::ArgMax(_)).then(|| {
            format!("`net.with_output({:?})` is the network that ends before them", before.name)
        })
    }

    /// The names of the classes, in the order of the output; empty where none are known.
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// The name of class `index`, or its number where there is no name.
    pub fn class_name(&self, index: usize) -> String {
        class_name(&self.classes, index)
    }

    /// The class of that name; upper and lower case alike, unless that makes a difference.
    ///
    /// # Errors
    ///
    /// Several classes of that name.
    pub(crate) fn class_index(&self, name: &str) -> Result<Option<usize>> {
        let of = |same: &dyn Fn(&str) -> bool| -> Vec<usize> {
            let all = self.classes.iter().enumerate();
            all.filter(|(_, known)| same(known)).map(|(index, _)| index).collect()
        };
        let mut found = of(&|known| known == name);
        if found.is_empty() {
            let name = name.to_lowercase();
            found = of(&|known| known.to_lowercase() == name);
        }
        match found[..] {
            [] => Ok(None),
            [class] => Ok(Some(class)),
            _ => Err(Error::UnknownClass(format!(
                "{} has {} classes named {}: {}. Give the class's number.",
                self.name,
                found.len(),
                quoted(&[name]),
                found.iter().take(9).map(usize::to_string).collect::<Vec<_>>().join(", ")
            ))),
        }
    }

    /// The same network with names for its classes, in the order of the output; of a detector with a
    /// background, that label too or the others alone.
    ///
    /// # Errors
    ///
    /// More or fewer names than the output `[N, classes]` has classes.
    pub fn with_classes(
        mut self,
        names: impl IntoIterator<Item = impl Into<String>>,
    ) -> Result<Network> {
        self.classes = names.into_iter().map(Into::into).collect();
        if let Some(detector) = &self.detection
            && let Some(background) = detector.background
            && self.classes.len() as i64 + 1 == detector.labels
        {
            self.classes.insert(background.min(self.classes.len()), "background".to_owned());
        }
        self.check_classes()?;
        Ok(self)
    }

    /// Refuses names for another number of classes than there are.
    pub(super) fn check_classes(&self) -> Result<()> {
        let [c, h, w] = self.preprocess.input_shape();
        let classes = match &self.detection {
            Some(detector) => Some(detector.labels),
            None => {
                let shapes = self.shapes(&[1, c, h, w])?;
                shapes.get(self.output).and_then(|shape| shape.get(1)).copied()
            }
        };
        let names = self.classes.len();
        if names == 0 || classes == i64::try_from(names).ok() {
            return Ok(());
        }
        Err(Error::Argument(format!(
            "{} has {} classes (its output is `{}`), not {names}: give a name for each",
            self.name,
            classes.unwrap_or_default(),
            self.output().name
        )))
    }
}
