//! Heatmaps with boxes, heatmaps side by side, occlusion, and what best guesses tell the pointer.

use convscope::prelude::*;
use convscope::view::{BoundingBox, Boxes, Guess, Heatmap, Heatmaps, Occlusion, PatchGrid, TopK};
use image::{Rgb, RgbImage};
use serde_json::Value;

use crate::golden::golden;
use crate::helpers::{Tested, cpu, numbers, painted, scratch, spec_of, subtitle};

fn gray(width: u32, height: u32) -> RgbImage {
    RgbImage::from_pixel(width, height, Rgb([90; 3]))
}

fn map(rows: i64, columns: i64, values: &[f32]) -> Tensor {
    Tensor::from_slice(values).view([rows, columns])
}

/// A hill at a place of a map, from 0 to `height`.
fn hill(rows: i64, columns: i64, (row, column): (f64, f64), height: f64) -> Tensor {
    let axis = |n: i64, at: f64| (Tensor::arange(n, cpu(Kind::Float)) - at).square();
    let squares = axis(rows, row).view([rows, 1]) + axis(columns, column).view([1, columns]);
    (squares / -6.0).exp() * height
}

fn found(values: &Tensor, boxes: Boxes) -> convscope::Result<Vec<[u32; 4]>> {
    let size = values.size();
    let picture = gray(size[1] as u32, size[0] as u32);
    let map = Heatmap::new("boxes", "u", picture, values)?.boxes(boxes);
    let corners = |b: BoundingBox| [b.left, b.top, b.right, b.bottom];
    Ok(map.bounding_boxes()?.into_iter().map(corners).collect())
}

#[test]
fn heatmaps_golden() -> Tested {
    let picture = painted(180, 120).pixels().clone();
    let layer = |name: &str, at, height| {
        let map = Heatmap::new(name, "activation", picture.clone(), hill(6, 9, at, height));
        Ok::<_, convscope::Error>((name.to_owned(), map?))
    };
    let given = Boxes::Given(vec![BoundingBox::new(20, 10, 150, 300, "true place")]);
    let boxes = layer("Boxes", (2.0, 6.0), 0.8)?.1.boxes(given).boxes(Boxes::Largest(0.5));
    golden("heatmap_boxes", &boxes.note("found: half of the maximum"))?;
    let blocky = layer("Each value a rectangle", (2.0, 6.0), 0.8)?.1.blocky();
    golden("heatmap_blocky", &blocky)?;

    let layers = || -> convscope::Result<Vec<(String, Heatmap)>> {
        vec![layer("early", (1.0, 1.0), 0.1), layer("late", (4.0, 7.0), 1.0)].into_iter().collect()
    };
    golden("heatmaps", &Heatmaps::new("One scale", layers()?)?)?;
    golden(
        "heatmaps_each",
        &Heatmaps::new("Each its own", layers()?)?.scale_sharing(ScaleSharing::Each),
    )?;
    let tall = painted(100, 160).pixels().clone();
    let row = |picture: &RgbImage| -> convscope::Result<Vec<Heatmap>> {
        let map = |values: Tensor| Heatmap::new("m", "u", picture.clone(), &values);
        Ok(vec![map(hill(5, 5, (1.0, 2.0), 1.0))?, map(hill(5, 5, (3.0, 3.0), -0.7))?])
    };
    let rows = vec![("wide", row(&picture)?), ("tall", row(&tall)?)];
    golden("heatmaps_grid", &Heatmaps::grid("Signed", vec!["plus", "minus"], rows)?.opacity(0.5))
}

#[test]
fn occlusion_golden() -> Tested {
    let picture = painted(32, 24);
    let drops = hill(9, 13, (3.0, 8.0), 4.0) - 0.5;
    let one = Occlusion::new(
        "One size",
        "logit",
        picture.pixels().clone(),
        7.25,
        vec![PatchGrid::new(8, 2, &drops, Vec::new())?],
    )?;
    golden("occlusion", &one)?;
    let two = vec![
        PatchGrid::new(8, 2, &drops, Vec::new())?,
        PatchGrid::new(4, 4, hill(6, 8, (2.0, 5.0), 2.0), Vec::new())?,
    ];
    let two = Occlusion::new("Two sizes", "logit", picture.pixels().clone(), 7.25, two)?;
    golden("occlusion_sizes", &two.fill(124, 116, 104).note("a note"))
}

