//! Constants, and operators that only shapes need.

use tch::{Kind, Tensor};

use super::import::Importer;
use super::message::Node;
use super::sizes::{Size, Sizes, arithmetic as compute};
use super::value::{Outcome, Value, torch};
use crate::error::short;
use crate::network::ops::Pointwise;

pub(super) fn constant<'a>(importer: &mut Importer<'a>, node: &'a Node<'a>) -> Outcome<Value<'a>> {
    let name = node.outputs.first().copied().unwrap_or_default();
    let [attribute] = node.attributes.as_slice() else {
        return Err("expected one attribute, its value".to_owned());
    };
    let tensor = match attribute.name {
        "value" => {
            let array = attribute.array.as_deref().ok_or("its value is missing")?;
            importer.types.insert(name, array.kind);
            importer.read(array)?
        }
        "value_int" => Tensor::f_from_slice(&[attribute.int])
            .and_then(|one| one.f_reshape([0_i64; 0]))
            .map_err(torch)?,
        "value_float" => Tensor::f_from_slice(&[attribute.float])
            .and_then(|one| one.f_reshape([0_i64; 0]))
            .map_err(torch)?,
        "value_ints" => Tensor::f_from_slice(&attribute.ints).map_err(torch)?,
        "value_floats" => Tensor::f_from_slice(&attribute.floats).map_err(torch)?,
        other => return Err(format!("a constant given as `{}` is not supported", short(other))),
    };
    Ok(Value::Constant(tensor, name))
}

pub(super) fn constant_of_shape<'a>(
    importer: &mut Importer<'a>,
    node: &'a Node<'a>,
) -> Outcome<Value<'a>> {
    let shape = importer.numbers(node, 0)?.ok_or("its shape is missing")?;
    importer.budget.fill(&shape)?;
    let one = match node.attribute("value").and_then(|value| value.array.as_deref()) {
        Some(array) => importer.read(array)?,
        None => Tensor::f_from_slice(&[0_f32]).map_err(torch)?,
    };
    let filled = one.f_reshape(1).and_then(|one| one.f_expand(&shape, false));
    Ok(Value::Constant(filled.map_err(torch)?, ""))
}

pub(super) fn shape<'a>(importer: &mut Importer<'a>, node: &'a Node<'a>) -> Outcome<Value<'a>> {
    let value = importer.input(node, 0)?;
    let shape = Sizes::row(importer.shape(&value).symbolic());
    let part = shape.slice(node.int("start", 0), node.int("end", i64::MAX), 1)?;
    Ok(Value::Sizes(part))
}

/// How many values there are.
pub(super) fn size<'a>(importer: &mut Importer<'a>, node: &'a Node<'a>) -> Outcome<Value<'a>> {
    let value = importer.input(node, 0)?;
    let sizes = importer.shape(&value).symbolic();
    let all = sizes.into_iter().try_fold(Size::fixed(1), |all, size| compute("Mul", all, size));
    let all = all.ok_or("a shape that can't be counted")?;
    Ok(Value::Sizes(Sizes { values: vec![all], scalar: true }))
}

/// Shapes become numbers to compute with; between kinds of floating-point numbers nothing changes.
pub(super) fn cast<'a>(importer: &mut Importer<'a>, node: &'a Node<'a>) -> Outcome<Value<'a>> {
    const BOOLEAN: i64 = 9;
    let value = importer.input(node, 0)?;
    importer.types.extend(node.outputs.first().map(|&name| (name, node.int("to", 0))));
    let to = match node.int("to", 0) {
        1 | 10 | 11 | 16 => Kind::Float,
        2..=7 | BOOLEAN | 12 | 13 => Kind::Int64,
        other => return Err(format!("a cast to data type {other} is not supported")),
    };
    if let (Value::Constant(tensor, _), BOOLEAN) = (&value, node.int("to", 0)) {
        importer.budget.spend(&tensor.size())?;
        let flags = tensor.f_ne(0).and_then(|flags| flags.f_to_kind(Kind::Int64));
        return Ok(Value::Constant(flags.map_err(torch)?, ""));
    }
    match (&value, to, node.int("to", 0)) {
        (Value::Node(_), _, BOOLEAN) => {
            let size = importer.emit(Pointwise::Abs, vec![value])?;
            importer.emit(Pointwise::Sign, vec![size])
        }
        (Value::Node(_), Kind::Int64, 2..=5) => {
            Err("a cast of activations to whole numbers of 8 or 16 bits".to_owned())
        }
        _ => to_kind(importer, value, to),
    }
}

/// To the kind of the second input's numbers.
pub(super) fn cast_like<'a>(importer: &mut Importer<'a>, node: &'a Node<'a>) -> Outcome<Value<'a>> {
    let [value, like] = [importer.input(node, 0)?, importer.input(node, 1)?];
    let to = match like {
        Value::Constant(tensor, _) => tensor.kind(),
        Value::Sizes(_) => Kind::Int64,
        Value::Node(_) => Kind::Float,
    };
    to_kind(importer, value, to)
}

fn to_kind<'a>(importer: &mut Importer<'a>, value: Value<'a>, to: Kind) -> Outcome<Value<'a>> {
    match (value, to) {
        (value @ Value::Node(_), Kind::Int64) => importer.emit(Pointwise::Trunc, vec![value]),
        (value @ Value::Node(_), _) | (value @ Value::Sizes(_), Kind::Int64) => Ok(value),
        (Value::Constant(tensor, name), _) => {
            // Cut to whole numbers it is no longer the initializer of that name.
            let name = if tensor.kind() == to || to == Kind::Float { name } else { "" };
            Ok(Value::Constant(importer.cast(&tensor, to)?, name))
        }
        (Value::Sizes(sizes), _) => {
            Ok(Value::Constant(sizes.tensor()?.f_to_kind(to).map_err(torch)?, ""))
        }
    }
}

pub(super) fn arithmetic<'a>(
    importer: &mut Importer<'a>,
    node: &'a Node<'a>,
) -> Outcome<Value<'a>> {
    let [a, b] = [sizes(importer, node, 0)?, sizes(importer, node, 1)?];
    a.with(&b, |a, b| compute(node.op, a, b)).map(Value::Sizes)
}

/// `Where`: the second input's numbers where the first holds, else the third's.
pub(super) fn choose<'a>(importer: &mut Importer<'a>, node: &'a Node<'a>) -> Outcome<Value<'a>> {
    let condition = sizes(importer, node, 0)?;
    let [yes, no] = [sizes(importer, node, 1)?, sizes(importer, node, 2)?];
    let holds = |size: Size| !size.batch && size.count != 0;
    let none = Size::fixed(0);
    let yes = condition.with(&yes, |at, value| Some(if holds(at) { value } else { none }))?;
    let no = condition.with(&no, |at, value| Some(if holds(at) { none } else { value }))?;
    // One of the two is 0 everywhere.
    yes.with(&no, |a, b| compute("Add", a, b)).map(Value::Sizes)
}

fn sizes<'a>(importer: &mut Importer<'a>, node: &Node<'a>, index: usize) -> Outcome<Sizes> {
    let sizes = importer.input(node, index)?.sizes();
    sizes.ok_or_else(|| "supported on shapes only, not on activations".to_owned())
}
