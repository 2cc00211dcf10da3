//! Methods that run many variants of a picture: Score-CAM, Ablation-CAM, RISE, SmoothGrad, integrated
//! gradients and occlusion, in batches and bounded in time.

use std::time::Duration;

use convscope::attribution::{Run, explain};
use convscope::prelude::*;

use crate::helpers::{Tested, cpu, difference, maps_of, numbers, random, scratch, values_of};
use crate::oracle::Script;
use crate::parity::relative;

/// A convolution with a skip past it, pooled, and a linear layer, in double precision.
fn with_skip() -> (Network, Tensor) {
    tch::manual_seed(5);
    let mut b = Network::builder("skip", [2, 9, 14]);
    let x = b.conv2d(b.input(), "conv", Conv2d::new(40, 3).padding(1));
    let x = b.relu(x, "relu");
    let skip = b.conv2d(b.input(), "shortcut", Conv2d::new(40, 1));
    let x = b.add(x, skip, "add");
    let x = b.global_avg_pool(x, "avgpool");
    let x = b.flatten(x, "flatten");
    b.linear(x, "fc", 4);
    let net = b.build().and_then(|net| net.to_kind(Kind::Double)).expect("a network");
    (net, Tensor::randn([2, 2, 9, 14], cpu(Kind::Double)))
}

fn linear(weight: &Tensor) -> Network {
    let [c, h, w] = weight.size()[..] else { panic!("[C, H, W]") };
    let mut b = Network::builder("linear", [c, h, w]);
    let x = b.flatten(b.input(), "flatten");
    b.linear(x, "fc", 1);
    let net = b.build().and_then(|net| net.to_kind(Kind::Double)).expect("a network");
    crate::helpers::set(
        &net,
        &[("fc.weight", weight), ("fc.bias", &Tensor::zeros([1], cpu(Kind::Double)))],
    );
    net
}

#[test]
fn score_cam_weights_channels_by_the_picture_seen_through_them() -> Tested {
    let (net, input) = with_skip();
    let targets = [Target::Class(2), Target::Top];
    let top = net.forward(&input)?.argmax(1, false).int64_value(&[1]);
    for measure in [Measure::Score, Measure::Probability] {
        let method = ScoreCam::at("relu").measure(measure);
        let ours = values_of(&method, &net, &input, &targets)?;
        assert_eq!(ours.size(), [2, 9, 14]);
        for (row, class) in [(0, 2), (1, top)] {
            let one = input.narrow(0, row, 1);
            let maps = net.activations(&one, &["relu"])?.remove(0).get(0);
            let scores: Vec<f64> = (0..40)
                .map(|channel| {
                    let map = maps.get(channel);
                    let (low, high) = (map.min(), map.max());
                    let output = net.forward(&(&one * ((map - &low) / (high - &low))))?;
                    let output = match measure {
                        Measure::Probability => output.softmax(1, Kind::Double),
                        _ => output,
                    };
                    Ok(output.double_value(&[0, class]))
                })
                .collect::<convscope::Result<_>>()?;
            let weights = Tensor::from_slice(&scores).softmax(0, Kind::Double).view([40, 1, 1]);
            let by_hand =
                (maps * weights).sum_dim_intlist([0_i64].as_slice(), false, Kind::Double).relu();
            assert!(difference(&ours.get(row), &by_hand) < 1e-7 * by_hand.max().double_value(&[]));
        }
    }
    Ok(())
}

