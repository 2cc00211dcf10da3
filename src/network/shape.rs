//! Shapes without computing: what each operation makes of its inputs' shapes, or why it can't.

use super::Op;
use crate::error::shape_text;

/// A misfit: what was expected, and what came.
pub(crate) struct Misfit {
    pub expected: String,
    pub got: String,
}

type Shape = Vec<i64>;

/// The output's shape. `inputs` are the shapes of the node's inputs.
pub(crate) fn output_shape(op: &Op, inputs: &[&[i64]]) -> Result<Shape, Misfit> {
    if let Op::Parameter { value } = op {
        return Ok(value.size());
    }
    let Some(&x) = inputs.first() else {
        return misfit("at least one input", "none");
    };
    sound(op)?;
    match op {
        Op::Input | Op::Parameter { .. } | Op::Pointwise(_) | Op::Dropout { .. } => Ok(x.to_vec()),
        Op::Conv2d { weight, stride, padding, dilation, groups, .. } => {
            let [n, c, h, w] = four(x)?;
            let weight = weight.size();
            let [out, per_group, kh, kw] = four(&weight)?;
            if c != per_group * groups {
                return misfit(format!("{} input channels", per_group * groups), shape_text(x));
            }
            let kernel = [kh, kw];
            let size = windows([h, w], kernel, *stride, *padding, *dilation, false)
                .ok_or_else(|| too_small(x, kernel))?;
            Ok(vec![n, out, size[0], size[1]])
        }
        Op::BatchNorm2d { weight, .. } => {
            let [_, c, _, _] = four(x)?;
            let channels = weight.size().first().copied().unwrap_or_default();
            if c != channels {
                return misfit(format!("{channels} channels"), shape_text(x));
            }
            Ok(x.to_vec())
        }
        Op::LayerNorm { weight, .. } => {
            let normalised = weight.size();
            if !x.ends_with(&normalised) || x.len() == normalised.len() {
                return misfit(format!("last dimensions {normalised:?}"), shape_text(x));
            }
            Ok(x.to_vec())
        }
        Op::Softmax { dim } | Op::LogSoftmax { dim } => {
            extent(x, *dim)?;
            Ok(x.to_vec())
        }
        Op::MaxPool2d { kernel, stride, padding, ceil }
        | Op::AvgPool2d { kernel, stride, padding, ceil, .. } => {
            let [n, c, h, w] = four(x)?;
            let size = windows([h, w], *kernel, *stride, *padding, [1, 1], *ceil)
                .ok_or_else(|| too_small(x, *kernel))?;
            Ok(vec![n, c, size[0], size[1]])
        }
        Op::AdaptiveAvgPool2d { output } => {
            let [n, c, _, _] = four(x)?;
            Ok(vec![n, c, output[0], output[1]])
        }
        Op::Linear { weight, .. } => {
            let features = weight.size().get(1).copied().unwrap_or_default();
            let out = weight.size().first().copied().unwrap_or_default();
            match x.split_last() {
                Some((&last, rest)) if last == features && !rest.is_empty() => {
                    Ok([rest, &[out]].concat())
                }
                _ => misfit(format!("{features} features: [N, {features}]"), shape_text(x)),
            }
        }
        Op::MatMul => match inputs {
            [[a @ .., m, k], [b @ .., k1, n]] if k == k1 => {
                let batch = broadcast(a, b)
                    .ok_or_else(|| unlike("two batches of matrices of one shape", inputs))?;
                Ok([batch.as_slice(), &[*m, *n]].concat())
            }
            _ => Err(unlike("matrices [.., m, k] and [.., k, n]", inputs)),
        },
        Op::Arithmetic(_) => match inputs {
            [a, b] => broadcast(a, b).ok_or_else(|| unlike("two inputs of one shape", inputs)),
            _ => Err(unlike("two inputs", inputs)),
        },
        Op::Concat { dim } => concatenated(inputs, *dim),
        Op::Mean { .. }
        | Op::Flatten { .. }
        | Op::Reshape { .. }
        | Op::Permute { .. }
        | Op::Slice { .. }
        | Op::Select { .. }
        | Op::Unsqueeze { .. }
        | Op::Pad { .. } => rearranged(op, x),
    }
}

