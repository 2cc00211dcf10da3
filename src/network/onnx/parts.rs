//! Operators that take parts of a value.

use tch::Kind;

use super::import::Importer;
use super::message::Node;
use super::rearrange::{axes, axis, emit_reshape};
use super::sizes::Size;
use super::value::{Outcome, Value, torch};
use crate::network::ops::{IndexSelect, Select, Slice};

pub(super) fn slice<'a>(importer: &mut Importer<'a>, node: &'a Node<'a>) -> Outcome<Value<'a>> {
    let x = importer.input(node, 0)?;
    let starts = importer.numbers_of(node, "starts", 1)?.ok_or("its starts are missing")?;
    let ends = importer.numbers_of(node, "ends", 2)?.ok_or("its ends are missing")?;
    let list = importer.numbers_of(node, "axes", 3)?;
    let list = list.unwrap_or_else(|| (0..starts.len() as i64).collect());
    let steps = importer.numbers(node, 4)?.unwrap_or_else(|| vec![1; starts.len()]);
    if [ends.len(), list.len(), steps.len()] != [starts.len(); 3] {
        return Err("its starts, ends, axes and steps are not as many".to_owned());
    }
    if let (Some(sizes), [start], [end], [step]) =
        (x.sizes(), starts.as_slice(), ends.as_slice(), steps.as_slice())
    {
        return sizes.slice(*start, *end, *step).map(Value::Sizes);
    }
    let dims = axes(&list, importer.shape(&x).sizes.len())?;
    let mut value = x;
    for (((start, end), dim), step) in starts.into_iter().zip(ends).zip(dims).zip(steps) {
        value = part(importer, value, dim, [start, end, step])?;
    }
    Ok(value)
}

/// `start..end` in steps along a dimension; nothing to do where that is all of it.
fn part<'a>(
    importer: &mut Importer<'a>,
    x: Value<'a>,
    dim: usize,
    [start, end, step]: [i64; 3],
) -> Outcome<Value<'a>> {
    let shape = importer.shape(&x);
    let size = shape.sizes[dim];
    let is_batch = shape.batch.is_some_and(|batch| batch.dim == dim);
    // "To the end" is written as a number beyond any size.
    let to_end = end >= if is_batch && importer.dynamic { i64::from(i32::MAX) } else { size };
    if start == 0 && step == 1 && to_end {
        return Ok(x);
    }
    if is_batch {
        return Err("a part of the batch is taken: it would not hold for another one".to_owned());
    }
    if step < 0 {
        let indices = stepped(size, [start, end, step])?;
        return importer.emit(IndexSelect { dim, indices }, vec![x]);
    }
    importer.emit(Slice { dim, start, end, step }, vec![x])
}

/// The indices that ONNX's and Python's `start:end:step` take of a dimension, backwards too.
pub(super) fn stepped(size: i64, [start, end, step]: [i64; 3]) -> Outcome<Vec<i64>> {
    let stride = usize::try_from(step.unsigned_abs()).ok().filter(|&stride| stride > 0);
    let stride = stride.ok_or("a step of 0")?;
    let from_front = |index: i64| if index < 0 { index.saturating_add(size) } else { index };
    let last = size.saturating_sub(1);
    if step > 0 {
        let [start, end] = [start, end].map(|index| from_front(index).clamp(0, size));
        return Ok((start..end).step_by(stride).collect());
    }
    let start = from_front(start).clamp(-1, last);
    let end = from_front(end).clamp(-1, last);
    Ok((end.saturating_add(1)..start.saturating_add(1)).rev().step_by(stride).collect())
}

/// Indices that count from the front; all within `size`.
pub(super) fn places(indices: &[i64], size: i64) -> Outcome<Vec<i64>> {
    let place = |&index: &i64| {
        let place = if index < 0 { index.saturating_add(size) } else { index };
        let within = (0..size).contains(&place).then_some(place);
        within.ok_or_else(|| format!("index {index} in a dimension of {size}"))
    };
    indices.iter().map(place).collect()
}

