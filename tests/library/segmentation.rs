//! The class of each pixel.

use convscope::attribution::{Region, Run};
use convscope::network::ops;
use convscope::prelude::*;

use crate::helpers::{Tested, cpu};
use crate::outputs::{segmenter, wave};

#[test]
fn probabilities_of_pixels_are_not_squashed_twice() -> Tested {
    let image = TensorImage::new("waves", &wave(&[1, 3, 26, 35], 1.0).to_kind(Kind::Float))?;
    let plain = segmenter([26, 35], |_, _| {})?;
    let softened = segmenter([26, 35], |b, x| {
        b.op("softmax", ops::Softmax { dim: 1 }, &[x]);
    })?;
    let logged = segmenter([26, 35], |b, x| {
        b.op("softmax", ops::LogSoftmax { dim: 1 }, &[x]);
    })?;
    // On the output's grid: between its cells, means of logits and of probabilities differ.
    let mean = |net: &Network| -> convscope::Result<String> {
        let map = saliency(net, &image, Target::region(2, Region::Everywhere))?;
        let text = map.description();
        Ok(text[text.find("gives it").expect("its probability")..]
            .split(';')
            .next()
            .unwrap_or("")
            .to_owned())
    };
    assert_eq!(mean(&plain)?, mean(&softened)?);
    assert_eq!(mean(&plain)?, mean(&logged)?);
    let (a, b) = (plain.segment(&image)?, logged.segment(&image)?);
    assert!(a.probabilities().numbers().iter().all(|&p| (0.25..=1.0).contains(&p)));
    assert_eq!(a.classes()[0].class, b.classes()[0].class);
    Ok(())
}

#[test]
fn the_class_of_each_pixel_is_that_of_the_enlarged_logits() -> Tested {
    let net = segmenter([26, 35], |_, _| {})?;
    let input = wave(&[1, 3, 26, 35], 1.0).to_kind(Kind::Float);
    let found = net.segment(&TensorImage::new("waves", &input)?)?;
    let logits = net.forward(&input)?.upsample_bilinear2d([26, 35], false, None, None);
    let top = logits.argmax(1, false).get(0);
    let mut counts = [0; 4];
    for (row, column) in (0..26).flat_map(|row| (0..35).map(move |column| (row, column))) {
        let class = top.int64_value(&[row, column]) as usize;
        assert_eq!(found.class_at(row as usize, column as usize), Some(class), "{row} {column}");
        counts[class] += 1;
    }
    assert_eq!(found.class_at(0, 35), None);
    assert!(found.class_at(26, 0).is_none() && found.class_at(usize::MAX, usize::MAX).is_none());
    for of in found.classes() {
        assert!((of.share - f64::from(counts[of.class]) / 910.0).abs() < 1e-9, "{of:?}");
        let mask = found.mask(of.class)?;
        assert_eq!(mask.numbers().iter().sum::<f32>(), counts[of.class] as f32);
        // A mask of the input's size is a region too.
        let region = Target::region(of.class, Region::mask(mask)?);
        saliency(&net, &TensorImage::new("waves", &input)?, region)?;
    }
    assert_eq!(found.mask(77)?.numbers().iter().sum::<f32>(), 0.0);
    Ok(())
}

/// One logit a pixel is a yes and a no.
#[test]
fn a_single_class_is_a_mask() -> Tested {
    let mut b = Network::builder("ink", [1, 28, 28]);
    b.conv2d(b.input(), "mask", Conv2d::new(1, 1));
    let weights = [
        ("mask.weight", Tensor::full([1, 1, 1, 1], 10.0, cpu(Kind::Float))),
        ("mask.bias", Tensor::from_slice(&[-5.0_f32])),
    ];
    let net = b.build()?.load_tensors(weights)?;
    let photo = data::digit(4, 2)?;
    let found = net.segment(&photo)?;
    assert_eq!(
        found.classes().iter().map(|of| of.name.as_str()).collect::<Vec<_>>(),
        ["no", "yes"]
    );
    assert!(found.probabilities().numbers().iter().all(|&p| (0.5..=1.0).contains(&p)));
    let input = net.prepare(&photo)?;
    let inked = input.gt(0.5).sum(Kind::Int64).int64_value(&[]) as f64;
    let yes = found.classes()[1].share;
    assert!((yes - inked / 784.0).abs() < 1e-9, "{yes}");
    let named = net.with_classes(["ink"])?;
    assert_eq!(named.segment(&photo)?.classes()[0].name, "no ink");
    let map = saliency(&named, &photo, "ink")?;
    assert!(map.title.contains("ink where it is more likely than not"), "{}", map.title);
    // The slope is 10 on its pixels and 0 elsewhere.
    let slopes = map.values().numbers();
    assert_eq!(slopes.iter().filter(|&&slope| (slope - 10.0).abs() < 1e-4).count() as f64, inked);
    assert_eq!(slopes.iter().filter(|&&slope| slope == 0.0).count() as f64, 784.0 - inked);
    Ok(())
}

