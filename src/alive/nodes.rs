//! A network's layers as the page computes them (`page/src/format.ts`): the only place that knows which
//! operations it has.

use serde_json::{Map, Value, json};

use super::weights::{Weights, weight_and_bias};
use crate::error::{listed, short};
use crate::network::ops::{PadMode, Reduction, Slice};
use crate::network::{Arithmetic, Network, Node, Op, Pointwise};
use crate::view::visible;
use crate::{Error, Result};

/// What the page computes, the input first: all that the result depends on.
pub(super) struct Plan<'a> {
    net: &'a Network,
    /// The nodes' numbers in the network.
    pub chosen: Vec<usize>,
    /// The shape of each of the network's nodes for one picture, without the batch.
    pub shapes: Vec<Vec<i64>>,
}

impl<'a> Plan<'a> {
    /// # Errors
    ///
    /// Layers that mix a batch's pictures.
    pub(super) fn of(net: &'a Network) -> Result<Plan<'a>> {
        let [c, h, w] = net.preprocess().input_shape();
        let (one, two) = (net.shapes(&[1, c, h, w])?, net.shapes(&[2, c, h, w])?);
        let mut needed = vec![false; net.nodes().len()];
        needed[0] = true;
        needed[net.output_index()] = true;
        for (index, node) in net.nodes().iter().enumerate().rev() {
            if needed[index] {
                node.inputs.iter().for_each(|&input| needed[input] = true);
            }
        }
        let chosen: Vec<usize> = (0..needed.len()).filter(|&index| needed[index]).collect();
        for &index in &chosen {
            let node = &net.nodes()[index];
            let each = one[index].first() == Some(&1) && two[index].first() == Some(&2);
            let apart = each && one[index].get(1..) == two[index].get(1..);
            if !apart && !matches!(node.op, Op::Parameter(_)) {
                return Err(refused(
                    net,
                    &[format!(
                        "`{}` ({}) does not keep a batch's pictures apart",
                        short(&node.name),
                        node.op.name()
                    )],
                ));
            }
        }
        let shapes = one.into_iter().map(single).collect();
        Ok(Plan { net, chosen, shapes })
    }

    /// The layers, and their parameters' bytes.
    ///
    /// # Errors
    ///
    /// Operations that the page doesn't have, all named at once; parameters that are not finite.
    pub(super) fn nodes(&self, mut weights: Weights) -> Result<(Vec<Value>, Weights)> {
        let (mut nodes, mut unknown) = (Vec::with_capacity(self.chosen.len()), Vec::new());
        for &index in &self.chosen {
            let node = &self.net.nodes()[index];
            let Some(mut fields) = self.described(node, &mut weights)? else {
                unknown.push(format!("`{}` ({})", short(&node.name), node.op.name()));
                continue;
            };
            let inputs: Vec<usize> =
                node.inputs.iter().filter_map(|&input| self.place(input)).collect();
            let inputs = if index == 0 { Vec::new() } else { inputs };
            fields.insert("name".to_owned(), json!(visible(&node.name)));
            fields.insert("inputs".to_owned(), json!(inputs));
            fields.insert("shape".to_owned(), json!(self.shapes[index]));
            nodes.push(Value::Object(fields));
        }
        match unknown.as_slice() {
            [] => Ok((nodes, weights)),
            unknown => Err(refused(self.net, unknown)),
        }
    }

    /// Where a node of the network stands among the chosen ones.
    pub(super) fn place(&self, node: usize) -> Option<usize> {
        self.chosen.binary_search(&node).ok()
    }

    /// A layer's operation with its parameters; `None` where the page doesn't have it.
    fn described(&self, node: &Node, weights: &mut Weights) -> Result<Option<Map<String, Value>>> {
        let name = node.name.as_str();
        let reads = node.inputs.first().map_or(&[][..], |&input| self.shapes[input].as_slice());
        let (op, fields) = match &node.op {
            Op::Input(_) => ("input", json!({})),
            Op::Parameter(parameter) => {
                ("constant", json!({"value": weights.vector(name, &parameter.value)?}))
            }
            Op::Conv2d(conv) => {
                let mut fields = weight_and_bias(weights, name, &conv.weight, conv.bias.as_ref())?;
                fields.insert("stride".to_owned(), json!(conv.stride));
                fields.insert("padding".to_owned(), json!(conv.padding.map(|side| [side; 2])));
                fields.insert("dilation".to_owned(), json!(conv.dilation));
                fields.insert("groups".to_owned(), json!(conv.groups));
                ("conv2d", Value::Object(fields))
            }
            Op::Linear(linear) => {
                let fields = weight_and_bias(weights, name, &linear.weight, linear.bias.as_ref())?;
                ("linear", Value::Object(fields))
            }
            Op::BatchNorm2d(norm) => (
                "batch_norm",
                json!({
                    "weight": weights.vector(name, &norm.weight)?,
                    "bias": weights.vector(name, &norm.bias)?,
                    "mean": weights.vector(name, &norm.running_mean)?,
                    "variance": weights.vector(name, &norm.running_var)?,
                    "eps": norm.eps,
                }),
            ),
            Op::PRelu(prelu) => {
                // One slope for all, or one for each channel.
                let count = prelu.weight.numel() as i64;
                let known = matches!(prelu.weight.size()[..], [_] | [_, 1, 1] | [1, _, 1, 1]);
                if count != 1 && !known {
                    return Ok(None);
                }
                let slopes = prelu.weight.f_reshape([count]);
                let slopes = slopes.map_err(Error::torch("reading a layer's slopes"))?;
                ("prelu", json!({"weight": weights.vector(name, &slopes)?}))
            }
            Op::Pointwise(function) => match pointwise(*function) {
                Some(function) => ("pointwise", json!({"function": function})),
                None => return Ok(None),
            },
            Op::MaxPool2d(pool) => (
                "max_pool",
                json!({
                    "kernel": pool.kernel, "stride": pool.stride,
                    "padding": pool.padding, "dilation": pool.dilation,
                }),
            ),
            Op::AvgPool2d(pool) => (
                "avg_pool",
                json!({
                    "kernel": pool.kernel, "stride": pool.stride,
                    "padding": pool.padding, "count_padding": pool.count_padding,
                }),
            ),
            Op::AdaptiveAvgPool2d(_) => ("adaptive_avg_pool", json!({})),
            Op::Reduce(reduce) => {
                let by = match reduce.by {
                    Reduction::Mean => "mean",
                    Reduction::Sum => "sum",
                    Reduction::Max => "max",
                    Reduction::Min => "min",
                    _ => return Ok(None),
                };
                let mut dims = reduce.dims.clone();
                dims.sort_unstable();
                match dims.into_iter().map(behind_batch).collect::<Option<Vec<usize>>>() {
                    Some(dims) if !dims.is_empty() => ("reduce", json!({"by": by, "dims": dims})),
                    Some(_) => ("identity", json!({})),
                    None => return Ok(None),
                }
            }
            Op::Arithmetic(arithmetic) => {
                let by = match arithmetic {
                    Arithmetic::Add => "add",
                    Arithmetic::Sub => "sub",
                    Arithmetic::Mul => "mul",
                    Arithmetic::Div => "div",
                    Arithmetic::Max => "max",
                    Arithmetic::Min => "min",
                    _ => return Ok(None),
                };
                ("arithmetic", json!({"by": by}))
            }
            Op::Concat(concat) => ("concat", json!({"dim": behind_batch(concat.dim)})),
            Op::Flatten(_) | Op::Reshape(_) | Op::Unsqueeze(_) => ("reshape", json!({})),
            Op::Dropout(_) => ("identity", json!({})),
            Op::Permute(permute) => {
                let order: Option<Vec<usize>> =
                    permute.order.iter().skip(1).copied().map(behind_batch).collect();
                ("permute", json!({"order": order}))
            }
            Op::Slice(slice) => {
                let dim = behind_batch(slice.dim);
                let size = dim.and_then(|dim| reads.get(dim)).copied().unwrap_or_default();
                let start = Slice::place(slice.start, size);
                ("slice", json!({"dim": dim, "start": start, "step": slice.step}))
            }
            Op::Pad(pad) => {
                let (mode, value) = match pad.mode {
                    PadMode::Constant(value) => ("constant", value),
                    PadMode::Reflect => ("reflect", 0.0),
                    PadMode::Edge => ("edge", 0.0),
                    PadMode::Wrap => ("wrap", 0.0),
                };
                let amounts = pad.amounts.get(1..).unwrap_or_default();
                ("pad", json!({"amounts": amounts, "mode": mode, "value": value}))
            }
            Op::SamePad(pad) => {
                let [_, height, width] = reads else { return Ok(None) };
                let amounts = [[0, 0], pad.amounts(0, *height), pad.amounts(1, *width)];
                ("pad", json!({"amounts": amounts, "mode": "constant", "value": pad.value}))
            }
            Op::Softmax(softmax) => ("softmax", json!({"dim": behind_batch(softmax.dim)})),
            Op::LogSoftmax(softmax) => ("log_softmax", json!({"dim": behind_batch(softmax.dim)})),
            _ => return Ok(None),
        };
        let Value::Object(mut fields) = fields else { return Ok(None) };
        // JSON has no infinity, and a dimension of the batch is none of the page's.
        if fields.values().any(Value::is_null) {
            return Ok(None);
        }
        fields.insert("op".to_owned(), json!(op));
        Ok(Some(fields))
    }
}

/// A function of each value by itself, with its numbers; `None` for one that isn't finite.
fn pointwise(function: Pointwise) -> Option<Value> {
    let (name, numbers) = match function {
        Pointwise::Relu => ("relu", json!({})),
        Pointwise::Relu6 => ("relu6", json!({})),
        Pointwise::LeakyRelu { slope } => ("leaky_relu", json!({"slope": slope})),
        Pointwise::Gelu => ("gelu", json!({})),
        Pointwise::GeluTanh => ("gelu_tanh", json!({})),
        Pointwise::Silu => ("silu", json!({})),
        Pointwise::Sigmoid => ("sigmoid", json!({})),
        Pointwise::HardSigmoid => ("hard_sigmoid", json!({})),
        Pointwise::HardSwish => ("hard_swish", json!({})),
        Pointwise::Tanh => ("tanh", json!({})),
        Pointwise::Softplus => ("softplus", json!({})),
        Pointwise::Softsign => ("softsign", json!({})),
        Pointwise::Elu { alpha } => ("elu", json!({"alpha": alpha})),
        Pointwise::Celu { alpha } => ("celu", json!({"alpha": alpha})),
        Pointwise::Selu => ("selu", json!({})),
        Pointwise::Mish => ("mish", json!({})),
        Pointwise::Threshold { at } => ("threshold", json!({"at": at})),
        Pointwise::Erf => ("erf", json!({})),
        Pointwise::Exp => ("exp", json!({})),
        Pointwise::Log => ("log", json!({})),
        Pointwise::Sqrt => ("sqrt", json!({})),
        Pointwise::Neg => ("neg", json!({})),
        Pointwise::Abs => ("abs", json!({})),
        Pointwise::Sign => ("sign", json!({})),
        Pointwise::Floor => ("floor", json!({})),
        Pointwise::Ceil => ("ceil", json!({})),
        Pointwise::Round => ("round", json!({})),
        Pointwise::Trunc => ("trunc", json!({})),
        Pointwise::Sin => ("sin", json!({})),
        Pointwise::Cos => ("cos", json!({})),
        Pointwise::Pow { exponent } => ("pow", json!({"exponent": exponent})),
        Pointwise::Scale { factor } => ("scale", json!({"factor": factor})),
        Pointwise::Shift { term } => ("shift", json!({"term": term})),
        // An infinite bound is none, which is what null says.
        Pointwise::Clamp { low, high } => {
            return Some(json!({"name": "clamp", "low": low, "high": high}));
        }
    };
    let Value::Object(mut numbers) = numbers else { return None };
    if numbers.values().any(Value::is_null) {
        return None;
    }
    numbers.insert("name".to_owned(), json!(name));
    Some(Value::Object(numbers))
}

/// A dimension as the page counts, without the batch.
fn behind_batch(dim: usize) -> Option<usize> {
    dim.checked_sub(1)
}

/// A shape without the batch; a parameter's without the 1 that stands for it.
fn single(shape: Vec<i64>) -> Vec<i64> {
    match shape.as_slice() {
        [1, rest @ ..] if !rest.is_empty() => rest.to_vec(),
        [] => vec![1],
        _ => shape,
    }
}

fn refused(net: &Network, layers: &[String]) -> Error {
    Error::Argument(format!(
        "{} can't be alive in a page, which does not compute {}. It computes convolutions, batch norms, \
         pointwise functions, poolings, sums, products, concatenations, linear layers and softmax; \
         `net.journey(&photo, &layers)` shows any network's layers on a picture.",
        short(net.name()),
        listed(layers)
    ))
}
