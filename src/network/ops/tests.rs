//! Every operation is asked for everything that it says of itself, and what it says is tried.

mod samples;

use std::collections::BTreeSet;

use tch::{Kind, Tensor};

use super::*;
use crate::network::{Network, Node, Preprocess, ReceptiveField, Windows};
use crate::random::Random;
use samples::{COMPARISONS, random, samples};

type Tested = Result<(), Box<dyn std::error::Error>>;

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
        packed: None,
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

#[test]
fn at_a_kink_units_with_slopes_have_the_negative_side_s_as_in_pytorch() -> Tested {
    let slopes = Tensor::from_slice(&[0.3_f32]).view([1, 1, 1]);
    for (op, expected) in [
        (Op::RELU, 0.0),
        (Pointwise::LeakyRelu { slope: 0.2 }.into(), 0.2),
        (Pointwise::Elu { alpha: 1.5 }.into(), 1.5),
        (Pointwise::Celu { alpha: 0.7 }.into(), 1.0),
        (PRelu { weight: slopes.view([1]) }.into(), 0.3),
        (PRelu { weight: slopes }.into(), 0.3),
    ] {
        let x =
            Tensor::zeros([1, 1, 1, 1], (Kind::Float, tch::Device::Cpu)).set_requires_grad(true);
        let gradients = Tensor::f_run_backward(&[op.compute(&[&x], false)?], &[&x], false, false)?;
        let slope = gradients[0].double_value(&[0, 0, 0, 0]);
        assert!((slope - expected).abs() < 1e-6, "{}: {slope}, not {expected}", op.name());
    }
    Ok(())
}
