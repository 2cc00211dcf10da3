//! Parts of constants, and constants with parts written over.

use tch::{Kind, TchError, Tensor};

use super::Known;
use crate::error::{shape_text, short};
use crate::network::onnx::parts::stepped;
use crate::network::onnx::rearrange::{axes, axis};
use crate::network::onnx::value::{Outcome, torch};

/// Indices that count from the front; all within `size`.
fn places(known: &mut Known, indices: &Tensor, size: i64) -> Outcome<Tensor> {
    known.budget.work(indices.numel() as u64)?;
    let indices = indices.f_to_kind(Kind::Int64).map_err(torch)?;
    if indices.numel() == 0 {
        return Ok(indices);
    }
    let bound = |of: Result<Tensor, TchError>| of?.f_int64_value(&[]);
    let [first, last] =
        [bound(indices.f_min()).map_err(torch)?, bound(indices.f_max()).map_err(torch)?];
    if first < size.saturating_neg() || last >= size {
        return Err(format!("indices from {first} to {last} in a dimension of {size}"));
    }
    let from_front = || indices.f_add_scalar(size)?.f_where_self(&indices.f_lt(0)?, &indices);
    from_front().map_err(torch)
}

pub(super) fn gather(known: &mut Known) -> Outcome<Tensor> {
    let [x, indices] = [known.input(0)?, known.input(1)?];
    let size = x.size();
    let dim = axis(known.node.int("axis", 0), size.len())?;
    let shape = [&size[..dim], &indices.size(), &size[dim.saturating_add(1)..]].concat();
    known.count(&shape, &[&indices])?;
    let places = places(known, &indices, size[dim])?;
    let taken = places.f_reshape(-1).and_then(|row| x.f_index_select(dim as i64, &row));
    taken.and_then(|taken| taken.f_reshape(&shape)).map_err(torch)
}

pub(super) fn gather_elements(known: &mut Known) -> Outcome<Tensor> {
    let [x, indices] = [known.input(0)?, known.input(1)?];
    let (dim, indices) = along(known, &x, &indices)?;
    known.count(&indices.size(), &[&indices])?;
    x.f_gather(dim, &indices, false).map_err(torch)
}

/// The dimension that indices of single elements count along, and these from the front.
fn along(known: &mut Known, x: &Tensor, indices: &Tensor) -> Outcome<(i64, Tensor)> {
    let (size, shape) = (x.size(), indices.size());
    let dim = axis(known.node.int("axis", 0), size.len())?;
    let fits = |at: usize| at == dim || shape.get(at).is_some_and(|have| have <= &size[at]);
    if shape.len() != size.len() || !(0..size.len()).all(fits) {
        let [size, shape] = [shape_text(&size), shape_text(&shape)];
        return Err(format!("indices {shape} into {size}"));
    }
    Ok((dim as i64, places(known, indices, size[dim])?))
}

/// For each dimension that the last of `indices` names, where in it: as libtorch indexes. `shared`
/// dimensions in front are those of the indices themselves.
fn tuples(
    known: &mut Known,
    x: &Tensor,
    indices: &Tensor,
    shared: usize,
) -> Outcome<Vec<Option<Tensor>>> {
    let (size, shape) = (x.size(), indices.size());
    let wrong = || format!("indices {} into {}", shape_text(&shape), shape_text(&size));
    let Some((&named, outer)) = shape.split_last() else { return Err(wrong()) };
    let named = usize::try_from(named).map_err(|_| wrong())?;
    if shared > outer.len()
        || named.checked_add(shared).is_none_or(|all| all > size.len())
        || size[..shared] != shape[..shared]
    {
        return Err(wrong());
    }
    let mut tuples = Vec::new();
    for (dim, &length) in size.iter().enumerate().take(shared) {
        let mut view = vec![1_i64; outer.len()];
        view[dim] = length;
        let row = Tensor::f_arange(length, (Kind::Int64, x.device()));
        tuples.push(Some(row.and_then(|row| row.f_reshape(&view)).map_err(torch)?));
    }
    for at in 0..named {
        let part = indices.f_select(-1, at as i64).map_err(torch)?;
        tuples.push(Some(places(known, &part, size[shared.saturating_add(at)])?));
    }
    Ok(tuples)
}

