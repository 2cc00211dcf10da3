//! Trust beside the map: published figures, other packages, and what randomisation must find.

use convscope::attribution::{
    Agreement, Cascade, Checks, Disturbance, Fill, PixelSteps, Verdict, confidence, explain_tensor,
    gradient_tensor, infidelity, max_sensitivity, pixel_curves, randomisation_by, trust_by,
};
use convscope::prelude::*;
use convscope::view::{Evidence, Heatmap, Matrix, Panel, Series, Test};
use std::time::Duration;

use crate::figures::golden;
use crate::helpers::{Tested, cpu, difference, numbers, painted, real, scratch};
use crate::parity::{expected, python_with};

/// Sums its input, `[N, 1, 2, 2]`, by a linear layer of ones.
fn sum_of(height: i64, width: i64) -> convscope::Result<Network> {
    let mut b = Network::builder("sum", [1, height, width]);
    let x = b.flatten(b.input(), "flatten");
    b.linear(x, "fc", 1);
    let net = b.build()?.to_kind(Kind::Double)?;
    for (_, parameter) in net.parameters() {
        let one = if parameter.dim() == 2 { 1.0 } else { 0.0 };
        let _ = parameter.shallow_clone().fill_(one);
    }
    Ok(net)
}

fn close(found: &[f64], expected: &[f64]) {
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
    let sum = [Target::layer("fc")];
    let options = PixelSteps { steps: 2, insert_into: Fill::Zero, ..PixelSteps::default() };
    let curves = pixel_curves(&net, &input, &sum, &input.squeeze_dim(1), options)?;
    close(&curves.shares, &[0.0, 0.5, 1.0]);
    close(&curves.deletion[0], &[1.0, 0.3, 0.0]);
    close(&curves.insertion[0], &[0.0, 0.7, 1.0]);
    close(&[curves.deletion_auc()[0], curves.insertion_auc()[0]], &[0.4, 0.6]);
    let single = PixelSteps { steps: 4, ..options };
    let curves = pixel_curves(&net, &input, &sum, &input.squeeze_dim(1), single)?;
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
    let packages = ["captum", "pytorch_grad_cam", "scipy", "sklearn"];
    let Some(python) = python_with(&packages) else { return Ok(()) };
    let net = small()?;
    let input = Tensor::randn([3, 2, 17, 23], cpu(Kind::Double));
    let maps = Tensor::rand([3, 17, 23], cpu(Kind::Double));
    let classes = [4, 0, 2];
    let targets = classes.map(Target::Class);
    let disturbance = Disturbance { samples: 7, radius: 0.2, seed: 3 };
    let disturbances = disturbance.of(&input)?;

    let (digits, four) = (zoo::digits()?, data::digit(4, 2)?);
    let method = Method::InputTimesGradient;
    let check = randomisation_by(&digits, &four, "4", &method, Cascade::default())?;
    let first = explain(&digits, &four, "4", &method)?;
    let stage = &check.stages()[1];

    let folder = scratch("parity_trust");
    let mut given = vec![
        ("input".to_owned(), input.shallow_clone()),
        ("maps".to_owned(), maps.shallow_clone()),
        ("classes".to_owned(), Tensor::from_slice(&classes.map(|class| class as i64))),
        ("disturbances".to_owned(), disturbances.shallow_clone()),
        ("first".to_owned(), first.values().to_kind(Kind::Double)),
        ("second".to_owned(), stage.map.to_kind(Kind::Double)),
    ];
    given.extend(net.parameters().into_iter().map(|(name, t)| (name, t.shallow_clone())));
    let file = folder.join("given.safetensors");
    Tensor::write_safetensors(&given, &file)?;
    let theirs = expected(&python, "trust.py", &folder, &[&folder, &file]);

    let options = PixelSteps { steps: 5, ..PixelSteps::default() };
    let curves = pixel_curves(&net, &input, &targets, &maps, options)?;
    let gradient = gradient_tensor(&net, &input, &targets)?;
    let confidence = confidence(&net, &input, &targets, &maps)?;
    let pairs = confidence.explained.iter().zip(&confidence.whole);
    let change: Vec<f64> = pairs.map(|(part, whole)| part - whole).collect();
    let saliency = Method::saliency();
    for (name, ours, allowed) in [
        ("deletion", curves.deletion.concat(), 1e-12),
        ("insertion", curves.insertion.concat(), 1e-12),
        ("deletion_auc", curves.deletion_auc(), 1e-12),
        ("insertion_auc", curves.insertion_auc(), 1e-12),
        // That package multiplies in single precision.
        ("change", change, 1e-6),
        (
            "infidelity",
            numbers(&infidelity(&net, &input, &targets, &gradient, &disturbances)?),
            1e-12,
        ),
        (
            "sensitivity",
            numbers(&max_sensitivity(&net, &input, &targets, &saliency, &disturbances)?),
            1e-9,
        ),
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
    let gradient = gradient_tensor(&net, &input, &targets)?;
    let found = infidelity(&net, &input, &targets, &gradient, &disturbances)?;
    assert!(found.max().double_value(&[]) < 1e-28, "{found:?}");
    let wrong = infidelity(&net, &input, &targets, &(&gradient * 2.0), &disturbances)?;
    assert!(wrong.min().double_value(&[]) > 1e-4);
    let moved = max_sensitivity(&net, &input, &targets, &Method::saliency(), &disturbances)?;
    assert_eq!(numbers(&moved), [0.0, 0.0]);
    Ok(())
}

#[test]
fn average_drop_and_increase_are_those_computed_by_hand() -> Tested {
    let net = sum_of(1, 3)?;
    let input = Tensor::from_slice(&[1.0, 2.0, 1.0, 1.0, -2.0, 3.0]).view([2, 1, 1, 3]);
    // Stretched to 0, 1/2, 1; and, the negative one gone, 1, 0, 1/2.
    let maps = Tensor::from_slice(&[1.0, 2.0, 3.0, 4.0, -9.0, 2.0]).view([2, 1, 3]);
    let sums = [Target::layer("fc"), Target::layer("fc")];
    let found = confidence(&net, &input, &sums, &maps)?;
    close(&found.whole, &[4.0, 2.0]);
    close(&found.explained, &[2.0, 2.5]);
    close(&[found.average_drop(), found.increase()], &[0.25, 0.5]);
    // A blank map shows nothing.
    let found = confidence(&net, &input, &sums, &maps.zeros_like())?;
    close(&found.explained, &[0.0, 0.0]);
    Ok(())
}

#[test]
fn a_blank_map_gives_a_random_order_of_its_seed() -> Tested {
    let net = small()?;
    let input = Tensor::randn([1, 2, 17, 23], cpu(Kind::Double));
    let curve = |seed: u64, maps: &Tensor| {
        let options = PixelSteps { steps: 6, seed, ..PixelSteps::default() };
        pixel_curves(&net, &input, &[Target::Top], maps, options)
    };
    let blank = Tensor::zeros([1, 17, 23], cpu(Kind::Double));
    assert_eq!(curve(1, &blank)?, curve(1, &blank)?);
    assert_ne!(curve(1, &blank)?.deletion, curve(2, &blank)?.deletion);
    let map = Tensor::rand([1, 17, 23], cpu(Kind::Double));
    assert_eq!(curve(1, &map)?, curve(2, &map)?, "values that differ leave nothing to chance");
    // Both end where the other begins, but for the blur.
    let (all, options) =
        (curve(0, &map)?, PixelSteps { insert_into: Fill::Zero, steps: 6, ..Default::default() });
    let zero = pixel_curves(&net, &input, &[Target::Top], &map, options)?;
    close(
        &[zero.deletion[0][6], zero.deletion[0][0]],
        &[zero.insertion[0][0], all.insertion[0][6]],
    );
    Ok(())
}

#[test]
fn every_method_gives_maps_of_the_input_and_its_figure() -> Tested {
    use convscope::attribution::Fill;
    let (net, photo) = (zoo::digits()?, data::digit(4, 2)?);
    let one = net.prepare(&photo)?;
    let input = Tensor::cat(&[&one, &net.prepare(&data::digit(7, 1)?)?], 0);
    let layer = || "relu2".to_owned();
    let methods = [
        Method::saliency(),
        Method::Saliency(Channels::Sum),
        Method::InputTimesGradient,
        Method::SmoothGrad(SmoothGrad { samples: 3, ..SmoothGrad::default() }),
        Method::IntegratedGradients(IntegratedGradients { steps: 3, baseline: None }),
        Method::GuidedBackprop,
        Method::Deconvolution,
        Method::grad_cam("relu2"),
        Method::Cam(Cam::LayerCam, layer()),
        Method::Cam(Cam::HiResCam, layer()),
        Method::Cam(Cam::XGradCam, layer()),
        Method::Cam(Cam::GradCamPlusPlus, layer()),
        Method::GuidedGradCam(layer()),
        Method::Occlusion(Patches::new(7).fill(Fill::Mean)),
    ];
    for method in &methods {
        let maps = explain_tensor(&net, &input, &[Target::Class(4), Target::Top], method)?;
        assert_eq!(maps.size(), [2, 28, 28], "{}", method.name());
        let figure = explain(&net, &photo, "4", method)?;
        let shown = match figure.values().size().as_slice() {
            [28, 28] => figure.values().shallow_clone(),
            size => {
                let map = figure.values().view([1, 1, size[0], size[1]]);
                map.upsample_bilinear2d([28, 28], false, None, None).view([28, 28])
            }
        };
        // Noise is drawn for a whole batch, so SmoothGrad is compared alone.
        let alone = explain_tensor(&net, &one, &[Target::Class(4)], method)?;
        let largest = shown.abs().max().double_value(&[]);
        assert!(largest > 0.0, "{}", method.name());
        assert!(difference(&alone.get(0), &shown) < 1e-5 * largest, "{}", method.name());
    }
    let names: std::collections::BTreeSet<String> = methods.iter().map(Method::name).collect();
    assert_eq!(names.len(), methods.len(), "{names:?}");
    let figure = compare_methods(&net, &photo, Target::Top, &methods[..4])?;
    assert_eq!(figure.values().len(), 4);
    Ok(())
}

/// What Adebayo et al. found: gradient and Grad-CAM fall apart, guided backpropagation barely changes
/// while the top layers are drawn anew.
fn falls_apart(net: &Network, photos: &[Photo], layer: &str, stage: usize) -> Tested {
    let before: Vec<Tensor> = net.parameters().into_iter().map(|(_, t)| t.copy()).collect();
    let mean = |method: Method| -> convscope::Result<f64> {
        let mut sum = 0.0;
        for photo in photos {
            let options = Cascade { stages: 4, ..Cascade::default() };
            let check = randomisation_by(net, photo, Target::Top, &method, options)?;
            sum += check.stages()[stage].rank_correlation;
        }
        Ok(sum / photos.len() as f64)
    };
    let gradient = mean(Method::saliency())?;
    let cam = mean(Method::grad_cam(layer))?;
    let guided = mean(Method::GuidedBackprop)?;
    println!("{}: gradient {gradient:.2}, Grad-CAM {cam:.2}, guided {guided:.2}", net.name());
    assert!(guided > 0.75, "guided backpropagation keeps its map: {guided}");
    assert!(gradient < guided - 0.15, "the gradient does not: {gradient}");
    assert!(cam < guided - 0.3, "Grad-CAM does not: {cam}");
    // The caller's network is as it was.
    for ((name, now), before) in net.parameters().iter().zip(&before) {
        assert!(now.equal(before) && !now.requires_grad(), "{name}");
    }
    Ok(())
}

#[test]
fn gradient_and_grad_cam_fall_apart_on_the_digits_network() -> Tested {
    let photos = (0..4).map(|digit| data::digit(digit, 3)).collect::<Result<Vec<_>, _>>()?;
    falls_apart(&zoo::digits()?, &photos, "relu2", 0)
}

#[test]
fn gradient_and_grad_cam_fall_apart_on_resnet18() -> Tested {
    let (Some(weights), Some(photo)) =
        (real("weights/resnet18.safetensors"), real("images/hub_dog.jpg"))
    else {
        return Ok(());
    };
    let net = zoo::untrained("resnet18")?.load_weights(weights)?;
    falls_apart(&net, &[Photo::open(photo)?], "layer4", 0)
}

#[test]
fn parameters_are_drawn_anew_from_the_output_down() -> Tested {
    let (net, photo) = (zoo::digits()?, data::digit(4, 2)?);
    let run = |seed| {
        let options = Cascade { seed, ..Cascade::default() };
        randomisation_by(&net, &photo, "4", &Method::saliency(), options)
    };
    let (first, again, other) = (run(1)?, run(1)?, run(2)?);
    let layers: Vec<&str> = first.stages().iter().map(|s| s.layer.as_str()).collect();
    assert_eq!(layers, ["fc2", "fc1", "conv2", "conv1"]);
    let shares: Vec<f64> = first.stages().iter().map(|s| s.share).collect();
    close(&shares, &[0.25, 0.5, 0.75, 1.0]);
    for (a, b) in first.stages().iter().zip(again.stages()) {
        assert_eq!(difference(&a.map, &b.map), 0.0);
    }
    assert!(difference(&first.stages()[0].map, &other.stages()[0].map) > 0.0);
    assert_eq!(first.maps()?.values().len(), 5);
    // Only layers that the target depends on count.
    let unit = randomisation(&net, &photo, Target::channel("relu2", 3), &Method::saliency())?;
    let layers: Vec<&str> = unit.stages().iter().map(|s| s.layer.as_str()).collect();
    assert_eq!(layers, ["conv2", "conv1"]);
    // A transformer's class token and position embedding are drawn anew, too.
    let vit = zoo::untrained("deit_tiny")?;
    let options = Cascade { stages: 1, ..Cascade::default() };
    let photo = painted(300, 200);
    let check = randomisation_by(&vit, &photo, Target::Class(3), &Method::saliency(), options)?;
    assert_eq!(check.stages().len(), 1);
    assert!(check.stages()[0].map.abs().max().double_value(&[]) > 0.0);

    let none = Cascade { stages: 0, ..Cascade::default() };
    assert!(randomisation_by(&net, &photo, "4", &Method::saliency(), none).is_err());
    let no_time = Cascade { at_most: Some(Duration::ZERO), ..Cascade::default() };
    let check = randomisation_by(&net, &photo, "4", &Method::saliency(), no_time)?;
    assert!(check.stages().is_empty() && check.description().contains("time was over"));
    Ok(())
}

#[test]
fn agreement_is_complete_with_oneself() -> Tested {
    let methods = [Method::saliency(), Method::saliency(), Method::Deconvolution];
    let found: Agreement = agreement(&zoo::digits()?, &data::digit(4, 2)?, "4", &methods)?;
    let (rank, common) = (numbers(&found.rank_correlation), numbers(&found.overlap));
    close(&[rank[1], rank[0], common[1], common[8]], &[1.0; 4]);
    close(&[rank[2], common[2]], &[rank[6], common[6]]);
    assert!(rank[2] < 0.9 && common[2] < 0.9, "{rank:?} {common:?}");
    let error = agreement(&zoo::digits()?, &data::digit(4, 2)?, "4", &methods[..1]);
    assert!(error.expect_err("one method").to_string().contains("two"));
    Ok(())
}

#[test]
fn trust_says_what_was_found_and_what_there_was_no_time_for() -> Tested {
    let (net, four) = (zoo::digits()?, data::digit(4, 2)?);
    let good = trust(&net, &four, Target::Top, &Method::grad_cam("relu2"))?;
    assert_eq!(good.verdict, Verdict::Believe, "{}", good.description());
    assert!(good.sentence().starts_with("Believe where"), "{}", good.sentence());
    assert_eq!((good.curves.deletion.len(), good.curves.shares.len()), (5, 29));
    let guided = trust(&net, &four, Target::Top, &Method::GuidedBackprop)?;
    assert_eq!(guided.verdict, Verdict::Doubt, "{}", guided.description());
    assert!(guided.sentence().contains("hardly changes"), "{}", guided.sentence());

    // A map that has nothing to do with the class: that of the class which is least likely.
    let hurried = Checks { at_most: Some(Duration::ZERO), ..Checks::default() };
    let hurried = trust_by(&net, &four, Target::Top, &Method::grad_cam("relu2"), hurried)?;
    assert_eq!(hurried.verdict, Verdict::Partly);
    assert_eq!(hurried.curves.deletion[0], good.curves.deletion[0], "the map's own curve");
    assert!(hurried.curves.deletion.len() < 5 && hurried.description().contains("no time"));
    let vega = good.bundle()?.vega.expect("curves to point at");
    assert!(vega["data"][0]["values"].as_array().is_some_and(|rows| rows.len() > 150));

    let score = Target::score("4 rather than 9", |logits| {
        logits.f_select(1, 4)?.f_sub(&logits.f_select(1, 9)?)
    });
    let figure = trust(&net, &four, score, &Method::InputTimesGradient)?;
    assert!(figure.description().contains("4 rather than 9"), "{}", figure.description());
    Ok(())
}

#[test]
fn what_cannot_be_measured_is_refused() -> Tested {
    let net = small()?;
    let input = Tensor::randn([2, 2, 17, 23], cpu(Kind::Double));
    let targets = [Target::Class(1), Target::Class(0)];
    let maps = Tensor::rand([2, 17, 23], cpu(Kind::Double));
    let curves = |maps: &Tensor, steps| {
        let options = PixelSteps { steps, ..PixelSteps::default() };
        pixel_curves(&net, &input, &targets, maps, options)
    };
    assert!(curves(&maps, 3).is_ok());
    let error = curves(&maps, 0).expect_err("no steps").to_string();
    assert!(error.contains("at least 1 step"), "{error}");
    let turned = maps.transpose(1, 2);
    let error = curves(&turned, 3).expect_err("height for width").to_string();
    assert!(error.contains("[2, 23, 17]") && error.contains("[2, 17, 23]"), "{error}");
    let error = curves(&(&maps * f64::NAN), 3).expect_err("no order").to_string();
    assert!(error.contains("not finite"), "{error}");
    assert!(confidence(&net, &input, &targets, &turned).is_err());
    let disturbances = Disturbance::default().of(&input)?;
    assert!(infidelity(&net, &input, &targets, &maps, &disturbances).is_err(), "not [N, C, H, W]");
    let gradient = gradient_tensor(&net, &input, &targets)?;
    let flat = disturbances.get(0);
    let error = infidelity(&net, &input, &targets, &gradient, &flat).expect_err("one").to_string();
    assert!(error.contains("Disturbance"), "{error}");
    assert!(max_sensitivity(&net, &input, &targets, &Method::saliency(), &flat).is_err());
    for wrong in [
        Disturbance { samples: 0, ..Disturbance::default() },
        Disturbance { radius: f64::NAN, ..Disturbance::default() },
    ] {
        assert!(wrong.of(&input).is_err());
    }
    Ok(())
}

#[test]
fn mistakes_are_explained_beside_what_is_right() -> Tested {
    let samples = data::digits(30, 4)?;
    let net = zoo::digits()?;
    let relabelled: Vec<(Photo, usize)> = samples
        .iter()
        .enumerate()
        .map(|(at, (photo, class))| (photo.clone(), if at == 8 { 3 } else { *class }))
        .collect();
    // One label is wrong, so one prediction is: a row of three maps.
    let figure = compare_predictions(&net, &relabelled, &Method::saliency())?;
    assert_eq!(figure.values().len(), 3);
    assert!(figure.description().contains("for what it said"), "{}", figure.description());
    // Without another 3 there is no right one to show.
    let alone = &relabelled[8..9];
    assert_eq!(compare_predictions(&net, alone, &Method::saliency())?.values().len(), 2);
    let error = compare_predictions(&net, &samples, &Method::saliency()).expect_err("all right");
    assert!(error.to_string().contains("nothing to compare"), "{error}");
    Ok(())
}

#[test]
fn trust_golden() -> Tested {
    let names = vec!["Saliency", "Grad-CAM at a layer with a long name, layer4.1.conv2", "CAM"];
    let values = [f32::NAN, 0.82, -0.35, 0.4, f32::NAN, 0.05, 0.11, 1.0, f32::NAN];
    let matrix = Matrix::new(
        "Do they agree?",
        "agreement",
        names,
        &Tensor::from_slice(&values).view([3, 3]),
    )?;
    golden("matrix", &matrix.note("a note"))?;

    let hill = Tensor::arange(54, cpu(Kind::Float)).view([6, 9]);
    let map =
        Heatmap::new("Grad-CAM of a disc", "unit", painted(160, 110).pixels().clone(), &hill)?;
    let fall = |name: &str, rate: f64| {
        let point = |at: u32| (f64::from(at) / 28.0, (-rate * f64::from(at)).exp());
        Series::new(name, (0..29).map(point).collect())
    };
    let test = |label: &str, x_label: &str, series| Test {
        panel: Panel::new(label, series),
        x_label: x_label.to_owned(),
    };
    let figure = Evidence::new(
        "Trust",
        "Believe where this map points: a sentence that is long enough to be broken into two lines \
         of the figure.",
        map,
        vec![
            test("Deletion", "share of pixels", vec![fall("this map", 0.5), fall("moved", 0.2)]),
            test("Insertion", "share of pixels", vec![fall("this map", 0.1)]),
            test("Likeness", "share of layers", vec![fall("rank correlation", 0.3)]),
        ],
    )?;
    golden("evidence", &figure.note("Deletion: a note with numbers"))
}
