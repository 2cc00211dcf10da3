//! Filters and feature maps: which are shown, in which colors, what the pointer reads, how large.

use convscope::prelude::*;
use convscope::view::{FeatureMaps, FeatureMapsBatch, FilterGrid, Journey};
use image::{Rgb, RgbImage};
use serde_json::Value;

use crate::figures::maps;
use crate::golden::golden;
use crate::helpers::{Tested, cpu, numbers, painted, real};

/// The interactive form.
fn spec(figure: &impl Figure) -> Result<Value, Box<dyn std::error::Error>> {
    Ok(figure.bundle()?.vega.ok_or("no interactive form")?)
}

fn tiles(spec: &Value) -> &[Value] {
    spec["data"][0]["values"].as_array().expect("tiles")
}

fn names(figure: &impl Figure) -> Result<Vec<String>, Box<dyn std::error::Error>> {
    let name = |tile: &Value| tile["name"].as_str().expect("a name").to_owned();
    Ok(tiles(&spec(figure)?).iter().map(name).collect())
}

/// The values that the pointer reads, of one tile.
fn read(spec: &Value, tile: usize) -> Vec<f64> {
    let digits = spec["signals"][1]["value"].as_str().expect("digits");
    let tile = &tiles(spec)[tile];
    let [low, high] = ["low", "high"].map(|end| tile[end].as_f64().expect("a number"));
    let text = tile["values"].as_str().expect("codes").as_bytes();
    let digit = |code: u8| digits.find(code as char).expect("a digit") as f64;
    let value =
        |code: &[u8]| low + (high - low) * (64.0 * digit(code[0]) + digit(code[1])) / 4094.0;
    text.chunks(2).map(value).collect()
}

/// The color in the middle of a tile's value.
fn color(figure: &impl Figure, tile: usize, row: u32, column: u32) -> Rgb<u8> {
    let spec = spec(figure).expect("an interactive form");
    let tile = &tiles(&spec)[tile];
    let step = spec["signals"][0]["value"][tile["size"].as_u64().expect("a size") as usize]["step"]
        .as_f64()
        .expect("a step");
    let at = |start: &Value, index: u32| {
        (start.as_f64().expect("a place") + (f64::from(index) + 0.5) * step) as u32
    };
    *figure.image().expect("a still").get_pixel(at(&tile["x"], column), at(&tile["y"], row))
}

fn blue_or_red(Rgb([r, _, b]): Rgb<u8>) -> &'static str {
    match r.cmp(&b) {
        std::cmp::Ordering::Less => "blue",
        std::cmp::Ordering::Greater => "red",
        std::cmp::Ordering::Equal => "neither",
    }
}

fn picture(width: u32, height: u32) -> RgbImage {
    painted(width, height).pixels().clone()
}

fn journey() -> Result<Journey, convscope::Error> {
    let layers = vec![
        ("relu1".to_owned(), maps(12, 40, 60, false)),
        ("conv2".to_owned(), maps(20, 8, 12, true)),
        ("fc".to_owned(), maps(10, 1, 1, false).view([10])),
    ];
    Journey::new("A picture on its way", picture(90, 60), layers)
}

#[test]
fn golden_stills() -> Tested {
    golden("journey", &journey()?.mean())?;
    let (a, b) = (maps(8, 9, 9, false), maps(8, 9, 9, true));
    let pictures = [("one.png".to_owned(), picture(70, 50)), ("two.png".to_owned(), picture(9, 9))];
    golden("maps_difference", &FeatureMaps::difference("A difference", pictures, &a, &b)?)?;
    let strongest = FeatureMaps::new("The strongest", maps(12, 9, 14, false))?.strongest(3);
    golden("maps_smooth", &strongest.smooth().scale_sharing(ScaleSharing::Each))?;
    let weight = maps(30 * 8, 3, 3, true).view([30, 8, 3, 3]);
    let gray = FilterGrid::new("Deep, in gray", &weight)?.color_map(ColorMap::Gray);
    golden("filters_gray", &gray.filters(4..9))
}