/// A channel's share of a pooled linear score is its mean times its weight, whatever goes past it.
#[test]
fn ablation_cam_weights_channels_by_what_the_score_loses() -> Tested {
    let (net, input) = with_skip();
    let targets = [Target::Class(1), Target::Class(3)];
    let scores = net.forward(&input)?;
    let weight = net.state_dict().into_iter().find(|(name, _)| name == "fc.weight").expect("fc").1;
    for layer in ["relu", "add", "shortcut"] {
        let ours = values_of(&AblationCam::at(layer), &net, &input, &targets)?;
        let maps = net.activations(&input, &[layer])?.remove(0);
        for (row, class) in [(0, 1), (1, 3)] {
            let maps = maps.get(row);
            let lost = maps.mean_dim([1_i64, 2].as_slice(), true, Kind::Double)
                * weight.get(class).view([40, 1, 1]);
            let share = lost / scores.double_value(&[row, class]).abs();
            let by_hand =
                (maps * share).sum_dim_intlist([0_i64].as_slice(), false, Kind::Double).relu();
            let largest = by_hand.max().double_value(&[]).max(1e-3);
            assert!(difference(&ours.get(row), &by_hand) < 1e-10 * largest, "{layer}");
        }
    }
    let targets = [Target::layer("relu"), Target::layer("relu")];
    let error = values_of(&AblationCam::at("shortcut"), &net, &input, &targets);
    let error = error.expect_err("a branch that the target doesn't see").to_string();
    assert!(error.contains("`relu` does not depend on layer `shortcut`"), "{error}");
    Ok(())
}

#[test]
fn fewer_channels_are_those_that_vary_most() -> Tested {
    let (net, input) = with_skip();
    let one = input.narrow(0, 0, 1);
    let maps = net.activations(&one, &["relu"])?.remove(0).get(0);
    let strongest =
        maps.flatten(1, -1).var_correction(1, 0, false).argmax(0, false).int64_value(&[]);
    let map = maps.get(strongest);
    let top = [Target::Top];
    let ours = values_of(&ScoreCam::at("relu").channels(1), &net, &one, &top)?;
    assert!(difference(&ours.get(0), &map) < 1e-12, "a softmax over one channel is 1");
    for channels in [40, 1000] {
        let some = values_of(&AblationCam::at("relu").channels(channels), &net, &one, &top)?;
        let all = values_of(&AblationCam::at("relu"), &net, &one, &top)?;
        assert_eq!(difference(&some, &all), 0.0);
    }
    assert!(values_of(&ScoreCam::at("relu").channels(0), &net, &one, &top).is_err());
    Ok(())
}

#[test]
fn rise_equals_an_implementation_from_the_paper() -> Tested {
    // Sizes that the cells don't divide.
    let input = random(&[2, 23, 38], 8);
    let weight = random(&[2, 23, 38], 9) * 4.0 - 2.0;
    let file = scratch("parity_rise").join("linear.safetensors");
    Tensor::write_safetensors(&[("input", &input), ("weight", &weight)], &file)?;
    let script = Script::new("rise.py").needs(&["numpy", "safetensors"]).file(&file);
    let script = script.word(70).word(5).word(0.3).word(12345);
    let Some(oracle) = script.run() else { return Ok(()) };
    let theirs = oracle.arrays();
    let rise = Rise::default().masks(70).cells(5).probability(0.3).seed(12345);
    let net = linear(&weight);
    let run = Run::new(&net, &input.unsqueeze(0), &[Target::Class(0)])?;
    let ours = rise.measure(Measure::Score).mean_scores(&run)?.get(0);
    let off = relative(&ours, &theirs["map"]);
    assert!(off < 1e-12, "{off}");
    Ok(())
}

/// Far from all weights, a pixel is seen or not whatever the score: its value tends to the mean score, which
/// is the probability times the whole; near them it is higher.
#[test]
fn rise_converges_on_a_linear_network() -> Tested {
    let weight = Tensor::zeros([1, 32, 48], cpu(Kind::Double));
    let _ = weight.narrow(1, 2, 4).narrow(2, 3, 4).fill_(1.0);
    let (net, input) = (linear(&weight), Tensor::ones([1, 1, 32, 48], cpu(Kind::Double)));
    let run = Run::new(&net, &input, &[Target::Class(0)])?;
    let map = |masks, probability| {
        let rise = Rise::default().masks(masks).probability(probability).cells(6);
        rise.measure(Measure::Score).mean_scores(&run).map(|map| map.get(0))
    };
    assert!(difference(&map(5, 1.0)?, &Tensor::full([32, 48], 16.0, cpu(Kind::Double))) < 1e-12);
    let error = |masks| -> convscope::Result<f64> {
        let far = map(masks, 0.4)?.narrow(0, 20, 12).narrow(1, 24, 24);
        Ok((far - 0.4 * 16.0).square().mean(Kind::Double).sqrt().double_value(&[]))
    };
    let (few, many) = (error(250)?, error(4_000)?);
    assert!(many < 0.25 && (2.0..10.0).contains(&(few / many)), "{few} {many}: not √16 = 4");
    let near = map(4_000, 0.4)?.narrow(0, 2, 4).narrow(1, 3, 4).min().double_value(&[]);
    assert!(near > 1.3 * 0.4 * 16.0, "{near}");
    Ok(())
}

