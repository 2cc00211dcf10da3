//! Every operation is asked for everything that it says of itself, and what it says is tried.

use std::collections::BTreeSet;

use tch::{Device, Kind, Tensor};

use super::*;
use crate::network::{Network, Node, Preprocess, ReceptiveField, Windows};
use crate::random::Random;

type Tested = Result<(), Box<dyn std::error::Error>>;

fn random(shape: &[i64], seed: u64) -> Tensor {
    let like = Tensor::zeros(shape, (Kind::Double, Device::Cpu));
    Random(seed).normal(&like).expect("random numbers")
}

const COMPARISONS: [Arithmetic; 5] = [
    Arithmetic::Greater,
    Arithmetic::GreaterOrEqual,
    Arithmetic::Less,
    Arithmetic::LessOrEqual,
    Arithmetic::Equal,
];

/// At least one of each operation, with the shapes of inputs that it takes.
fn samples() -> Vec<(Op, Vec<Vec<i64>>)> {
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
        (
            PositionGrid { before: 1, from: [4, 2], to: [3, 5], offset: 0.1, antialias: false }
                .into(),
            vec![vec![2, 9, 5]],
        ),
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
            let one = move |mode| Resize { dims: vec![(2, rows), (3, columns)], mode, place };
            kinds.clone().into_iter().map(one)
        })
    });
    combined.collect::<Vec<_>>().into_iter()
}

fn inputs(shapes: &[Vec<i64>]) -> Vec<Tensor> {
    (20..).zip(shapes).map(|(seed, shape)| random(shape, seed)).collect()
}

/// Two values are the same but for rounding, NaN where the other is. Networks without parameters compute
/// in single precision.
fn same(a: &Tensor, b: &Tensor) -> bool {
    let plain = |x: &Tensor| x.to_kind(Kind::Double).nan_to_num(9.0, 1e9, -1e9);
    a.size() == b.size() && plain(a).allclose(&plain(b), 1e-5, 1e-6, false)
}

#[test]
fn all_operations_are_among_the_samples() {
    let variant =
        |op: &Op| format!("{op:?}").split(['(', ' ']).next().unwrap_or_default().to_owned();
    let tried: BTreeSet<String> = samples().iter().map(|(op, _)| variant(op)).collect();
    assert_eq!(tried, Op::VARIANTS.iter().map(|name| (*name).to_owned()).collect());
}

#[test]
fn shapes_are_those_that_are_computed_and_misfits_are_refused() -> Tested {
    for (op, shapes) in samples() {
        let tensors = inputs(&shapes);
        let output = op.compute(&tensors.iter().collect::<Vec<_>>(), false)?;
        let shapes: Vec<&[i64]> = shapes.iter().map(Vec::as_slice).collect();
        let said = op.shape(&shapes).map_err(|misfit| misfit.expected)?;
        assert_eq!(said, output.size(), "{op:?}");
        assert!(!op.name().is_empty() && op.operation().summary().starts_with(op.name()), "{op:?}");
        let products =
            matches!(op, Op::Conv2d(_) | Op::ConvTranspose2d(_) | Op::Linear(_) | Op::MatMul(_));
        assert_eq!(op.operation().terms(&shapes) > 0, products, "{op:?}");
        if !matches!(op, Op::Parameter(_)) {
            assert!(op.shape(&[]).is_err() && op.compute(&[], false).is_err(), "{op:?}");
        }
    }
    Ok(())
}

#[test]
fn parameters_are_shared_by_clones_and_can_be_initialized_anew() -> Tested {
    for (mut op, _) in samples() {
        let copy = op.clone();
        for ((name, own), (_, other)) in op.parameters().iter().zip(copy.parameters()) {
            assert_eq!(own.data_ptr(), other.data_ptr(), "{op:?} {name}");
        }
        let names: Vec<&str> = copy.parameters().iter().map(|(name, _)| *name).collect();
        op.operation_mut().reinitialize(&mut Random(3))?;
        let changed = op.operation_mut().parameters_mut();
        assert_eq!(changed.iter().map(|(name, _)| *name).collect::<Vec<_>>(), names);
        for ((name, new), (_, old)) in changed.iter().zip(copy.parameters()) {
            assert!(new.size() == old.size() && !new.equal(old), "{copy:?} {name}");
            assert!(new.isfinite().all().int64_value(&[]) == 1);
        }
    }
    Ok(())
}

