//! The images that activation maximization finds: what networks take them for, and PyTorch's own loop.

use convscope::maximize::{Color, Parameters, Robust, Start};
use convscope::prelude::*;

use crate::helpers::{Tested, cpu, difference, random, real, scratch};
use crate::maximize::{input, score_of};
use crate::oracle::Script;
use crate::parity::filled;

#[test]
fn the_image_of_a_class_is_given_to_that_class() -> Tested {
    let mut nets = vec![zoo::digits()?];
    if let Some(weights) = real("weights/cifar10_resnet20.safetensors") {
        nets.push(zoo::untrained("cifar_resnet20")?.load_weights(weights)?);
    }
    let classes: Vec<usize> = (0..10).collect();
    for net in nets {
        let classic = Maximize::classic().steps(100).quiet().classes(&net, &classes)?;
        sure(&net, &classic.values()?, "classic");
        assert!(classic.probabilities().iter().all(|p| *p > Some(0.95)));
        let lucid = Maximize::lucid().steps(256).quiet().classes(&net, &classes)?;
        sure(&net, &lucid.values()?, "lucid");
        for (angle, shift) in [(0.0, 1), (0.0, -2), (5.0, 0), (-5.0, 1)] {
            let moved = turned(&lucid.values()?, angle, shift);
            sure(&net, &moved, &format!("lucid, {angle} degrees, {shift} pixels"));
        }
    }
    Ok(())
}

/// Image `i` is taken for class `i` with more than 95 %.
fn sure(net: &Network, images: &Tensor, what: &str) {
    let logits = net.forward(&input(net, images)).expect("logits");
    let given = logits.softmax(-1, Kind::Double).diagonal(0, 0, 1);
    let given: Vec<f64> = Vec::try_from(given.contiguous()).expect("numbers");
    println!("{}, {what}: {given:.3?}", net.name());
    assert!(given.iter().all(|p| *p > 0.95), "{}, {what}: {given:.3?}", net.name());
}

/// Turned about the middle and shifted by whole pixels in both directions.
fn turned(images: &Tensor, degrees: f64, pixels: i64) -> Tensor {
    let (sin, cos) = degrees.to_radians().sin_cos();
    let by = |size: i64| 2.0 * pixels as f64 / size as f64;
    let (tall, wide) = (images.size()[2], images.size()[3]);
    let matrix = Tensor::from_slice(&[cos, -sin, by(wide), sin, cos, by(tall)]).view([1, 2, 3]);
    let matrix = matrix.to_kind(images.kind()).expand([images.size()[0], 2, 3], false);
    let grid = Tensor::affine_grid_generator(&matrix, images.size(), false);
    (images - 0.5).grid_sampler(&grid, 0, 0, false) + 0.5
}

#[test]
fn real_weights_see_their_classes_and_channels() -> Tested {
    let Some(weights) = real("weights/resnet18.safetensors") else { return Ok(()) };
    let net = zoo::untrained("resnet18")?.load_weights(weights)?;
    let small = |preset: Maximize| preset.size(96, 96).quiet();
    let classes = [1, 130, 207, 258, 309, 388, 417, 685, 817, 980];
    let classic = small(Maximize::classic()).steps(40).classes(&net, &classes)?;
    println!("classic {:.3?}", classic.probabilities());
    assert!(classic.probabilities().iter().all(|p| *p > Some(0.95)));
    let lucid = small(Maximize::lucid()).steps(64).classes(&net, &classes)?;
    println!("lucid {:.3?}", lucid.probabilities());
    assert!(lucid.probabilities().iter().all(|p| *p > Some(0.95)));
    for (angle, shift) in [(0.0, 2), (5.0, -1)] {
        let logits = net.forward(&input(&net, &turned(&lucid.values()?, angle, shift)))?;
        let given = logits.softmax(-1, Kind::Double);
        for (row, class) in classes.iter().enumerate() {
            let p = given.double_value(&[row as i64, *class as i64]);
            assert!(p > 0.95, "class {class} moved by {angle} degrees, {shift} pixels: {p}");
        }
    }
    let unit = small(Maximize::lucid()).steps(48).units(&net, "layer3", &[17, 100])?;
    louder_than_noise(&net, "layer3", &[17, 100], &unit.scores(), 96)
}

