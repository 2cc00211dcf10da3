//! How a run is written down for oneDNN to plan.
//!
//! Its planner, as libtorch has it, is right for what convolutional networks are made of, and not for everything:
//! it takes GELU's tanh form for the exact one, never ends where a batch normalization and a sum read one
//! convolution, and crashes where a layer's input is added to it after something else. So it is shown one layer
//! at a time, together with the function or sum that follows: between them stands an operation that it doesn't
//! know and that does nothing. A run with an operation that is not known to be right has no plan.

use tch::{Kind, TchError, Tensor};

use super::plans::Form;
use super::{FEWEST_ROWS, LINEAR_TOO, fusions, rows};
use crate::network::liveness::Liveness;
use crate::network::ops::{Linear, Reduction};
use crate::network::{Arithmetic, Network, Node, Op, Pointwise};

/// The wanted value for the first of so many pictures, with every operation by itself. `room` is how many
/// bytes all values may take.
pub(super) fn trace(
    net: &Network,
    form: &Form,
    given: &[Tensor],
    pictures: i64,
    mut room: u64,
) -> Result<Tensor, TchError> {
    let given: Vec<(usize, &Tensor)> = form.nodes().zip(given).collect();
    let live = net.liveness(&given, &[form.wanted]).map_err(|error| failed(&error.to_string()))?;
    let within = within_groups(net.nodes(), &live);
    let mut values: Vec<Option<Tensor>> = (0..live.len()).map(|_| None).collect();
    for (index, node) in net.nodes().iter().enumerate().take(live.len()) {
        if live[index].readers == 0 {
            continue;
        }
        if let Some((_, value)) = given.iter().find(|(at, _)| *at == index) {
            values[index] = Some(value.shallow_clone());
            continue;
        }
        let inputs = node.inputs.iter().filter_map(|&i| values[i].as_ref()).collect::<Vec<_>>();
        let value = compute(&node.op, &inputs, pictures)?;
        let bytes = (value.numel() * Kind::Float.elt_size_in_bytes()) as u64;
        room = room.checked_sub(bytes).ok_or_else(|| failed("too large a trace"))?;
        values[index] = Some(if within[index] { value } else { value.f_alias()? });
    }
    let wanted = values.pop().flatten().ok_or_else(|| failed("nothing is wanted"))?;
    wanted.f_contiguous()
}

/// Of each node, whether the planner sees its value together with the node that reads it: of a layer, with the
/// sum and the function after it, and of all these, with a depthwise convolution.
fn within_groups(nodes: &[Node], live: &[Liveness]) -> Vec<bool> {
    let mut within = vec![false; live.len()];
    for (index, fusion) in fusions(nodes, live).iter().enumerate() {
        let Some(fusion) = fusion else { continue };
        for node in fusion.nodes(index).filter(|&node| node != fusion.end) {
            within[node] = true;
        }
        let reader = live[fusion.end].only_reader().map(|reader| &nodes[reader].op);
        within[fusion.end] = !is_depthwise(&nodes[index].op) && reader.is_some_and(is_depthwise);
    }
    within
}

fn is_depthwise(op: &Op) -> bool {
    matches!(op, Op::Conv2d(conv) if conv.groups > 1 && conv.weight.size()[..2] == [conv.groups, 1])
}

fn compute(op: &Op, inputs: &[&Tensor], pictures: i64) -> Result<Tensor, TchError> {
    match (op, inputs) {
        (Op::Linear(linear), [x]) if !packs(linear, x, pictures) => hidden(linear, x),
        _ if is_known(op) => op.compute(inputs, false),
        _ => Err(failed(op.name())),
    }
}

/// What the planner computes right, or leaves to libtorch.
fn is_known(op: &Op) -> bool {
    match op {
        Op::Pointwise(function) => match function {
            Pointwise::Clamp { low, high } => low <= high,
            Pointwise::Relu
            | Pointwise::Relu6
            | Pointwise::LeakyRelu { .. }
            | Pointwise::Gelu
            | Pointwise::Silu
            | Pointwise::Sigmoid
            | Pointwise::HardSigmoid
            | Pointwise::HardSwish
            | Pointwise::Tanh => true,
            _ => false,
        },
        Op::Arithmetic(operation) => matches!(operation, Arithmetic::Add | Arithmetic::Mul),
        Op::Reduce(reduce) => matches!(reduce.by, Reduction::Mean),
        Op::Conv2d(_)
        | Op::BatchNorm2d(_)
        | Op::Linear(_)
        | Op::MaxPool2d(_)
        | Op::AvgPool2d(_)
        | Op::AdaptiveAvgPool2d(_)
        | Op::Concat(_)
        | Op::Flatten(_) => true,
        _ => false,
    }
}

/// Whether a linear layer's weights are to be packed for so many times this input.
fn packs(linear: &Linear, x: &Tensor, pictures: i64) -> bool {
    *LINEAR_TOO && pictures * rows(linear, x) >= FEWEST_ROWS
}

/// A linear layer in a form that the planner leaves to libtorch.
fn hidden(linear: &Linear, x: &Tensor) -> Result<Tensor, TchError> {
    let product = x.f_inner(&linear.weight)?;
    linear.bias.as_ref().map_or(Ok(product.shallow_clone()), |bias| product.f_add(bias))
}

fn failed(what: &str) -> TchError {
    TchError::Torch(what.to_owned())
}
