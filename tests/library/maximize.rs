//! Activation maximization: each objective's number, seeded runs, what ends them, refusals.

use std::time::Duration;

use convscope::maximize::{Ascent, Beyond, Color, Parameters, Robust, Start};
use convscope::prelude::*;

use crate::helpers::{Tested, cpu, difference, set};

/// The score of given images, as they are.
pub fn score_of(
    net: &Network,
    objective: Objective,
    image: &Tensor,
) -> Result<f64, convscope::Error> {
    let [height, width] = [image.size()[2] as u32, image.size()[3] as u32];
    let as_it_is = Maximize::classic().steps(0).quiet().size(height, width);
    Ok(as_it_is.start(Start::images(image)).run(net, objective)?.score())
}

pub fn noise(shape: [i64; 4], seed: i64) -> Tensor {
    tch::manual_seed(seed);
    Tensor::rand(shape, cpu(Kind::Float))
}

/// What the network is given of images from 0 to 1.
pub fn input(net: &Network, images: &Tensor) -> Tensor {
    net.preprocess().normalized(images).expect("normalized")
}

pub fn close(ours: f64, theirs: f64) {
    assert!((ours - theirs).abs() < 1e-4 * theirs.abs().max(1e-2), "{ours} against {theirs}");
}

#[test]
fn every_objective_is_the_number_it_says() -> Tested {
    let net = zoo::digits()?;
    let image = noise([1, 1, 28, 28], 5);
    let seen = input(&net, &image);
    let conv2 = net.activations(&seen, &["conv2"])?.remove(0);
    let logits = net.forward(&seen)?;
    let mean = |tensor: &Tensor| tensor.mean(Kind::Double).double_value(&[]);
    let check = |objective: Objective, wanted: f64| -> Tested {
        close(score_of(&net, objective, &image)?, wanted);
        Ok(())
    };
    check(Objective::class("7"), logits.double_value(&[0, 7]))?;
    check(Objective::channel("conv2", 5), mean(&conv2.select(1, 5)))?;
    check(Objective::neuron("conv2", 5, [2, 6]), conv2.double_value(&[0, 5, 2, 6]))?;
    check(Objective::layer("conv2"), mean(&conv2.square()))?;
    let direction = Tensor::arange(24, cpu(Kind::Float)) - 7.0;
    let along = (conv2.mean_dim([2_i64, 3].as_slice(), false, Kind::Float) * &direction)
        .sum(Kind::Double)
        .double_value(&[]);
    let length = direction.norm().double_value(&[]);
    check(Objective::direction("conv2", &direction), along / length)?;
    let other = net.activations(&input(&net, &noise([1, 1, 28, 28], 6)), &["conv2"])?.remove(0);
    let product = (&conv2 * &other).sum(Kind::Double).double_value(&[]);
    check(Objective::dot("conv2", &other), product / 64.0)?;
    let lengths = conv2.norm().double_value(&[]) * other.norm().double_value(&[]);
    check(Objective::cosine("conv2", &other), product / lengths)?;
    let steps = |dim: i64| {
        (image.narrow(dim, 1, 27) - image.narrow(dim, 0, 27))
            .abs()
            .sum(Kind::Double)
            .double_value(&[])
    };
    let unit = || Objective::channel("conv2", 5);
    let at = mean(&conv2.select(1, 5));
    check(unit() - 0.1 * Objective::total_variation(), at - 0.1 * (steps(2) + steps(3)))?;
    let gray = (&image - 0.5).abs();
    check(unit() - Objective::l1(), at - gray.sum(Kind::Double).double_value(&[]))?;
    check(unit() - Objective::l2(), at - gray.norm().double_value(&[]))?;
    check(2.0 * Objective::class(3) - Objective::class(8) * 0.5, {
        2.0 * logits.double_value(&[0, 3]) - 0.5 * logits.double_value(&[0, 8])
    })?;
    // Behind a ReLU a channel is what it is there, unless it is silent everywhere.
    let relu2 = conv2.relu();
    for channel in 0..24 {
        let score = score_of(&net, Objective::channel("relu2", channel), &image)?;
        let map = relu2.select(1, channel as i64);
        if map.max().double_value(&[]) > 0.0 {
            close(score, mean(&map));
        } else {
            close(score, mean(&conv2.select(1, channel as i64)));
            assert!(score <= 0.0);
        }
    }
    check(Objective::layer("relu2"), mean(&relu2.square()))
}

