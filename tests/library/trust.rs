//! Measures of trust: published figures, other packages, and what is refused.

use std::time::Duration;

use convscope::attribution::{
    Attribution, Cascade, Disturbance, Run, confidence, explain, infidelity, max_sensitivity,
    pixel_curves, randomization_with,
};
use convscope::prelude::*;

use crate::helpers::{Tested, cpu, difference, maps_of, numbers, random, scratch, subtitle};
use crate::oracle::Script;
use crate::parity::parameter;

/// Sums its input, `[N, 1, 2, 2]`, by a linear layer of ones.
fn sum_of(height: i64, width: i64) -> convscope::Result<Network> {
    let mut b = Network::builder("sum", [1, height, width]);
    let x = b.flatten(b.input(), "flatten");
    b.linear(x, "fc", 1);
    let net = b.build()?.to_kind(Kind::Double)?;
    for (_, parameter) in net.state_dict() {
        let one = if parameter.dim() == 2 { 1.0 } else { 0.0 };
        let _ = parameter.shallow_clone().fill_(one);
    }
    Ok(net)
}

pub fn close(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len(), "{found:?}, expected {expected:?}");
    for (a, b) in found.iter().zip(expected) {
        assert!((a - b).abs() < 1e-9, "{found:?}, expected {expected:?}");
    }
}

/// The sum of a 2×2 image: the figures that are known for two pixels a step.
#[test]
fn deletion_and_insertion_of_a_sum_are_the_known_ones() -> Tested {
    let net = sum_of(2, 2)?;
    let input = Tensor::from_slice(&[0.4, 0.3, 0.2, 0.1]).view([1, 1, 2, 2]);
    let run = Run::new(&net, &input, &[Target::layer("fc")])?;
    let options = PixelSteps::default().steps(2).insert_into(Baseline::Zero);
    let curves = pixel_curves(&run, &input.squeeze_dim(1), options)?;
    close(&curves.shares, &[0.0, 0.5, 1.0]);
    close(&curves.deletion[0], &[1.0, 0.3, 0.0]);
    close(&curves.insertion[0], &[0.0, 0.7, 1.0]);
    close(&[curves.deletion_auc()[0], curves.insertion_auc()[0]], &[0.4, 0.6]);
    let curves = pixel_curves(&run, &input.squeeze_dim(1), options.steps(4))?;
    close(&curves.deletion[0], &[1.0, 0.6, 0.3, 0.1, 0.0]);
    Ok(())
}

/// Convolutions of stride 2, global pooling, a linear layer: takes any size.
fn small() -> convscope::Result<Network> {
    tch::manual_seed(5);
    let mut b = Network::builder("small", [2, 17, 23]);
    let x = b.conv2d(b.input(), "conv1", Conv2d::new(6, 3).padding(1));
    let x = b.relu(x, "relu1");
    let x = b.conv2d(x, "conv2", Conv2d::new(8, 3).stride(2));
    let x = b.relu(x, "relu2");
    let x = b.global_avg_pool(x, "avgpool");
    let x = b.flatten(x, "flatten");
    b.linear(x, "fc", 5);
    b.build()?.to_kind(Kind::Double)
}