#[test]
fn what_is_written_over_an_input_is_what_is_computed_beside_it() -> Tested {
    for (op, shapes) in samples().into_iter().filter(|(_, shapes)| !shapes.is_empty()) {
        let tensors = inputs(&shapes);
        if tensors.len() > 2 {
            continue;
        }
        let expected = op.compute(&tensors.iter().collect::<Vec<_>>(), false)?;
        let over = op.operation().compute_over(tensors[0].copy(), tensors.get(1))?;
        assert!(same(&over, &expected), "{op:?}");
        if op.operation().is_identity() {
            assert!(same(&expected, &tensors[0]), "{op:?}");
        }
        if op.operation().allocates() {
            assert_ne!(expected.data_ptr(), tensors[0].data_ptr(), "{op:?}");
        }
        if op.operation().broadcasts() {
            let one = tensors[0].narrow(0, 0, 1);
            let whole = op.compute(&[&one.expand_as(&tensors[0]), &tensors[1]], false)?;
            assert!(same(&op.compute(&[&one, &tensors[1]], false)?, &whole), "{op:?}");
        }
    }
    Ok(())
}

#[test]
fn gradients_are_the_slopes_of_what_is_computed() -> Tested {
    for (op, shapes) in samples() {
        // Rounding passes gradients on that are not its slopes; what steps has none.
        let steps = match &op {
            Op::Quantize(_) | Op::ArgMax(_) => true,
            Op::Pointwise(function) => pointwise::tests::STEPS.contains(function),
            Op::Arithmetic(function) => COMPARISONS.contains(function),
            _ => shapes.is_empty(),
        };
        if steps {
            continue;
        }
        let inputs: Vec<Tensor> =
            inputs(&shapes).iter().map(|x| (x.abs() + 0.1).set_requires_grad(true)).collect();
        let borrowed: Vec<&Tensor> = inputs.iter().collect();
        let result = op.compute(&borrowed, false)?;
        let weights = random(&result.size(), 70);
        let gradients = Tensor::f_run_backward(
            &[(&result * &weights).sum(Kind::Double)],
            &borrowed,
            false,
            false,
        );
        let directions: Vec<Tensor> =
            (80..).zip(&shapes).map(|(seed, shape)| random(shape, seed)).collect();
        let at = |step: f64| -> Result<f64, tch::TchError> {
            let moved = |(x, direction): (&Tensor, &Tensor)| x.detach() + direction * step;
            let moved: Vec<Tensor> = inputs.iter().zip(&directions).map(moved).collect();
            let result = op.compute(&moved.iter().collect::<Vec<_>>(), false)?;
            Ok((result * &weights).sum(Kind::Double).double_value(&[]))
        };
        let slope = (at(1e-6)? - at(-1e-6)?) / 2e-6;
        let along = |(gradient, direction): (Tensor, &Tensor)| match gradient.defined() {
            true => (gradient * direction).sum(Kind::Double).double_value(&[]),
            false => 0.0, // a condition
        };
        let said: f64 = gradients?.into_iter().zip(&directions).map(along).sum();
        assert!((said - slope).abs() < 1e-5 * slope.abs().max(1.0), "{op:?}: {said}, {slope}");
    }
    Ok(())
}

/// The input, and the operation as the network's output, reading it once or twice.
fn network(op: &Op, channels: i64, readers: usize) -> Network {
    let node = |name: &str, op: Op, inputs: Vec<usize>| Node { name: name.to_owned(), op, inputs };
    Network {
        name: "one operation".to_owned(),
        nodes: vec![
            node("input", Input.into(), vec![]),
            node("first", Pointwise::Scale { factor: 2.0 }.into(), vec![0]),
            node("op", op.clone(), vec![1; readers]),
        ],
        aliases: Vec::new(),
        output: 2,
        heads: Vec::new(),
        preprocess: Preprocess::plain([channels, 9, 11]),
        classes: Vec::new(),
        detection: None,
    }
}

fn on_images() -> impl Iterator<Item = (Op, usize)> {
    let fits = |(op, shapes): (Op, Vec<Vec<i64>>)| match shapes.as_slice() {
        _ if matches!(op, Op::Input(_)) => None, // every network has one
        [image] if *image == [2, 4, 9, 11] => Some((op, 1)),
        [a, b] if a == b => Some((op, 2)),
        _ => None,
    };
    samples().into_iter().filter_map(fits)
}

