//! Figures: pictures against golden ones, bundles, files, and hostile names.

use convscope::prelude::*;
use convscope::view::{Curves, FeatureMaps, FilterGrid, Guess, Heatmap, Panel, Series, TopK};
use image::{Rgb, RgbImage};

use crate::golden::golden;
use crate::helpers::{Tested, cpu, painted, scratch};

/// Waves and ramps: every map has another direction and strength; map 2 is blank.
pub fn maps(channels: i64, height: i64, width: i64, signed: bool) -> Tensor {
    let axis = |n: i64, shape: [i64; 3]| Tensor::arange(n, cpu(Kind::Float)).view(shape);
    let c = axis(channels, [channels, 1, 1]);
    let y = axis(height, [1, height, 1]);
    let x = axis(width, [1, 1, width]);
    let waves = (&c * 0.7 + &x * 0.5 + &y * (&c * 0.1)).sin() * (&c * 0.05 + 0.5);
    let waves = if signed { waves } else { waves.relu() };
    if channels > 2 {
        let _ = waves.get(2).zero_();
    }
    waves
}

#[test]
fn feature_maps_golden() -> Tested {
    golden("feature_maps", &FeatureMaps::new("Feature maps of a test", maps(12, 9, 14, false))?)?;
    let signed = FeatureMaps::new("Signed, each on its own", maps(20, 8, 8, true))?;
    golden("feature_maps_signed", &signed.scale_sharing(ScaleSharing::Each))?;
    golden("feature_maps_many", &FeatureMaps::new("Many", maps(300, 7, 7, false))?)
}

#[test]
fn filters_golden() -> Tested {
    let weight = |shape: [i64; 4]| {
        let count: i64 = shape.iter().product();
        (Tensor::arange(count, cpu(Kind::Float)) * 0.37).sin().view(shape)
    };
    golden("filters_color", &FilterGrid::new("Color", weight([16, 3, 5, 5]))?)?;
    golden("filters_signed", &FilterGrid::new("One channel", weight([6, 1, 5, 3]))?)?;
    let deep = FilterGrid::new("Deep", weight([32, 16, 3, 3]))?;
    golden("filters_deep", &deep.filters([0, 3, 31]).inputs([1, 2, 15]))
}

#[test]
fn heatmap_golden() -> Tested {
    let picture = painted(120, 80).pixels().clone();
    let values = maps(4, 20, 30, false).get(3);
    let magnitude = Heatmap::new("Magnitude", "unit", picture.clone(), &values)?;
    golden("heatmap", &magnitude.note("a note"))?;
    let signed = Heatmap::new("Signed", "unit", picture, maps(4, 8, 12, true).get(3))?;
    golden("heatmap_signed", &signed.opacity(0.5))
}

#[test]
fn top_k_golden() -> Tested {
    let guess = |class, name: &str, probability| Guess { class, name: name.into(), probability };
    let long = "a class whose name is far too long for the room it has";
    let guesses = vec![guess(4, "four", 0.9731), guess(9, long, 0.0264), guess(1, "one", 1e-6)];
    golden(
        "top_k",
        &TopK::new("digits sees a drawn 4", data::digit(4, 1)?.pixels().clone(), guesses)?,
    )
}

/// A training's curves: the validation's loss has a gap, and one lone value after it.
fn training() -> Curves {
    let epochs = 1..=8;
    let falling = |start: f64| epochs.clone().map(move |e| (f64::from(e), start / f64::from(e)));
    let broken = |(x, y): (f64, f64)| (x, if x == 5.0 || x == 7.0 { f64::NAN } else { y });
    let loss = vec![
        Series::new("training", falling(0.9).collect()),
        Series::new("validation", falling(0.7).map(broken).collect()),
    ];
    let rising = |(x, y): (f64, f64)| (x, 100.0 - 8.0 * y);
    let accuracy = vec![
        Series::new("training", falling(0.9).map(rising).collect()),
        Series::new("validation", falling(0.5).map(rising).collect()),
    ];
    let panels = vec![Panel::new("loss", loss), Panel::new("accuracy in %", accuracy)];
    Curves::new("Training of a test", "epoch", panels).note("8 epochs")
}

#[test]
fn curves_golden() -> Tested {
    golden("curves", &training())?;
    let wave =
        |phase: f64| (0..400).map(move |x| (f64::from(x), (0.05 * f64::from(x) + phase).sin()));
    let waves = (0..6).map(|i| Series::new(format!("phase {i}"), wave(f64::from(i)).collect()));
    golden(
        "curves_many",
        &Curves::new("Waves", "step", vec![Panel::new("height", waves.collect())]),
    )
}