#[test]
fn channels_are_sorted_by_strength() -> Tested {
    // Magnitudes count, not values; a large but lone peak is weaker than a steady map.
    let strengths = Tensor::from_slice(&[0.1f32, -3.0, 0.5, 2.0]).view([4, 1, 1]);
    let values = strengths * Tensor::ones([4, 4, 4], cpu(Kind::Float));
    let _ = values.get(0).get(0).get(0).fill_(20.0);
    let maps = || FeatureMaps::new("maps", &values);
    assert_eq!(
        names(&maps()?.strongest(9))?,
        ["channel 1, blank", "channel 3, blank", "channel 0", "channel 2, blank"]
    );
    assert_eq!(names(&maps()?.strongest(1))?, ["channel 1, blank"]);
    assert_eq!(
        names(&maps()?.channels([2, 0, 3]).strongest(2))?,
        ["channel 3, blank", "channel 0"]
    );
    assert_eq!(names(&maps()?.channels([2, 0]))?, ["channel 2, blank", "channel 0"]);
    assert!(format!("{:?}", maps()?.strongest(2)).contains("the 2 strongest of 4 channels"));
    assert!(maps()?.strongest(0).image().is_err());

    let net = zoo::digits()?;
    let journey = net.journey(&data::digit(5, 1)?, &["relu1", "relu2"])?.maps(3);
    let maps = net.feature_maps(&data::digit(5, 1)?, "relu2")?.strongest(3);
    let of_relu2: Vec<String> = names(&maps)?.iter().map(|name| format!("relu2, {name}")).collect();
    assert_eq!(names(&journey)?[3..], of_relu2);
    assert_eq!(
        names(&journey.evenly())?[3..],
        ["relu2, channel 0", "relu2, channel 11", "relu2, channel 23"]
    );
    Ok(())
}

#[test]
fn a_difference_has_its_sign() -> Tested {
    let net = zoo::digits()?;
    let (one, two) = (data::digit(3, 1)?, data::digit(8, 1)?);
    let activations =
        |photo: &Photo| net.feature_maps(photo, "relu1").map(|maps| maps.values().tensor());
    let difference = net.feature_maps_difference(&one, &two, "relu1")?;
    let expected = activations(&one)? - activations(&two)?;
    assert!(difference.values().tensor().equal(&expected));

    // Where the first is stronger everywhere, the scale is still centered at 0.
    let (none, some) = (Tensor::zeros([2, 3, 3], cpu(Kind::Float)), maps_of_corner());
    let names = || ["a", "b"].map(|name| (name.to_owned(), picture(6, 6)));
    let first = FeatureMaps::difference("first", names(), &some, &none)?;
    assert_eq!(blue_or_red(color(&first, 0, 0, 0)), "red");
    let second = FeatureMaps::difference("second", names(), &none, &some)?;
    assert_eq!(blue_or_red(color(&second, 0, 0, 0)), "blue");
    assert!(color(&second, 0, 2, 2).0.iter().all(|&shade| shade > 230), "0 is white");
    assert!(FeatureMaps::difference("odd", names(), &some, maps(2, 4, 4, true)).is_err());
    Ok(())
}

/// Two maps, each 0 but for the upper left corner.
fn maps_of_corner() -> Tensor {
    let maps = Tensor::zeros([2, 3, 3], cpu(Kind::Float));
    let _ = maps.narrow(1, 0, 1).narrow(2, 0, 1).fill_(1.0);
    maps
}

#[test]
fn the_pointer_reads_the_values() -> Tested {
    let values = maps(5, 6, 7, true);
    let seen = spec(&FeatureMaps::new("maps", &values)?)?;
    for channel in 0..5 {
        let expected = numbers(&values.get(channel));
        for (read, expected) in read(&seen, channel as usize).iter().zip(expected) {
            assert!((read - expected).abs() < 4e-4, "channel {channel}: {read} for {expected}");
        }
    }
    // Red, green and blue one after the other.
    let weight = maps(6, 3, 5, true).view([2, 3, 3, 5]);
    let filters = FilterGrid::new("filters", &weight)?;
    let seen = spec(&filters)?;
    for (read, expected) in read(&seen, 1).iter().zip(numbers(&weight.get(1))) {
        assert!((read - expected).abs() < 4e-4, "{read} for {expected}");
    }
    let norm = weight.get(1).norm().double_value(&[]);
    assert_eq!(names(&filters)?[1], format!("filter 1, norm {norm:.2}"));
    let apart = names(&filters.filters([1]).inputs([2, 0]))?;
    assert_eq!(apart[0], format!("filter 1, norm {norm:.2}; input channel 2"));
    assert_eq!(apart.len(), 2);
    Ok(())
}

