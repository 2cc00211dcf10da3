//! Normalizations that see a whole map, or neighboring channels.

use tch::Tensor;

use super::import::Importer;
use super::message::Node;
use super::rearrange::{axes, axis};
use super::value::{Outcome, Value, torch};
use crate::network::ops::broadcast;
use crate::network::ops::{
    Arithmetic, GroupNorm, LocalResponseNorm, Pointwise, Reduce, Reduction, RmsNorm,
};

pub(super) fn instance<'a>(importer: &mut Importer<'a>, node: &'a Node<'a>) -> Outcome<Value<'a>> {
    let x = importer.input(node, 0)?;
    let (weight, name) = importer.required(node, 1)?;
    let (bias, _) = importer.required(node, 2)?;
    let groups = weight.size().first().copied().unwrap_or_default();
    let eps = node.float("epsilon", 1e-5);
    importer.emit_layer(GroupNorm { groups, weight, bias, eps }, vec![x], name)
}

/// Scale and shift are for each channel, in operator set 18 for each group.
pub(super) fn group<'a>(importer: &mut Importer<'a>, node: &'a Node<'a>) -> Outcome<Value<'a>> {
    let x = importer.input(node, 0)?;
    let (weight, name) = importer.required(node, 1)?;
    let (bias, _) = importer.required(node, 2)?;
    let groups = node.int("num_groups", 0);
    let channels = importer.shape(&x).sizes.get(1).copied().unwrap_or_default();
    let mut of_channels = |of_groups: Tensor| {
        let each = channels.checked_div(groups).unwrap_or_default();
        if of_groups.size() != [groups] || each <= 1 {
            return Ok(of_groups);
        }
        importer.budget.spend(&[channels])?;
        of_groups.f_repeat_interleave_self_int(each, 0, None).map_err(torch)
    };
    let (weight, bias) = (of_channels(weight)?, of_channels(bias)?);
    let eps = node.float("epsilon", 1e-5);
    importer.emit_layer(GroupNorm { groups, weight, bias, eps }, vec![x], name)
}

pub(super) fn rms<'a>(importer: &mut Importer<'a>, node: &'a Node<'a>) -> Outcome<Value<'a>> {
    let x = importer.input(node, 0)?;
    let sizes = importer.shape(&x).sizes;
    let from = axis(node.int("axis", -1), sizes.len())?;
    let (weight, name) = importer.required(node, 1)?;
    let normalized = &sizes[from..];
    if broadcast(&weight.size(), normalized).as_deref() != Some(normalized) {
        return Err(format!("a scale {:?} for {normalized:?}", weight.size()));
    }
    importer.budget.spend(normalized)?;
    let weight = weight.f_expand(normalized, false).and_then(|weight| weight.f_contiguous());
    let eps = node.float("epsilon", 1e-5);
    importer.emit_layer(RmsNorm { weight: weight.map_err(torch)?, eps }, vec![x], name)
}

pub(super) fn local_response<'a>(
    importer: &mut Importer<'a>,
    node: &'a Node<'a>,
) -> Outcome<Value<'a>> {
    let x = importer.input(node, 0)?;
    let op = LocalResponseNorm {
        size: node.int("size", 0),
        alpha: node.float("alpha", 1e-4),
        beta: node.float("beta", 0.75),
        k: node.float("bias", 1.0),
    };
    importer.emit(op, vec![x])
}

/// (x − mean) / deviation over axes that the node names.
pub(super) fn mean_variance<'a>(
    importer: &mut Importer<'a>,
    node: &'a Node<'a>,
) -> Outcome<Value<'a>> {
    let x = importer.input(node, 0)?;
    let named = node.ints("axes").unwrap_or(&[0, 2, 3]);
    let dims = axes(named, importer.shape(&x).sizes.len())?;
    let mean = Reduce { by: Reduction::Mean, dims, keep_dims: true };
    let center = importer.emit(mean.clone(), vec![x.share()])?;
    let centered = importer.emit(Arithmetic::Sub, vec![x, center])?;
    let squares = importer.emit(Pointwise::Pow { exponent: 2.0 }, vec![centered.share()])?;
    let variance = importer.emit(mean, vec![squares])?;
    let deviation = importer.emit(Pointwise::Sqrt, vec![variance])?;
    let deviation = importer.emit(Pointwise::Shift { term: 1e-9 }, vec![deviation])?;
    importer.emit(Arithmetic::Div, vec![centered, deviation])
}