#[test]
fn a_channel_ends_far_above_noise() -> Tested {
    let net = zoo::digits()?;
    let channels: Vec<usize> = (0..24).collect();
    let made = Maximize::lucid().steps(200).quiet().layer(&net, "relu2")?;
    assert_eq!(made.scores().len(), 24);
    louder_than_noise(&net, "relu2", &channels, &made.scores(), 28)
}

/// Each score is at least five times that of the best of 64 images of noise around gray.
fn louder_than_noise(
    net: &Network,
    layer: &str,
    channels: &[usize],
    scores: &[f64],
    side: i64,
) -> Tested {
    let planes = net.preprocess().input_shape()[0];
    tch::manual_seed(2);
    let images =
        (Tensor::randn([64, planes, side, side], cpu(Kind::Float)) * 0.05 + 0.5).clamp(0.0, 1.0);
    let maps = net.activations(&input(net, &images), &[layer])?.remove(0);
    let best = maps.mean_dim([2_i64, 3].as_slice(), false, Kind::Float).amax([0], false);
    for (channel, score) in channels.iter().zip(scores) {
        let noise = best.double_value(&[*channel as i64]);
        assert!(*score > 5.0 * noise && *score > 0.0, "channel {channel}: {score} against {noise}");
    }
    Ok(())
}

#[test]
fn inversion_finds_an_image_that_the_layer_takes_for_the_given_one() -> Tested {
    let net = zoo::digits()?;
    let photo = net.prepare(&data::digit(3, 1)?)?;
    let seen = net.activations(&photo, &["relu2"])?.remove(0);
    let objective = || Objective::cosine("relu2", &seen);
    let made = Maximize::classic().tv(0.0).steps(150).quiet().run(&net, objective())?;
    let angle = score_of(&net, objective(), &made.values()?)?;
    assert!(angle > 0.7, "{angle}"); // noise begins at 0.09
    let class = net.forward(&input(&net, &made.values()?))?.argmax(1, false).int64_value(&[0]);
    assert_eq!(class, 3);
    Ok(())
}

#[test]
fn the_lucid_loop_equals_pytorchs() -> Tested {
    let folder = scratch("parity_maximize");
    let net = filled("resnet18")?;
    let (weights, given) = (folder.join("weights.safetensors"), folder.join("start.safetensors"));
    net.save_weights(&weights)?;
    let net = net.to_kind(Kind::Double)?;
    let start = random(&[2, 3, 49, 64], 8) * 0.3 + 0.35;
    Tensor::write_safetensors(&[("start", &start)], &given)?;
    let script = Script::new("maximize.py").file(weights).file(given);
    let Some(oracle) = script.run() else { return Ok(()) };
    let theirs = oracle.arrays();
    for (name, parameters, color) in [
        ("fourier", Parameters::Fourier, Color::Decorrelated),
        ("pixels", Parameters::Pixels, Color::Decorrelated),
        ("fourier_rgb", Parameters::Fourier, Color::Rgb),
    ] {
        let options = Maximize::lucid().steps(12).frames(1).quiet().size(49, 64);
        let options = options.robust(Robust::NONE).parameters(parameters).color(color);
        let made = options.start(Start::images(&start)).each(
            &net,
            &[
                Objective::channel("layer2", 5) - 1e-4 * Objective::total_variation(),
                Objective::class(7) + 0.5 * Objective::layer("layer2"),
            ],
        )?;
        let (ours, theirs) = (made.values()?, &theirs[name]);
        let (moved, off) = (difference(&start, theirs), difference(&ours, theirs));
        // The network's mean and deviation are held in single precision.
        println!("{name}: moved {moved:.2e}, off {off:.1e}");
        assert!(moved > 0.05 && off < 1e-6, "{name}: moved {moved}, off {off}");
    }
    Ok(())
}
