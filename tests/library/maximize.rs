//! Activation maximisation: each objective's number, seeded runs, the presets' images, refusals.

use std::time::Duration;

use convscope::maximize::{Ascent, Beyond, Colour, Parameters, Robust, Start};
use convscope::prelude::*;

use crate::figures::golden;
use crate::helpers::{Tested, cpu, difference, painted, real, scratch, set};
use crate::parity::{expected, python};

/// The score of given images, as they are.
fn score_of(net: &Network, objective: Objective, image: &Tensor) -> Result<f64, convscope::Error> {
    let [height, width] = [image.size()[2] as u32, image.size()[3] as u32];
    let as_it_is = Maximize::classic().steps(0).quiet().size(height, width);
    Ok(as_it_is.start(Start::images(image)).run(net, objective)?.score())
}

fn noise(shape: [i64; 4], seed: i64) -> Tensor {
    tch::manual_seed(seed);
    Tensor::rand(shape, cpu(Kind::Float))
}

/// What the network is given of images from 0 to 1.
fn input(net: &Network, images: &Tensor) -> Tensor {
    net.preprocess().normalised(images).expect("normalised")
}

fn close(ours: f64, theirs: f64) {
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
    let grey = (&image - 0.5).abs();
    check(unit() - Objective::l1(), at - grey.sum(Kind::Double).double_value(&[]))?;
    check(unit() - Objective::l2(), at - grey.norm().double_value(&[]))?;
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
    let image = noise([1, 1, 28, 28], 9).to_kind(Kind::Double) * 0.6 + 0.2;
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

/// Each score is at least five times that of the best of 64 images of noise around grey.
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
            for colour in [Colour::Rgb, Colour::Decorrelated] {
                for layer in ["conv", "bn", "relu"] {
                    let brief = brief.clone().parameters(parameters).colour(colour);
                    let made = brief.units(&net, layer, &[0, 5])?;
                    assert_eq!(made.values()?.size(), [2, channels, 17, 23]);
                    let history = made.history();
                    let (start, end) = (history[0].score, made.score());
                    assert!(end > start, "{channels} {parameters:?} {colour:?} {layer}");
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
    let exact = net.preprocess().normalised(&first.run(&net, 4)?.values()?)?;
    assert!(difference(&exact, &net.prepare(&data::digit(4, 2)?)?) < 1e-5);
    let grey = Maximize::lucid().steps(0).quiet().start(Start::Grey).run(&net, 4)?;
    assert!(
        difference(&grey.values()?, &Tensor::full([1, 1, 28, 28], 0.5, cpu(Kind::Float))) < 1e-6
    );
    Ok(())
}

#[test]
fn time_and_patience_end_a_run_which_says_so() -> Tested {
    let net = zoo::digits()?;
    let none = Maximize::lucid().for_at_most(Duration::ZERO).quiet().run(&net, 3)?;
    assert!(none.steps() == 0 && none.description().contains("time was over after 0 of 512 steps"));
    let short = Maximize::lucid().for_at_most(Duration::from_millis(60)).steps(100_000).quiet();
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
fn figures_of_one_of_many_and_of_layers() -> Tested {
    let net = zoo::digits()?;
    let folder = scratch("maximize_figures");
    let brief = Maximize::classic().steps(12).frames(4).quiet();
    let one = brief.run(&net, Unit::channel("conv2", 5))?;
    assert_eq!(one.film()?.frames().len(), 5);
    assert!(one.bundle()?.vega.is_some(), "a film moves");
    one.save(folder.join("one.gif"))?;
    assert_eq!(one.photo()?.pixels().dimensions(), (28, 28));
    let many = brief.units(&net, "conv2", &[1, 5, 7])?;
    assert!(many.bundle()?.vega.is_none());
    assert_eq!(many.film()?.frames()[0].image.dimensions(), (58, 58));
    assert!(many.description().starts_with("Maximising 3 channels of conv2 in digits"));
    let depth =
        brief.depth(&net, &[("conv1", vec![0, 1]), ("conv2", vec![2, 3, 4]), ("fc1", vec![5])])?;
    assert_eq!(depth.len(), 6);
    depth.save(folder.join("depth.png"))?;
    Ok(())
}

#[test]
fn galleries_golden() -> Tested {
    use convscope::view::{BoundingBox, Gallery, GalleryCard, GalleryRow};
    let card = |index: u64, region: bool| {
        let picture = data::digit((index % 10) as u8, index).expect("a digit").pixels().clone();
        let card =
            GalleryCard::new(picture, index.to_string(), format!("{:.2}", index as f64 * 1.7));
        if region { card.region(BoundingBox::new(5, 8, 21, 24, "unit")) } else { card }
    };
    let few = GalleryRow::new("", (0..3).map(|i| card(i, true)).collect());
    golden("gallery", &Gallery::new("Three that excite a unit", vec![few])?.note("a note"))?;
    let wide = painted(60, 34).pixels().clone();
    let row = |name: &str, count: u64| {
        let mut cards: Vec<GalleryCard> = (0..count).map(|i| card(i, false)).collect();
        cards.push(GalleryCard::new(wide.clone(), "a label that is far too long", "last"));
        GalleryRow::new(name, cards)
    };
    let rows = vec![row("conv1: a unit sees 5 pixels each way", 4), row("conv2", 30)];
    golden("gallery_rows", &Gallery::new("Rows", rows)?)?;
    assert!(Gallery::new("none", Vec::new()).is_err());
    let blank = GalleryCard::new(image::RgbImage::new(0, 3), "", "");
    assert!(Gallery::new("blank", vec![GalleryRow::new("", vec![blank])]).is_err());
    Ok(())
}

#[test]
fn examples_are_the_photos_that_excite_most_with_what_did() -> Tested {
    let net = zoo::digits()?;
    let photos: Vec<Photo> = data::digits(50, 3)?.into_iter().map(|(photo, _)| photo).collect();
    let best = dataset_examples(&net, Unit::channel("relu1", 4), &photos, 5)?;
    let mut all = Vec::new();
    for (index, photo) in photos.iter().enumerate() {
        let map = net.activations(&net.prepare(photo)?, &["relu1"])?.remove(0).get(0).get(4);
        all.push((map.max().double_value(&[]), index, map.argmax(None, false).int64_value(&[])));
    }
    all.sort_by(|a, b| b.0.total_cmp(&a.0));
    for (example, (score, index, place)) in best.examples().iter().zip(&all) {
        assert_eq!(example.index, *index);
        close(example.score, *score);
        let region = example.region.as_ref().expect("a unit of conv1 sees 5×5");
        assert_eq!((i64::from(region.top), i64::from(region.left)), (place / 24, place % 24));
        assert_eq!((region.bottom - region.top, region.right - region.left), (5, 5));
    }
    assert_eq!(best.examples().len(), 5);
    best.save(scratch("examples").join("best.png"))?;
    let class = dataset_examples(&net, Unit::channel("fc2", 8), &photos, 3)?;
    assert!(class.examples().iter().all(|e| e.index % 10 == 8 && e.region.is_none()));

    let folder = scratch("examples_folder");
    for (index, photo) in photos.iter().take(20).enumerate() {
        photo.pixels().save(folder.join(format!("{index:02}.png")))?;
    }
    std::fs::write(folder.join("notes.txt"), "no picture")?;
    let there = dataset_examples_in(&net, Unit::channel("fc2", 8), &folder, 2)?;
    assert_eq!(there.examples().iter().map(|e| e.title.as_str()).collect::<Vec<_>>().len(), 2);
    assert!(there.examples().iter().all(|e| ["08.png", "18.png"].contains(&e.title.as_str())));
    let missing = dataset_examples_in(&net, Unit::layer("fc2"), folder.join("no"), 2);
    assert!(missing.is_err() && dataset_examples(&net, Unit::layer("fc2"), &[], 2).is_err());
    assert!(dataset_examples(&net, Unit::channel("fc2", 10), &photos, 2).is_err());
    assert!(dataset_examples(&net, Unit::neuron("relu1", 1, [24, 0]), &photos, 2).is_err());
    Ok(())
}

#[test]
fn the_lucid_loop_equals_pytorchs() -> Tested {
    let Some(python) = python() else { return Ok(()) };
    let folder = scratch("parity_maximize");
    tch::manual_seed(3);
    let net = zoo::untrained("resnet18")?.to_kind(Kind::Double)?;
    net.save_weights(folder.join("weights.safetensors"))?;
    let start = noise([2, 3, 49, 64], 8).to_kind(Kind::Double) * 0.3 + 0.35;
    Tensor::write_safetensors(&[("start", &start)], folder.join("start.safetensors"))?;
    let theirs = expected(&python, "maximize.py", &folder, &[&folder]);
    for (name, parameters, colour) in [
        ("fourier", Parameters::Fourier, Colour::Decorrelated),
        ("pixels", Parameters::Pixels, Colour::Decorrelated),
        ("fourier_rgb", Parameters::Fourier, Colour::Rgb),
    ] {
        let options = Maximize::lucid().steps(12).frames(1).quiet().size(49, 64);
        let options = options.robust(Robust::NONE).parameters(parameters).colour(colour);
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
