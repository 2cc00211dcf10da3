//! What an image is to make large: terms that add, subtract and scale.

use std::fmt;
use std::ops::{Add, Mul, Neg, Sub};

use tch::Tensor;

use crate::attribution::{ClassChoice, Unit};

/// What [`maximize`](super::maximize()) makes large: a weighted sum of terms, one number per image.
///
/// A unit, a class's number and a class's name become objectives by themselves. Objectives add and
/// subtract; a number before one scales it. Penalties are subtracted.
///
/// ```
/// use convscope::prelude::*;
///
/// let four_without_nine = Objective::class(4) - 0.5 * Objective::class("9");
/// let smooth = Objective::from(Unit::channel("conv2", 5)) - 0.01 * Objective::total_variation();
/// assert_eq!(four_without_nine.to_string(), "class 4 − 0.5·9");
/// assert_eq!(smooth.to_string(), "conv2, channel 5 − 0.01·total variation");
/// ```
#[derive(Clone, Debug)]
pub struct Objective {
    pub(super) terms: Vec<(f64, Term)>,
}

#[derive(Clone, Debug)]
pub(super) enum Term {
    Class(ClassChoice),
    /// With a channel: its mean. Without: the mean of squares.
    Unit(Unit),
    Dot(Pattern),
    Cosine(Pattern),
    Diversity(String),
    TotalVariation,
    L1,
    L2,
    Blur,
}

/// Values to compare a layer's with.
#[derive(Debug)]
pub(super) struct Pattern {
    pub layer: String,
    /// `[C]`, or `[C, h, w]`.
    pub values: Tensor,
}

impl Clone for Pattern {
    fn clone(&self) -> Pattern {
        Pattern { layer: self.layer.clone(), values: self.values.shallow_clone() }
    }
}

impl Objective {
    /// Whether it is made of units alone, each of which counts for it.
    pub(super) fn is_of_units(&self) -> bool {
        self.terms.iter().all(|(factor, term)| *factor > 0.0 && matches!(term, Term::Unit(_)))
    }

    fn of(term: Term) -> Objective {
        Objective { terms: vec![(1.0, term)] }
    }

    /// A class's logit, the class given by number or name.
    pub fn class(class: impl Into<ClassChoice>) -> Objective {
        Objective::of(Term::Class(class.into()))
    }

    /// The mean of a channel over the layer's positions; a feature of a linear layer; a feature of a
    /// transformer's tokens, its mean over the tokens.
    pub fn channel(layer: &str, channel: usize) -> Objective {
        Unit::channel(layer, channel).into()
    }

    /// One neuron: a channel at a row and a column of the layer.
    pub fn neuron(layer: &str, channel: usize, position: [usize; 2]) -> Objective {
        Unit::neuron(layer, channel, position).into()
    }

    /// The mean of the squares of a layer's values: DeepDream, which makes more of whatever the
    /// layer sees in the image. Mordvintsev, Olah, Tyka, "Inceptionism", 2015.
    pub fn layer(layer: &str) -> Objective {
        Unit::layer(layer).into()
    }

    /// A direction in a layer's space of channels, `[C]`, of any length: the mean over positions of
    /// the values along it.
    pub fn direction(layer: &str, direction: &Tensor) -> Objective {
        Objective::of(Term::Dot(Pattern::new(layer, direction)))
    }

    /// The product with an image's activation `[C, h, w]` (or `[1, C, h, w]`) of a layer, summed over
    /// channels, its mean over positions: an image that the layer can't tell from that one, feature
    /// inversion.
    ///
    /// ```
    /// use convscope::prelude::*;
    /// let net = zoo::digits()?;
    /// let three = net.prepare(&data::digit(3, 1)?)?;
    /// let seen = net.activations(&three, &["relu2"])?.remove(0);
    /// let inverted = Maximize::classic().steps(30).run(&net, Objective::dot("relu2", &seen))?;
    /// # Ok::<(), convscope::Error>(())
    /// ```
    pub fn dot(layer: &str, activation: &Tensor) -> Objective {
        Objective::of(Term::Dot(Pattern::new(layer, activation)))
    }

    /// The cosine of the angle between the layer's values and an image's activation, from -1 to 1.
    /// Beside [`Objective::dot`] it keeps the image from being only loud.
    pub fn cosine(layer: &str, activation: &Tensor) -> Objective {
        Objective::of(Term::Cosine(Pattern::new(layer, activation)))
    }