/// A case from public reports: "when the output is a mask for each class instead of a row of logits, the tools ask
/// for a class index, fail with shapes that look equal, or explain some number that nobody chose".
#[test]
fn a_mask_for_each_class_is_explained_by_what_was_chosen() -> Tested {
    let mut b = Network::builder("seg", [3, 32, 48]);
    let x = b.conv2d(b.input(), "conv", Conv2d::new(6, 3).padding(1));
    let x = b.relu(x, "relu");
    b.conv2d(x, "mask", Conv2d::new(3, 1));
    let net = crate::outputs::filled(b.build()?);
    let wave = (Tensor::arange(3 * 32 * 48, cpu(Kind::Double)) * 0.3).sin() * 0.5 + 0.5;
    let input = wave.view([1, 3, 32, 48]).to_kind(Kind::Float);
    let image = TensorImage::new("waves", &input)?;
    let gray = image::RgbImage::from_pixel(48, 32, image::Rgb([90, 120, 60]));
    let photo = Photo::from_image(gray, "gray")?;

    let error = saliency(&net, &image, Target::Top).expect_err("no top class").to_string();
    assert!(error.contains("Target::score"), "{error}");
    assert!(net.classify(&photo).is_err() && net.predict(std::slice::from_ref(&photo)).is_err());

    let score = || Target::score("mask 1", |o| o.f_select(1, 1)?.f_sum(Kind::Float));
    let gradient = |target: Target| -> convscope::Result<Tensor> {
        Ok(Run::new(&net, &input, &[target])?.gradients(&["input"])?.gradients.remove(0))
    };
    let plain = gradient(score())?;
    assert_eq!(plain, gradient(Target::channel("mask", 1))?);
    assert_eq!(plain, gradient(Target::region(1, Region::Everywhere))?);
    let neuron = gradient(Target::neuron("mask", 1, [10, 20]))?;
    assert!(neuron.abs().max().double_value(&[]) > 0.0);
    let near = neuron.narrow(2, 9, 3).narrow(3, 19, 3).count_nonzero(None);
    assert_eq!(neuron.count_nonzero(None), near, "nothing outside");

    let methods: [&dyn Attribution; 6] = [
        &GradCam::at("relu"),
        &ScoreCam::at("relu"),
        &AblationCam::at("relu"),
        &Patches::new(8),
        &Rise::default().masks(30),
        &IntegratedGradients::default().steps(4),
    ];
    for method in methods {
        let map = convscope::attribution::explain(&net, &image, score(), method)?;
        assert!(map.title.contains("mask 1"), "{}", map.title);
        assert!(!map.unit.contains("logit") && !map.unit.contains("probability"), "{}", map.unit);
        let values = map.values().numbers();
        assert!(values.iter().all(|value| value.is_finite()));
        let said = map.description();
        let both = said.contains("blue") && said.contains("red");
        assert_eq!(both, values.iter().any(|&value| value < 0.0), "{said}");
    }
    let two = Target::score("two", |o| o.f_select(1, 1)?.f_select(1, 0)?.f_narrow(1, 0, 2));
    assert!(saliency(&net, &image, two).expect_err("two").to_string().contains("one number"));
    let none =
        Target::score("none", |o| o.f_select(1, 1)?.f_sum(Kind::Float)?.f_mul_scalar(f64::NAN));
    let said = saliency(&net, &image, none)?.description();
    assert!(said.contains("no value is a number") && said.contains("not finite"), "{said}");
    assert!(!said.contains("all values are"), "{said}");
    Ok(())
}

/// Numbers of classes have no gradient; the network that ends before them has.
#[test]
fn numbers_of_classes_are_refused_with_the_layer_before_them() -> Tested {
    let image = TensorImage::new("waves", &wave(&[1, 3, 26, 35], 1.0).to_kind(Kind::Float))?;
    for keep_dim in [false, true] {
        let net = segmenter([26, 35], |b, x| {
            b.op("classes", ops::ArgMax { dim: 1, keep_dim, last: false }, &[x]);
        })?;
        for target in [Target::Top, Target::Class(0), Target::region(0, Region::Own)] {
            let error = saliency(&net, &image, target).expect_err("no gradient").to_string();
            assert!(error.contains("no gradient"), "{error}");
            assert!(error.contains("`net.with_output(\"head\")`"), "{error}");
        }
        let error = net.segment(&image).expect_err("numbers of classes").to_string();
        assert!(error.contains("`net.with_output(\"head\")`"), "{error}");
        saliency(&net.clone().with_output("head")?, &image, Target::region(1, Region::Everywhere))?;
        saliency(&net, &image, Target::region(1, Region::Everywhere).of("head"))?;
    }
    Ok(())
}
