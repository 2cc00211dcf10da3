//! Networks quantized by pairs of `QuantizeLinear` and `DequantizeLinear` around plain operators.

use tch::{Kind, Tensor};

use super::import::Importer;
use super::message::Node;
use super::rearrange::axis;
use super::value::{Outcome, Value, torch};
use crate::network::ops::{Arithmetic, Pointwise, Quantize};

pub(super) fn quantize<'a>(importer: &mut Importer<'a>, node: &'a Node<'a>) -> Outcome<Value<'a>> {
    let x = importer.input(node, 0)?;
    check_blocks(node)?;
    let scale = importer.reals(node, 1)?.ok_or("its scale is missing")?;
    let zero_point = importer.reals(node, 2)?.unwrap_or_else(|| vec![0.0; scale.len()]);
    let (low, high) = range(importer, node)?;
    #[allow(clippy::cast_possible_truncation, reason = "whole numbers of 16 bits at most")]
    let zero_point = zero_point.into_iter().map(|number| number as i64).collect();
    let rank = importer.shape(&x).sizes.len();
    let dim = if scale.len() == 1 { 0 } else { axis(node.int("axis", 1), rank)? };
    importer.emit(Quantize { scale, zero_point, dim, low, high }, vec![x])
}

/// Fixed weights keep the name that they had before they were quantized, so that it names their layer.
pub(super) fn dequantize<'a>(
    importer: &mut Importer<'a>,
    node: &'a Node<'a>,
) -> Outcome<Value<'a>> {
    let x = importer.input(node, 0)?;
    let before = match &x {
        Value::Constant(_, name) => name.strip_suffix("_quantized"),
        _ => None,
    };
    let before = before.filter(|name| importer.data_type(name).is_none()).unwrap_or("");
    match dequantized(importer, node, x)? {
        Value::Constant(tensor, _) => Ok(Value::Constant(tensor, before)),
        value => Ok(value),
    }
}

/// (x − zero point)·scale
fn dequantized<'a>(
    importer: &mut Importer<'a>,
    node: &'a Node<'a>,
    mut x: Value<'a>,
) -> Outcome<Value<'a>> {
    check_blocks(node)?;
    let (scale, _) = importer.required(node, 1)?;
    let zero_point = importer.weight(node, 2)?.map(|(zero_point, _)| zero_point);
    if let Value::Constant(whole, _) = &x {
        x = Value::Constant(importer.cast(whole, Kind::Float)?, "");
    }
    let rank = importer.shape(&x).sizes.len();
    if scale.numel() == 1 {
        let number = |one: &Tensor| one.f_reshape(-1).and_then(|row| row.f_double_value(&[0]));
        let zero = zero_point.as_ref().map(number).transpose().map_err(torch)?.unwrap_or(0.0);
        if zero != 0.0 {
            x = importer.emit(Pointwise::Shift { term: -zero }, vec![x])?;
        }
        let factor = number(&scale).map_err(torch)?;
        return importer.emit(Pointwise::Scale { factor }, vec![x]);
    }
    let mut shape = vec![1; rank];
    shape[axis(node.int("axis", 1), rank)?] = -1;
    let along = |row: &Tensor| row.f_reshape(&shape).map_err(torch);
    if let Some(zero_point) = zero_point {
        let zero_point = Value::Constant(along(&zero_point)?, "");
        x = importer.emit(Arithmetic::Sub, vec![x, zero_point])?;
    }
    let scale = Value::Constant(along(&scale)?, "");
    importer.emit(Arithmetic::Mul, vec![x, scale])
}

fn check_blocks(node: &Node) -> Outcome<()> {
    match node.int("block_size", 0) {
        0 => Ok(()),
        _ => Err("scales for blocks are not supported".to_owned()),
    }
}

/// The smallest and the largest number of the type that the zero point or the node names.
fn range(importer: &Importer, node: &Node) -> Outcome<(i64, i64)> {
    const UINT8: i64 = 2;
    let named = node.inputs.get(2).filter(|name| !name.is_empty());
    let kind = match named.map(|name| importer.data_type(name)) {
        Some(Some(kind)) => kind,
        Some(None) => return Err("the type of its zero point is not known".to_owned()),
        None => match node.int("output_dtype", 0) {
            0 => UINT8,
            kind => kind,
        },
    };
    match kind {
        UINT8 => Ok((0, 255)),
        3 => Ok((-128, 127)),
        4 => Ok((0, 65_535)),
        5 => Ok((-32_768, 32_767)),
        other => Err(format!("data type {other} is not supported (8 and 16 bits are)")),
    }
}