#[test]
fn diversity_is_0_of_one_image_and_minus_1_of_equal_ones() -> Tested {
    let net = zoo::digits()?;
    let image = noise([1, 1, 28, 28], 5);
    let alone = score_of(&net, Objective::diversity("conv2"), &image)?;
    assert!(alone.abs() < 1e-6, "{alone}");
    let two = Maximize::classic().steps(0).quiet().images(2).start(Start::images(&image));
    let equal = two.run(&net, Objective::diversity("conv2"))?;
    assert!(equal.scores().iter().all(|score| (score + 1.0).abs() < 1e-5), "{:?}", equal.scores());

    let make = |objective: Objective| {
        let made = Maximize::lucid().steps(60).seed(1).images(3).quiet().run(&net, objective)?;
        let images = made.values()?;
        let start = Maximize::classic().steps(0).quiet().images(3).start(Start::images(&images));
        start.run(&net, Objective::diversity("conv2")).map(|same| same.score())
    };
    let (plain, varied) = (
        make(Objective::channel("conv2", 4))?,
        make(Objective::channel("conv2", 4) + 3.0 * Objective::diversity("conv2"))?,
    );
    assert!(varied > plain + 0.02, "{varied} against {plain} without");
    Ok(())
}

#[test]
fn a_classic_step_is_the_formula() -> Tested {
    let net = zoo::digits()?.to_kind(Kind::Double)?;
    // A checkerboard, so that no two neighbors meet within the step.
    let place = Tensor::arange(28, (Kind::Double, Device::Cpu));
    let board = (place.unsqueeze(0) + place.unsqueeze(1)).remainder(2.0);
    let image = noise([1, 1, 28, 28], 9).to_kind(Kind::Double) * 0.2 + board * 0.4 + 0.2;
    let (rate, weight) = (0.003, 0.002);
    let made = Maximize::classic()
        .steps(1)
        .tv(weight)
        .ascent(Ascent::Plain { rate: Some(rate) })
        .start(Start::images(&image))
        .quiet()
        .run(&net, "3")?;
    let leaf = image.copy().set_requires_grad(true);
    let logit = net.forward(&input(&net, &leaf))?.get(0).get(3);
    let gradient = Tensor::run_backward(&[&logit], &[&leaf], false, false).remove(0);
    let step =
        |dim: i64| (leaf.narrow(dim, 1, 27) - leaf.narrow(dim, 0, 27)).abs().sum(Kind::Double);
    let variation = step(2) + step(3);
    let smooth = Tensor::run_backward(&[&variation], &[&leaf], false, false).remove(0);
    let wanted = (&image + gradient * rate - smooth * weight).clamp(0.0, 1.0);
    let moved = difference(&image, &wanted);
    let off = difference(&made.values()?, &wanted);
    assert!(moved > 1e-3 && off < 1e-12, "moved {moved}, off {off}");
    Ok(())
}

#[test]
fn a_seeded_run_repeats_bit_for_bit_and_goes_on_where_it_ended() -> Tested {
    let net = zoo::digits()?;
    for preset in [Maximize::lucid(), Maximize::classic()] {
        let options = preset.steps(24).frames(4).seed(7).quiet();
        let unit = || Unit::channel("conv2", 3);
        let run = |options: &Maximize| options.run(&net, unit());
        let first = run(&options)?;
        let again = run(&options)?;
        assert_eq!(difference(&first.values()?, &again.values()?), 0.0);
        assert_eq!(first.scores(), again.scores());
        let other = run(&options.clone().seed(8))?;
        assert!(difference(&first.values()?, &other.values()?) > 1e-3);

        let half = run(&options.clone().steps(12).frames(2))?;
        let whole = run(&options.clone().steps(12).frames(2).continue_from(&half))?;
        assert_eq!(difference(&first.values()?, &whole.values()?), 0.0);
        assert_eq!(whole.steps(), 24);
        assert_eq!(whole.history(), first.history());
    }
    Ok(())
}

