//! What is to be explained.

use std::fmt;
use std::sync::Arc;

use tch::{TchError, Tensor};

use super::Region;

/// What a method explains: a class, a unit inside the network, or any number made of the output.
///
/// A number or a name is turned into a target by itself: `saliency(&net, &photo, "Samoyed")`. Of a
/// segmentation, whose output is `[N, K, h, w]`, it is the class over its own pixels ([`Region::Own`]).
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum Target {
    /// The class with the highest logit.
    #[default]
    Top,
    /// A class by its index.
    Class(usize),
    /// A class by its name, upper and lower case alike.
    Name(String),
    /// A unit of a layer, or a whole layer.
    Unit(Unit),
    /// A number made of the output.
    Score(Score),
    /// A class over a region of a segmentation.
    Region(ClassRegion),
    /// A box with a label of a detection.
    Object(Object),
    /// A target at another of the network's outputs.
    At(AtOutput),
}

/// A class by its number or its name.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ClassChoice {
    /// Its number, from 0.
    Index(usize),
    /// Its name, upper and lower case alike.
    Name(String),
}

impl From<usize> for ClassChoice {
    fn from(index: usize) -> ClassChoice {
        ClassChoice::Index(index)
    }
}

impl From<&str> for ClassChoice {
    fn from(name: &str) -> ClassChoice {
        ClassChoice::Name(name.to_owned())
    }
}

/// A class over a region, as [`Target::region`] makes it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ClassRegion {
    /// The class.
    pub class: ClassChoice,
    /// Where its scores are summed.
    pub region: Region,
}

/// A box with a label, as [`Target::object`] makes it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Object {
    /// The label.
    pub class: ClassChoice,
    /// Left, top, right and bottom in pixels of the network's input.
    pub place: [f64; 4],
}

/// A target at an output other than the network's result, as [`Target::of`] makes it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AtOutput {
    /// The output's name, or that of any layer with a row of classes or a map for each class.
    pub output: String,
    /// What of it is explained.
    pub target: Box<Target>,
}

/// A part of a layer whose activation is explained: the sum over what is not fixed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    /// The layer's name, or a prefix.
    pub layer: String,
    /// The channel (or feature of a linear layer); all where `None`.
    pub channel: Option<usize>,
    /// Row and column; all where `None`.
    pub position: Option<[usize; 2]>,
}

/// A function of one picture's output.
#[derive(Clone)]
pub struct Score {
    name: String,
    function: Arc<ScoreFunction>,
}

type ScoreFunction = dyn Fn(&Tensor) -> Result<Tensor, TchError> + Send + Sync;

impl Unit {
    /// One channel of a layer.
    pub fn channel(layer: &str, channel: usize) -> Unit {
        Unit { layer: layer.to_owned(), channel: Some(channel), position: None }
    }

    /// One neuron of a layer: a channel at a row and a column.
    pub fn neuron(layer: &str, channel: usize, position: [usize; 2]) -> Unit {
        Unit { position: Some(position), ..Unit::channel(layer, channel) }
    }

    /// All of a layer.
    pub fn layer(layer: &str) -> Unit {
        Unit { layer: layer.to_owned(), channel: None, position: None }
    }
}

/// As titles have it: `layer3, channel 17 at row 2, column 5`.
impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.layer)?;
        if let Some(channel) = self.channel {
            write!(f, ", channel {channel}")?;
        }
        if let Some([row, column]) = self.position {
            write!(f, " at row {row}, column {column}")?;
        }
        Ok(())
    }
}

impl Target {
    /// One channel of a layer.
    pub fn channel(layer: &str, channel: usize) -> Target {
        Target::Unit(Unit::channel(layer, channel))
    }

    /// One neuron of a layer: a channel at a row and a column.
    pub fn neuron(layer: &str, channel: usize, position: [usize; 2]) -> Target {
        Target::Unit(Unit::neuron(layer, channel, position))
    }

    /// All of a layer.
    pub fn layer(layer: &str) -> Target {
        Target::Unit(Unit::layer(layer))
    }

