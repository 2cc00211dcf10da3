//! Layers with weights, normalizations, softmax.

use tch::{Kind, Tensor};

use super::dims::product;
use super::import::Importer;
use super::message::Node;
use super::rearrange::{axis, emit_reshape};
use super::sizes::Size;
use super::value::{Outcome, Value, torch};
use super::windows::{Window, pair, planes, unplaned};
use crate::network::Op;
use crate::network::ops::{
    Arithmetic, BatchNorm2d, Conv2d, LayerNorm, Linear, LogSoftmax, MatMul, Permute, Pointwise,
    Select, Softmax, Unsqueeze,
};

pub(super) fn conv<'a>(importer: &mut Importer<'a>, node: &'a Node<'a>) -> Outcome<Value<'a>> {
    let x = importer.input(node, 0)?;
    let (x, row) = planes(importer, x)?;
    let (weight, name, kernel) = kernel(importer, node, row)?;
    let bias = importer.weight(node, 2)?.map(|(bias, _)| bias);
    let out = weight.size().first().copied();
    if bias.as_ref().is_some_and(|bias| bias.size().as_slice() != out.as_slice()) {
        return Err(format!("weights {:?} do not fit the bias", weight.size()));
    }
    let window = Window::of(node, kernel, row)?;
    let Window { stride, dilation, .. } = window;
    let (x, padding) = window.bordered(importer, node, x, row)?;
    let groups = node.int("group", 1);
    let op = Conv2d { weight, bias, stride, padding, dilation, groups };
    let convolved = importer.emit_layer(op, vec![x], name)?;
    unplaned(importer, convolved, row)
}

/// The weights of a convolution, 2-D also for a row, with their name and their windows' size.
pub(super) fn kernel<'a>(
    importer: &mut Importer<'a>,
    node: &'a Node<'a>,
    row: bool,
) -> Outcome<(Tensor, &'a str, [i64; 2])> {
    let (weight, name) = importer.required(node, 1)?;
    let (weight, kernel) = match (weight.size().as_slice(), row) {
        (&[_, _, height, width], false) => (weight, [height, width]),
        (&[_, _, length], true) => (weight.f_unsqueeze(3).map_err(torch)?, [length, 1]),
        (other, _) => {
            return Err(format!("weights {other:?}: only 1-D and 2-D ones are supported"));
        }
    };
    if pair(node, "kernel_shape", row, 1)? != kernel && node.ints("kernel_shape").is_some() {
        return Err(format!("weights {:?} do not fit the kernel", weight.size()));
    }
    Ok((weight, name, kernel))
}

pub(super) fn batch_norm<'a>(
    importer: &mut Importer<'a>,
    node: &'a Node<'a>,
) -> Outcome<Value<'a>> {
    let x = importer.input(node, 0)?;
    let eps = node.float("epsilon", 1e-5);
    let (weight, name) = importer.required(node, 1)?;
    let (bias, _) = importer.required(node, 2)?;
    let [running_mean, running_var] = if node.int("training_mode", 0) != 0 {
        let Value::Constant(x, _) = &x else {
            return Err("it is in training mode: call `model.eval()` before the export".to_owned());
        };
        // Weights that are standardized each time they are used.
        statistics(importer, x)?
    } else {
        [importer.required(node, 3)?.0, importer.required(node, 4)?.0]
    };
    if node.int("spatial", 1) == 0 {
        return Err("its statistics are of each place (spatial=0): not supported".to_owned());
    }
    let channels = weight.size();
    if channels.len() != 1
        || [&bias, &running_mean, &running_var].iter().any(|t| t.size() != channels)
    {
        return Err("its four parameters are not of one size".to_owned());
    }
    let rank = importer.shape(&x).sizes.len();
    if rank == 4 {
        let op = BatchNorm2d { weight, bias, running_mean, running_var, eps };
        return importer.emit_layer(op, vec![x], name);
    }
    // Without height and width: a scale and a shift for each channel.
    importer.budget.spend(&[2, channels[0]])?;
    let scale_and_shift = || {
        let scale = weight.f_div(&running_var.f_add_scalar(eps)?.f_sqrt()?)?;
        let shift = bias.f_sub(&running_mean.f_mul(&scale)?)?;
        let size = if rank == 3 { vec![-1, 1] } else { vec![-1] };
        Ok((scale.f_reshape(&size)?, shift.f_reshape(&size)?))
    };
    let (scale, shift) = scale_and_shift().map_err(torch)?;
    let scaled = vec![x, Value::Constant(scale, "")];
    let scaled = importer.emit(Arithmetic::Mul, scaled)?;
    importer.emit(Op::ADD, vec![scaled, Value::Constant(shift, "")])
}

