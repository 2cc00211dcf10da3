//! Layers with weights, poolings, normalizations, softmax.

use tch::{Kind, Tensor};

use super::import::Importer;
use super::message::Node;
use super::rearrange::axis;
use super::value::{Outcome, Value, torch};
use crate::error::short;
use crate::network::Op;
use crate::network::ops::{
    AdaptiveAvgPool2d, Arithmetic, AvgPool2d, BatchNorm2d, Conv2d, LayerNorm, Linear, LogSoftmax,
    MatMul, MaxPool2d, Mean, Pad, Softmax,
};

pub(super) fn conv<'a>(importer: &mut Importer<'a>, node: &'a Node<'a>) -> Outcome<Value<'a>> {
    let x = importer.input(node, 0)?;
    let (weight, name) = importer.required(node, 1)?;
    let bias = importer.weight(node, 2)?.map(|(bias, _)| bias);
    let &[out, _, height, width] = weight.size().as_slice() else {
        return Err(format!("weights {:?}: only 2-D convolutions are supported", weight.size()));
    };
    let kernel = [height, width];
    if node.ints("kernel_shape").is_some_and(|declared| declared != kernel)
        || bias.as_ref().is_some_and(|bias| bias.size() != [out])
    {
        return Err(format!("weights {:?} fit neither kernel nor bias", weight.size()));
    }
    let stride = pair(node, "strides", [1, 1])?;
    let dilation = pair(node, "dilations", [1, 1])?;
    let (x, padding) = match padding(node, kernel, stride, dilation)? {
        [[top, bottom], [left, right]] if top == bottom && left == right && top.min(left) >= 0 => {
            (x, [top, left])
        }
        uneven => {
            let amounts = vec![[0, 0], [0, 0], uneven[0], uneven[1]];
            (importer.emit(Pad { amounts }, vec![x])?, [0, 0])
        }
    };
    let groups = node.int("group", 1);
    let op = Conv2d { weight, bias, stride, padding, dilation, groups };
    importer.emit_layer(op, vec![x], name)
}

pub(super) fn batch_norm<'a>(
    importer: &mut Importer<'a>,
    node: &'a Node<'a>,
) -> Outcome<Value<'a>> {
    if node.int("training_mode", 0) != 0 {
        return Err("it is in training mode: call `model.eval()` before the export".to_owned());
    }
    let x = importer.input(node, 0)?;
    let eps = node.float("epsilon", 1e-5);
    let (weight, name) = importer.required(node, 1)?;
    let [(bias, _), (running_mean, _), (running_var, _)] =
        [importer.required(node, 2)?, importer.required(node, 3)?, importer.required(node, 4)?];
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

/// alpha·A·B + beta·C, of which A are the activations.
pub(super) fn gemm<'a>(importer: &mut Importer<'a>, node: &'a Node<'a>) -> Outcome<Value<'a>> {
    if node.int("transA", 0) != 0 {
        return Err("transA is not supported".to_owned());
    }
    let x = importer.input(node, 0)?;
    let (weight, name) = importer.required(node, 1)?;
    let bias = importer.weight(node, 2)?.map(|(bias, _)| bias);
    let (alpha, beta) = (node.float("alpha", 1.0), node.float("beta", 1.0));
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

/// With a fixed matrix a fully connected layer, else a product of two activations.
pub(super) fn mat_mul<'a>(importer: &mut Importer<'a>, node: &'a Node<'a>) -> Outcome<Value<'a>> {
    let (a, b) = (importer.input(node, 0)?, importer.input(node, 1)?);
    match (&a, &b) {
        (Value::Node(_), Value::Constant(matrix, name)) if matrix.dim() == 2 => {
            let matrix = importer.cast(matrix, Kind::Float)?;
            let weight = importer.transposed(&matrix, name)?;
            importer.emit_layer(Linear { weight, bias: None }, vec![a], name)
        }
        _ => importer.emit(MatMul, vec![a, b]),
    }
}

fn scaled(importer: &mut Importer, tensor: Tensor, factor: f64) -> Outcome<Tensor> {
    if factor == 1.0 {
        return Ok(tensor);
    }
    importer.budget.spend(&tensor.size())?;
    tensor.f_mul_scalar(factor).map_err(torch)
}

