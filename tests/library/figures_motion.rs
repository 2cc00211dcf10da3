//! Scatter plots and films: golden stills, what a notebook gets, files that move, refusals.

use std::io::Cursor;

use convscope::prelude::*;
use convscope::view::{Bundle, Curves, Film, Frame, Panel, Scatter, Series};
use image::codecs::gif::GifDecoder;
use image::codecs::png::PngDecoder;
use image::{AnimationDecoder, Rgb, RgbImage};

use crate::golden::golden;
use crate::helpers::{Tested, cpu, painted, scratch};

/// A spiral of `count` points, the class of point `i` being `i % classes`.
fn spiral(count: i64, classes: i64) -> (Tensor, Tensor) {
    let along = Tensor::arange(count, cpu(Kind::Float)) / count as f64;
    let angle = &along * 20.0;
    let points = Tensor::stack(&[&along * angle.cos(), &along * angle.sin() * 0.5], 1) * 7.0;
    (points, Tensor::arange(count, cpu(Kind::Int64)).remainder(classes))
}

fn columns(bundle: &Bundle) -> &serde_json::Value {
    &bundle.vega.as_ref().expect("a Vega specification")["data"][0]["values"][0]
}

#[test]
fn scatter_golden() -> Tested {
    let (points, classes) = spiral(300, 12);
    let _ = points.narrow(0, 7, 2).fill_(f64::NAN);
    let names = ["first", "second", "a class whose name is far too long for its room"];
    let one = Scatter::new("A spiral", &points)?.classes(&classes, &names)?.note("a note");
    golden("scatter", &one)?;
    let (other, _) = spiral(300, 12);
    let turned = other.flip([1]);
    let layouts = [("5", &other), ("30", &turned), ("50", &other), ("100", &turned)];
    let many = Scatter::layouts("Four of them", &layouts)?.choice("perplexity");
    golden("scatter_layouts", &many)
}

#[test]
fn positions_keep_their_proportions() -> Tested {
    // Twice as wide as high: x fills the square, y the middle half of it.
    let points = Tensor::from_slice(&[-3.0f32, 0.0, 1.0, 2.0, 0.0, 1.0]).view([3, 2]);
    let bundle = Scatter::new("Three", &points)?.bundle()?;
    let columns = columns(&bundle);
    let column = |name: &str| -> Vec<i64> {
        columns[name].as_array().into_iter().flatten().filter_map(|v| v.as_i64()).collect()
    };
    let mut by_id: Vec<(i64, i64, i64)> =
        (0..3).map(|at| (column("id")[at], column("x0")[at], column("y0")[at])).collect();
    by_id.sort_unstable();
    assert_eq!(by_id, [(0, 0, 2500), (1, 10_000, 7500), (2, 7500, 5000)]);
    Ok(())
}

#[test]
fn broken_positions_are_left_out_and_counted() -> Tested {
    let (points, _) = spiral(50, 2);
    let (other, _) = spiral(50, 2);
    let _ = points.get(3).fill_(f64::NAN);
    let _ = other.get(9).fill_(f64::INFINITY);
    let scatter = Scatter::layouts("Two lost", &[("a", &points), ("b", &other)])?;
    let spec = scatter.bundle()?.vega.expect("a Vega specification");
    assert_eq!(spec["title"]["subtitle"][0], "left out, position not finite: 2 points");
    let ids = columns(&scatter.bundle()?)["id"].as_array().expect("ids").clone();
    assert!(ids.len() == 48 && !ids.contains(&3.into()) && !ids.contains(&9.into()));

    let none = Scatter::new("None", &(points * f64::NAN))?;
    assert!(none.bundle()?.vega.is_none(), "nothing to move");
    let same = Scatter::new("Same", Tensor::ones([4, 2], cpu(Kind::Float)))?;
    assert_eq!(columns(&same.bundle()?)["x0"], serde_json::json!([5000, 5000, 5000, 5000]));
    let most = f64::from(f32::MAX);
    let huge = Tensor::from_slice(&[-most, -most, most, most]).view([2, 2]);
    Scatter::new("Huge", &huge)?.bundle()?;
    Ok(())
}

