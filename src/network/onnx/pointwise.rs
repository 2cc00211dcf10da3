//! Functions of each value by itself, and arithmetic between two.

use tch::Kind;

use super::import::Importer;
use super::message::Node;
use super::sizes;
use super::value::{Outcome, Value};
use crate::network::Op;
use crate::network::ops::{Arithmetic, Linear, Pointwise};

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
        "Erf" => Pointwise::Erf,
        "Exp" => Pointwise::Exp,
        "Log" => Pointwise::Log,
        "Sqrt" => Pointwise::Sqrt,
        "Neg" => Pointwise::Neg,
        "Abs" => Pointwise::Abs,
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
        None => Ok(node.float(name, without)),
        Some(value) => {
            value.scalar().ok_or_else(|| "a bound that is computed is not supported".to_owned())
        }
    };
    let low: f64 = bound("min", 1, f64::NEG_INFINITY)?;
    let high: f64 = bound("max", 2, f64::INFINITY)?;
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

pub(super) fn pow<'a>(importer: &mut Importer<'a>, node: &'a Node<'a>) -> Outcome<Value<'a>> {
    let x = importer.input(node, 0)?;
    let exponent = importer.input(node, 1)?.scalar();
    let exponent = exponent.ok_or("an exponent that is no fixed number is not supported")?;
    importer.emit(Pointwise::Pow { exponent }, vec![x])
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