#[test]
fn blank_and_broken_maps_say_so() -> Tested {
    let values = maps(4, 5, 5, false);
    assert!(!format!("{:?}", FeatureMaps::new("m", values.narrow(0, 0, 2))?).contains("blank"));
    let blank = FeatureMaps::new("m", &values)?;
    assert!(format!("{blank:?}").contains("blank (constant) maps: 2"), "{blank:?}");
    let many = FeatureMaps::new("m", Tensor::zeros([40, 2, 2], cpu(Kind::Float)))?;
    assert!(many.description().ends_with("9, 10, 11 and 28 more"), "{many:?}");

    let _ = values.get(1).get(0).get(0).fill_(f64::NAN);
    let broken = FeatureMaps::new("m", &values)?;
    assert!(format!("{broken:?}").contains("not finite"), "{broken:?}");
    assert_eq!(color(&broken, 1, 0, 0), Rgb([255, 0, 255]));
    assert_eq!(names(&broken.strongest(1))?.len(), 1);

    let nothing = Tensor::zeros([3, 2, 3, 3], cpu(Kind::Float));
    assert!(format!("{:?}", FilterGrid::new("f", &nothing)?).contains("all weights are 0"));
    let undefined = FilterGrid::new("f", Tensor::full([3, 2, 3, 3], f64::NAN, cpu(Kind::Float)))?;
    assert!(undefined.description().ends_with("channels; some weights are not finite"));
    let layers = vec![("dead".to_owned(), Tensor::zeros([3, 4, 4], cpu(Kind::Float)))];
    let dead = spec(&Journey::new("j", picture(8, 8), layers)?)?;
    assert!(dead["data"][1].to_string().contains("dead  [3, 4, 4], blank"));
    let layers = vec![("bad".to_owned(), Tensor::ones([3, 4, 4], cpu(Kind::Float)) / 0.0)];
    let bad = Journey::new("j", picture(8, 8), layers)?;
    assert!(format!("{bad:?}").contains("not all values are finite"), "{bad:?}");
    bad.bundle()?;
    Ok(())
}

#[test]
fn hostile_names_stay_text() -> Tested {
    let evil = "</script><img src=x onerror=alert(1)>\n\"}]\u{202e}";
    let layers = vec![(evil.to_owned(), maps(3, 4, 4, false))];
    let figure = Journey::new(evil, picture(8, 8), layers)?;
    let seen = spec(&figure)?;
    let words: Vec<&str> = seen["data"][1]["values"]
        .as_array()
        .expect("words")
        .iter()
        .filter_map(|w| w["text"].as_str())
        .collect();
    let shown = evil.replace('\n', "\\n").replace('\u{202e}', "\\u{202e}");
    assert!(words.contains(&shown.as_str()), "JSON keeps it as text: {words:?}");
    assert!(names(&figure)?[0].starts_with(&shown));
    // Expressions, which Vega evaluates, hold nothing of it.
    assert!(!seen["marks"].to_string().contains("onerror"));
    assert!(!seen["signals"].to_string().contains("onerror"));
    let long = "long ".repeat(200);
    let wide = Journey::new(&long, picture(8, 8), vec![(long.clone(), maps(3, 4, 4, false))])?;
    assert!(wide.image()?.width() < 1000, "cut with an ellipsis");
    Ok(())
}

/// What a notebook stores for a figure.
fn stored(figure: &impl Figure) -> Result<usize, convscope::Error> {
    Ok(figure.bundle()?.entries().iter().map(|(_, content)| content.len()).sum())
}