/// The figure shows what is above and below the masks' mean score.
#[test]
fn rises_figure_is_the_map_less_the_mean_score() -> Tested {
    let (net, digit) = (zoo::digits()?, data::digit(4, 2)?);
    let rise = Rise::default().masks(40);
    let shown = rise.explain(&net, &digit, 4usize)?;
    let map = rise.mean_scores(&Run::of(&net, &digit, 4)?)?.get(0);
    let less = numbers(&(map - shown.values().tensor()));
    let mean = less[0];
    assert!(less.iter().all(|value| (value - mean).abs() < 1e-5), "one number everywhere");
    assert!((0.01..0.99).contains(&mean), "a mean probability: {mean}");
    Ok(())
}

#[test]
fn rise_refuses_what_makes_no_mask() -> Tested {
    let (net, digit) = (zoo::digits()?, data::digit(3, 1)?);
    let (count, usual) = ("usual are 4000", "such as 7 and 0.5");
    for (options, remedy) in [
        (Rise::default().masks(0), count),
        (Rise::default().masks(usize::MAX), count),
        (Rise::default().cells(0), usual),
        (Rise::default().cells(usize::MAX), usual),
        (Rise::default().probability(0.0), usual),
        (Rise::default().probability(f64::NAN), usual),
    ] {
        let error = options.explain(&net, &digit, Target::Top).expect_err("refused").to_string();
        assert!(error.contains("RISE") && error.contains(remedy), "{error}");
    }
    Ok(())
}