/// The shape after an operation that moves, joins, drops or adds dimensions.
fn rearranged(op: &Op, x: &[i64]) -> Result<Shape, Misfit> {
    let mut shape = x.to_vec();
    match op {
        Op::Mean { dims, keep_dims } => {
            for &dim in dims {
                extent(x, dim)?;
                shape[dim] = 1;
            }
            if !keep_dims {
                let kept = (0..x.len()).filter(|dim| !dims.contains(dim));
                shape = kept.map(|dim| x[dim]).collect();
            }
        }
        Op::Flatten { from } => {
            extent(x, *from)?;
            let joined = product(&x[*from..]).ok_or_else(|| too_large(x))?;
            shape.truncate(*from);
            shape.push(joined);
        }
        Op::Reshape { shape: target } => shape = reshaped(x, target)?,
        Op::Permute { order } => {
            let mut sorted = order.clone();
            sorted.sort_unstable();
            if !sorted.into_iter().eq(0..x.len()) {
                return misfit(format!("{} dimensions", order.len()), shape_text(x));
            }
            shape = order.iter().map(|&dim| x[dim]).collect();
        }
        Op::Slice { dim, start, end, step } => {
            let size = extent(x, *dim)?;
            let place = |index: i64| if index < 0 { index.saturating_add(size) } else { index };
            let (start, end) = (place(*start).clamp(0, size), place(*end).clamp(0, size));
            if *step < 1 || start >= end {
                return misfit(
                    format!("indices within dimension {dim}'s {size}, a step of at least 1"),
                    format!("{start} to {end}, step {step}"),
                );
            }
            shape[*dim] = (end - start - 1) / step + 1;
        }
        Op::Select { dim, index } => {
            let size = extent(x, *dim)?;
            if !(-size..size).contains(index) {
                return misfit(format!("an index of dimension {dim}'s {size}"), index.to_string());
            }
            shape.remove(*dim);
        }
        Op::Unsqueeze { dim } => {
            if *dim > x.len() {
                return misfit(format!("at least {dim} dimensions"), shape_text(x));
            }
            shape.insert(*dim, 1);
        }
        Op::Pad { amounts } => {
            let fits = |(size, [before, after]): (&i64, &[i64; 2])| {
                Some(size.checked_add(*before)?.checked_add(*after)?).filter(|&size| size > 0)
            };
            let padded: Option<Shape> = x.iter().zip(amounts).map(fits).collect();
            match padded {
                Some(padded) if amounts.len() == x.len() => shape = padded,
                _ => return misfit(format!("a shape to pad by {amounts:?}"), shape_text(x)),
            }
        }
        _ => {}
    }
    Ok(shape)
}

/// `target` with its `-1` filled in.
fn reshaped(x: &[i64], target: &[i64]) -> Result<Shape, Misfit> {
    let known: Vec<i64> = target.iter().copied().filter(|&size| size != -1).collect();
    let wrong =
        || Misfit { expected: format!("as many values as {target:?} holds"), got: shape_text(x) };
    let (all, known_product) =
        product(x).zip(product(&known)).filter(|&(_, known)| known > 0).ok_or_else(wrong)?;
    let free = target.len() - known.len();
    if free > 1 || all % known_product != 0 || (free == 0 && all != known_product) {
        return Err(wrong());
    }
    let fill = |&size: &i64| if size == -1 { all / known_product } else { size };
    Ok(target.iter().map(fill).collect())
}

/// All sizes are summed along `dim`; elsewhere they are one, but that a batch of 1 is repeated.
fn concatenated(inputs: &[&[i64]], dim: usize) -> Result<Shape, Misfit> {
    let Some(&first) = inputs.first() else { return misfit("at least one input", "none") };
    let mut shape = first.to_vec();
    extent(&shape, dim)?;
    shape[dim] = 0;
    for input in inputs {
        if input.len() != shape.len() {
            return Err(unlike("inputs of as many dimensions", inputs));
        }
        for (at, (have, &size)) in shape.iter_mut().zip(*input).enumerate() {
            if at == dim {
                *have = have.checked_add(size).ok_or_else(|| too_large(input))?;
            } else if at == 0 && (*have == 1 || size == 1) {
                *have = size.max(*have);
            } else if *have != size {
                return Err(unlike(&format!("inputs alike but for dimension {dim}"), inputs));
            }
        }
    }
    Ok(shape)
}

