//! Names of any script, and words that say what is drawn.

use convscope::attribution::Verdict;
use convscope::maximize::Robust;
use convscope::prelude::*;
use convscope::view::{
    Boxes, Gallery, GalleryCard, GalleryRow, Guess, Heatmap, Heatmaps, PatchGrid, Prediction,
    Predictions, Scatter, TopK, Values,
};
use image::RgbImage;

use crate::golden::golden;
use crate::helpers::{Tested, cpu, painted, scratch};

const NAMES: [&str; 9] = [
    "a name that is so long that it has no room beside a bar, be it ever so wide",
    "מכונית כחולה",
    "سيارة زرقاء",
    "日本語の犬",
    "🐕\u{200d}🦺 guide dog",
    "a\u{202e}b",
    "",
    "tab\tline\nbreak",
    "Ångström e\u{301} <b>&\"",
];

fn picture() -> RgbImage {
    painted(28, 28).pixels().clone()
}

/// The digits network with other names.
fn named() -> convscope::Result<Network> {
    zoo::digits()?.with_classes(NAMES.iter().copied().chain(["ab"]))
}

#[test]
fn golden_names_of_any_script() -> Tested {
    let guess = |(class, name): (usize, &&str)| Guess {
        class,
        name: (*name).to_owned(),
        probability: 0.9 / (class + 1) as f64,
    };
    let guesses = NAMES.iter().enumerate().map(guess).collect();
    let title = "Names: מכונית כחולה, سيارة زرقاء, گربه";
    golden("names", &TopK::new(title, picture(), guesses)?)
}

#[test]
fn an_empty_name_is_the_classs_number_and_no_two_names_look_alike() -> Tested {
    let net = named()?;
    assert_eq!(net.class_name(6), "class 6");
    let figure = saliency(&net, &data::digit(6, 1)?, 6)?;
    assert!(figure.title.starts_with("Saliency for class 6"), "{}", figure.title);
    let points = Values::new([2, 2], vec![0.0, 0.0, 1.0, 1.0])?;
    let scatter = Scatter::new("s", &points)?.classes(&Tensor::from_slice(&[0i64, 6]), &NAMES)?;
    assert!(scatter.description().ends_with("class 6"), "{scatter:?}");

    let drawn = |name: &str| {
        TopK::new(
            "t",
            picture(),
            vec![Guess { class: 0, name: name.to_owned(), probability: 0.5 }],
        )?
        .image()
    };
    let plain = drawn("ab")?;
    for other in ["a\u{202e}b", "a\u{200b}b", "a\u{200d}b", "ab\t", "a\u{ad}b", "a\u{a0}b", "a b"] {
        assert_ne!(drawn(other)?, plain, "{other:?}");
    }
    assert_ne!(drawn("a\u{a0}b")?, drawn("a b")?);
    Ok(())
}

#[test]
fn every_name_is_in_the_interactive_form_and_in_the_page() -> Tested {
    let long = format!("{}.png", "n".repeat(120));
    let points = Values::new([2, 2], vec![0.0, 0.0, 1.0, 1.0])?;
    let scatter = Scatter::new("s", &points)?
        .classes(&Tensor::from_slice(&[0i64, 1]), &NAMES)?
        .labels(&[&long, "b"])?;
    let spec = scatter.bundle()?.vega.expect("a specification").to_string();
    assert!(spec.contains(&long) && spec.contains(NAMES[0]) && spec.contains(NAMES[1]));

    let folder = scratch("names");
    let guess = |class: usize| Guess { class, name: NAMES[class].to_owned(), probability: 0.7 };
    let prediction = Prediction {
        index: 0,
        title: "first.png".to_owned(),
        picture: picture(),
        guesses: vec![guess(0)],
        truth: Some(guess(1)),
    };
    let card = GalleryCard::new(picture(), NAMES[1], "0.93");
    let page = |name: &str, saved: &dyn Fn(&std::path::Path) -> convscope::Result<()>| {
        let path = folder.join(format!("{name}.html"));
        saved(&path).map(|()| std::fs::read_to_string(path).unwrap_or_default())
    };
    let predictions = Predictions::new("p", vec![prediction])?;
    let html = page("predictions", &|path| predictions.save(path))?;
    assert!(["first.png", NAMES[0], NAMES[1]].iter().all(|name| html.contains(name)));
    let gallery = Gallery::new("g", vec![GalleryRow::new("conv1", vec![card])])?;
    let html = page("gallery", &|path| gallery.save(path))?;
    assert!(["conv1", NAMES[1], "0.93"].iter().all(|name| html.contains(name)));
    let html = page("scatter", &|path| scatter.save(path))?;
    assert!(html.contains(NAMES[0]) && html.contains(NAMES[1]));
    Ok(())
}

/// A network whose class 0 is spoken for by nothing, and whose class 1 by everything.
fn one_sided() -> convscope::Result<Network> {
    let mut b = Network::builder("blank", [1, 28, 28]);
    let x = b.input();
    let x = b.conv2d(x, "conv", Conv2d::new(2, 3).padding(1));
    let x = b.relu(x, "relu");
    let x = b.global_avg_pool(x, "avgpool");
    let x = b.flatten(x, "flatten");
    b.linear(x, "fc", 2);
    let net = b.build()?;
    tch::no_grad(|| {
        for (name, tensor) in net.state_dict() {
            let mut tensor = tensor.shallow_clone();
            let _ = match name.as_str() {
                "fc.weight" => {
                    let _ = tensor.get(0).fill_(-1.0);
                    tensor.get(1).fill_(1.0)
                }
                "conv.weight" => tensor.fill_(1.0 / 9.0),
                _ => tensor.zero_(),
            };
        }
    });
    Ok(net)
}

