//! Class names in the order of the logits.

/// ImageNet's 1,000 classes (ILSVRC 2012), by their first name.
pub(crate) fn imagenet() -> impl Iterator<Item = &'static str> {
    include_str!("imagenet_classes.txt").lines()
}
