//! Class names in the order of the logits.

/// ImageNet's 1,000 classes (ILSVRC 2012), by their first name, in the order of the logits.
pub fn imagenet_classes() -> Vec<&'static str> {
    include_str!("imagenet_classes.txt").lines().collect()
}