/// One index, or several: at equal distances they are a slice.
pub(super) fn gather<'a>(importer: &mut Importer<'a>, node: &'a Node<'a>) -> Outcome<Value<'a>> {
    let (x, indices) = (importer.input(node, 0)?, importer.input(node, 1)?);
    if let (Some(sizes), Some(indices)) = (x.sizes(), indices.sizes()) {
        return sizes.gather(&indices).map(Value::Sizes);
    }
    let shape = importer.shape(&x);
    let dim = axis(node.int("axis", 0), shape.sizes.len())?;
    let many = importer.shape(&indices).sizes;
    importer.budget.work(many.iter().product::<i64>().unsigned_abs())?;
    let numbers = indices.tensor().and_then(|tensor| {
        let flat = tensor.f_to_kind(Kind::Int64).and_then(|t| t.f_reshape(-1)).map_err(torch)?;
        Vec::<i64>::try_from(flat).map_err(torch)
    })?;
    let size = shape.sizes[dim];
    let numbers = places(&numbers, size)?;
    let &[first, ref rest @ ..] = numbers.as_slice() else {
        return Err("it gathers nothing".to_owned());
    };
    let is_batch = shape.batch.is_some_and(|batch| batch.dim == dim);
    if many.is_empty() {
        return importer.emit(Select { dim, index: first }, vec![x]);
    }
    let step = rest.first().map_or(1, |second| second.saturating_sub(first));
    let even = numbers.windows(2).all(|pair| pair[1].checked_sub(pair[0]) == Some(step));
    let taken = if step > 0 && even {
        // All of a batch written out for one image is all of any batch.
        let all = (first, step, numbers.len() as i64) == (0, 1, size);
        let last = rest.last().copied().unwrap_or(first);
        let end =
            if all && is_batch && !importer.dynamic { i64::MAX } else { last.saturating_add(1) };
        part(importer, x, dim, [first, end, step])?
    } else if is_batch {
        return Err("images of the batch are taken: it would not hold for another one".to_owned());
    } else {
        importer.emit(IndexSelect { dim, indices: numbers }, vec![x])?
    };
    let from = importer.shape(&taken);
    let sizes = from.symbolic();
    let many: Vec<Size> = many.iter().map(|&n| Size::fixed(n)).collect();
    let target = match many.as_slice() {
        // A single row of indices leaves the dimensions as they are.
        [_] => return Ok(taken),
        _ => [&sizes[..dim], &many, &sizes[dim.saturating_add(1)..]].concat(),
    };
    let to = from.reshaped(&target, importer.dynamic)?;
    emit_reshape(importer, taken, &from, to)
}

pub(super) fn split<'a>(
    importer: &mut Importer<'a>,
    node: &'a Node<'a>,
) -> Outcome<Vec<Value<'a>>> {
    let x = importer.input(node, 0)?;
    let shape = importer.shape(&x);
    let dim = axis(node.int("axis", 0), shape.sizes.len())?;
    let size = shape.sizes[dim];
    let count = node.outputs.len() as i64;
    let each = size.saturating_add(count.saturating_sub(1)).checked_div(count).unwrap_or(size);
    let parts = match importer.numbers_of(node, "split", 1)? {
        Some(parts) if parts.len() != node.outputs.len() => {
            return Err(format!("{} parts for {count} outputs", parts.len()));
        }
        Some(parts) => parts,
        None => vec![each; node.outputs.len()],
    };
    let mut values = Vec::new();
    let mut start = 0_i64;
    for part_size in parts {
        let end = start.saturating_add(part_size);
        values.push(part(importer, x.share(), dim, [start, end, 1])?);
        start = end;
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::stepped;

    #[test]
    fn parts_as_python_takes_them() {
        for (of, expected) in [
            ([0, 5, 1], vec![0, 1, 2, 3, 4]),
            ([-1, i64::MIN, -1], vec![4, 3, 2, 1, 0]),
            ([3, 0, -1], vec![3, 2, 1]),
            ([9, -9, -2], vec![4, 2, 0]),
            ([-2, 1, -1], vec![3, 2]),
            ([1, i64::MAX, 2], vec![1, 3]),
            ([4, 2, 1], vec![]),
        ] {
            assert_eq!(stepped(5, of), Ok(expected), "{of:?}");
        }
        assert!(stepped(5, [0, 5, 0]).is_err());
    }
}
