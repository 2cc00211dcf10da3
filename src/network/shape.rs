//! Shapes without computing: what each operation makes of its inputs' shapes, or why it can't.

use super::Op;
use crate::error::shape_text;

/// A misfit: what was expected, and what came.
pub(crate) struct Misfit {
    pub expected: String,
    pub got: String,
}

type Shape = Vec<i64>;

/// The output's shape. `inputs` are the shapes of the node's inputs, `[N, C, H, W]` or `[N, F]`.
pub(crate) fn output_shape(op: &Op, inputs: &[&[i64]]) -> Result<Shape, Misfit> {
    let Some(&x) = inputs.first() else {
        return misfit("at least one input", "none");
    };
    sound(op)?;
    match op {
        Op::Input | Op::Relu | Op::Relu6 => Ok(x.to_vec()),
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
        Op::MaxPool2d { kernel, stride, padding, ceil }
        | Op::AvgPool2d { kernel, stride, padding, ceil } => {
            let [n, c, h, w] = four(x)?;
            let size = windows([h, w], *kernel, *stride, *padding, [1, 1], *ceil)
                .ok_or_else(|| too_small(x, *kernel))?;
            Ok(vec![n, c, size[0], size[1]])
        }
        Op::AdaptiveAvgPool2d { output } => {
            let [n, c, _, _] = four(x)?;
            Ok(vec![n, c, output[0], output[1]])
        }
        Op::Flatten => match x {
            [n, rest @ ..] => Ok(vec![*n, rest.iter().product()]),
            [] => misfit("[N, …]", "a single number"),
        },
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
        Op::Add => match inputs {
            [a, b] if a == b => Ok(a.to_vec()),
            _ => misfit("two inputs of one shape", shapes_text(inputs)),
        },
        Op::Concat => {
            let [n, _, h, w] = four(x)?;
            let mut channels = 0;
            for input in inputs {
                match four(input)? {
                    [n1, c1, h1, w1] if [n1, h1, w1] == [n, h, w] => channels += c1,
                    _ => return misfit("inputs alike but for channels", shapes_text(inputs)),
                }
            }
            Ok(vec![n, channels, h, w])
        }
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
    if kernel.iter().chain(&steps).any(|&size| size < 1) || padding.iter().any(|&p| p < 0) {
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

fn too_small(shape: &[i64], kernel: [i64; 2]) -> Misfit {
    Misfit {
        expected: format!("at least one window of {}×{}", kernel[0], kernel[1]),
        got: format!("{} (height × width too small)", shape_text(shape)),
    }
}

fn misfit<T>(expected: impl Into<String>, got: impl Into<String>) -> Result<T, Misfit> {
    Err(Misfit { expected: expected.into(), got: got.into() })
}

fn shapes_text(shapes: &[&[i64]]) -> String {
    let shapes: Vec<_> = shapes.iter().map(|shape| shape_text(shape)).collect();
    shapes.join(" and ")
}