#[test]
fn changed_regions_are_computed_as_the_whole_is() -> Tested {
    for (op, readers) in on_images() {
        let net = network(&op, 4, readers);
        let (image, patch) = (random(&[1, 4, 9, 11], 30), random(&[1, 4, 2, 3], 31));
        let places = [[0, 0], [3, 4], [7, 8], [0, 8], [5, 2]];
        let base = net.baseline_activations(&image, 2)?;
        let windows = Windows {
            values: patch.repeat([places.len() as i64, 1, 1, 1]),
            starts: places.to_vec(),
        };
        let found = net.run_regions(&base, &windows, 2)?;
        for (row, [y, x]) in (0..).zip(places) {
            let changed = image.copy();
            changed.narrow(2, y, 2).narrow(3, x, 3).copy_(&patch);
            let whole = net.value(&changed, 2)?;
            assert!(same(&found.narrow(0, row, 1), &whole), "{op:?} at {y}, {x}");
        }
    }
    Ok(())
}

#[test]
fn pixels_outside_a_receptive_field_change_nothing() -> Tested {
    for (op, readers) in on_images() {
        let net = network(&op, 4, readers);
        let image = random(&[1, 4, 9, 11], 40);
        let (before, [fields, _]) =
            (net.value(&image, 2)?, net.receptive_fields(&[1, 4, 9, 11])?[2]);
        let ReceptiveField::Window { size, jump, start } = fields else { continue };
        // The dimension along which the height lies now: the one that changes with a row.
        for row in 0..9 {
            let changed = image.copy();
            let _ = changed.narrow(2, row, 1).fill_(7.5);
            let after = net.value(&changed, 2)?;
            let moved = (after - &before).nan_to_num(0.0, 0.0, 0.0).abs();
            let sees = |unit: i64| (start + unit * jump..start + unit * jump + size).contains(&row);
            let outside = |dim: i64| {
                let units = moved.size()[dim as usize];
                (0..units)
                    .filter(|&unit| !sees(unit))
                    .all(|unit| moved.select(dim, unit).max().double_value(&[]) == 0.0)
            };
            assert!((1..moved.dim() as i64).any(outside), "{op:?}, row {row}: {fields:?}");
        }
    }
    Ok(())
}

#[test]
fn only_what_is_affine_passes_guided_gradients_on_unchanged() -> Tested {
    for function in pointwise::tests::ALL {
        let op = Op::from(function);
        // Of both signs and beyond where any of them bends.
        let (a, b) = (random(&[50], 50) * 4.0, random(&[50], 51) * 4.0);
        let value = |x: &Tensor| op.compute(&[x], false);
        let middle = value(&(&a * 0.25 + &b * 0.75))?;
        let affine = same(&middle, &(value(&a)? * 0.25 + value(&b)? * 0.75));
        match op.operation().backprop() {
            Backprop::Usual => assert!(affine, "{function:?}"),
            Backprop::Refused => assert!(!affine, "{function:?}"),
            Backprop::Rectified { most } => {
                let expected = a.clamp(0.0, most.min(1e9));
                assert!(same(&value(&a)?, &expected), "{function:?}");
            }
        }
    }
    Ok(())
}

#[test]
fn a_folded_batch_norm_gives_what_both_gave() -> Tested {
    let ops: Vec<Op> = samples().into_iter().map(|(op, _)| op).collect();
    let image = random(&[2, 4, 9, 11], 60);
    for norm in &ops {
        for before in &ops {
            if norm.operation().fold_into(before).is_none() {
                continue;
            }
            let convolution = Conv2d {
                weight: random(&[4, 4, 3, 3], 61),
                bias: None,
                stride: [1, 1],
                padding: [1, 1],
                dilation: [1, 1],
                groups: 1,
            };
            let before = Op::from(convolution);
            let folded = norm.operation().fold_into(&before).ok_or("no fold")??;
            let both = norm.compute(&[&before.compute(&[&image], false)?], false)?;
            assert!(same(&folded.compute(&[&image], false)?, &both), "{norm:?}");
        }
    }
    Ok(())
}