#[test]
fn a_map_without_anything_for_the_class_says_so() -> Tested {
    let (net, photo) = (one_sided()?, data::digit(4, 2)?);
    let against = grad_cam(&net, &photo, "relu", 0)?;
    assert!(against.values().numbers().iter().all(|&value| value == 0.0));
    let words = against.description();
    assert!(words.contains("nothing speaks for it") && !words.contains("bright"), "{words}");
    let words = grad_cam(&net, &photo, "relu", 1)?.description();
    assert!(words.contains("bright regions") && !words.contains("nothing"), "{words}");

    // The words name the colors that are drawn.
    let words = integrated_gradients(&net, &photo, 1)?.description();
    assert!(words.contains("bright pixels increase") && !words.contains("red"), "{words}");
    let words = integrated_gradients(&net, &photo, 0)?.description();
    assert!(words.contains("nothing speaks for it; red"), "{words}");
    let words = integrated_gradients(&zoo::digits()?, &photo, 4)?.description();
    assert!(words.contains("red pixels increase its score, blue ones decrease it"), "{words}");
    Ok(())
}

#[test]
fn an_undefined_correlation_is_no_good_one() -> Tested {
    let (net, photo) = (one_sided()?, data::digit(4, 2)?);
    let report = trust(&net, &photo, 0, &GradCam::at("relu"))?;
    assert_eq!(report.verdict, Verdict::Doubt, "{report:?}");
    assert!(report.sentence().contains("the same everywhere"), "{report:?}");
    assert!(report.randomization.stages().iter().all(|stage| stage.rank_correlation.is_nan()));
    let words = report.description();
    assert!(
        words.contains("undefined") && !words.contains("NaN") && !words.contains("learned"),
        "{words}"
    );
    report.bundle()?;
    report.randomization.maps()?.bundle()?;

    let methods: [&dyn Attribution; 2] = [&GradCam::at("relu"), &Saliency::default()];
    let found = agreement(&net, &photo, 0, &methods)?;
    assert!(found.rank_correlation.double_value(&[0, 1]).is_nan());
    assert!(found.overlap.double_value(&[0, 1]).is_nan());
    assert!(found.description().contains("the map is blank: Grad-CAM at relu"), "{found:?}");
    Ok(())
}

#[test]
fn broken_values_are_said_in_words_too() -> Tested {
    let broken = Values::new([1, 2], vec![f32::NAN, 1.0])?;
    let map = Heatmap::new("m", "u", picture(), &broken)?;
    assert!(map.description().contains("not finite"), "{map:?}");
    let all = Heatmaps::new("all", vec![("one", map.clone())])?;
    assert!(all.description().contains("not all values are finite"), "{all:?}");
    let grid = PatchGrid::new(9, 9, &broken, Vec::new())?;
    let occlusion = convscope::view::Occlusion::new("o", "logit", picture(), 1.0, vec![grid])?;
    assert!(occlusion.description().contains("not finite"), "{occlusion:?}");
    map.boxes(Boxes::All(0.5)).bundle()?;
    Ok(())
}

/// Channel 0 is silent on flat images, channel 1 on all.
fn silent() -> convscope::Result<Network> {
    let mut b = Network::builder("silent", [1, 5, 5]);
    let x = b.input();
    let x = b.conv2d(x, "conv", Conv2d::new(2, 5));
    b.relu(x, "relu");
    let net = b.build()?;
    let board = Tensor::arange(25, cpu(Kind::Float)).remainder(2.0) * -2.0 + 1.0;
    tch::no_grad(|| {
        for (name, tensor) in net.state_dict() {
            let mut tensor = tensor.shallow_clone();
            match name.as_str() {
                "conv.weight" => {
                    let _ = tensor.zero_();
                    tensor.get(0).view([25]).copy_(&board);
                }
                _ => tensor.copy_(&Tensor::from_slice(&[-6.0f32, -1.0])),
            }
        }
    });
    Ok(net)
}

#[test]
fn a_unit_that_no_image_changes_or_wakes_is_said_to_be_so() -> Tested {
    let net = silent()?;
    for recipe in [Maximize::classic(), Maximize::lucid().robust(Robust::NONE)] {
        let brief = recipe.steps(200).quiet();
        let dead = brief.run(&net, Unit::channel("relu", 1))?;
        let words = dead.description();
        assert!(words.contains("no image that was tried changes relu, channel 1"), "{words}");
        assert!(words.contains("the ReLU gives 0"), "{words}");
        dead.bundle()?;
        let alive = brief.run(&net, Unit::channel("relu", 0))?.description();
        assert!(!alive.contains("no image"), "{alive}");
        let layer = brief.units(&net, "relu", &[0, 1])?.description();
        assert!(layer.contains("changes 1: what is shown"), "{layer}");
    }
    Ok(())
}

/// What may end a cell; the library's own tests look at what is drawn.
#[test]
fn lists_and_tuples_of_figures_may_end_a_cell() {
    fn drawn<T: CellOutput + ?Sized>() {}
    drawn::<Vec<Heatmap>>();
    drawn::<Vec<Box<dyn Figure>>>();
    drawn::<[TopK; 3]>();
    drawn::<[&Scatter]>();
    drawn::<(Heatmap, TopK)>();
    drawn::<(Heatmap, TopK, &Gallery, Box<Scatter>)>();
}
