//! Functions of each value by itself, and arithmetic between two.

use tch::Kind;

use super::import::Importer;
use super::message::Node;
use super::sizes;
use super::value::{Outcome, Value, torch};
use crate::network::Op;
use crate::network::ops::{Arithmetic, Linear, PRelu, Pointwise};

pub(super) fn function<'a>(importer: &mut Importer<'a>, node: &'a Node<'a>) -> Outcome<Value<'a>> {
    let x = importer.input(node, 0)?;
    let function = match node.op {
        "Relu" => Pointwise::Relu,
        "LeakyRelu" => Pointwise::LeakyRelu { slope: node.float("alpha", 0.01) },
        "Sigmoid" => Pointwise::Sigmoid,
        "HardSigmoid" => return hard_sigmoid(importer, node, x),
        "HardSwish" => Pointwise::HardSwish,
        "Tanh" => Pointwise::Tanh,
        "Softplus" => Pointwise::Softplus,
        "Softsign" => Pointwise::Softsign,
        "Elu" => Pointwise::Elu { alpha: node.float("alpha", 1.0) },
        "Celu" => Pointwise::Celu { alpha: node.float("alpha", 1.0) },
        "ThresholdedRelu" => Pointwise::Threshold { at: node.float("alpha", 1.0) },
        "Mish" => Pointwise::Mish,
        "Erf" => Pointwise::Erf,
        "Exp" => Pointwise::Exp,
        "Log" => Pointwise::Log,
        "Sqrt" => Pointwise::Sqrt,
        "Neg" => Pointwise::Neg,
        "Abs" => Pointwise::Abs,
        "Sign" => Pointwise::Sign,
        "Floor" => Pointwise::Floor,
        "Ceil" => Pointwise::Ceil,
        "Round" => Pointwise::Round,
        "Sin" => Pointwise::Sin,
        "Cos" => Pointwise::Cos,
        "Reciprocal" => Pointwise::Pow { exponent: -1.0 },
        "Gelu" if node.text("approximate", "none") == "tanh" => Pointwise::GeluTanh,
        "Gelu" => Pointwise::Gelu,
        _ => return Err("not supported".to_owned()),
    };
    importer.emit(function, vec![x])
}

/// max(0, min(1, alpha·x + beta)), of which PyTorch's has alpha 1/6 and beta 1/2.
fn hard_sigmoid<'a>(
    importer: &mut Importer<'a>,
    node: &Node<'a>,
    x: Value<'a>,
) -> Outcome<Value<'a>> {
    let (factor, term) = (node.float("alpha", 0.2), node.float("beta", 0.5));
    if (factor - 1.0 / 6.0).abs() < 1e-6 && term == 0.5 {
        return importer.emit(Pointwise::HardSigmoid, vec![x]);
    }
    let steps = [
        Pointwise::Scale { factor },
        Pointwise::Shift { term },
        Pointwise::Clamp { low: 0.0, high: 1.0 },
    ];
    steps.into_iter().try_fold(x, |x, step| importer.emit(step, vec![x]))
}

pub(super) fn clip<'a>(importer: &mut Importer<'a>, node: &'a Node<'a>) -> Outcome<Value<'a>> {
    let x = importer.input(node, 0)?;
    // Attributes before operator set 11.
    let mut bound = |name, index, without| match importer.optional(node, index)? {
        None => Ok(Ok(node.float(name, without))),
        Some(value) => Outcome::Ok(value.scalar().ok_or(value)),
    };
    let (low, high) = match (bound("min", 1, f64::NEG_INFINITY)?, bound("max", 2, f64::INFINITY)?) {
        (Ok(low), Ok(high)) => (low, high),
        (low, high) => return clamped(importer, x, low, high),
    };
    // The old defaults are the largest numbers there are.
    let low = if low <= f64::from(f32::MIN) { f64::NEG_INFINITY } else { low };
    let high = if high >= f64::from(f32::MAX) { f64::INFINITY } else { high };
    let function = match (low, high) {
        (0.0, 6.0) => Pointwise::Relu6,
        (0.0, f64::INFINITY) => Pointwise::Relu,
        _ => Pointwise::Clamp { low, high },
    };
    importer.emit(function, vec![x])
}