#[test]
fn any_size_and_any_number_of_channels() -> Tested {
    let net = zoo::digits()?;
    let brief = Maximize::lucid().steps(6).quiet();
    let wide = brief.clone().size(31, 40).run(&net, Unit::channel("conv2", 2))?;
    assert_eq!(wide.values()?.size(), [1, 1, 31, 40]);
    let refused = brief.clone().size(31, 40).run(&net, 2).expect_err("a class needs 28×28");
    assert!(refused.to_string().contains("fc1"), "{refused}");
    let padded = Robust { pad: 3, beyond: Beyond::Mirror, ..Robust::LUCID };
    brief.clone().robust(padded).run(&net, Unit::channel("conv1", 2))?;

    for channels in [2, 3, 4] {
        tch::manual_seed(4);
        let mut b = Network::builder("planes", [channels, 17, 23]);
        let x = b.conv2d(b.input(), "conv", Conv2d::new(6, 3).no_bias());
        let x = b.batch_norm(x, "bn");
        b.relu(x, "relu");
        let net = b.build()?;
        set(&net, &[("bn.running_mean", &Tensor::full([6], 0.1, cpu(Kind::Float)))]);
        for parameters in [Parameters::Pixels, Parameters::Fourier] {
            for color in [Color::Rgb, Color::Decorrelated] {
                for layer in ["conv", "bn", "relu"] {
                    let brief = brief.clone().parameters(parameters).color(color);
                    let made = brief.units(&net, layer, &[0, 5])?;
                    assert_eq!(made.values()?.size(), [2, channels, 17, 23]);
                    let history = made.history();
                    let (start, end) = (history[0].score, made.score());
                    assert!(end > start, "{channels} {parameters:?} {color:?} {layer}");
                    made.image()?;
                }
            }
        }
    }
    Ok(())
}

#[test]
fn a_photo_is_dreamt_on_and_the_best_image_kept() -> Tested {
    let net = zoo::digits()?;
    let dream = Maximize::lucid().steps(10).quiet().start(Start::Photo(data::digit(4, 2)?));
    let made = dream.run(&net, Objective::layer("conv1"))?;
    let best = made.history().iter().map(|step| step.score).fold(f64::NEG_INFINITY, f64::max);
    assert_eq!(made.score(), best);
    let first = Maximize::classic().steps(0).quiet().start(Start::Photo(data::digit(4, 2)?));
    let exact = net.preprocess().normalized(&first.run(&net, 4)?.values()?)?;
    assert!(difference(&exact, &net.prepare(&data::digit(4, 2)?)?) < 1e-5);
    let gray = Maximize::lucid().steps(0).quiet().start(Start::Gray).run(&net, 4)?;
    assert!(
        difference(&gray.values()?, &Tensor::full([1, 1, 28, 28], 0.5, cpu(Kind::Float))) < 1e-6
    );
    Ok(())
}

#[test]
fn time_and_patience_end_a_run_which_says_so() -> Tested {
    let net = zoo::digits()?;
    let none = Maximize::lucid().time_limit(Duration::ZERO).quiet().run(&net, 3)?;
    assert!(none.steps() == 0 && none.description().contains("time was over after 0 of 512 steps"));
    let short = Maximize::lucid().time_limit(Duration::from_millis(60)).steps(100_000).quiet();
    let short = short.run(&net, 3)?;
    assert!(short.steps() < 50_000 && short.description().contains("time was over"));
    // A layer of one unit that is at its largest at once: white.
    let mut b = Network::builder("sum", [1, 4, 4]);
    b.conv2d(b.input(), "conv", Conv2d::new(1, 4));
    let sum = b.build()?;
    set(&sum, &[("conv.weight", &Tensor::ones([16], cpu(Kind::Float)))]);
    let calm = Maximize::classic().steps(400).frames(40).patience(50).quiet();
    let white = calm.run(&sum, Unit::channel("conv", 0))?;
    assert!(white.steps() < 400 && white.description().contains("no more growth"), "{white:?}");
    let off = difference(&white.values()?, &Tensor::ones([1, 1, 4, 4], cpu(Kind::Float)));
    assert!(off < 0.02, "{off} from white: {}", white.values()?);
    Ok(())
}

