//! What is read of a class where variants of a picture are compared.

/// The number by which methods that change the picture or the network's activations compare the outcomes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Measure {
    /// The target's score itself: the logit of a class, the activation of a unit.
    #[default]
    Score,
    /// The probability of a class, 0 to 1, by softmax over all classes. Other targets have none: units
    /// and scores are compared as they are.
    Probability,
}