/// The shape of value-by-value arithmetic: dimensions of 1 are repeated, missing ones stand in front.
fn broadcast(a: &[i64], b: &[i64]) -> Option<Shape> {
    let rank = a.len().max(b.len());
    let size = |shape: &[i64], at: usize| match (at + shape.len()).checked_sub(rank) {
        Some(at) => shape[at],
        None => 1,
    };
    (0..rank)
        .map(|at| match (size(a, at), size(b, at)) {
            (a, b) if a == b => Some(a),
            (1, other) | (other, 1) => Some(other),
            _ => None,
        })
        .collect()
}

/// The size of a dimension that must be there.
fn extent(shape: &[i64], dim: usize) -> Result<i64, Misfit> {
    match shape.get(dim) {
        Some(&size) => Ok(size),
        None => misfit(format!("a dimension {dim}"), shape_text(shape)),
    }
}

/// Whether the operation's own numbers make sense, whatever its input.
fn sound(op: &Op) -> Result<(), Misfit> {
    let (kernel, steps, padding) = match op {
        Op::Conv2d { weight, stride, dilation, groups, padding, .. } => {
            let kernel = weight.size();
            let steps = [stride[0], stride[1], dilation[0], dilation[1], *groups];
            (kernel, steps.to_vec(), *padding)
        }
        Op::MaxPool2d { kernel, stride, padding, .. }
        | Op::AvgPool2d { kernel, stride, padding, .. } => {
            if padding[0] > kernel[0] / 2 || padding[1] > kernel[1] / 2 {
                return misfit("padding of at most half the kernel", shape_text(padding));
            }
            (kernel.to_vec(), stride.to_vec(), *padding)
        }
        Op::Linear { weight, .. } => (weight.size(), Vec::new(), [0, 0]),
        Op::AdaptiveAvgPool2d { output } => (output.to_vec(), Vec::new(), [0, 0]),
        _ => return Ok(()),
    };
    // The upper bound keeps the arithmetic below from overflowing, whatever a file says.
    const LARGEST: i64 = 1 << 30;
    if kernel.iter().chain(&steps).any(|size| !(1..=LARGEST).contains(size))
        || padding.iter().any(|padding| !(0..=LARGEST).contains(padding))
    {
        return misfit(
            "channels, kernel, stride, dilation and groups of at least 1, padding of at least 0",
            format!("kernel {kernel:?}, stride … {steps:?}, padding {padding:?}"),
        );
    }
    Ok(())
}

/// How many windows fit, per direction; `None` where not one does.
fn windows(
    size: [i64; 2],
    kernel: [i64; 2],
    stride: [i64; 2],
    padding: [i64; 2],
    dilation: [i64; 2],
    ceil: bool,
) -> Option<[i64; 2]> {
    let along = |i: usize| {
        let span = dilation[i] * (kernel[i] - 1) + 1;
        let room = size[i] + 2 * padding[i] - span;
        if !ceil {
            return (room >= 0).then(|| room / stride[i] + 1);
        }
        let count = (room + stride[i] - 1).div_euclid(stride[i]) + 1;
        // PyTorch's rule: the last window must begin inside the picture or its left padding.
        let outside = (count - 1) * stride[i] >= size[i] + padding[i];
        Some(count - i64::from(outside)).filter(|&count| count > 0)
    };
    Some([along(0)?, along(1)?])
}

fn four(shape: &[i64]) -> Result<[i64; 4], Misfit> {
    match shape.try_into() {
        Ok(shape) => Ok(shape),
        Err(_) => misfit("four dimensions [N, C, H, W]", shape_text(shape)),
    }
}

fn product(sizes: &[i64]) -> Option<i64> {
    sizes.iter().try_fold(1_i64, |all, &size| all.checked_mul(size))
}

fn too_large(shape: &[i64]) -> Misfit {
    Misfit { expected: "a size that can be counted".to_owned(), got: shape_text(shape) }
}

fn too_small(shape: &[i64], kernel: [i64; 2]) -> Misfit {
    Misfit {
        expected: format!("at least one window of {}×{}", kernel[0], kernel[1]),
        got: format!("{} (height × width too small)", shape_text(shape)),
    }
}

fn misfit<T>(expected: impl Into<String>, got: impl Into<String>) -> Result<T, Misfit> {
    Err(Misfit { expected: expected.into(), got: got.into() })
}

fn unlike(expected: &str, inputs: &[&[i64]]) -> Misfit {
    Misfit { expected: expected.to_owned(), got: shapes_text(inputs) }
}

fn shapes_text(shapes: &[&[i64]]) -> String {
    let shapes: Vec<_> = shapes.iter().map(|shape| shape_text(shape)).collect();
    shapes.join(" and ")
}
