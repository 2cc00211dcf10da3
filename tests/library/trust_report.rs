//! What randomization must find, what methods agree on, and the figures of trust.

use std::time::Duration;

use convscope::attribution::{Agreement, Cascade, Checks, Verdict, randomization_with, trust_with};
use convscope::prelude::*;
use convscope::view::{CheckPlot, Heatmap, MapReport, Matrix, Panel, Series};

use crate::golden::golden;
use crate::helpers::{Tested, cpu, difference, numbers, painted, real};
use crate::trust::close;

/// What Adebayo et al. found: gradient and Grad-CAM fall apart, guided backpropagation barely changes
/// while the top layers are re-initialized.
fn falls_apart(net: &Network, photos: &[Photo], layer: &str, stage: usize) -> Tested {
    let before: Vec<Tensor> = net.state_dict().into_iter().map(|(_, t)| t.copy()).collect();
    let mean = |method: &dyn Attribution| -> convscope::Result<f64> {
        let mut sum = 0.0;
        for photo in photos {
            let options = Cascade::default().stages(4);
            let check = randomization_with(net, photo, Target::Top, method, options)?;
            sum += check.stages()[stage].rank_correlation;
        }
        Ok(sum / photos.len() as f64)
    };
    let gradient = mean(&Saliency::default())?;
    let cam = mean(&GradCam::at(layer))?;
    let guided = mean(&GuidedBackprop)?;
    println!("{}: gradient {gradient:.2}, Grad-CAM {cam:.2}, guided {guided:.2}", net.name());
    assert!(guided > 0.75, "guided backpropagation keeps its map: {guided}");
    assert!(gradient < guided - 0.15, "the gradient does not: {gradient}");
    assert!(cam < guided - 0.3, "Grad-CAM does not: {cam}");
    // The caller's network is as it was.
    for ((name, now), before) in net.state_dict().iter().zip(&before) {
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
fn layers_are_reinitialized_from_the_output_down() -> Tested {
    let (net, photo) = (zoo::digits()?, data::digit(4, 2)?);
    let run = |seed| {
        let options = Cascade::default().seed(seed);
        randomization_with(&net, &photo, "4", &Saliency::default(), options)
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
    let unit = randomization(&net, &photo, Target::channel("relu2", 3), &Saliency::default())?;
    let layers: Vec<&str> = unit.stages().iter().map(|s| s.layer.as_str()).collect();
    assert_eq!(layers, ["conv2", "conv1"]);
    // A transformer's class token and position embedding are re-initialized, too.
    let vit = zoo::untrained("deit_tiny")?;
    let options = Cascade::default().stages(1);
    let photo = painted(300, 200);
    let check = randomization_with(&vit, &photo, Target::Class(3), &Saliency::default(), options)?;
    assert_eq!(check.stages().len(), 1);
    assert!(check.stages()[0].map.abs().max().double_value(&[]) > 0.0);

    let none = Cascade::default().stages(0);
    assert!(randomization_with(&net, &photo, "4", &Saliency::default(), none).is_err());
    let no_time = Cascade::default().time_limit(Duration::ZERO);
    let check = randomization_with(&net, &photo, "4", &Saliency::default(), no_time)?;
    assert!(check.stages().is_empty() && check.description().contains("stopped after 0 of"));
    Ok(())
}

#[test]
fn agreement_is_complete_with_oneself() -> Tested {
    let methods: [&dyn Attribution; 3] =
        [&Saliency::default(), &Saliency::default(), &Deconvolution];
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
    let good = trust(&net, &four, Target::Top, &GradCam::at("relu2"))?;
    assert_eq!(good.verdict, Verdict::Believe, "{}", good.description());
    assert!(good.sentence().starts_with("Believe where"), "{}", good.sentence());
    assert_eq!((good.curves.deletion.len(), good.curves.shares.len()), (5, 29));
    let guided = trust(&net, &four, Target::Top, &GuidedBackprop)?;
    assert_eq!(guided.verdict, Verdict::Doubt, "{}", guided.description());
    assert!(guided.sentence().contains("hardly changes"), "{}", guided.sentence());

    // A map that has nothing to do with the class: that of the class which is least likely.
    let hurried = Checks::default().time_limit(Duration::ZERO);
    let hurried = trust_with(&net, &four, Target::Top, &GradCam::at("relu2"), hurried)?;
    assert_eq!(hurried.verdict, Verdict::Partly);
    assert_eq!(hurried.curves.deletion[0], good.curves.deletion[0], "the map's own curve");
    assert!(hurried.curves.deletion.len() < 5 && hurried.description().contains("no time"));
    let vega = good.bundle()?.vega.expect("curves to point at");
    assert!(vega["data"][0]["values"].as_array().is_some_and(|rows| rows.len() > 150));

    let score = Target::score("4 rather than 9", |logits| {
        logits.f_select(1, 4)?.f_sub(&logits.f_select(1, 9)?)
    });
    let figure = trust(&net, &four, score, &InputTimesGradient)?;
    assert!(figure.description().contains("4 rather than 9"), "{}", figure.description());
    Ok(())
}

#[test]
fn mistakes_are_explained_beside_what_is_right() -> Tested {
    let samples = data::digits(30, 4)?;
    let net = zoo::digits()?;
    let relabeled: Vec<(Photo, usize)> = samples
        .iter()
        .enumerate()
        .map(|(at, (photo, class))| (photo.clone(), if at == 8 { 3 } else { *class }))
        .collect();
    // One label is wrong, so one prediction is: a row of three maps.
    let figure = compare_predictions(&net, &relabeled, &Saliency::default())?;
    assert_eq!(figure.values().len(), 3);
    assert!(figure.description().contains("predicted class"), "{}", figure.description());
    // Without another 3 there is no right one to show.
    let alone = &relabeled[8..9];
    assert_eq!(compare_predictions(&net, alone, &Saliency::default())?.values().len(), 2);
    let error = compare_predictions(&net, &samples, &Saliency::default()).expect_err("all right");
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
        Tensor::from_slice(&values).view([3, 3]),
    )?;
    golden("matrix", &matrix.note("a note"))?;

    let hill = Tensor::arange(54, cpu(Kind::Float)).view([6, 9]);
    let map =
        Heatmap::new("Grad-CAM of a disc", "unit", painted(160, 110).pixels().clone(), &hill)?;
    let fall = |name: &str, rate: f64| {
        let point = |at: u32| (f64::from(at) / 28.0, (-rate * f64::from(at)).exp());
        Series::new(name, (0..29).map(point).collect())
    };
    let plot = |label: &str, x_label: &str, series| CheckPlot {
        panel: Panel::new(label, series),
        x_label: x_label.to_owned(),
    };
    let figure = MapReport::new(
        "Trust",
        "Believe where this map points: a sentence that is long enough to be broken into two lines \
         of the figure.",
        map,
        vec![
            plot("Deletion", "share of pixels", vec![fall("this map", 0.5), fall("moved", 0.2)]),
            plot("Insertion", "share of pixels", vec![fall("this map", 0.1)]),
            plot("Similarity", "fraction of layers", vec![fall("rank correlation", 0.3)]),
        ],
    )?;
    golden("map_report", &figure.note("Deletion: a note with numbers"))
}
