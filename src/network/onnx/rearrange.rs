//! Operators that give values another shape or order.

use super::dims::Shape;
use super::import::Importer;
use super::message::Node;
use super::repeats::expanded;
use super::sizes::{Size, Sizes};
use super::value::{Outcome, Value, torch};
use crate::error::short;
use crate::network::Op;
use crate::network::ops::{Concat, Flatten, Pad, PadMode, Permute, Reshape, Select, Unsqueeze};

/// A dimension; negative ones count from the end.
pub(super) fn axis(axis: i64, rank: usize) -> Outcome<usize> {
    let from_front = if axis < 0 { axis.saturating_add(rank as i64) } else { axis };
    let found = usize::try_from(from_front).ok().filter(|&axis| axis < rank);
    found.ok_or_else(|| format!("axis {axis} of {rank} dimensions"))
}

/// The dimensions that a list of axes names, each of them once.
pub(super) fn axes(list: &[i64], rank: usize) -> Outcome<Vec<usize>> {
    let mut named = vec![false; rank];
    let once = |&at: &i64| match axis(at, rank)? {
        dim if std::mem::replace(&mut named[dim], true) => {
            Err(format!("dimension {dim} is named twice"))
        }
        dim => Ok(dim),
    };
    list.iter().map(once).collect()
}

pub(super) fn identity<'a>(importer: &mut Importer<'a>, node: &'a Node<'a>) -> Outcome<Value<'a>> {
    importer.input(node, 0)
}

/// In inference it does nothing.
pub(super) fn dropout<'a>(importer: &mut Importer<'a>, node: &'a Node<'a>) -> Outcome<Value<'a>> {
    let training = importer.optional(node, 2)?.and_then(|value| value.scalar());
    let ratio = importer.optional(node, 1)?.and_then(|value| value.scalar());
    if training.is_some_and(|training| training != 0.0) && ratio != Some(0.0) {
        return Err("it is in training mode: call `model.eval()` before the export".to_owned());
    }
    importer.input(node, 0)
}

pub(super) fn reshape<'a>(importer: &mut Importer<'a>, node: &'a Node<'a>) -> Outcome<Value<'a>> {
    let x = importer.input(node, 0)?;
    let target = importer.input(node, 1)?.sizes().ok_or("its shape is computed from the images")?;
    if let (Value::Sizes(row), [] | [_]) = (&x, target.values.as_slice()) {
        let scalar = target.values.is_empty();
        return Ok(Value::Sizes(Sizes { values: row.values.clone(), scalar }));
    }
    let shape = importer.shape(&x);
    // A 0 keeps the dimension.
    let keep = |(dim, size): (usize, &Size)| match size.count {
        0 => shape.symbolic().get(dim).copied().ok_or(dim),
        _ => Ok(*size),
    };
    let target = target.values.iter().enumerate().map(keep).collect::<Result<Vec<Size>, usize>>();
    let target = target.map_err(|dim| format!("no dimension {dim} to keep"))?;
    let dynamic = importer.dynamic;
    let reshaped = shape.reshaped(&target, dynamic)?;
    emit_reshape(importer, x, &shape, reshaped)
}

/// Adds the reshape, if it is one.
pub(super) fn emit_reshape<'a>(
    importer: &mut Importer<'a>,
    x: Value<'a>,
    from: &Shape,
    to: Shape,
) -> Outcome<Value<'a>> {
    if *from == to {
        return Ok(x);
    }
    let first = |shape: &Shape| shape.batch.is_some_and(|b| b.dim == 0 && b.before == 1);
    // Images one by one to rows: as a flattening it holds for other image sizes, too.
    let rows =
        first(from) && first(&to) && to.sizes.len() == 2 && from.sizes.first() == to.sizes.first();
    let op: Op =
        if rows { Flatten { from: 1 }.into() } else { Reshape { shape: to.target() }.into() };
    let value = importer.emit(op, vec![x])?;
    if let Value::Node(index) = value {
        importer.shapes[index] = to;
    }
    Ok(value)
}