/// Mean and variance of each channel.
fn statistics(importer: &mut Importer, x: &Tensor) -> Outcome<[Tensor; 2]> {
    importer.budget.spend(&x.size())?;
    let over: Vec<i64> = (0..x.dim() as i64).filter(|&dim| dim != 1).collect();
    let statistics = || {
        let mean = x.f_mean_dim(over.as_slice(), true, None::<Kind>)?;
        let variance = x.f_sub(&mean)?.f_square()?;
        Ok([mean.f_reshape(-1)?, variance.f_mean_dim(over.as_slice(), false, None::<Kind>)?])
    };
    statistics().map_err(torch)
}

pub(super) fn layer_norm<'a>(
    importer: &mut Importer<'a>,
    node: &'a Node<'a>,
) -> Outcome<Value<'a>> {
    let x = importer.input(node, 0)?;
    let rank = importer.shape(&x).sizes.len();
    let from = axis(node.int("axis", -1), rank)?;
    let (weight, name) = importer.required(node, 1)?;
    let bias = importer.weight(node, 2)?.map(|(bias, _)| bias);
    if weight.dim() != rank - from || bias.as_ref().is_some_and(|b| b.size() != weight.size()) {
        return Err(format!("a scale {:?} for dimensions from {from} on", weight.size()));
    }
    let eps = node.float("epsilon", 1e-5);
    importer.emit_layer(LayerNorm { weight, bias, eps }, vec![x], name)
}

/// alpha·A·B + beta·C, with A and B transposed where it says so: a layer where B and C are fixed.
pub(super) fn gemm<'a>(importer: &mut Importer<'a>, node: &'a Node<'a>) -> Outcome<Value<'a>> {
    let x = importer.input(node, 0)?;
    let x = if node.int("transA", 0) != 0 { swapped(importer, x)? } else { x };
    let factors = importer.input(node, 1)?;
    let terms = importer.optional(node, 2)?;
    let (alpha, beta) = (node.float("alpha", 1.0), node.float("beta", 1.0));
    let fixed = |value: &Value| matches!(value, Value::Constant(..));
    if !fixed(&factors) || fixed(&x) || !terms.as_ref().is_none_or(fixed) {
        let factors =
            if node.int("transB", 0) != 0 { swapped(importer, factors)? } else { factors };
        let product = importer.emit(MatMul, vec![x, factors])?;
        let product = importer.emit(Pointwise::Scale { factor: alpha }, vec![product])?;
        let Some(terms) = terms else { return Ok(product) };
        let terms = importer.emit(Pointwise::Scale { factor: beta }, vec![terms])?;
        return importer.emit(Op::ADD, vec![product, terms]);
    }
    let (weight, name) = importer.required(node, 1)?;
    let bias = importer.weight(node, 2)?.map(|(bias, _)| bias);
    let weight =
        if node.int("transB", 0) != 0 { weight } else { importer.transposed(&weight, name)? };
    let weight = scaled(importer, weight, alpha)?;
    let out = weight.size().first().copied().unwrap_or_default();
    let bias = bias.map(|bias| {
        importer.budget.spend(&[out])?;
        // [out], [1, out], or one number for all.
        let row = bias.f_reshape(-1).and_then(|row| row.f_expand(out, false)?.f_contiguous());
        scaled(importer, row.map_err(torch)?, beta)
    });
    let bias = bias.transpose()?;
    importer.emit_layer(Linear { weight, bias }, vec![x], name)
}