#[test]
fn measures_equal_those_of_other_packages() -> Tested {
    let net = small()?;
    // What libtorch's generator gives depends on the tests that run beside this one.
    for (name, tensor) in net.state_dict() {
        tensor.shallow_clone().copy_(&parameter(&name, &tensor.size()));
    }
    let input = random(&[3, 2, 17, 23], 6) * 4.0 - 2.0;
    let maps = random(&[3, 17, 23], 7);
    let classes = [4, 0, 2];
    let targets = classes.map(Target::Class);
    let disturbances = Disturbance::default().samples(7).radius(0.2).seed(3).of(&input)?;

    let (digits, four) = (zoo::digits()?, data::digit(4, 2)?);
    let method = InputTimesGradient;
    let check = randomization_with(&digits, &four, "4", &method, Cascade::default())?;
    let first = method.explain(&digits, &four, "4")?;
    let stage = &check.stages()[1];

    let folder = scratch("parity_trust");
    let mut given = vec![
        ("input".to_owned(), input.shallow_clone()),
        ("maps".to_owned(), maps.shallow_clone()),
        ("classes".to_owned(), Tensor::from_slice(&classes.map(|class| class as i64))),
        ("disturbances".to_owned(), disturbances.shallow_clone()),
        ("first".to_owned(), first.values().tensor().to_kind(Kind::Double)),
        ("second".to_owned(), stage.map.to_kind(Kind::Double)),
    ];
    given.extend(net.state_dict().into_iter().map(|(name, t)| (name, t.contiguous())));
    let file = folder.join("given.safetensors");
    Tensor::write_safetensors(&given, &file)?;
    let packages = ["captum", "pytorch_grad_cam", "scipy", "sklearn"];
    let script = Script::new("trust.py").needs(&packages).file(&file);
    let Some(oracle) = script.run() else { return Ok(()) };
    let theirs = oracle.arrays();

    let run = Run::new(&net, &input, &targets)?;
    let curves = pixel_curves(&run, &maps, PixelSteps::default().steps(5))?;
    let gradient = Saliency::default().attribute(&run)?.values;
    let confidence = confidence(&run, &maps)?;
    let pairs = confidence.explained.iter().zip(&confidence.whole);
    let change: Vec<f64> = pairs.map(|(part, whole)| part - whole).collect();
    let saliency = Saliency::default();
    for (name, ours, allowed) in [
        ("deletion", curves.deletion.concat(), 1e-12),
        ("insertion", curves.insertion.concat(), 1e-12),
        ("deletion_auc", curves.deletion_auc(), 1e-12),
        ("insertion_auc", curves.insertion_auc(), 1e-12),
        // That package multiplies in single precision.
        ("change", change, 1e-6),
        ("infidelity", numbers(&infidelity(&run, &gradient, &disturbances)?), 1e-12),
        ("sensitivity", numbers(&max_sensitivity(&run, &saliency, &disturbances)?), 1e-9),
        ("rank_correlation", vec![stage.rank_correlation], 1e-12),
        ("structural_similarity", vec![stage.structural_similarity], 1e-9),
    ] {
        let theirs = numbers(&theirs[name]);
        assert_eq!(ours.len(), theirs.len(), "{name}");
        let pairs = ours.iter().zip(&theirs);
        let off = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        println!("{name}: {off:.1e} of {:?}", theirs.first());
        assert!(off < allowed, "{name}: {ours:?}, expected {theirs:?}");
    }
    Ok(())
}

#[test]
fn a_linear_networks_gradient_is_perfectly_faithful_and_stable() -> Tested {
    let net = sum_of(3, 5)?;
    let input = Tensor::randn([2, 1, 3, 5], cpu(Kind::Double));
    let targets = [Target::Class(0), Target::Class(0)];
    let disturbances = Disturbance::default().of(&input)?;
    assert_eq!(disturbances.size(), [20, 2, 1, 3, 5]);
    assert!(disturbances.abs().max().double_value(&[]) > 0.0);
    let run = Run::new(&net, &input, &targets)?;
    let gradient = Saliency::default().attribute(&run)?.values;
    let found = infidelity(&run, &gradient, &disturbances)?;
    assert!(found.max().double_value(&[]) < 1e-28, "{found:?}");
    let wrong = infidelity(&run, &(&gradient * 2.0), &disturbances)?;
    assert!(wrong.min().double_value(&[]) > 1e-4);
    let moved = max_sensitivity(&run, &Saliency::default(), &disturbances)?;
    assert_eq!(numbers(&moved), [0.0, 0.0]);
    Ok(())
}

#[test]
fn average_drop_and_increase_are_those_computed_by_hand() -> Tested {
    let net = sum_of(1, 3)?;
    let input = Tensor::from_slice(&[1.0, 2.0, 1.0, 1.0, -2.0, 3.0]).view([2, 1, 1, 3]);
    // Stretched to 0, 1/2, 1; and, the negative one gone, 1, 0, 1/2.
    let maps = Tensor::from_slice(&[1.0, 2.0, 3.0, 4.0, -9.0, 2.0]).view([2, 1, 3]);
    let run = Run::new(&net, &input, &[Target::layer("fc"), Target::layer("fc")])?;
    let found = confidence(&run, &maps)?;
    close(&found.whole, &[4.0, 2.0]);
    close(&found.explained, &[2.0, 2.5]);
    close(&[found.average_drop(), found.increase()], &[0.25, 0.5]);
    // A blank map shows nothing.
    let found = confidence(&run, &maps.zeros_like())?;
    close(&found.explained, &[0.0, 0.0]);
    Ok(())
}

#[test]
fn a_blank_map_gives_a_random_order_of_its_seed() -> Tested {
    let net = small()?;
    let input = Tensor::randn([1, 2, 17, 23], cpu(Kind::Double));
    let run = Run::new(&net, &input, &[Target::Top])?;
    let options = PixelSteps::default().steps(6);
    let curve = |seed: u64, maps: &Tensor| pixel_curves(&run, maps, options.seed(seed));
    let blank = Tensor::zeros([1, 17, 23], cpu(Kind::Double));
    assert_eq!(curve(1, &blank)?, curve(1, &blank)?);
    assert_ne!(curve(1, &blank)?.deletion, curve(2, &blank)?.deletion);
    let map = Tensor::rand([1, 17, 23], cpu(Kind::Double));
    assert_eq!(curve(1, &map)?, curve(2, &map)?, "values that differ leave nothing to chance");
    // Both end where the other begins, but for the blur.
    let all = curve(0, &map)?;
    let zero = pixel_curves(&run, &map, options.insert_into(Baseline::Zero))?;
    close(
        &[zero.deletion[0][6], zero.deletion[0][0]],
        &[zero.insertion[0][0], all.insertion[0][6]],
    );
    Ok(())
}