pub(super) fn flatten<'a>(importer: &mut Importer<'a>, node: &'a Node<'a>) -> Outcome<Value<'a>> {
    let x = importer.input(node, 0)?;
    let shape = importer.shape(&x);
    let rank = shape.sizes.len();
    let from = match node.int("axis", 1) {
        last if last == rank as i64 => rank,
        other => axis(other, rank)?,
    };
    let (front, back) = shape.sizes.split_at(from);
    let holds = |front: bool| shape.batch.is_some_and(|batch| (batch.dim < from) == front);
    let target = [
        Size { count: super::dims::product(front)?, batch: holds(true) },
        Size { count: super::dims::product(back)?, batch: holds(false) },
    ];
    let to = shape.reshaped(&target, importer.dynamic)?;
    emit_reshape(importer, x, &shape, to)
}

pub(super) fn squeeze<'a>(importer: &mut Importer<'a>, node: &'a Node<'a>) -> Outcome<Value<'a>> {
    let x = importer.input(node, 0)?;
    let axes = importer.numbers_of(node, "axes", 1)?;
    if let Value::Sizes(Sizes { values, .. }) = &x
        && values.len() == 1
    {
        return Ok(Value::Sizes(Sizes { values: values.clone(), scalar: true }));
    }
    let shape = importer.shape(&x);
    let is_batch = |dim| shape.batch.is_some_and(|batch| batch.dim == dim);
    let rank = shape.sizes.len();
    let mut dims = match axes {
        Some(axes) => axes.into_iter().map(|at| axis(at, rank)).collect::<Outcome<Vec<_>>>()?,
        None => (0..rank).filter(|&dim| shape.sizes[dim] == 1 && !is_batch(dim)).collect(),
    };
    if let Some(dim) = dims.iter().find(|&&dim| shape.sizes[dim] != 1 || is_batch(dim)) {
        return Err(format!("dimension {dim} of {} can't go", Size::text(&shape.symbolic())));
    }
    dims.sort_unstable();
    dims.dedup();
    let drop = |x, &dim: &usize| importer.emit(Select { dim, index: 0 }, vec![x]);
    dims.iter().rev().try_fold(x, drop)
}

pub(super) fn unsqueeze<'a>(importer: &mut Importer<'a>, node: &'a Node<'a>) -> Outcome<Value<'a>> {
    let x = importer.input(node, 0)?;
    let list = importer.numbers_of(node, "axes", 1)?.ok_or("its axes are missing")?;
    if let Value::Sizes(Sizes { values, scalar: true }) = &x {
        return Ok(Value::Sizes(Sizes::row(values.clone())));
    }
    let mut dims = axes(&list, importer.shape(&x).sizes.len() + list.len())?;
    dims.sort_unstable();
    dims.into_iter().try_fold(x, |x, dim| importer.emit(Unsqueeze { dim }, vec![x]))
}

pub(super) fn transpose<'a>(importer: &mut Importer<'a>, node: &'a Node<'a>) -> Outcome<Value<'a>> {
    let x = importer.input(node, 0)?;
    if node.inputs.first().copied() == importer.turned && importer.turned.is_some() {
        return Ok(x);
    }
    let rank = importer.shape(&x).sizes.len();
    let order = match node.ints("perm") {
        Some(perm) => perm.iter().map(|&at| axis(at, rank)).collect::<Outcome<Vec<_>>>()?,
        None => (0..rank).rev().collect(),
    };
    importer.emit(Permute { order }, vec![x])
}

pub(super) fn concat<'a>(importer: &mut Importer<'a>, node: &'a Node<'a>) -> Outcome<Value<'a>> {
    let values = (0..node.inputs.len()).map(|index| importer.input(node, index));
    let values = values.collect::<Outcome<Vec<_>>>()?;
    let parts: Option<Vec<Sizes>> = values.iter().map(Value::sizes).collect();
    if let Some(parts) = parts {
        return Sizes::concat(&parts).map(Value::Sizes);
    }
    let rank = values.first().map_or(0, |value| importer.shape(value).sizes.len());
    let dim = axis(node.int("axis", 0), rank)?;
    importer.emit(Concat { dim }, values)
}

