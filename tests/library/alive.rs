//! Networks in a page: what travels, and what is refused. That the page computes the same as libtorch is
//! tested in Chromium, `tests/browser/test_alive.py`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use convscope::alive::Alive;
use convscope::network::{Pointwise, ops};
use convscope::prelude::*;
use serde_json::{Value, json};

use crate::golden::golden;
use crate::helpers::{Tested, painted, scratch};

/// What the page gets.
fn model_of(figure: &Alive) -> Result<Value, Box<dyn std::error::Error>> {
    let page = figure.page()?;
    let start = page.find("id=\"model\">").ok_or("no model")? + "id=\"model\">".len();
    let end = page[start..].find("</script>").ok_or("no end")? + start;
    Ok(serde_json::from_str(&page[start..end])?)
}

fn refusal(net: &Network) -> String {
    net.alive(&Vec::<Photo>::new()).expect_err("it can't be alive").to_string()
}

#[test]
fn the_digits_network_travels_with_its_numbers_and_pictures() -> Tested {
    let net = zoo::digits()?;
    let alive = net.alive(&data::digits(30, 1)?)?;
    let model = model_of(&alive)?;
    assert_eq!(model["title"], "digits, alive");
    assert_eq!(model["classes"][7], "7");
    assert_eq!(model["input"]["drawing"]["centering"], "mnist");
    assert_eq!(model["output"], json!({"node": 10, "kind": "logits"}));
    let conv = &model["nodes"][4];
    assert_eq!((&conv["name"], &conv["op"]), (&json!("conv2"), &json!("conv2d")));
    assert_eq!((&conv["inputs"], &conv["shape"]), (&json!([3]), &json!([24, 8, 8])));

    let examples = model["examples"].as_array().ok_or("no examples")?;
    assert_eq!(examples.len(), 24, "not all that there are");
    assert_eq!((&examples[13]["label"], &examples[13]["name"]), (&json!(3), &json!("a drawn 3")));
    let bytes = STANDARD.decode(examples[0]["pixels"].as_str().ok_or("no pixels")?)?;
    let photo = &data::digits(1, 1)?[0].0;
    assert!(photo.pixels().pixels().map(|pixel| pixel.0[0]).eq(bytes));

    let bytes = STANDARD.decode(model["weights"].as_str().ok_or("no weights")?)?;
    let offset = conv["weight"]["offset"].as_u64().ok_or("no offset")? as usize;
    let (_, weight) =
        net.state_dict().into_iter().find(|(name, _)| name == "conv2.weight").ok_or("")?;
    let numbers = Vec::<f32>::try_from(weight.contiguous().reshape(-1))?;
    let sent: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
    assert_eq!(bytes[offset..][..sent.len()], sent);

    let size: usize = alive.bundle()?.entries().iter().map(|(_, content)| content.len()).sum();
    println!("the digits network's figure: {} kB", size / 1000);
    assert!(size < 2_000_000, "{size} bytes");
    Ok(())
}

#[test]
fn a_bundle_has_the_page_and_a_still_that_stands_alone() -> Tested {
    let alive = zoo::digits()?.alive(&data::digits(10, 1)?)?;
    let bundle = alive.bundle()?;
    let mimes: Vec<&str> = bundle.entries().iter().map(|(mime, _)| *mime).collect();
    assert_eq!(mimes, ["text/html", "image/png", "text/plain"]);
    let html = bundle.html.ok_or("no html")?;
    assert!(html.contains("<img alt=") && html.contains("srcdoc='<!DOCTYPE html>"));
    assert!(bundle.text.starts_with("digits, alive: a drawn 0"), "{}", bundle.text);
    let folder = scratch("alive");
    alive.save(folder.join("digits.html"))?;
    alive.save(folder.join("digits.png"))?;
    let page = std::fs::read_to_string(folder.join("digits.html"))?;
    assert!(page.contains("<noscript><img") && page.contains("Content-Security-Policy"));
    assert_eq!(image::open(folder.join("digits.png"))?.to_rgb8(), alive.image()?);
    Ok(())
}

#[test]
fn options_change_what_travels() -> Tested {
    let net = zoo::digits()?;
    let none: [Photo; 0] = [];
    let alive = net.alive(&none)?.titled("Draw <b>\u{202e}").uncentered();
    let model = model_of(&alive)?;
    assert_eq!(model["title"], "Draw <b>\\u{202e}");
    assert_eq!(model["examples"], json!([]));
    assert_eq!(model["input"]["drawing"]["centering"], "none");
    let named = net.with_classes((0..10).map(|class| format!("n{class}")))?.alive(&none)?;
    assert_eq!(model_of(&named)?["classes"][3], "n3");
    Ok(())
}