#[test]
fn a_scatter_refuses_what_does_not_fit() -> Tested {
    let (points, classes) = spiral(20, 3);
    let make = || Scatter::new("Twenty", &points);
    let text = |refused: convscope::Result<Scatter>| refused.expect_err("refused").to_string();
    let flat = Tensor::zeros([20], cpu(Kind::Float));
    assert!(text(Scatter::new("flat", &flat)).contains("expected points [N, 2]"));
    assert!(Scatter::new("empty", Tensor::zeros([0, 2], cpu(Kind::Float))).is_err());
    assert!(Scatter::layouts("none", &[("", &points); 0]).is_err());
    let fewer = points.narrow(0, 0, 19);
    let error = text(Scatter::layouts("two", &[("a", &points), ("b", &fewer)]));
    assert!(error.contains("layout b: expected points [20, 2]") && error.contains("[19, 2]"));
    let error = text(make()?.classes(&classes.narrow(0, 0, 19), &["a"]));
    assert_eq!(error, "a scatter plot of 20 points needs 20 classes, one each; got 19");
    assert!(text(make()?.classes(&(classes - 1), &["a"])).contains("-1 is not a class"));
    assert!(text(make()?.labels(&["one"])).contains("20 labels"));
    assert!(text(make()?.thumbnails(&[])).contains("20 thumbnails"));
    assert!(text(make()?.thumbnails(&vec![RgbImage::new(0, 3); 20])).contains("no pixels"));
    assert!(text(make()?.neighbors(&vec![vec![20]; 20])).contains("no point 20"));
    Ok(())
}

#[test]
fn a_scatter_keeps_within_its_bounds() -> Tested {
    let (points, classes) = spiral(30_000, 10);
    let side = 40;
    let picture = painted(side, side).pixels().clone();
    let pictures = vec![picture; 30_000];
    let near: Vec<Vec<usize>> =
        (0..30_000).map(|i| (1..30).map(|k| (i + k) % 30_000).collect()).collect();
    let labels: Vec<String> = (0..30_000).map(|i| format!("a long label of point {i}")).collect();
    let layouts = ["a", "b", "c", "d"].map(|name| (name, &points));
    let scatter = Scatter::layouts("Large", &layouts)?
        .classes(&classes, &["a", "b"])?
        .labels(&labels)?
        .thumbnails(&pictures)?
        .neighbors(&near)?;
    let bundle = scatter.bundle()?;
    assert!(
        bundle.text.contains("the interactive form has 25000 of 30000 points"),
        "{}",
        bundle.text
    );
    assert!(bundle.text.contains("with a thumbnail"), "{}", bundle.text);
    assert!(bundle.text.contains("of them with a label"), "{}", bundle.text);
    let size: usize = bundle.entries().iter().map(|(_, content)| content.len()).sum();
    assert!(size < 2_800_000, "{size} characters");
    let columns = columns(&bundle);
    let lists = columns["near"].as_array().expect("lists");
    assert!(
        lists
            .iter()
            .flat_map(|list| list.as_array())
            .flatten()
            .all(|at| at.as_u64() < Some(25_000))
    );
    Ok(())
}

#[test]
fn seventy_thousand_points_are_all_there() -> Tested {
    let (points, classes) = spiral(70_000, 10);
    let near = vec![vec![0]; 70_000];
    let scatter = Scatter::new("MNIST", &points)?.classes(&classes, &["0"])?;
    let bundle = scatter.bundle()?;
    assert!(!bundle.text.contains("the interactive form has"), "{}", bundle.text);
    let mut ids: Vec<u64> = columns(&bundle)["id"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|id| id.as_u64())
        .collect();
    ids.sort_unstable();
    assert!(ids.into_iter().eq(0..70_000));
    let size: usize = bundle.entries().iter().map(|(_, content)| content.len()).sum();
    assert!(size < 1_700_000, "{size} characters");
    let text = scatter.neighbors(&near)?.bundle()?.text;
    assert!(text.contains("neighbors are not marked among so many"), "{text}");
    Ok(())
}