/// Repeats a constant. For the batch that is not needed: where it meets activations, one of them is
/// repeated for all images anyway.
pub(super) fn expand<'a>(importer: &mut Importer<'a>, node: &'a Node<'a>) -> Outcome<Value<'a>> {
    let x = importer.input(node, 0)?;
    let target = importer.input(node, 1)?.sizes().ok_or("its shape is computed from the images")?;
    let from = importer.shape(&x).symbolic();
    let rank = from.len().max(target.values.len());
    let stretched = |sizes: &[Size]| {
        let ones = vec![Size::fixed(1); rank - sizes.len()];
        [ones.as_slice(), sizes].concat()
    };
    let wanted = stretched(&target.values).into_iter().zip(stretched(&from));
    // A file for 32 images repeats for 32.
    let baked = |at: usize, to: Size| at == 0 && importer.images > 1 && to.count == importer.images;
    let wanted: Vec<Size> = wanted
        .enumerate()
        .map(|(at, (to, from))| match from.count {
            _ if to == Size::fixed(1) => from,
            // Windows of the file's images, their number written out.
            count if from.batch && to == Size::fixed(count) => from,
            1 if to.batch || baked(at, to) => from,
            _ => to,
        })
        .collect();
    if wanted == from {
        return Ok(x);
    }
    let Value::Constant(tensor, _) = &x else {
        return expanded(importer, x, &wanted);
    };
    let sizes = Sizes::row(wanted).numbers().ok_or("it repeats values for the batch")?;
    importer.budget.spend(&sizes)?;
    let repeated = tensor.f_expand(&sizes, false).and_then(|tensor| tensor.f_contiguous());
    Ok(Value::Constant(repeated.map_err(torch)?, ""))
}

/// Amounts and value are attributes before operator set 11.
pub(super) fn pad<'a>(importer: &mut Importer<'a>, node: &'a Node<'a>) -> Outcome<Value<'a>> {
    let x = importer.input(node, 0)?;
    let pads = importer.numbers_of(node, "pads", 1)?.ok_or("its amounts are missing")?;
    let mode = match node.text("mode", "constant").as_str() {
        "constant" => match importer.optional(node, 2)? {
            None => PadMode::Constant(node.float("value", 0.0)),
            // Exporters write no value as an empty one.
            Some(Value::Constant(none, _)) if none.numel() == 0 => PadMode::Constant(0.0),
            Some(value) => PadMode::Constant(value.scalar().ok_or("its value is no fixed number")?),
        },
        "reflect" => PadMode::Reflect,
        "edge" => PadMode::Edge,
        "wrap" => PadMode::Wrap,
        other => return Err(format!("mode {} is not supported", short(other))),
    };
    let shape = importer.shape(&x);
    let rank = shape.sizes.len();
    let list = importer.numbers(node, 3)?.unwrap_or_else(|| (0..rank as i64).collect());
    let (before, after) = pads.split_at(pads.len() / 2);
    if [before.len(), after.len()] != [list.len(); 2] {
        return Err(format!("{} amounts for {} dimensions", pads.len(), list.len()));
    }
    let mut amounts = vec![[0, 0]; rank];
    for ((&before, &after), dim) in before.iter().zip(after).zip(axes(&list, rank)?) {
        amounts[dim] = [before, after];
    }
    if shape.batch.is_some_and(|batch| amounts[batch.dim] != [0, 0]) {
        return Err("it pads the batch".to_owned());
    }
    if amounts.iter().all(|amount| *amount == [0, 0]) {
        return Ok(x);
    }
    importer.emit(Pad { amounts, mode }, vec![x])
}