#[test]
fn figures_are_small() -> Tested {
    tch::manual_seed(1);
    let relu = |channels, side| Tensor::randn([channels, side, side], cpu(Kind::Float)).relu();
    for (channels, side) in [(512, 7), (512, 14), (512, 28), (64, 56), (1, 224)] {
        let size = stored(&FeatureMaps::new("m", relu(channels, side))?)?;
        assert!(size < 1_000_000, "{channels} maps of {side}×{side}: {size} bytes");
    }
    let large = FeatureMaps::new("m", relu(256, 56))?.bundle()?.text;
    assert!(large.contains("MB in the notebook") && large.contains("strongest(64)"), "{large}");
    // A byte a pixel: the color type stands after the signature and the header's sizes.
    let signed = FeatureMaps::new("m", &(relu(64, 56) - 0.4))?;
    assert_eq!(signed.bundle()?.png[25], 3, "indexed");

    let Some(photo) = std::env::var_os("CONVSCOPE_PHOTO") else { return Ok(()) };
    if real("weights/resnet18.safetensors").is_some() {
        let (net, photo) = (zoo::resnet18()?, Photo::open(photo)?);
        for layer in ["layer1", "layer4"] {
            assert!(stored(&net.feature_maps(&photo, layer)?)? < 1_000_000, "{layer}");
        }
        let layers = ["relu", "layer1", "layer2", "layer3", "layer4"];
        assert!(stored(&net.journey(&photo, &layers)?)? < 1_000_000);
    }
    Ok(())
}

#[test]
fn golden_pictures_stand_in_rows() -> Tested {
    let net = zoo::digits()?;
    let photos = [data::digit(3, 1)?, data::digit(8, 1)?, data::digit(5, 2)?];
    let figure = net.feature_maps_batch(&photos, "relu2")?;
    // Each row is that picture's, as it is alone.
    for (index, photo) in (0..).zip(&photos) {
        let alone = net.feature_maps(photo, "relu2")?;
        assert!(figure.values().tensor().get(index).equal(&alone.values().tensor()));
    }
    assert_eq!(names(&figure)?.len(), 3 * 6);
    let strength =
        figure.values().tensor().abs().mean_dim([0, 2, 3].as_slice(), false, Kind::Double);
    let strongest = strength.argmax(None, false).int64_value(&[]);
    assert_eq!(names(&figure)?[6], format!("a drawn 8, channel {strongest}"));
    let two = net.feature_maps_batch(&photos, "relu2")?.channels([13, 0]);
    assert_eq!(names(&two)?[..2], ["a drawn 3, channel 13", "a drawn 3, channel 0"]);
    assert!(two.description().contains("2 of 24 channels"), "{}", two.description());
    golden("feature_maps_batch", &two)?;

    net.feature_maps_batch(&photos, "fc1")?.image()?;
    let wide = maps(6, 4, 9, true).view([2, 3, 4, 9]);
    let named = |(w, h)| ("<b>".to_owned(), picture(w, h));
    FeatureMapsBatch::new("wide", vec![named((90, 20)), named((4, 4))], &wide)?.image()?;
    assert!(FeatureMapsBatch::new("few", vec![named((4, 4))], &wide).is_err());
    assert!(net.feature_maps_batch(&[], "relu2").is_err());
    let absent = net.feature_maps_batch(&photos, "relu2")?.channels([24]);
    assert!(absent.image().expect_err("24 channels").to_string().contains("no channel 24"));
    Ok(())
}

#[test]
fn what_cannot_be_shown_is_refused() -> Tested {
    let net = zoo::digits()?;
    let digit = data::digit(1, 1)?;
    assert!(net.journey(&digit, &[]).is_err());
    let error = net.journey(&digit, &["relu1", "relu9"]).expect_err("no such layer").to_string();
    assert!(error.contains("relu9"), "{error}");
    let batch = vec![("batch".to_owned(), Tensor::zeros([1, 2, 3, 3], cpu(Kind::Float)))];
    assert!(Journey::new("j", picture(4, 4), batch).is_err());
    let filters = || net.filters("conv2");
    assert!(filters()?.inputs([12]).image().is_err());
    assert!(filters()?.filters([]).image().is_err());
    filters()?.filters(0..24).inputs((0..12).cycle().take(300)).image()?;
    Ok(())
}
