//! Constants made by a rule.

use tch::{Kind, Tensor};

use super::Known;
use crate::network::onnx::dims::product;
use crate::network::onnx::rearrange::axis;
use crate::network::onnx::value::{Outcome, torch};

pub(super) fn range(known: &mut Known) -> Outcome<Tensor> {
    let [start, limit, step] = [known.input(0)?, known.input(1)?, known.input(2)?];
    let number = |of: &Tensor| {
        let one = if of.numel() == 1 {
            of.f_reshape(-1).map_err(torch)?
        } else {
            return Err("its bounds are no single numbers".to_owned());
        };
        one.f_double_value(&[0]).map_err(torch)
    };
    let [from, to, by] = [number(&start)?, number(&limit)?, number(&step)?];
    let count = ((to - from) / by).ceil();
    if !(1.0..1e9).contains(&count) {
        return Err(format!("the range from {from} to {to} in steps of {by}"));
    }
    #[allow(clippy::cast_possible_truncation, reason = "from 1 to 1e9")]
    let count = count as i64;
    known.count(&[count], &[])?;
    let kind = if start.kind() == Kind::Int64 { Kind::Int64 } else { Kind::Float };
    let steps = Tensor::f_arange(count, (Kind::Double, start.device()));
    let row = steps.and_then(|steps| steps.f_mul_scalar(by)?.f_add_scalar(from)?.f_to_kind(kind));
    row.map_err(torch)
}

pub(super) fn tile(known: &mut Known) -> Outcome<Tensor> {
    let x = known.input(0)?;
    let repeats = known.numbers(1)?.ok_or("its repeats are missing")?;
    let size = x.size();
    if repeats.len() != size.len() || repeats.iter().any(|&times| times < 1) {
        return Err(format!("repeats {repeats:?} of {size:?}"));
    }
    let shape: Option<Vec<i64>> =
        size.iter().zip(&repeats).map(|(size, times)| size.checked_mul(*times)).collect();
    known.count(&shape.ok_or("it repeats too often")?, &[])?;
    x.f_repeat(&repeats).map_err(torch)
}

/// Of each matrix the part above or below a diagonal; 0 elsewhere.
pub(super) fn trilu(known: &mut Known) -> Outcome<Tensor> {
    let x = known.input(0)?;
    let diagonal = known.numbers(1)?.and_then(|numbers| numbers.first().copied()).unwrap_or(0);
    // Beyond a matrix nothing changes.
    let diagonal = diagonal.clamp(-(1 << 31), 1 << 31);
    known.count(&x.size(), &[])?;
    let part =
        if known.node.int("upper", 1) != 0 { x.f_triu(diagonal) } else { x.f_tril(diagonal) };
    part.map_err(torch)
}

pub(super) fn cum_sum(known: &mut Known) -> Outcome<Tensor> {
    let x = known.input(0)?;
    let at = known.numbers(1)?.and_then(|numbers| numbers.first().copied());
    let dim = axis(at.ok_or("its axis is missing")?, x.dim())? as i64;
    known.count(&x.size(), &[&x, &x])?;
    let (backwards, exclusive) =
        (known.node.int("reverse", 0) != 0, known.node.int("exclusive", 0) != 0);
    let sums = || {
        let x = if backwards { x.f_flip([dim])? } else { x.shallow_clone() };
        let sums = x.f_cumsum(dim, x.kind())?;
        let sums = if exclusive { sums.f_sub(&x)? } else { sums };
        if backwards { sums.f_flip([dim]) } else { Ok(sums) }
    };
    sums().map_err(torch)
}

pub(super) fn one_hot(known: &mut Known) -> Outcome<Tensor> {
    let [indices, values] = [known.input(0)?, known.input(2)?];
    let depth = known.numbers(1)?.and_then(|numbers| numbers.first().copied());
    let depth = depth.filter(|&depth| depth > 0).ok_or("its depth is missing")?;
    if values.numel() != 2 {
        return Err("expected two values, off and on".to_owned());
    }
    let rank = indices.dim().saturating_add(1);
    let dim = axis(known.node.int("axis", -1), rank)?;
    let mut shape = indices.size();
    shape.insert(dim, depth);
    known.count(&shape, &[&indices])?;
    let mut view = vec![1_i64; rank];
    view[dim] = depth;
    let hot = || {
        let indices = indices.f_to_kind(Kind::Int64)?;
        let wrapped = indices.f_add_scalar(depth)?.f_where_self(&indices.f_lt(0)?, &indices)?;
        let places = Tensor::f_arange(depth, (Kind::Int64, indices.device()))?.f_reshape(&view)?;
        let on = wrapped.f_unsqueeze(dim as i64)?.f_eq_tensor(&places)?;
        let values = values.f_reshape(-1)?;
        values.f_get(1)?.f_where_self(&on, &values.f_get(0)?)
    };
    hot().map_err(torch)
}

/// A matrix with ones on a diagonal.
pub(super) fn eye_like(known: &mut Known) -> Outcome<Tensor> {
    let x = known.input(0)?;
    let &[rows, columns] = x.size().as_slice() else {
        return Err("expected a matrix".to_owned());
    };
    product(&[rows, columns])?;
    known.count(&[rows, columns], &[])?;
    let shift = known.node.int("k", 0).clamp(-(1 << 31), 1 << 31);
    let eye = || {
        let ones = x.f_ones_like()?;
        ones.f_triu(shift)?.f_tril(shift)
    };
    eye().map_err(torch)
}
