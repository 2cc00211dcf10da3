//! At least one of each operation.

use tch::{Device, Kind, Tensor};

use super::super::*;
use crate::random::Random;

pub(super) fn random(shape: &[i64], seed: u64) -> Tensor {
    let like = Tensor::zeros(shape, (Kind::Double, Device::Cpu));
    Random(seed).normal(&like).expect("random numbers")
}

pub(super) const COMPARISONS: [Arithmetic; 5] = [
    Arithmetic::Greater,
    Arithmetic::GreaterOrEqual,
    Arithmetic::Less,
    Arithmetic::LessOrEqual,
    Arithmetic::Equal,
];

/// At least one of each operation, with the shapes of inputs that it takes.
pub(super) fn samples() -> Vec<(Op, Vec<Vec<i64>>)> {
    let image = || vec![vec![2, 4, 9, 11]];
    let pair = || vec![vec![2, 4, 9, 11], vec![2, 4, 9, 11]];
    let (kernel, stride, dilation) = ([3, 4], [2, 2], [2, 1]);
    let same_pad = SamePad { kernel, stride, dilation, lower: true, value: 0.5 };
    let channels = |value: f64| Tensor::full([4], value, (Kind::Double, Device::Cpu));
    let mut all: Vec<(Op, Vec<Vec<i64>>)> = vec![
        (Input.into(), image()),
        (Parameter { value: random(&[3, 5], 1) }.into(), vec![]),
        (
            Conv2d {
                weight: random(&[6, 2, 3, 2], 2),
                bias: Some(random(&[6], 3)),
                stride: [2, 1],
                padding: [1, 2],
                dilation: [1, 2],
                groups: 2,
            }
            .into(),
            image(),
        ),
        (
            BatchNorm2d {
                weight: random(&[4], 4),
                bias: random(&[4], 5),
                running_mean: random(&[4], 6),
                running_var: channels(2.5),
                eps: 1e-5,
            }
            .into(),
            image(),
        ),
        (
            LayerNorm { weight: random(&[11], 7), bias: Some(random(&[11], 8)), eps: 1e-5 }.into(),
            image(),
        ),
        (
            PositionGrid { before: 1, from: [4, 2], to: [3, 5], offset: 0.1, antialias: false }
                .into(),
            vec![vec![2, 9, 5]],
        ),
        (RmsNorm { weight: random(&[9, 11], 7), eps: 1e-5 }.into(), image()),
        (Softmax { dim: 3 }.into(), image()),
        (LogSoftmax { dim: 1 }.into(), image()),
        (Dropout { p: 0.4 }.into(), image()),
        (AdaptiveAvgPool2d { output: [3, 1] }.into(), image()),
        (Flatten { from: 2 }.into(), image()),
        (Reshape { shape: vec![-1, 2, 2, 9, 11] }.into(), image()),
        (Permute { order: vec![0, 2, 3, 1] }.into(), image()),
        (Slice { dim: 2, start: 1, end: -1, step: 2 }.into(), image()),
        (Select { dim: 1, index: -2 }.into(), image()),
        (IndexSelect { dim: 3, indices: vec![2, 0, 2] }.into(), image()),
        (Unsqueeze { dim: 1 }.into(), image()),
        (same_pad.into(), image()),
        (Linear { weight: random(&[5, 11], 9), bias: Some(random(&[5], 10)) }.into(), image()),
        (MatMul.into(), vec![vec![2, 4, 9, 11], vec![2, 4, 11, 3]]),
        (Concat { dim: 1 }.into(), pair()),
        (Concat { dim: 2 }.into(), pair()),
    ];
    for mode in [
        PadMode::Constant(0.0),
        PadMode::Constant(2.5),
        PadMode::Reflect,
        PadMode::Edge,
        PadMode::Wrap,
    ] {
        let amounts = vec![[0, 0], [0, 0], [2, 1], [-1, 3]];
        all.push((Pad { amounts, mode }.into(), image()));
    }
    // Those that libtorch knows, and borders of which it knows nothing.
    let borders = [[[1, 1], [0, 0]], [[0, 1], [2, 0]], [[2, 2], [1, 2]]];
    for (padding, ceil) in borders.into_iter().flat_map(|sides| [(sides, true), (sides, false)]) {
        let (kernel, stride) = ([3, 3], [2, 3]);
        for dilation in [[1, 1], [2, 1]] {
            all.push((MaxPool2d { kernel, stride, padding, dilation, ceil }.into(), image()));
        }
        for count_padding in [true, false] {
            let pool = AvgPool2d { kernel, stride, padding, ceil, count_padding };
            all.push((pool.into(), image()));
        }
    }
    for function in pointwise::tests::ALL {
        all.push((function.into(), image()));
    }
    for groups in [1, 2] {
        let op = ConvTranspose2d {
            weight: random(&[4, 3, 3, 2], 14),
            bias: Some(random(&[3 * groups], 15)),
            stride: [2, 3],
            padding: [1, 0],
            output_padding: [0, 2],
            dilation: [2, 1],
            groups,
        };
        all.push((op.into(), image()));
    }
    for places_first in [true, false] {
        all.push((PixelShuffle { factor: 2, places_first }.into(), image()));
        all.push((PixelUnshuffle { factor: 3, places_first }.into(), vec![vec![2, 4, 9, 12]]));
    }
    for (dim, keep_dim) in [(1, true), (1, false), (3, false)] {
        all.push((ArgMax { dim, keep_dim, last: keep_dim }.into(), image()));
    }
    all.push((Choose.into(), vec![vec![2, 1, 9, 11], vec![2, 4, 9, 11], vec![4, 1, 1]]));
    for (dim, count) in [(0, 1), (1, 4), (3, 11)] {
        let scale = (1..=count).map(|place| 0.1 * place as f64).collect();
        let zero_point = (0..count).collect();
        all.push((Quantize { scale, zero_point, dim, low: -6, high: 9 }.into(), image()));
    }
    all.extend(resizes().map(|op| (op.into(), image())));
    for groups in [1, 2, 4] {
        let (weight, bias) = (random(&[4], 12), random(&[4], 13));
        all.push((GroupNorm { groups, weight, bias, eps: 1e-5 }.into(), image()));
    }
    for size in [1, 2, 3, 100] {
        let norm = LocalResponseNorm { size, alpha: 0.3, beta: 0.75, k: 1.5 };
        all.push((norm.into(), image()));
    }
    for slopes in [&[4_i64][..], &[1], &[4, 1, 1], &[9, 1]] {
        all.push((PRelu { weight: random(slopes, 11) }.into(), image()));
    }
    for by in [
        Reduction::Mean,
        Reduction::Sum,
        Reduction::Max,
        Reduction::Min,
        Reduction::Product,
        Reduction::L2,
        Reduction::LogSumExp,
    ] {
        all.push((Reduce { by, dims: vec![2], keep_dims: false }.into(), image()));
        all.push((Reduce { by, dims: vec![3, 1], keep_dims: true }.into(), image()));
        all.push((Reduce { by, dims: vec![1, 3], keep_dims: false }.into(), image()));
    }
    let computing = [
        Arithmetic::Add,
        Arithmetic::Sub,
        Arithmetic::Mul,
        Arithmetic::Div,
        Arithmetic::Pow,
        Arithmetic::Max,
        Arithmetic::Min,
    ];
    for function in computing.into_iter().chain(COMPARISONS) {
        all.push((function.into(), pair()));
    }
    all
}