#[test]
fn hostile_names_in_a_scatter_stay_text() -> Tested {
    let evil = "</script><img src=x onerror=a(1)>\"}@0";
    let (points, classes) = spiral(6, 2);
    let scatter = Scatter::layouts(evil, &[(evil, &points), (evil, &points)])?
        .classes(&classes, &[evil, evil])?
        .labels(&[evil; 6])?
        .choice(evil)
        .side_by_side()
        .note(evil);
    let spec = scatter.bundle()?.vega.expect("a Vega specification");
    assert_eq!(spec["title"]["text"], evil);
    assert_eq!(spec["data"][0]["values"][0]["label"][5], evil);
    // A stand-in for Vega: the page must carry it and the figure unharmed.
    let folder = scratch("scatter_page");
    let vega = folder.join("vega.min.js");
    std::fs::write(&vega, "var vega = {}; // </script>")?;
    scatter.save_page(folder.join("page.html"), &vega)?;
    let html = std::fs::read_to_string(folder.join("page.html"))?;
    assert_eq!(html.matches("</script>").count(), 2, "its own two");
    assert!(!html.contains("<img src=x"));
    Ok(())
}

#[test]
fn a_page_needs_vega() -> Tested {
    let folder = scratch("no_vega");
    let (points, _) = spiral(6, 2);
    let scatter = Scatter::new("Six", &points)?;
    let to = folder.join("page.html");
    let text = |refused: convscope::Result<()>| refused.expect_err("refused").to_string();
    assert!(text(scatter.save_page(&to, folder.join("absent.js"))).contains("read Vega"));
    let error_page = folder.join("vega.js");
    std::fs::write(&error_page, "<!DOCTYPE html>vega not found")?;
    assert!(text(scatter.save_page(&to, &error_page)).contains("no build of Vega"));
    std::fs::write(&error_page, "var vega = {};")?;
    let photo = painted(8, 8);
    assert!(text(photo.save_page(&to, &error_page)).contains("no interactive form"));
    assert!(!to.exists());
    Ok(())
}

fn film(frames: u64) -> convscope::Result<Film> {
    let picture = |step: u64| {
        RgbImage::from_fn(48, 40, |x, _| {
            Rgb([if u64::from(x) <= step { 200 } else { 40 }, 90, 160])
        })
    };
    let frames = (0..frames).map(|i| Frame::new(3 * i, picture(3 * i))).collect();
    let score = Series::new("score", (0..40).map(|x| (f64::from(x), f64::from(x * x))).collect());
    let loss =
        Series::new("loss", (0..40).map(|x| (f64::from(x), 1.0 / f64::from(x + 1))).collect());
    Ok(Film::new("A bar grows", frames)?
        .curves(vec![Panel::new("score", vec![score]), Panel::new("loss", vec![loss])])
        .step_label("iteration"))
}

#[test]
fn film_golden() -> Tested {
    golden("film", &film(12)?)
}