pub(super) fn pool<'a>(importer: &mut Importer<'a>, node: &'a Node<'a>) -> Outcome<Value<'a>> {
    let x = importer.input(node, 0)?;
    let kernel = pair(node, "kernel_shape", [0, 0])?;
    let stride = pair(node, "strides", [1, 1])?;
    if pair(node, "dilations", [1, 1])? != [1, 1] {
        return Err("a pooling with dilation is not supported".to_owned());
    }
    let padding = match padding(node, kernel, stride, [1, 1])? {
        [[top, bottom], [left, right]] if top == bottom && left == right => [top, left],
        uneven => return Err(format!("padding {uneven:?} that differs between sides")),
    };
    let ceil = node.int("ceil_mode", 0) != 0;
    if node.op == "MaxPool" {
        return importer.emit(MaxPool2d { kernel, stride, padding, ceil }, vec![x]);
    }
    let count_padding = node.int("count_include_pad", 0) != 0;
    importer.emit(AvgPool2d { kernel, stride, padding, ceil, count_padding }, vec![x])
}

pub(super) fn global_average_pool<'a>(
    importer: &mut Importer<'a>,
    node: &'a Node<'a>,
) -> Outcome<Value<'a>> {
    let x = importer.input(node, 0)?;
    importer.emit(AdaptiveAvgPool2d { output: [1, 1] }, vec![x])
}

pub(super) fn mean<'a>(importer: &mut Importer<'a>, node: &'a Node<'a>) -> Outcome<Value<'a>> {
    let x = importer.input(node, 0)?;
    let rank = importer.shape(&x).sizes.len();
    let axes = importer.numbers_of(node, "axes", 1)?.unwrap_or_default();
    let mut dims = axes.into_iter().map(|at| axis(at, rank)).collect::<Outcome<Vec<usize>>>()?;
    dims.sort_unstable();
    dims.dedup();
    if dims.is_empty() {
        if node.int("noop_with_empty_axes", 0) != 0 {
            return Ok(x);
        }
        dims = (0..rank).collect();
    }
    importer.emit(Mean { dims, keep_dims: node.int("keepdims", 1) != 0 }, vec![x])
}

pub(super) fn softmax<'a>(importer: &mut Importer<'a>, node: &'a Node<'a>) -> Outcome<Value<'a>> {
    let x = importer.input(node, 0)?;
    let shape = importer.shape(&x);
    let dim = axis(node.int("axis", -1), shape.sizes.len())?;
    if shape.batch.is_some_and(|batch| batch.dim == dim) {
        return Err("it would mix the images of a batch".to_owned());
    }
    let op: Op =
        if node.op == "Softmax" { Softmax { dim }.into() } else { LogSoftmax { dim }.into() };
    importer.emit(op, vec![x])
}

/// Two numbers, for height and width.
fn pair(node: &Node, name: &str, default: [i64; 2]) -> Outcome<[i64; 2]> {
    let Some(numbers) = node.ints(name) else { return Ok(default) };
    numbers.try_into().map_err(|_| format!("{name} {numbers:?}, expected two: height and width"))
}

/// The border before and after, for height and width.
fn padding(
    node: &Node,
    kernel: [i64; 2],
    stride: [i64; 2],
    dilation: [i64; 2],
) -> Outcome<[[i64; 2]; 2]> {
    let auto = node.text("auto_pad", "NOTSET");
    match auto.as_str() {
        "NOTSET" => match node.ints("pads") {
            None => Ok([[0, 0]; 2]),
            Some(&[top, left, bottom, right]) => Ok([[top, bottom], [left, right]]),
            Some(other) => Err(format!("pads {other:?}, expected four numbers")),
        },
        "VALID" => Ok([[0, 0]; 2]),
        // With a step of 1 it does not depend on the image's size.
        "SAME_UPPER" | "SAME_LOWER" if stride == [1, 1] => {
            let side = |i: usize| {
                let all = kernel[i].checked_sub(1)?.checked_mul(dilation[i])?;
                let (less, more) = (all / 2, all.checked_sub(all / 2)?);
                Some(if auto == "SAME_UPPER" { [less, more] } else { [more, less] })
            };
            let sides = side(0).zip(side(1)).map(|(height, width)| [height, width]);
            sides.ok_or_else(|| format!("kernel {kernel:?}, dilation {dilation:?}"))
        }
        other => {
            let other = short(other);
            Err(format!("auto_pad {other} with stride {stride:?} is not supported"))
        }
    }
}