#[test]
fn boxes_are_those_computed_by_hand() -> Tested {
    #[rustfmt::skip]
    let values = map(4, 7, &[
        0.0, 0.9, 0.0, 0.0, 0.0, 0.0, 0.0,
        0.9, 0.0, 0.0, 0.0, 0.5, 0.5, 0.0,
        0.0, 0.0, 0.0, 0.0, 0.5, 0.5, 0.0,
        0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0,
    ]);
    // At half the maximum: the diagonal pair, and the block that touches the maximum by a corner.
    assert_eq!(found(&values, Boxes::Largest(0.5))?, [[4, 1, 7, 4]]);
    assert_eq!(found(&values, Boxes::All(0.5))?, [[0, 0, 7, 4]]);
    assert_eq!(found(&values, Boxes::Largest(0.6))?, [[0, 0, 2, 2]], "neighbors by a corner");
    assert_eq!(found(&values, Boxes::Largest(1.0))?, [[6, 3, 7, 4]]);
    // The end of a row and the start of the next are no neighbors.
    let ends = map(3, 4, &[0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    assert_eq!(found(&ends, Boxes::Largest(0.5))?, [[3, 0, 4, 1]]);
    // Negative values are no evidence, NaN and infinity no numbers.
    let odd = map(2, 3, &[-9.0, f32::NAN, 1.0, f32::NEG_INFINITY, 0.0, 2.0]);
    assert_eq!(found(&odd, Boxes::Largest(0.5))?, [[2, 0, 3, 2]]);
    for blank in [0.0, -1.0, f32::NAN] {
        assert!(found(&map(1, 2, &[blank; 2]), Boxes::All(0.5))?.is_empty(), "{blank}");
    }
    assert_eq!(found(&map(2, 3, &[4.0; 6]), Boxes::Largest(0.2))?, [[0, 0, 3, 2]], "constant");
    for part in [0.0, -0.5, 1.01, f64::NAN] {
        let error = found(&values, Boxes::Largest(part)).expect_err("no part").to_string();
        assert!(error.contains("above 0 and at most 1"), "{error}");
    }
    Ok(())
}

#[test]
fn boxes_of_small_maps_are_in_pixels_of_the_input() -> Tested {
    // Between 0 and 1, eight pixels are 0, 0, 1/8, 3/8, 5/8, 7/8, 1, 1.
    let step = Heatmap::new("step", "u", gray(64, 32), map(1, 2, &[0.0, 1.0]))?;
    let step = step.input_size(4, 8).boxes(Boxes::Largest(0.5));
    assert_eq!(step.bounding_boxes()?, [BoundingBox::new(4, 0, 8, 4, "≥ 50 %")]);
    let values = map(2, 3, &[0.0, 1.0, 0.0, 0.0, 0.0, 0.0]);
    let blocky = Heatmap::new("b", "u", gray(30, 20), &values)?.blocky().boxes(Boxes::All(0.9));
    assert_eq!(blocky.bounding_boxes()?, [BoundingBox::new(10, 0, 20, 10, "≥ 90 %")]);
    let drawn = &spec_of(&blocky)?["data"][3]["values"][0]; // over a picture eleven times as large
    assert_eq!(
        (&drawn["x"], &drawn["x2"], &drawn["y2"]),
        (&110.0.into(), &220.0.into(), &110.0.into())
    );

    let given = |left, right| {
        let boxes = Boxes::Given(vec![BoundingBox::new(left, 2, right, 99, "")]);
        Heatmap::new("given", "u", gray(30, 20), &values).map(|map| map.boxes(boxes))
    };
    assert_eq!(given(5, 99)?.bounding_boxes()?, [BoundingBox::new(5, 2, 30, 20, "")], "clipped");
    for (left, right) in [(30, 31), (7, 7), (9, 3)] {
        let error = given(left, right)?.image().expect_err("nothing inside").to_string();
        assert!(error.contains("covers nothing of 30×20"), "{error}");
    }
    Ok(())
}

#[test]
fn vega_enlarges_as_the_still_does() -> Tested {
    let values = hill(5, 7, (1.3, 4.2), 3.0) - 1.0;
    let spec = spec_of(&Heatmap::new("m", "u", painted(200, 120).pixels().clone(), &values)?)?;
    let row = &spec["data"][2]["values"][0];
    let list = |value: &Value| value.as_array().expect("a list").clone();
    let (across, down, short) = (list(&row["across"]), list(&row["down"]), list(&row["values"]));
    let number = |value: &Value| value.as_f64().expect("a number");
    let value = |y: &Value, x: &Value| {
        number(&short[(number(y) + number(x)) as usize]) * number(&row["step"])
    };
    let mix = |near: f64, far: f64, weight: &Value| near + (far - near) * number(weight);
    let mut drawn = Vec::new();
    for y in &down {
        for x in &across {
            let near = mix(value(&y[0], &x[0]), value(&y[0], &x[1]), &x[2]);
            let far = mix(value(&y[1], &x[0]), value(&y[1], &x[1]), &x[2]);
            drawn.push(mix(near, far, &y[2]));
        }
    }
    let size = [down.len() as i64, across.len() as i64];
    assert_eq!(size, [60, 100], "half the size shown");
    let expected = values.view([1, 1, 5, 7]).upsample_bilinear2d(size, false, None, None);
    for (drawn, expected) in drawn.iter().zip(numbers(&expected)) {
        assert!((drawn - expected).abs() < 5e-3, "{drawn} for {expected}");
    }
    Ok(())
}

#[test]
fn constant_and_broken_maps_say_so() -> Tested {
    let heatmap = |values: &[f32]| Heatmap::new("m", "u", gray(30, 20), map(2, 3, values));
    let nan = [1.0, f32::NAN, 0.0, f32::INFINITY, 0.5, -0.5];
    assert!(subtitle(&heatmap(&[0.0; 6])?)?.contains("blank"));
    assert!(subtitle(&heatmap(&[2.5; 6])?)?.contains("blank"));
    assert!(subtitle(&heatmap(&nan)?)?.contains("not finite"));
    assert!(heatmap(&nan)?.description().contains("not finite"), "said in words too");
    let undefined = heatmap(&[f32::NAN; 6])?;
    assert!(!undefined.description().contains("blank"), "{undefined:?}");
    assert!(subtitle(&heatmap(&[0.0; 6])?.boxes(Boxes::All(0.2)))?.contains("no box"));
    let blank = spec_of(&heatmap(&[0.0; 6])?)?;
    assert_eq!(blank["scales"][0]["domain"], serde_json::json!([0.0, 1.0]), "dark, not medium");
    let row = &spec_of(&heatmap(&nan)?)?["data"][2]["values"][0]["values"];
    assert_eq!(row.to_string(), r#"[9999,"NaN",0,"Infinity",5000,-5000]"#);

    let maps = vec![("flat", heatmap(&[0.0; 6])?), ("odd", heatmap(&nan)?)];
    let several = subtitle(&Heatmaps::new("several", maps)?)?;
    assert!(several.contains("blank (constant) maps: flat"), "{several}");
    assert!(several.contains("NaN is magenta): odd"), "{several}");

    let grid = |values: &[f32]| PatchGrid::new(10, 10, map(2, 3, values), Vec::new());
    let figure = |grids| Occlusion::new("o", "logit", gray(30, 20), 1.0, grids);
    assert!(subtitle(&figure(vec![grid(&[0.0; 6])?])?)?.contains("blank"));
    figure(vec![grid(&nan)?, grid(&[f32::NAN; 6])?])?.bundle()?;
    Ok(())
}

#[test]
fn golden_maps_in_different_units_have_scales_of_their_own() -> Tested {
    let heatmap =
        |unit: &str, height| Heatmap::new("m", unit, gray(30, 20), hill(4, 6, (1.0, 2.0), height));
    let maps = vec![("a", heatmap("|gradient|", 0.01)?), ("b", heatmap("Grad-CAM", 10.0)?)];
    let spec = spec_of(&Heatmaps::new("methods", maps)?)?;
    assert!(spec["title"]["subtitle"].to_string().contains("in different units"));
    assert_eq!(spec["legends"], serde_json::json!([]));
    let range = |pane: usize| spec["data"][1]["values"][pane]["range"].to_string();
    assert!(range(1).contains("0 to 0.0") && range(2).contains("0 to 10.0"), "{}", range(2));

    let same = vec![("a", heatmap("u", 1.0)?), ("b", heatmap("u", 4.0)?)];
    let spec = spec_of(&Heatmaps::new("layers", same)?)?;
    let tops = [0, 1].map(|map| spec["data"][2]["values"][map]["top"].clone());
    assert_eq!(tops[0], tops[1]);
    assert_eq!(spec["scales"][0]["domain"][1], tops[0], "one scale in real units");

    // A map with a sign among others leaves these their colors.
    let mixed = vec![("a", heatmap("|gradient|", 1.0)?), ("b", heatmap("share", -2.0)?)];
    let mixed = Heatmaps::new("a sign", mixed)?;
    let spec = spec_of(&mixed)?;
    let ranges = [1, 2].map(|pane| spec["data"][1]["values"][pane]["range"].clone());
    assert_eq!(ranges, ["0 to 1.00", "±2.00"]);
    let named = [0, 1].map(|map| spec["data"][2]["values"][map]["scale"].clone());
    assert_eq!(named, ["inferno", "redblue"]);
    let scale =
        |at: usize| (spec["scales"][at]["name"].clone(), spec["scales"][at]["domain"].clone());
    assert_eq!(scale(0), ("inferno".into(), serde_json::json!([0.0, 1.0])));
    assert_eq!(scale(1), ("redblue".into(), serde_json::json!([-1.0, 1.0])));
    golden("heatmaps_mixed", &mixed)
}

#[test]
fn what_does_not_fit_is_refused() -> Tested {
    let none: Vec<(&str, Heatmap)> = Vec::new();
    assert!(Heatmaps::new("none", none).is_err());
    let heatmap = || Heatmap::new("m", "u", gray(3, 2), map(1, 1, &[1.0]));
    let short = vec![("one", vec![heatmap()?, heatmap()?]), ("two", vec![heatmap()?])];
    let error = Heatmaps::grid("short", vec!["a", "b"], short).expect_err("short").to_string();
    assert!(error.contains("`two` has 1 maps for 2 columns"), "{error}");

    let drops = map(2, 3, &[1.0; 6]);
    let guess = |class| Guess { class, name: "n".into(), probability: 0.5 };
    assert!(PatchGrid::new(0, 1, &drops, Vec::new()).is_err());
    assert!(PatchGrid::new(1, 1, drops.view([6]), Vec::new()).is_err());
    assert!(PatchGrid::new(1, 1, &drops, vec![vec![guess(1)]]).is_err());
    let mut uneven = vec![vec![guess(1)]; 6];
    uneven[3].push(guess(2));
    assert!(PatchGrid::new(1, 1, &drops, uneven).is_err());
    let picture = gray(30, 20);
    assert!(Occlusion::new("none", "u", picture.clone(), 1.0, Vec::new()).is_err());
    let grid = || PatchGrid::new(8, 8, &drops, Vec::new());
    assert!(Occlusion::new("NaN", "u", picture.clone(), f64::NAN, vec![grid()?]).is_err());
    let away = Occlusion::new("away", "u", picture, 1.0, vec![grid()?])?.input_size(20, 16);
    let error = away.bundle().expect_err("a patch beyond the input").to_string();
    assert!(error.contains("input_size"), "{error}");
    Ok(())
}

#[test]
fn interactive_forms_stay_small() -> Tested {
    let size = |figure: &dyn Fn() -> convscope::Result<Value>| Ok(figure()?.to_string().len());
    let check = |what: &str, size: convscope::Result<usize>, limit: usize| {
        let size = size?;
        assert!(size < limit, "{what}: {size} bytes");
        Ok::<_, convscope::Error>(())
    };
    let noise = |side: i64| (Tensor::arange(side * side, cpu(Kind::Float)) * 0.7).sin();
    let large = || {
        let values = noise(1000).view([1000, 1000]);
        spec_of(&Heatmap::new("large", "u", painted(448, 448).pixels().clone(), &values)?)
    };
    check("a map of a million values", size(&large), 500_000)?;
    let many = || {
        let map = |_| {
            let values = noise(112).view([112, 112]);
            Ok(("m", Heatmap::new("m", "u", painted(224, 224).pixels().clone(), &values)?))
        };
        let maps: convscope::Result<Vec<_>> = (0..60).map(map).collect();
        spec_of(&Heatmaps::new("many", maps?)?)
    };
    check("sixty maps", size(&many), 500_000)?;
    // 4,096 places, five of a thousand classes with long names at each.
    let places = || {
        let guess = |place: usize, rank: usize| {
            let class = (place * 7 + rank) % 1000;
            let name = format!("a class with a long name, number {class}");
            Guess { class, name, probability: 1.0 / (place + rank + 1) as f64 }
        };
        let guesses = (0..4096).map(|p| (0..5).map(|rank| guess(p, rank)).collect()).collect();
        let grid = PatchGrid::new(16, 3, noise(64).view([64, 64]), guesses)?;
        let picture = painted(224, 224).pixels().clone();
        spec_of(&Occlusion::new("large", "logit", picture, 9.0, vec![grid])?)
    };
    check("4,096 places", size(&places), 500_000)?;
    Ok(())
}

#[test]
fn hostile_labels_stay_text() -> Tested {
    let evil = "</script><img src=x onerror=alert(1)>\n{\"signal\": \"x\"}\u{202e}";
    let shown = evil.replace('\n', "\\n").replace('\u{202e}', "\\u{202e}");
    let guess = Guess { class: 3, name: evil.into(), probability: 0.4 };
    let values = hill(2, 3, (0.0, 1.0), 1.0);
    let heatmap = || Heatmap::new(evil, evil, gray(30, 20), &values);
    let given = Boxes::Given(vec![BoundingBox::new(1, 1, 9, 9, evil)]);
    let boxed = heatmap()?.boxes(given);
    assert_eq!(spec_of(&boxed)?["data"][3]["values"][0]["label"], shown);
    let several = Heatmaps::new(evil, vec![(evil, heatmap()?)])?;
    assert_eq!(spec_of(&several)?["data"][1]["values"][1]["label"], shown);
    let grid = PatchGrid::new(9, 9, &values, vec![vec![guess.clone()]; 6])?;
    let occlusion = Occlusion::new(evil, evil, gray(30, 20), 1.0, vec![grid])?;
    assert_eq!(spec_of(&occlusion)?["data"][1]["values"][0]["name"], shown);
    let top = TopK::new(evil, gray(30, 20), vec![guess])?;
    assert_eq!(spec_of(&top)?["data"][0]["values"][0]["facts"]["name"], shown);
    let folder = scratch("hostile_heat");
    for (name, saved) in [
        ("boxes", boxed.save(folder.join("boxes.html"))),
        ("several", several.save(folder.join("several.html"))),
        ("occlusion", occlusion.save(folder.join("occlusion.html"))),
        ("top", top.save(folder.join("top.html"))),
    ] {
        saved?;
        let html = std::fs::read_to_string(folder.join(format!("{name}.html")))?;
        assert!(!html.contains("<img src=x"), "{name}");
    }
    Ok(())
}

#[test]
fn guesses_carry_their_logits_to_the_pointer() -> Tested {
    let net = zoo::digits()?;
    let photo = data::digit(4, 2)?;
    let spec = spec_of(&net.classify(&photo)?)?;
    let logits = numbers(&net.forward(&net.prepare(&photo)?)?);
    let rows = spec["data"][0]["values"].as_array().expect("rows");
    assert_eq!(rows.len(), 5);
    for row in rows {
        let class = row["facts"]["class"].as_u64().expect("a class") as usize;
        assert_eq!(row["facts"]["logit"], format!("{:.3}", logits[class]));
    }
    let guess = Guess { class: 7, name: "seven".into(), probability: 1e-6 };
    let bare = spec_of(&TopK::new("no logits", gray(9, 9), vec![guess])?)?;
    let facts = &bare["data"][0]["values"][0]["facts"];
    assert_eq!(facts["probability"], "1.0000e-6");
    assert!(facts.get("logit").is_none());
    Ok(())
}