#[test]
fn a_film_moves_in_files() -> Tested {
    let folder = scratch("film");
    let film = film(12)?.max_frames(5).frames_per_second(4.0);
    for name in ["film.gif", "film.apng", "film.png", "film.html", "film.jpg"] {
        film.save(folder.join(name))?;
    }
    let gif = GifDecoder::new(Cursor::new(std::fs::read(folder.join("film.gif"))?))?;
    let gif = gif.into_frames().collect_frames()?;
    let apng = PngDecoder::new(Cursor::new(std::fs::read(folder.join("film.apng"))?))?;
    let apng = apng.apng()?.into_frames().collect_frames()?;
    let still = image::open(folder.join("film.png"))?.to_rgb8();
    for frames in [&gif, &apng] {
        assert_eq!(frames.len(), 5);
        let delays: Vec<u32> =
            frames.iter().map(|frame| frame.delay().numer_denom_ms().0).collect();
        assert_eq!(delays, [250, 250, 250, 250, 2000]);
        assert_eq!(frames[0].buffer().dimensions(), still.dimensions());
        let changed = frames.windows(2).all(|pair| pair[0].buffer() != pair[1].buffer());
        assert!(changed, "each frame is another");
    }
    let last = image::DynamicImage::from(apng[4].buffer().clone()).to_rgb8();
    assert!(last == still, "the still is the last frame, and APNG loses nothing");
    let html = std::fs::read_to_string(folder.join("film.html"))?;
    assert!(html.len() > std::fs::read(folder.join("film.apng"))?.len(), "the page moves too");
    let error = film.save(folder.join("film.mp4")).expect_err("no such format").to_string();
    assert!(error.contains("a film is written as .gif, .apng or .html"), "{error}");
    Ok(())
}

#[test]
fn a_film_chooses_its_frames() -> Tested {
    let steps = |film: &Film| -> Vec<u64> {
        let spec = film.bundle().expect("a bundle").vega.expect("a Vega specification");
        let signals = spec["signals"].as_array().expect("signals").clone();
        let steps = signals.iter().find(|signal| signal["name"] == "steps").expect("steps");
        steps["value"].as_array().into_iter().flatten().filter_map(|step| step.as_u64()).collect()
    };
    assert_eq!(steps(&film(12)?).len(), 12);
    assert_eq!(steps(&film(12)?.max_frames(4)), [0, 9, 21, 33]);
    assert_eq!(steps(&film(12)?.max_frames(0)), [33], "the last is always there");
    // Noise can't be made small.
    let noise = |step: u64| {
        let bytes = Tensor::randint(256, [3 * 224 * 224], cpu(Kind::Uint8));
        let bytes = Vec::<u8>::try_from(bytes).expect("bytes");
        Frame::new(step, RgbImage::from_raw(224, 224, bytes).expect("a picture"))
    };
    let film = Film::new("Noise", (0..20).map(noise).collect())?;
    let shown = steps(&film);
    assert!(
        shown.len() < 20 && shown.first() == Some(&0) && shown.last() == Some(&19),
        "{shown:?}"
    );
    let bundle = film.bundle()?;
    assert!(
        bundle.text.ends_with(&format!("the interactive form has {} of 20 frames", shown.len()))
    );
    let size: usize = bundle.entries().iter().map(|(_, content)| content.len()).sum();
    assert!(size < 1_500_000, "{size} characters");
    Ok(())
}

#[test]
fn a_film_refuses_what_does_not_fit() -> Tested {
    let frame = |step, side| Frame::new(step, RgbImage::new(side, side));
    let text = |frames| Film::new("refused", frames).expect_err("refused").to_string();
    assert!(text(vec![]).contains("at least one frame"));
    assert!(text(vec![frame(0, 0)]).contains("at least one frame"));
    assert!(text(vec![frame(0, 4), frame(1, 5)]).contains("Frame at step 1 (5×5)"));
    assert!(text(vec![frame(2, 4), frame(2, 4)]).contains("step 2 comes before step 2"));
    let one = Film::new("one", vec![frame(7, 4)])?;
    assert_eq!(one.description(), "one: 1 frame, step 7 to 7");
    one.bundle()?;
    let curves = Curves::new("no panels", "x", Vec::new());
    assert_eq!(curves.description(), "no panels");
    let empty = vec![Panel::new("score", vec![Series::new("score", Vec::new())])];
    one.curves(empty).bundle()?;
    Ok(())
}
