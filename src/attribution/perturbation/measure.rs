//! Logit or probability: the score that perturbation methods compare.

/// The number by which methods that change the image, or activations, compare the outcomes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Measure {
    /// The target's score itself: the logit of a class, the activation of a unit.
    #[default]
    Score,
    /// The probability of a class, 0 to 1, by softmax over all classes. Other targets have none: units
    /// and scores are compared as they are.
    Probability,
}