/// SmoothGrad's noise, as it comes one picture at a time: SplitMix64, Box and Muller.
fn noise(state: &mut u64, count: usize) -> Tensor {
    let mut unit = || {
        *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (*state ^ (*state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 40) as f32 / (1u32 << 24) as f32
    };
    let mut numbers = Vec::new();
    while numbers.len() < count {
        let radius = (-2.0 * (1.0 - unit()).ln()).sqrt();
        let (sin, cos) = (std::f32::consts::TAU * unit()).sin_cos();
        numbers.extend([radius * cos, radius * sin]);
    }
    numbers.truncate(count);
    Tensor::from_slice(&numbers).to_kind(Kind::Double)
}

#[test]
fn batches_change_neither_the_noise_nor_the_way() -> Tested {
    let (net, input) = with_skip();
    let targets = [Target::Class(1), Target::Class(2)];
    let samples = 37;
    let flat = input.view([2, -1]);
    let range = flat.amax([1], false) - flat.amin([1], false);
    let deviation = (range * 0.15).view([2, 1, 1, 1]);
    let (mut state, mut sum) = (9, input.zeros_like());
    for _ in 0..samples {
        let noisy = &input + noise(&mut state, input.numel()).view_as(&input) * &deviation;
        sum += values_of(&Saliency::default(), &net, &noisy, &targets)?;
    }
    let method = SmoothGrad::default().samples(samples).seed(9);
    let ours = values_of(&method, &net, &input, &targets)?;
    assert!(relative(&ours, &(sum / samples as f64)) < 1e-6);

    let mut sum = input.zeros_like();
    for step in 0..samples {
        let along = (step as f64 + 0.5) / samples as f64;
        sum += values_of(&Saliency::default(), &net, &(&input * along), &targets)?;
    }
    let run = Run::new(&net, &input, &targets)?;
    let ours = IntegratedGradients::default().steps(samples).integrate(&run)?;
    assert_eq!(ours.steps, samples);
    assert!(relative(&ours.values, &(sum * &input / samples as f64)) < 1e-12);
    Ok(())
}

/// One batch is done, and said; nothing else is missing.
#[test]
fn bounded_time_gives_what_there_is_and_says_so() -> Tested {
    let (net, digit) = (zoo::digits()?, data::digit(4, 2)?);
    let no_time = Duration::ZERO;
    let methods: [&dyn Attribution; 5] = [
        &ScoreCam::at("relu2").time_limit(no_time),
        &AblationCam::at("relu2").time_limit(no_time),
        &Rise::default().time_limit(no_time),
        &SmoothGrad::default().time_limit(no_time),
        &IntegratedGradients::default().time_limit(no_time),
    ];
    for method in methods {
        let figure = explain(&net, &digit, Target::Top, method)?;
        let description = figure.description();
        assert!(description.contains("stopped after"), "{description}");
        assert!(figure.values().numbers().iter().all(|value| value.is_finite()), "{description}");
        assert!(figure.values().tensor().abs().max().double_value(&[]) > 0.0, "{description}");
    }

    // The points that were reached are from the whole way: the shares nearly add up all the same.
    let run = Run::of(&net, &digit, Target::Top)?;
    let whole = IntegratedGradients::default().steps(1000);
    let (some, all) = (whole.clone().time_limit(no_time).integrate(&run)?, whole.integrate(&run)?);
    assert!(some.steps < 100 && all.steps == 1000, "{}", some.steps);
    let first = IntegratedGradients::default().steps(some.steps);
    let near = Run::new(&net, &(run.input() * 0.01), &[Target::Class(4)])?;
    let beginning = first.integrate(&near)?.values * 100.0; // the gradient at the way's first hundredth, for all of it
    let (some, beginning) =
        (relative(&some.values, &all.values), relative(&beginning, &all.values));
    assert!(
        some < 0.25 && beginning > 2.0 * some,
        "{some}, {beginning} by the way's beginning alone"
    );
    Ok(())
}

#[test]
fn occlusion_leaves_blank_what_it_did_not_reach() -> Tested {
    let (net, digit) = (zoo::digits()?, data::digit(4, 2)?);
    let patches = Patches::new(2).stride(1);
    let bounded = patches.time_limit(Duration::ZERO);
    let figure = occlusion(&net, &digit, Target::Top, &[bounded])?;
    let (drops, all) =
        (figure.grids()[0].drops(), occlusion(&net, &digit, Target::Top, &[patches])?);
    let (drops, all) = (drops.numbers().to_vec(), all.grids()[0].drops().numbers().to_vec());
    let reached = drops.iter().take_while(|drop| drop.is_finite()).count();
    assert!((8..700).contains(&reached), "{reached} of 729");
    assert!(drops[reached..].iter().all(|drop| drop.is_nan()), "blank from there on");
    for (bounded, whole) in drops.iter().zip(&all).take(reached) {
        assert!((bounded - whole).abs() < 1e-4, "{bounded} {whole}");
    }
    let picture = figure.image()?;
    let magenta = image::Rgb([255, 0, 255]);
    assert!(picture.pixels().all(|pixel| *pixel != magenta), "what is missing is no value");
    figure.bundle()?;
    let input = net.prepare(&digit)?;
    let map = maps_of(&bounded, &net, &input, &[Target::Top])?;
    assert_eq!(map.get(0).get(27).abs().max().double_value(&[]), 0.0, "covered by nothing");
    Ok(())
}

#[test]
fn occlusion_measures_probabilities_too() -> Tested {
    let (net, digit) = (zoo::digits()?, data::digit(4, 2)?);
    let patches = Patches::new(10).stride(9).measure(Measure::Probability);
    let figure = occlusion(&net, &digit, 4usize, &[patches])?;
    assert_eq!(figure.unit, "probability");
    let input = net.prepare(&digit)?;
    let probability =
        |x: &Tensor| net.forward(x).map(|out| out.softmax(1, Kind::Double).double_value(&[0, 4]));
    let covered = input.copy();
    let _ = covered.narrow(2, 9, 10).narrow(3, 9, 10).zero_();
    let by_hand = probability(&input)? - probability(&covered)?;
    let ours = figure.grids()[0].drops().tensor().double_value(&[1, 1]);
    assert!((ours - by_hand).abs() < 1e-5, "{ours} {by_hand}");
    assert!(by_hand > 1e-4, "the middle of a 4 matters");
    let mixed = [patches, Patches::new(4)];
    assert!(occlusion(&net, &digit, 4usize, &mixed).is_err(), "one unit a figure");
    Ok(())
}
