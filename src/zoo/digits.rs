//! A small LeNet for handwritten digits, whose weights the crate carries, so that every picture can
//! be made in seconds without a network connection.
//!
//! After LeCun, Bottou, Bengio, Haffner, "Gradient-Based Learning Applied to Document Recognition",
//! 1998, with rectified linear units. `examples/train_digits` made the weights from MNIST.

use super::weights;
use crate::Result;
use crate::network::{Conv2d, Network, Pool, Preprocess};

/// The digits network with its trained weights, on the CPU.
///
/// Input `[N, 1, 28, 28]` (white ink on black, as [`crate::data::digit`] draws it), output logits
/// `[N, 10]`. Layers: `conv1` (12 filters of 5×5), `relu1`, `pool1`, `conv2` (24), `relu2`,
/// `pool2`, `flatten`, `fc1` (64), `relu3`, `fc2`.
///
/// ```
/// use convscope::prelude::*;
/// let net = zoo::digits()?;
/// let seven = data::digit(7, 1)?;
/// assert_eq!(net.classify(&seven)?.best().class, 7);
/// # Ok::<(), convscope::Error>(())
/// ```
pub fn digits() -> Result<Network> {
    let mut network = digits_untrained()?;
    weights::load_embedded(&mut network, include_bytes!("digits.safetensors"))?;
    Ok(network)
}

/// The same network with random parameters, to train it.
pub fn digits_untrained() -> Result<Network> {
    let mut b = Network::builder("digits", [1, 28, 28]);
    // MNIST's own mean and deviation.
    b.preprocess(Preprocess::plain([1, 28, 28]).normalize(&[0.1307], &[0.3081]));
    b.classes(('0'..='9').map(String::from));
    let x = b.conv2d(b.input(), "conv1", Conv2d::new(12, 5));
    let x = b.relu(x, "relu1");
    let x = b.max_pool(x, "pool1", Pool::new(2, 2));
    let x = b.conv2d(x, "conv2", Conv2d::new(24, 5));
    let x = b.relu(x, "relu2");
    let x = b.max_pool(x, "pool2", Pool::new(2, 2));
    let x = b.flatten(x, "flatten");
    let x = b.linear(x, "fc1", 64);
    let x = b.relu(x, "relu3");
    b.linear(x, "fc2", 10);
    b.build()
}
