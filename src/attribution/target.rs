//! What is to be explained.

use std::fmt;
use std::sync::Arc;

use tch::{TchError, Tensor};

/// What a method explains: a class, a unit inside the network, or any number made of the output.
///
/// A number or a name is turned into a target by itself: `saliency(&net, &photo, "Samoyed")`.
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
