//! How large a network may be to answer in a page while one draws.

use super::nodes::Plan;
use crate::error::short;
use crate::network::Network;
use crate::network::ops::count;
use crate::{Error, Result};

/// Numbers of all parameters: 4 MB in the page.
const PARAMETERS: u64 = 2_000_000;
/// Values of all layers, which the page holds twice.
const VALUES: u64 = 4_000_000;
/// Products of one answer: at some 500 million a second, a third of a second.
const MULTIPLY_ADDS: u64 = 160_000_000;
const LAYERS: u64 = 1000;

/// How many numbers all parameters have.
///
/// # Errors
///
/// A network that is too large, by what it has too much of.
pub(super) fn check(net: &Network, plan: &Plan<'_>) -> Result<u64> {
    let (mut parameters, mut values, mut products) = (0_u64, 0_u64, 0_u64);
    for &index in &plan.chosen {
        let node = &net.nodes()[index];
        let shape = &plan.shapes[index];
        let inputs: Vec<&[i64]> = node.inputs.iter().map(|&i| plan.shapes[i].as_slice()).collect();
        let sizes = node.op.parameters().into_iter().map(|(_, tensor)| tensor.numel() as u64);
        parameters = parameters.saturating_add(sizes.sum());
        values = values.saturating_add(count(shape));
        products = products.saturating_add(node.op.multiply_adds(&inputs, shape));
    }
    let layers = plan.chosen.len() as u64;
    for (has, what, most) in [
        (parameters, "parameters", PARAMETERS),
        (products, "multiply-adds for a picture", MULTIPLY_ADDS),
        (values, "values in all layers", VALUES),
        (layers, "layers", LAYERS),
    ] {
        if has > most {
            return Err(Error::Argument(format!(
                "{} is too large to be alive in a page: {has} {what}, at most {most} are possible. Take a \
                 smaller network or a smaller input; `net.journey(&photo, &layers)` shows any network's \
                 layers on a picture.",
                short(net.name())
            )));
        }
    }
    Ok(parameters)
}