#[test]
fn every_method_gives_maps_of_the_input_and_its_figure() -> Tested {
    let (net, photo) = (zoo::digits()?, data::digit(4, 2)?);
    let one = net.prepare(&photo)?;
    let input = Tensor::cat(&[&one, &net.prepare(&data::digit(7, 1)?)?], 0);
    let methods: [&dyn Attribution; 16] = [
        &Saliency::default(),
        &Saliency::default().channels(Channels::Sum),
        &InputTimesGradient,
        &SmoothGrad::default().samples(3),
        &IntegratedGradients::default().steps(3),
        &GuidedBackprop,
        &Deconvolution,
        &GradCam::at("relu2"),
        &LayerCam::at("relu2"),
        &HiResCam::at("relu2"),
        &XGradCam::at("relu2"),
        &GradCamPlusPlus::at("relu2"),
        &GuidedGradCam::at("relu2"),
        &ScoreCam::at("relu2"),
        &AblationCam::at("relu2"),
        &Patches::new(7).baseline(Baseline::Mean),
    ];
    for method in methods {
        let maps = maps_of(method, &net, &input, &[Target::Class(4), Target::Top])?;
        assert_eq!(maps.size(), [2, 28, 28], "{}", method.name());
        let figure = explain(&net, &photo, "4", method)?;
        let shown = match figure.values().tensor().size().as_slice() {
            [28, 28] => figure.values().tensor(),
            size => {
                let map = figure.values().tensor().view([1, 1, size[0], size[1]]);
                map.upsample_bilinear2d([28, 28], false, None, None).view([28, 28])
            }
        };
        // Noise is drawn for a whole batch, so SmoothGrad is compared alone.
        let alone = maps_of(method, &net, &one, &[Target::Class(4)])?;
        let largest = shown.abs().max().double_value(&[]);
        assert!(largest > 0.0, "{}", method.name());
        assert!(difference(&alone.get(0), &shown) < 1e-5 * largest, "{}", method.name());
    }
    let names: std::collections::BTreeSet<String> =
        methods.iter().map(|method| method.name()).collect();
    assert_eq!(names.len(), methods.len(), "{names:?}");
    let figure = compare_methods(&net, &photo, Target::Top, &methods[..4])?;
    assert_eq!(figure.values().len(), 4);

    let patches = Patches::new(2).stride(1).time_limit(Duration::ZERO);
    let some: [&dyn Attribution; 2] = [&Saliency::default(), &patches];
    let notes = subtitle(&compare_methods(&net, &photo, Target::Top, &some)?)?;
    assert!(notes.contains("Occlusion") && notes.contains("stopped after"), "{notes}");
    Ok(())
}

#[test]
fn what_cannot_be_measured_is_refused() -> Tested {
    let net = small()?;
    let input = Tensor::randn([2, 2, 17, 23], cpu(Kind::Double));
    let targets = [Target::Class(1), Target::Class(0)];
    let maps = Tensor::rand([2, 17, 23], cpu(Kind::Double));
    let run = Run::new(&net, &input, &targets)?;
    let curves =
        |maps: &Tensor, steps| pixel_curves(&run, maps, PixelSteps::default().steps(steps));
    assert!(curves(&maps, 3).is_ok());
    let error = curves(&maps, 0).expect_err("no steps").to_string();
    assert!(error.contains("0 steps of deletion"), "{error}");
    let turned = maps.transpose(1, 2);
    let error = curves(&turned, 3).expect_err("height for width").to_string();
    assert!(error.contains("[2, 23, 17]") && error.contains("[2, 17, 23]"), "{error}");
    let error = curves(&(&maps * f64::NAN), 3).expect_err("no order").to_string();
    assert!(error.contains("not finite"), "{error}");
    assert!(confidence(&run, &turned).is_err());
    let disturbances = Disturbance::default().of(&input)?;
    assert!(infidelity(&run, &maps, &disturbances).is_err(), "not [N, C, H, W]");
    let gradient = Saliency::default().attribute(&run)?.values;
    let flat = disturbances.get(0);
    let error = infidelity(&run, &gradient, &flat).expect_err("one").to_string();
    assert!(error.contains("Disturbance"), "{error}");
    assert!(max_sensitivity(&run, &Saliency::default(), &flat).is_err());
    for wrong in [Disturbance::default().samples(0), Disturbance::default().radius(f64::NAN)] {
        assert!(wrong.of(&input).is_err());
    }
    Ok(())
}