    /// Any number made of one picture's output (`[1, classes]` for a classifier): a difference of
    /// classes, the sum of a segmentation's mask, a box's score. `name` is for the figure's title.
    ///
    /// ```
    /// use convscope::prelude::*;
    /// let net = zoo::digits()?;
    /// let four_not_nine = Target::score("4 rather than 9", |logits| {
    ///     logits.f_select(1, 4)?.f_sub(&logits.f_select(1, 9)?)
    /// });
    /// let map = saliency(&net, &data::digit(4, 1)?, four_not_nine)?;
    /// # Ok::<(), convscope::Error>(())
    /// ```
    pub fn score(
        name: &str,
        function: impl Fn(&Tensor) -> Result<Tensor, TchError> + Send + Sync + 'static,
    ) -> Target {
        Target::Score(Score { name: name.to_owned(), function: Arc::new(function) })
    }
}

impl Target {
    /// A class of a segmentation over a region: the sum of its scores (logits, as a rule) over the
    /// region's pixels, as pytorch-grad-cam's `SemanticSegmentationTarget`. Where methods compare
    /// probabilities ([`Measure::Probability`](super::Measure)) it is the mean over the region.
    ///
    /// ```
    /// use convscope::attribution::Region;
    /// use convscope::prelude::*;
    /// let mut b = Network::builder("two classes", [1, 28, 28]);
    /// b.conv2d(b.input(), "mask", Conv2d::new(2, 5).padding(2));
    /// let (net, photo) = (b.build()?, data::digit(4, 2)?);
    /// let map = saliency(&net, &photo, Target::region(1, BoundingBox::new(8, 4, 20, 24, "")))?;
    /// assert_eq!(map.values().numbers()[0], 0.0);    // no pixel of the box sees the corner
    /// saliency(&net, &photo, Target::region(1, Region::Everywhere))?
    /// # ; Ok::<(), convscope::Error>(())
    /// ```
    pub fn region(class: impl Into<ClassChoice>, region: impl Into<Region>) -> Target {
        Target::Region(ClassRegion { class: class.into(), region: region.into() })
    }

    /// A box with a label of a detector ([`Network::detector`](crate::network::Network::detector)): left, top,
    /// right and bottom in pixels of the network's input. The score is the probability of the label plus the
    /// overlap (IoU) with the place, of the box of that label that now meets the place best; 0 where none meets
    /// it by more than half. That is pytorch-grad-cam's `FasterRCNNBoxScoreTarget`, but that boxes of other labels
    /// hide none. The objects of [`Network::detect`](crate::network::Network::detect) are targets by
    /// themselves.
    pub fn object(class: impl Into<ClassChoice>, place: [f64; 4]) -> Target {
        Target::Object(Object { class: class.into(), place })
    }

    /// The same of another output than the network's result, by its name
    /// ([`Network::outputs`](crate::network::Network::outputs)): `Target::Top.of("parity")`,
    /// `Target::Class(1).of("aux1")`.
    #[must_use]
    pub fn of(self, output: &str) -> Target {
        Target::At(AtOutput { output: output.to_owned(), target: Box::new(self) })
    }
}

impl Score {
    /// What figures call it.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn of(&self, output: &Tensor) -> Result<Tensor, TchError> {
        (self.function)(output)
    }
}

impl fmt::Debug for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Score({})", self.name)
    }
}

impl From<usize> for Target {
    fn from(class: usize) -> Target {
        Target::Class(class)
    }
}

impl From<ClassChoice> for Target {
    fn from(class: ClassChoice) -> Target {
        match class {
            ClassChoice::Index(class) => Target::Class(class),
            ClassChoice::Name(name) => Target::Name(name),
        }
    }
}

impl From<Unit> for Target {
    fn from(unit: Unit) -> Target {
        Target::Unit(unit)
    }
}

impl From<&str> for Target {
    fn from(name: &str) -> Target {
        Target::Name(name.to_owned())
    }
}

impl From<String> for Target {
    fn from(name: String) -> Target {
        Target::Name(name)
    }
}

impl From<&String> for Target {
    fn from(name: &String) -> Target {
        Target::Name(name.clone())
    }
}

impl From<&Target> for Target {
    fn from(target: &Target) -> Target {
        target.clone()
    }
}