/// Between bounds of which one at least is computed from the images.
fn clamped<'a>(
    importer: &mut Importer<'a>,
    x: Value<'a>,
    low: Result<f64, Value<'a>>,
    high: Result<f64, Value<'a>>,
) -> Outcome<Value<'a>> {
    let above = match low {
        Ok(low) => importer.emit(Pointwise::Clamp { low, high: f64::INFINITY }, vec![x])?,
        Err(low) => importer.emit(Arithmetic::Max, vec![x, low])?,
    };
    match high {
        Ok(high) => importer.emit(Pointwise::Clamp { low: f64::NEG_INFINITY, high }, vec![above]),
        Err(high) => importer.emit(Arithmetic::Min, vec![above, high]),
    }
}

pub(super) fn pow<'a>(importer: &mut Importer<'a>, node: &'a Node<'a>) -> Outcome<Value<'a>> {
    let x = importer.input(node, 0)?;
    let exponent = importer.input(node, 1)?;
    match exponent.scalar() {
        // A single number needs no tensor, unless it adds dimensions.
        Some(number) if importer.shape(&exponent).sizes.len() <= importer.shape(&x).sizes.len() => {
            importer.emit(Pointwise::Pow { exponent: number }, vec![x])
        }
        _ => importer.emit(Arithmetic::Pow, vec![x, exponent]),
    }
}

/// The two constants are PyTorch's, or written out.
pub(super) fn selu<'a>(importer: &mut Importer<'a>, node: &'a Node<'a>) -> Outcome<Value<'a>> {
    let x = importer.input(node, 0)?;
    let (alpha, factor) = (node.float("alpha", 1.673_263_2), node.float("gamma", 1.050_701));
    if (alpha - 1.673_263_2).abs() < 1e-6 && (factor - 1.050_701).abs() < 1e-6 {
        return importer.emit(Pointwise::Selu, vec![x]);
    }
    let x = importer.emit(Pointwise::Elu { alpha }, vec![x])?;
    importer.emit(Pointwise::Scale { factor }, vec![x])
}

/// x·sigmoid(alpha·x)
pub(super) fn swish<'a>(importer: &mut Importer<'a>, node: &'a Node<'a>) -> Outcome<Value<'a>> {
    let x = importer.input(node, 0)?;
    let factor = node.float("alpha", 1.0);
    if factor == 1.0 {
        return importer.emit(Pointwise::Silu, vec![x]);
    }
    let gate = importer.emit(Pointwise::Scale { factor }, vec![x.share()])?;
    let gate = importer.emit(Pointwise::Sigmoid, vec![gate])?;
    importer.emit(Arithmetic::Mul, vec![x, gate])
}

/// Slopes `[C, 1, 1]`, as exporters write PyTorch's, become its `[C]` again.
pub(super) fn prelu<'a>(importer: &mut Importer<'a>, node: &'a Node<'a>) -> Outcome<Value<'a>> {
    let x = importer.input(node, 0)?;
    let (slopes, name) = importer.required(node, 1)?;
    let rank = importer.shape(&x).sizes.len();
    let size = slopes.size();
    let places = rank.saturating_sub(2);
    let channels = match size.as_slice() {
        [] | [1] => Some(1),
        [channels, ones @ ..] if ones.len() == places && ones.iter().all(|&one| one == 1) => {
            Some(*channels)
        }
        [1, channels, ones @ ..] if ones.len() == places && ones.iter().all(|&one| one == 1) => {
            Some(*channels)
        }
        _ => None,
    };
    let weight = match (channels, size.as_slice()) {
        (Some(channels), _) => slopes.f_reshape([channels]),
        // A row is along the last dimension.
        (None, &[row]) => slopes.f_reshape([1, row]),
        _ => Ok(slopes),
    };
    importer.emit_layer(PRelu { weight: weight.map_err(torch)? }, vec![x], name)
}

/// The sum, mean, maximum or minimum of any number of values.
pub(super) fn several<'a>(importer: &mut Importer<'a>, node: &'a Node<'a>) -> Outcome<Value<'a>> {
    let mut result = importer.input(node, 0)?;
    for index in 1..node.inputs.len() {
        let next = importer.input(node, index)?;
        result = join(importer, node, result, next)?;
    }
    if node.op == "Mean" {
        let factor = 1.0 / node.inputs.len() as f64;
        return importer.emit(Pointwise::Scale { factor }, vec![result]);
    }
    Ok(result)
}

