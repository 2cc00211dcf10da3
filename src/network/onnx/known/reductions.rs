//! Along dimensions.

use tch::{Kind, Tensor};

use super::Known;
use crate::network::onnx::rearrange::{axes, axis};
use crate::network::onnx::value::{Outcome, torch};

pub(super) fn reduce(known: &mut Known) -> Outcome<Tensor> {
    let x = known.input(0)?;
    let list = known.numbers_of("axes", 1)?.unwrap_or_default();
    if list.is_empty() && known.node.int("noop_with_empty_axes", 0) != 0 {
        return Ok(x);
    }
    let mut dims = axes(&list, x.dim())?;
    if dims.is_empty() {
        dims = (0..x.dim()).collect();
    }
    dims.sort_unstable();
    let keep = known.node.int("keepdims", 1) != 0;
    known.count(&x.size(), &[])?;
    let mut result = x.shallow_clone();
    // From the last on, so that the others' numbers stay.
    for dim in dims.into_iter().rev().map(|dim| dim as i64) {
        result = match known.node.op {
            "ReduceSum" => result.f_sum_dim_intlist([dim].as_slice(), keep, x.kind()),
            "ReduceProd" => result.f_prod_dim_int(dim, keep, x.kind()),
            "ReduceMax" => result.f_amax([dim].as_slice(), keep),
            _ => result.f_amin([dim].as_slice(), keep),
        }
        .map_err(torch)?;
    }
    Ok(result)
}

/// Where along a dimension the largest or smallest number stands.
pub(super) fn arg(known: &mut Known) -> Outcome<Tensor> {
    let x = known.input(0)?;
    let dim = axis(known.node.int("axis", 0), x.dim())?;
    let (length, dim) = (x.size()[dim], dim as i64);
    let keep = known.node.int("keepdims", 1) != 0;
    let last = known.node.int("select_last_index", 0) != 0;
    known.count(&x.size(), &[])?;
    let found = || {
        let x = if known.node.op == "ArgMin" { x.f_neg()? } else { x.shallow_clone() };
        if !last {
            return x.f_argmax(dim, keep);
        }
        let from_behind = x.f_flip([dim])?.f_argmax(dim, keep)?;
        from_behind.f_neg()?.f_add_scalar(length.saturating_sub(1))
    };
    found().and_then(|found| found.f_to_kind(Kind::Int64)).map_err(torch)
}
