//! Operators that make one number of many.

use super::import::Importer;
use super::message::Node;
use super::rearrange::axis;
use super::value::{Outcome, Value};
use crate::network::ops::{AdaptiveAvgPool2d, Arithmetic, Pointwise, Reduce, Reduction};

pub(super) fn reduce<'a>(importer: &mut Importer<'a>, node: &'a Node<'a>) -> Outcome<Value<'a>> {
    let x = importer.input(node, 0)?;
    let rank = importer.shape(&x).sizes.len();
    let axes = importer.numbers_of(node, "axes", 1)?.unwrap_or_default();
    let mut dims = axes.into_iter().map(|at| axis(at, rank)).collect::<Outcome<Vec<usize>>>()?;
    dims.sort_unstable();
    dims.dedup();
    if dims.is_empty() && node.int("noop_with_empty_axes", 0) == 0 {
        dims = (0..rank).collect();
    }
    let (before, by, after) = match node.op {
        "ReduceMean" => (None, Reduction::Mean, None),
        "ReduceMax" => (None, Reduction::Max, None),
        "ReduceMin" => (None, Reduction::Min, None),
        "ReduceProd" => (None, Reduction::Product, None),
        "ReduceL1" => (Some(Pointwise::Abs), Reduction::Sum, None),
        "ReduceL2" => (None, Reduction::L2, None),
        "ReduceSumSquare" => (Some(Pointwise::Pow { exponent: 2.0 }), Reduction::Sum, None),
        "ReduceLogSum" => (None, Reduction::Sum, Some(Pointwise::Log)),
        "ReduceLogSumExp" => (None, Reduction::LogSumExp, None),
        _ => (None, Reduction::Sum, None),
    };
    let x = apply(importer, before, x)?;
    if dims.is_empty() {
        return apply(importer, after, x);
    }
    let reduce = Reduce { by, dims, keep_dims: node.int("keepdims", 1) != 0 };
    let reduced = importer.emit(reduce, vec![x])?;
    apply(importer, after, reduced)
}

fn apply<'a>(
    importer: &mut Importer<'a>,
    function: Option<Pointwise>,
    x: Value<'a>,
) -> Outcome<Value<'a>> {
    match function {
        Some(function) => importer.emit(function, vec![x]),
        None => Ok(x),
    }
}

/// All places of a map become one.
pub(super) fn global_pool<'a>(
    importer: &mut Importer<'a>,
    node: &'a Node<'a>,
) -> Outcome<Value<'a>> {
    let x = importer.input(node, 0)?;
    let rank = importer.shape(&x).sizes.len();
    let by = if node.op == "GlobalMaxPool" { Reduction::Max } else { Reduction::Mean };
    if rank == 4 && by == Reduction::Mean {
        return importer.emit(AdaptiveAvgPool2d { output: [1, 1] }, vec![x]);
    }
    importer.emit(Reduce { by, dims: (2..rank).collect(), keep_dims: true }, vec![x])
}

/// Divides by the length along an axis; a vector of zeros stays one.
pub(super) fn lp_normalization<'a>(
    importer: &mut Importer<'a>,
    node: &'a Node<'a>,
) -> Outcome<Value<'a>> {
    let x = importer.input(node, 0)?;
    let dim = axis(node.int("axis", -1), importer.shape(&x).sizes.len())?;
    let (before, by) = match node.int("p", 2) {
        1 => (Some(Pointwise::Abs), Reduction::Sum),
        2 => (None, Reduction::L2),
        p => return Err(format!("p is {p}, supported are 1 and 2")),
    };
    let values = apply(importer, before, x.share())?;
    let length = importer.emit(Reduce { by, dims: vec![dim], keep_dims: true }, vec![values])?;
    let smallest = f64::from(f32::MIN_POSITIVE);
    let length =
        importer.emit(Pointwise::Clamp { low: smallest, high: f64::INFINITY }, vec![length])?;
    importer.emit(Arithmetic::Div, vec![x, length])
}