fn resizes() -> impl Iterator<Item = Resize> {
    let extents = [
        [Extent::Scale(2.0), Extent::Size(33)],
        [Extent::Size(4), Extent::Scale(1.5)],
        [Extent::Size(1), Extent::Size(11)],
    ];
    let places = [
        Placing::HalfPixel,
        Placing::PytorchHalfPixel,
        Placing::HalfPixelSymmetric,
        Placing::AlignCorners,
        Placing::Asymmetric,
    ];
    let roundings = [Rounding::PreferFloor, Rounding::PreferCeil, Rounding::Floor, Rounding::Ceil];
    let cubic = |exclude_outside| ResizeMode::Cubic { coefficient: -0.75, exclude_outside };
    let kinds: Vec<ResizeMode> = roundings
        .map(ResizeMode::Nearest)
        .into_iter()
        .chain([ResizeMode::Linear, cubic(true), cubic(false)])
        .collect();
    let combined = extents.into_iter().flat_map(move |[rows, columns]| {
        let kinds = kinds.clone();
        places.into_iter().flat_map(move |place| {
            let one = move |mode| Resize {
                dims: vec![(2, rows), (3, columns)],
                mode,
                place,
                antialias: false,
            };
            kinds.clone().into_iter().map(one)
        })
    });
    let antialiased = [ResizeMode::Linear, cubic(false)].map(|mode| Resize {
        dims: vec![(2, Extent::Size(3)), (3, Extent::Scale(0.4))],
        mode,
        place: Placing::HalfPixel,
        antialias: true,
    });
    combined.chain(antialiased).collect::<Vec<_>>().into_iter()
}