fn swapped<'a>(importer: &mut Importer<'a>, matrix: Value<'a>) -> Outcome<Value<'a>> {
    importer.emit(Permute { order: vec![1, 0] }, vec![matrix])
}

/// With a fixed matrix a fully connected layer, else a product of two activations. A vector counts as
/// a row on the left, as a column on the right.
pub(super) fn mat_mul<'a>(importer: &mut Importer<'a>, node: &'a Node<'a>) -> Outcome<Value<'a>> {
    let (a, b) = (importer.input(node, 0)?, importer.input(node, 1)?);
    let is_vector = |value: &Value| importer.shape(value).sizes.len() == 1;
    let [row, column] = [is_vector(&a), is_vector(&b)];
    let a = if row { importer.emit(Unsqueeze { dim: 0 }, vec![a])? } else { a };
    let b = if column { importer.emit(Unsqueeze { dim: 1 }, vec![b])? } else { b };
    let product = match (&a, &b) {
        (Value::Node(_), Value::Constant(matrix, name)) if matrix.dim() == 2 => {
            let matrix = importer.cast(matrix, Kind::Float)?;
            let weight = importer.transposed(&matrix, name)?;
            importer.emit_layer(Linear { weight, bias: None }, vec![a], name)?
        }
        _ => importer.emit(MatMul, vec![a, b])?,
    };
    let rank = importer.shape(&product).sizes.len();
    // The last dimension first, so that the other one keeps its number.
    let mut extra = [column.then_some(1), row.then_some(2)].into_iter().flatten();
    extra.try_fold(product, |product, from_end| {
        let dim = rank.saturating_sub(from_end);
        importer.emit(Select { dim, index: 0 }, vec![product])
    })
}

fn scaled(importer: &mut Importer, tensor: Tensor, factor: f64) -> Outcome<Tensor> {
    if factor == 1.0 {
        return Ok(tensor);
    }
    importer.budget.spend(&tensor.size())?;
    tensor.f_mul_scalar(factor).map_err(torch)
}

/// Before operator set 13 over all dimensions from `axis` on, by default from the first after the
/// batch.
pub(super) fn softmax<'a>(importer: &mut Importer<'a>, node: &'a Node<'a>) -> Outcome<Value<'a>> {
    let old = importer.opset < 13;
    let x = importer.input(node, 0)?;
    let shape = importer.shape(&x);
    let rank = shape.sizes.len();
    let dim = axis(node.int("axis", if old { 1 } else { -1 }), rank)?;
    let several = old && shape.sizes[dim..].iter().filter(|&&size| size != 1).count() > 1;
    // Sizes of 1 behind it make no difference.
    let dim = if old && !several {
        (dim..rank).find(|&d| shape.sizes[d] != 1).unwrap_or(dim)
    } else {
        dim
    };
    if shape.batch.is_some_and(|batch| batch.dim == dim || (several && batch.dim > dim)) {
        return Err("it would mix the images of a batch".to_owned());
    }
    let op = |dim| -> Op {
        if node.op == "Softmax" { Softmax { dim }.into() } else { LogSoftmax { dim }.into() }
    };
    if !several {
        return importer.emit(op(dim), vec![x]);
    }
    let sizes = shape.symbolic();
    let row = Size::fixed(product(&shape.sizes[dim..])?);
    let flat = shape.reshaped(&[&sizes[..dim], &[row]].concat(), importer.dynamic)?;
    let rows = emit_reshape(importer, x, &shape, flat.clone())?;
    let result = importer.emit(op(dim), vec![rows])?;
    emit_reshape(importer, result, &flat, shape)
}