fn join<'a>(
    importer: &mut Importer<'a>,
    node: &'a Node<'a>,
    a: Value<'a>,
    b: Value<'a>,
) -> Outcome<Value<'a>> {
    let operator = match node.op {
        "Max" | "Min" => node.op,
        _ => "Add",
    };
    if let (Some(a), Some(b)) = (a.sizes(), b.sizes()) {
        return a.with(&b, |a, b| sizes::arithmetic(operator, a, b)).map(Value::Sizes);
    }
    let rank = |value: &Value| importer.shape(value).sizes.len();
    let number = |of: &Value, with: &Value| of.scalar().filter(|_| rank(of) <= rank(with));
    let bound = number(&b, &a).map(|bound| (bound, &a)).or(number(&a, &b).map(|bound| (bound, &b)));
    let op: Op = match (operator, bound) {
        ("Max", Some((low, x))) => {
            let function = if low == 0.0 {
                Pointwise::Relu
            } else {
                Pointwise::Clamp { low, high: f64::INFINITY }
            };
            let x = x.share();
            return importer.emit(function, vec![x]);
        }
        ("Min", Some((high, x))) => {
            let x = x.share();
            return importer.emit(Pointwise::Clamp { low: f64::NEG_INFINITY, high }, vec![x]);
        }
        ("Max", None) => Arithmetic::Max.into(),
        ("Min", None) => Arithmetic::Min.into(),
        _ => Op::ADD,
    };
    importer.emit(op, vec![a, b])
}

pub(super) fn arithmetic<'a>(
    importer: &mut Importer<'a>,
    node: &'a Node<'a>,
) -> Outcome<Value<'a>> {
    let (a, b) = (importer.input(node, 0)?, importer.input(node, 1)?);
    if let (Some(a), Some(b)) = (a.sizes(), b.sizes()) {
        return a.with(&b, |a, b| sizes::arithmetic(node.op, a, b)).map(Value::Sizes);
    }
    if let Some(value) = biased(importer, node, &a, &b)? {
        return Ok(value);
    }
    // A single number needs no tensor, unless it adds dimensions.
    let rank = |value: &Value| importer.shape(value).sizes.len();
    let number = |of: &Value, with: &Value| of.scalar().filter(|_| rank(of) <= rank(with));
    let with_number = match (node.op, number(&a, &b), number(&b, &a)) {
        ("Add", Some(term), _) => Some((Pointwise::Shift { term }, &b)),
        ("Add", _, Some(term)) => Some((Pointwise::Shift { term }, &a)),
        ("Sub", _, Some(term)) => Some((Pointwise::Shift { term: -term }, &a)),
        ("Mul", Some(factor), _) => Some((Pointwise::Scale { factor }, &b)),
        ("Mul", _, Some(factor)) => Some((Pointwise::Scale { factor }, &a)),
        ("Div", _, Some(divisor)) => Some((Pointwise::Scale { factor: 1.0 / divisor }, &a)),
        _ => None,
    };
    if let Some((function, x)) = with_number {
        let x = x.share();
        return importer.emit(function, vec![x]);
    }
    let arithmetic = match node.op {
        "Add" => Arithmetic::Add,
        "Sub" => Arithmetic::Sub,
        "Mul" => Arithmetic::Mul,
        _ => Arithmetic::Div,
    };
    importer.emit(arithmetic, vec![a, b])
}

/// A fully connected layer over tokens is exported as a product and a sum. The sum becomes the
/// layer's bias where no other node reads the product.
fn biased<'a>(
    importer: &mut Importer<'a>,
    node: &'a Node<'a>,
    a: &Value<'a>,
    b: &Value<'a>,
) -> Outcome<Option<Value<'a>>> {
    let (index, added, product) = match (a, b, node.inputs.as_slice()) {
        (Value::Node(index), Value::Constant(added, _), [product, _])
        | (Value::Constant(added, _), Value::Node(index), [_, product]) => (*index, added, product),
        _ => return Ok(None),
    };
    if node.op != "Add" || !importer.reads_alone(product, index) {
        return Ok(None);
    }
    let added = importer.cast(added, Kind::Float)?;
    let Some(Op::Linear(Linear { weight, bias: bias @ None })) =
        importer.nodes.get_mut(index).map(|node| &mut node.op)
    else {
        return Ok(None);
    };
    if weight.size().first().is_none_or(|&features| added.size() != [features]) {
        return Ok(None);
    }
    *bias = Some(added);
    importer.forget(product, index);
    Ok(Some(Value::Node(index)))
}