/// Sharp turns, close together: what a maximization that moves its image at random gives.
#[test]
fn curves_with_sharp_turns_stay_within_their_axes() -> Tested {
    let zigzag = (0..1600).map(|x| (f64::from(x), f64::from(x * 7919 % 101) - 50.0));
    let trend = Series::new("trend", vec![(0.0, -20.0), (1600.0, 40.0)]);
    let series = vec![trend, Series::new("zigzag", zigzag.collect())];
    let panels = vec![Panel::new("height", series)];
    let curves = Curves::new("Sharp turns", "step", panels).note("1600 steps");
    golden("curves_sharp", &curves)?;
    let picture = curves.image()?;
    let is_orange = |rgb: &[u8; 3]| rgb[0] > 180 && rgb[1] < 140 && rgb[2] < 90;
    let rows = picture.enumerate_pixels().filter(|(_, _, pixel)| is_orange(&pixel.0));
    // But for the key in the legend.
    let rows: Vec<u32> = rows.map(|(_, y, _)| y).filter(|&y| y > 90).collect();
    let (low, high) = (rows.iter().min(), rows.iter().max());
    assert!(low >= Some(&149) && high <= Some(&401), "{low:?} to {high:?}");
    Ok(())
}

#[test]
fn curves_carry_their_numbers_to_the_notebook() -> Tested {
    let curves = training();
    assert_eq!(
        format!("{curves:?}"),
        "Training of a test; 8 epochs; loss: training 0.112, validation 0.0875; \
         accuracy in %: training 99.1, validation 99.5 [a figure: `.show()` draws it]"
    );
    assert_eq!(curves.values()[0].series[0].points[1], (2.0, 0.45));
    let spec = curves.bundle()?.vega.expect("a Vega specification");
    let rows = spec["data"][0]["values"].as_array().expect("rows");
    assert_eq!(rows.len(), 4 * 8);
    assert!(rows[4]["y"].is_null(), "NaN leaves a gap");
    assert_eq!(rows[8]["y"], 0.9, "the first curve lies over the second");
    assert_eq!(spec["scales"][1]["domain"][1], "validation");
    Ok(())
}

#[test]
fn odd_curves_are_drawn() -> Tested {
    let most = f64::MAX;
    for points in [
        vec![],
        vec![(1.0, 1.0)],
        vec![(1.0, f64::NAN), (f64::NAN, 1.0)],
        vec![(0.0, -most), (1.0, most), (2.0, f64::INFINITY)],
        vec![(0.0, 3.4e38), (1e9, -3.4e38)],
        vec![(3.0, 1e-320), (3.0, 2e-320)],
        vec![(5.0, 1.0), (4.0, 1.0 + 1e-15)],
    ] {
        let panels = vec![Panel::new("loss", vec![Series::new("<b>\"", points)])];
        Curves::new("odd", "epoch", panels).bundle()?;
    }
    Curves::new("none", "epoch", Vec::new()).bundle()?;
    let series = Series::new("long", (0..50_000).map(|x| (f64::from(x), 1.0)).collect());
    let long = Curves::new("long", "step", vec![Panel::new("y", vec![series])]);
    assert!(long.bundle()?.entries().iter().all(|(_, content)| content.len() < 1_000_000));
    Ok(())
}

#[test]
fn summary_golden() -> Tested {
    golden("summary", &zoo::digits()?.summary()?)?;
    // Two blocks of two branches beside a skip, each with its own kind of join.
    let mut b = Network::builder("branches", [3, 32, 24]);
    let mut x = b.input();
    for block in ["stage.0", "stage.1"] {
        let at = |part: &str| format!("{block}.{part}");
        let narrow = b.conv2d(x, &at("narrow"), Conv2d::new(4, 1));
        let wide = b.conv2d(x, &at("wide"), Conv2d::new(4, 3).padding(1));
        let wide = b.batch_norm(wide, &at("norm"));
        let wide = b.relu(wide, &at("relu"));
        let wide = b.conv2d(wide, &at("again"), Conv2d::new(4, 3).padding(1));
        let sum = b.add(narrow, wide, &at("add"));
        let all = b.concat(&[sum, x], &at("cat"));
        x = b.max_pool(all, &at("pool"), Pool::new(2, 2));
    }
    let x = b.global_avg_pool(x, "avgpool");
    let x = b.flatten(x, "flatten");
    b.linear(x, "fc", 5);
    let net = b.build()?;
    golden("summary_branches", &net.summary()?)?;
    golden("summary_blocks", &net.summary()?.blocks())
}