#[test]
fn only_what_the_result_depends_on_travels_and_kinds_are_said() -> Tested {
    let mut b = Network::builder("two heads", [3, 8, 9]);
    let x = b.conv2d(b.input(), "conv", Conv2d::new(4, 3));
    let pool = b.global_max_pool(x, "pool");
    let x = b.flatten(pool, "flatten");
    let one = b.linear(x, "one", 2);
    let one = b.op("softmax", ops::Softmax { dim: 1 }, &[one]);
    b.linear(x, "two", 3);
    let net = b.build()?;
    let photos = [painted(30, 20)];
    let names = |net: &Network| -> Result<Vec<Value>, Box<dyn std::error::Error>> {
        let model = model_of(&net.alive(&photos)?)?;
        Ok(model["nodes"].as_array().ok_or("")?.iter().map(|node| node["name"].clone()).collect())
    };
    assert_eq!(names(&net)?, ["input", "conv", "pool", "flatten", "two"]);
    let first = net.with_output("softmax")?;
    assert_eq!(names(&first)?, ["input", "conv", "pool", "flatten", "one", "softmax"]);
    let model = model_of(&first.alive(&photos)?)?;
    assert_eq!(model["output"], json!({"node": 5, "kind": "probabilities"}));
    assert_eq!(model["nodes"][2]["dims"], json!([1, 2]));
    assert_eq!(model["nodes"][5]["dim"], json!(0));
    let _ = one;
    Ok(())
}

#[test]
fn precision_and_device_of_the_network_make_no_difference() -> Tested {
    let one = model_of(&zoo::digits()?.alive(&data::digits(2, 1)?)?)?;
    let two = model_of(&zoo::digits()?.to_kind(Kind::Double)?.alive(&data::digits(2, 1)?)?)?;
    assert_eq!(one, two);
    Ok(())
}

#[test]
fn what_a_page_cannot_do_is_refused_by_name() -> Tested {
    let said = refusal(&zoo::untrained("resnet18")?);
    assert!(
        said.starts_with("resnet18 is too large to be alive in a page: 11699112 parameters"),
        "{said}"
    );

    let mut b = Network::builder("far", [3, 200, 300]);
    let x = b.conv2d(b.input(), "conv", Conv2d::new(64, 3).padding(1));
    let x = b.conv2d(x, "conv2", Conv2d::new(64, 3).padding(1));
    let x = b.global_avg_pool(x, "pool");
    b.flatten(x, "flatten");
    let said = refusal(&b.build()?);
    assert!(said.contains("multiply-adds for a picture, at most 160000000"), "{said}");

    let mut b = Network::builder("four", [4, 8, 8]);
    let x = b.conv2d(b.input(), "conv", Conv2d::new(4, 8));
    b.flatten(x, "flatten");
    let said = refusal(&b.build()?);
    assert!(said.contains("takes 4 channels"), "{said}");

    let mut b = Network::builder("maps", [1, 8, 8]);
    b.conv2d(b.input(), "conv", Conv2d::new(4, 3));
    let said = refusal(&b.build()?);
    assert!(said.contains("[1, classes]") && said.contains("net.segment"), "{said}");

    let mut b = Network::builder("normed", [1, 8, 8]);
    let x = b.layer_norm(b.input(), "ln", 1e-5);
    let x = b.op("scaled", Pointwise::Scale { factor: f64::INFINITY }, &[x]);
    let x = b.op("one", ops::Select { dim: 2, index: 0 }, &[x]);
    b.flatten(x, "flatten");
    let said = refusal(&b.build()?);
    for layer in ["`ln` (LayerNorm)", "`scaled` (scale)", "`one` (select)"] {
        assert!(said.contains(layer), "{layer}: {said}");
    }

    let net = zoo::digits()?;
    let (_, bias) = net.state_dict().into_iter().find(|(name, _)| name == "fc2.bias").ok_or("")?;
    let _ = bias.shallow_clone().fill_(f64::NAN);
    let said = refusal(&net);
    assert!(said.starts_with("`fc2` has parameters that are not finite"), "{said}");
    Ok(())
}

#[test]
fn the_still_shows_picture_guesses_and_layers() -> Tested {
    golden("alive", &zoo::digits()?.alive(&data::digits(10, 1)?[4..5])?)
}