#[test]
fn what_makes_no_sense_is_refused() -> Tested {
    let net = zoo::digits()?;
    let brief = Maximize::lucid().steps(1).quiet();
    let text = |objective: Objective| match brief.run(&net, objective) {
        Ok(_) => String::new(),
        Err(error) => error.to_string(),
    };
    assert!(text(Objective::class("seven")).contains("has no class `seven`"));
    assert!(text(Objective::class(10)).contains("its 10 classes"));
    assert!(text(Objective::channel("conv2", 24)).contains("24 channels of 8×8"));
    assert!(text(Objective::neuron("conv2", 1, [8, 0])).contains("row 8"));
    assert!(text(Objective::channel("conv3", 0)).contains("no layer `conv3`"));
    assert!(text(-1.0 * Objective::total_variation()).contains("penalties"));
    assert!(text(f64::NAN * Objective::class(3)).contains("not finite"));
    let odd = Tensor::zeros([3, 3], cpu(Kind::Float));
    assert!(text(Objective::dot("conv2", &odd)).contains("[24, 8, 8]"));
    assert!(text(Objective::direction("conv2", &odd.get(0))).contains("[24]"));
    assert!(brief.units(&net, "conv2", &[]).is_err());
    assert!(brief.clone().size(0, 28).run(&net, 3).is_err());
    assert!(brief.clone().tv(-1.0).run(&net, 3).is_err());
    let backwards = Robust { scale: [2.0, 1.0], ..Robust::NONE };
    assert!(brief.clone().robust(backwards).run(&net, 3).is_err());
    assert!(brief.clone().ascent(Ascent::Adam { rate: f64::NAN }).run(&net, 3).is_err());
    let start = Start::images(&Tensor::zeros([1, 1, 5, 5], cpu(Kind::Float)));
    assert!(brief.clone().start(start).run(&net, 3).is_err());
    let start = Start::images(&Tensor::zeros([7], cpu(Kind::Float)));
    assert!(brief.clone().start(start).run(&net, 3).is_err());
    let earlier = brief.classes(&net, &[1, 2])?;
    assert!(brief.clone().continue_from(&earlier).run(&net, 3).is_err());
    let small = Maximize::classic().steps(1).quiet().continue_from(&brief.run(&net, 3)?);
    assert!(small.run(&net, 3).expect_err("other parameters").to_string().contains("continue"));
    Ok(())
}

#[test]
fn more_weight_on_the_total_variation_leaves_less_of_it() -> Tested {
    let net = zoo::digits()?;
    for class in [3, 7] {
        let left = |weight: f64| -> convscope::Result<f64> {
            let made =
                Maximize::classic().tv(weight).steps(256).seed(1).quiet().run(&net, class)?;
            let image = made.values()?;
            let along = |dim: i64| {
                let size = image.size()[dim as usize] - 1;
                (image.narrow(dim, 1, size) - image.narrow(dim, 0, size)).abs().sum(Kind::Double)
            };
            Ok((along(2) + along(3)).double_value(&[]))
        };
        let weights = [0.0, 0.002, 0.01, 0.03, 0.1];
        let all = weights.iter().map(|&weight| left(weight)).collect::<Result<Vec<f64>, _>>()?;
        println!("class {class}: {all:.0?}");
        assert!(all.is_sorted_by(|more, less| more > less), "class {class}: {all:?}");
    }
    Ok(())
}

#[test]
fn networks_in_half_precision_are_maximized_too() -> Tested {
    for preset in [Maximize::lucid(), Maximize::classic()] {
        let score = |kind| {
            let net = zoo::digits()?.to_kind(kind)?;
            preset.clone().steps(48).quiet().run(&net, "3").map(|made| made.score())
        };
        let single = score(Kind::Float)?;
        for kind in [Kind::Half, Kind::BFloat16] {
            let half = score(kind)?;
            assert!((half - single).abs() < 0.2 * single.abs(), "{kind:?}: {half}, not {single}");
        }
    }
    Ok(())
}