#[test]
fn a_bundle_has_what_a_notebook_needs() -> Tested {
    let net = zoo::digits()?;
    let bundle = saliency(&net, &data::digit(2, 2)?, Target::Top)?.bundle()?;
    let mimes: Vec<&str> = bundle.entries().iter().map(|(mime, _)| *mime).collect();
    assert_eq!(mimes, ["application/vnd.vega.v5+json", "image/png", "text/plain"]);
    let spec = bundle.vega.clone().expect("a Vega specification");
    assert_eq!(spec["signals"][0]["bind"]["input"], "range");
    assert_eq!(spec["signals"][0]["name"], "opacity");
    let uri = spec["data"][0]["values"][0]["uri"].as_str().expect("a URI");
    assert!(uri.starts_with("data:image/"), "no address outside the notebook");
    assert!(spec.to_string().len() < 1_000_000);
    assert!(
        bundle
            .entries()
            .iter()
            .all(|(mime, content)| *mime == "text/plain" || !content.contains('\n'))
    );
    assert!(bundle.text.contains("Saliency for 2"));
    Ok(())
}

#[test]
fn figures_are_saved_whole() -> Tested {
    let folder = scratch("save");
    let figure = zoo::digits()?.filters("conv1")?;
    for name in ["f.png", "f.JPG", "f.html"] {
        figure.save(folder.join(name))?;
    }
    assert_eq!(image::open(folder.join("f.png"))?.to_rgb8(), figure.image()?);
    let html = std::fs::read_to_string(folder.join("f.html"))?;
    assert!(html.contains("data:image/png;base64,") && !html.contains("http"));
    let error = figure.save(folder.join("f.gifx")).expect_err("unknown").to_string();
    assert!(error.contains(".png, .jpg or .html"), "{error}");
    let error = figure.save(folder.join("no/such/f.png")).expect_err("no folder").to_string();
    assert!(error.contains("write the figure"), "{error}");
    let left = std::fs::read_dir(&folder)?.count();
    assert_eq!(left, 3, "no half-written files stay behind");
    Ok(())
}

#[test]
fn hostile_names_stay_text() -> Tested {
    let evil = "</script><img src=x onerror=alert(1)>\nEVCXR_END_CONTENT\n\"}]\u{202e}";
    let values = maps(1, 4, 4, false).get(0);
    let figure = Heatmap::new(evil, evil, painted(8, 8).pixels().clone(), &values)?.note(evil);
    let bundle = figure.bundle()?;
    let spec = bundle.vega.expect("a specification");
    let shown = evil.replace('\n', "\\n").replace('\u{202e}', "\\u{202e}");
    assert_eq!(spec["title"]["text"], shown, "whole, as text, with what can't be seen written out");
    let page = scratch("hostile").join("page.html");
    figure.save(&page)?;
    let html = std::fs::read_to_string(page)?;
    assert!(!html.contains("<img src=x") && html.contains("&lt;img src=x"));
    Ok(())
}

#[test]
fn blank_broken_and_odd_values_are_drawn_or_refused() -> Tested {
    let blank = Tensor::zeros([3, 5, 5], cpu(Kind::Float));
    FeatureMaps::new("blank", &blank)?.image()?;
    let broken = &blank + f64::NAN;
    FeatureMaps::new("NaN", &broken)?.image()?;
    let picture = RgbImage::from_pixel(5, 5, Rgb([9; 3]));
    Heatmap::new("blank", "u", picture.clone(), blank.get(0))?.image()?;
    Heatmap::new("infinite", "u", picture.clone(), &(&blank.get(0) + f64::INFINITY))?.bundle()?;
    FeatureMaps::new("huge", Tensor::ones([1, 3000, 2], cpu(Kind::Float)))?.image()?;
    FeatureMaps::new("linear", Tensor::ones([10], cpu(Kind::Double)))?.image()?;

    assert!(FeatureMaps::new("batch", Tensor::zeros([1, 3, 5, 5], cpu(Kind::Float))).is_err());
    assert!(FeatureMaps::new("empty", Tensor::zeros([0, 5, 5], cpu(Kind::Float))).is_err());
    assert!(FeatureMaps::new("flat", Tensor::zeros([3, 0, 5], cpu(Kind::Float))).is_err());
    assert!(FilterGrid::new("flat", Tensor::zeros([3, 5], cpu(Kind::Float))).is_err());
    assert!(Heatmap::new("3-D", "u", picture, &blank).is_err());
    let maps = FeatureMaps::new("few", &blank)?;
    let error = maps.channels([0, 3]).image().expect_err("no channel 3").to_string();
    assert!(error.contains("no channel 3; there are 3"), "{error}");
    Ok(())
}

#[test]
fn a_photo_is_a_figure() -> Tested {
    let photo = painted(1300, 400);
    assert_eq!(photo.image()?.dimensions(), (640, 196));
    assert_eq!(photo.bundle()?.text, "Photo painted (1300×400)");
    Ok(())
}