pub(super) fn gather_nd(known: &mut Known) -> Outcome<Tensor> {
    let [x, indices] = [known.input(0)?, known.input(1)?];
    let shared = usize::try_from(known.node.int("batch_dims", 0)).unwrap_or(usize::MAX);
    let tuples = tuples(known, &x, &indices, shared)?;
    let outer = indices.size().split_last().map(|(_, outer)| outer.to_vec()).unwrap_or_default();
    let shape = [&outer, x.size().get(tuples.len()..).unwrap_or_default()].concat();
    known.count(&shape, &[&indices])?;
    x.f_index(&tuples).map_err(torch)
}

pub(super) fn scatter_nd(known: &mut Known) -> Outcome<Tensor> {
    let [x, indices, updates] = [known.input(0)?, known.input(1)?, known.input(2)?];
    let accumulate = match known.node.text("reduction", "none").as_str() {
        "none" => false,
        "add" => true,
        other => {
            return Err(format!("reduction `{}` is not supported", short(other)));
        }
    };
    let tuples = tuples(known, &x, &indices, 0)?;
    known.count(&x.size(), &[&indices, &updates])?;
    let updates = updates.f_to_kind(x.kind()).map_err(torch)?;
    x.f_index_put(&tuples, &updates, accumulate).map_err(torch)
}

pub(super) fn scatter_elements(known: &mut Known) -> Outcome<Tensor> {
    let [x, indices, updates] = [known.input(0)?, known.input(1)?, known.input(2)?];
    if indices.size() != updates.size() {
        return Err("its indices and updates are not of one shape".to_owned());
    }
    let (dim, indices) = along(known, &x, &indices)?;
    known.count(&x.size(), &[&indices, &updates])?;
    let updates = updates.f_to_kind(x.kind()).map_err(torch)?;
    let result = match known.node.text("reduction", "none").as_str() {
        "none" => x.f_scatter(dim, &indices, &updates),
        "add" => x.f_scatter_add(dim, &indices, &updates),
        "mul" => x.f_scatter_reduce(dim, &indices, &updates, "prod"),
        "max" => x.f_scatter_reduce(dim, &indices, &updates, "amax"),
        "min" => x.f_scatter_reduce(dim, &indices, &updates, "amin"),
        other => {
            return Err(format!("reduction `{}` is not supported", short(other)));
        }
    };
    result.map_err(torch)
}

/// In any direction.
pub(super) fn slice(known: &mut Known) -> Outcome<Tensor> {
    let mut x = known.input(0)?;
    let starts = known.numbers_of("starts", 1)?.ok_or("its starts are missing")?;
    let ends = known.numbers_of("ends", 2)?.ok_or("its ends are missing")?;
    let list = known.numbers_of("axes", 3)?;
    let list = list.unwrap_or_else(|| (0..starts.len() as i64).collect());
    let steps = known.numbers(4)?.unwrap_or_else(|| vec![1; starts.len()]);
    if [ends.len(), list.len(), steps.len()] != [starts.len(); 3] {
        return Err("its starts, ends, axes and steps are not as many".to_owned());
    }
    let dims = axes(&list, x.dim())?;
    for (((start, end), dim), step) in starts.into_iter().zip(ends).zip(dims).zip(steps) {
        let size = x.size()[dim];
        let places = stepped(size, [start, end, step])?;
        if places.len() as i64 == size && step > 0 {
            continue;
        }
        let mut shape = x.size();
        shape[dim] = places.len() as i64;
        known.count(&shape, &[])?;
        let row = Tensor::f_from_slice(&places);
        x = row.and_then(|row| x.f_index_select(dim as i64, &row)).map_err(torch)?;
    }
    Ok(x)
}

/// The indices of what is not 0, a row for each dimension.
pub(super) fn non_zero(known: &mut Known) -> Outcome<Tensor> {
    let x = known.input(0)?;
    known.count(&[x.dim() as i64, x.numel() as i64], &[&x])?;
    let found = x.f_nonzero().and_then(|found| found.f_transpose(0, 1)?.f_contiguous());
    found.map_err(torch)
}