    /// How much the images of a batch differ in style at a layer: minus the mean cosine between an
    /// image's Gram matrix and the others', from -1 (alike) to 0. For several images of one unit
    /// ([`Maximize::images`](super::Maximize::images)). Olah, Mordvintsev, Schubert, "Feature
    /// Visualization", Distill, 2017.
    pub fn diversity(layer: &str) -> Objective {
        Objective::of(Term::Diversity(layer.to_owned()))
    }

    /// A penalty: the sum of absolute differences between neighboring pixels, over the image and
    /// its channels, values from 0 to 1.
    pub fn total_variation() -> Objective {
        Objective::of(Term::TotalVariation)
    }

    /// A penalty: the sum of absolute differences from gray (0.5).
    pub fn l1() -> Objective {
        Objective::of(Term::L1)
    }

    /// A penalty: the Euclidean distance from gray (0.5).
    pub fn l2() -> Objective {
        Objective::of(Term::L2)
    }

    /// A penalty on what blurring takes away: half the sum of squared differences from the image
    /// blurred by 1 2 1 in both directions. The gradient draws towards the blurred image.
    pub fn blur() -> Objective {
        Objective::of(Term::Blur)
    }
}

impl Pattern {
    fn new(layer: &str, values: &Tensor) -> Pattern {
        Pattern { layer: layer.to_owned(), values: values.shallow_clone() }
    }
}

impl Term {
    /// Whether one evaluation serves both.
    pub(super) fn is_same(&self, other: &Term) -> bool {
        match (self, other) {
            (Term::Class(a), Term::Class(b)) => a == b,
            (Term::Unit(a), Term::Unit(b)) => a == b,
            (Term::Diversity(a), Term::Diversity(b)) => a == b,
            (Term::Dot(a), Term::Dot(b)) | (Term::Cosine(a), Term::Cosine(b)) => {
                let place = |pattern: &Pattern| (pattern.values.data_ptr(), pattern.values.size());
                a.layer == b.layer && place(a) == place(b)
            }
            (Term::TotalVariation, Term::TotalVariation)
            | (Term::L1, Term::L1)
            | (Term::L2, Term::L2)
            | (Term::Blur, Term::Blur) => true,
            _ => false,
        }
    }
}

impl From<Unit> for Objective {
    fn from(unit: Unit) -> Objective {
        Objective::of(Term::Unit(unit))
    }
}

impl From<usize> for Objective {
    fn from(class: usize) -> Objective {
        Objective::class(class)
    }
}

impl From<&str> for Objective {
    fn from(class: &str) -> Objective {
        Objective::class(class)
    }
}

impl From<&Objective> for Objective {
    fn from(objective: &Objective) -> Objective {
        objective.clone()
    }
}

impl Add for Objective {
    type Output = Objective;

    fn add(mut self, other: Objective) -> Objective {
        self.terms.extend(other.terms);
        self
    }
}

impl Neg for Objective {
    type Output = Objective;

    fn neg(self) -> Objective {
        -1.0 * self
    }
}

impl Sub for Objective {
    type Output = Objective;

    fn sub(self, other: Objective) -> Objective {
        self + -other
    }
}

impl Mul<Objective> for f64 {
    type Output = Objective;

    fn mul(self, mut objective: Objective) -> Objective {
        objective.terms.iter_mut().for_each(|(factor, _)| *factor *= self);
        objective
    }
}

impl Mul<f64> for Objective {
    type Output = Objective;

    fn mul(self, factor: f64) -> Objective {
        factor * self
    }
}

impl fmt::Display for Objective {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (factor, term)) in self.terms.iter().enumerate() {
            let sign = match (index, *factor < 0.0) {
                (0, true) => "−",
                (0, false) => "",
                (_, true) => " − ",
                (_, false) => " + ",
            };
            f.write_str(sign)?;
            if factor.abs() != 1.0 {
                write!(f, "{}·", factor.abs())?;
            }
            write!(f, "{term}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Term::Class(ClassChoice::Index(class)) => write!(f, "class {class}"),
            Term::Class(ClassChoice::Name(name)) => f.write_str(name),
            Term::Unit(unit) => write!(f, "{unit}"),
            Term::Dot(Pattern { layer, values }) if values.dim() == 1 => {
                write!(f, "a direction in {layer}")
            }
            Term::Dot(pattern) => write!(f, "an activation of {}", pattern.layer),
            Term::Cosine(pattern) => write!(f, "the angle to an activation of {}", pattern.layer),
            Term::Diversity(layer) => write!(f, "diversity in {layer}"),
            Term::TotalVariation => f.write_str("total variation"),
            Term::L1 => f.write_str("L1"),
            Term::L2 => f.write_str("L2"),
            Term::Blur => f.write_str("blur"),
        }
    }
}
