//! What comes out while a cell runs: under the `convscope` kernel, under plain evcxr, in a program. A child
//! process of this binary plays the cell.

use std::path::Path;
use std::time::{Duration, Instant};

use convscope::image::RgbImage;
use convscope::maximize::Maximize;
use convscope::prelude::*;
use convscope::view::{Bundle, Curves, Panel, Series};
use serde_json::Value;

use crate::helpers::{Tested, in_child, is_child, painted, scratch};

const BEGINNING: &str = "\u{1}convscope:";

fn curves(title: &str) -> Curves {
    Curves::new(
        title,
        "x",
        vec![Panel::new("y", vec![Series::new("s", vec![(0.0, 1.0), (1.0, 2.0)])])],
    )
}

/// A figure that is drawn in no time.
#[derive(Clone)]
struct Small(String);

impl Figure for Small {
    fn image(&self) -> convscope::Result<RgbImage> {
        Ok(RgbImage::new(4, 4))
    }

    fn description(&self) -> String {
        self.0.clone()
    }

    fn bundle(&self) -> convscope::Result<Bundle> {
        Ok(Bundle::still(&self.image()?, &self.description())?
            .with_vega(serde_json::json!({"marks": []})))
    }
}

/// What a test prints under our kernel: its frames and the lines between them.
fn under_kernel(test: &str, session: &Path) -> (Vec<Value>, Vec<String>) {
    let output =
        in_child(test, &[("EVCXR_IS_RUNTIME", Path::new("1")), ("CONVSCOPE_SESSION", session)]);
    let (mut frames, mut lines) = (Vec::new(), Vec::new());
    for line in output.lines() {
        assert!(!line.contains("EVCXR_"), "{line:.300}");
        match line.split_once(BEGINNING) {
            Some((before, frame)) => {
                lines.push(before.to_owned());
                frames.push(
                    serde_json::from_str(frame).unwrap_or_else(|e| panic!("{e}: {frame:.300}")),
                );
            }
            None => lines.push(line.to_owned()),
        }
    }
    (frames, lines)
}

fn is_picture(frame: &Value) -> bool {
    frame["data"]["image/png"].is_string()
}

fn moves(frame: &Value) -> bool {
    frame["data"]["application/vnd.vega.v5+json"].is_object()
}

#[test]
fn figures_are_shown_as_each_place_can() {
    const TEST: &str = "live::figures_are_shown_as_each_place_can";
    if is_child() {
        for number in 0..3 {
            println!("before {number}");
            curves(&format!("figure {number} EVCXR_END_CONTENT")).show();
        }
        println!("after");
        return;
    }
    let (frames, lines) = under_kernel(TEST, &scratch("show"));
    assert_eq!(frames.len(), 3);
    for (number, frame) in frames.iter().enumerate() {
        assert!(frame["show"].is_string() && is_picture(frame) && moves(frame));
        let text = frame["data"]["text/plain"].as_str().expect("words");
        assert!(text.contains(&format!("figure {number} EVCXR_END_CONTENT")), "{text}");
    }
    assert!(
        lines.iter().any(|line| line == "before 2") && lines.iter().any(|line| line == "after")
    );

    let evcxr = in_child(TEST, &[("EVCXR_IS_RUNTIME", Path::new("1"))]);
    assert_eq!(evcxr.matches("EVCXR_BEGIN_CONTENT image/png\n").count(), 3);
    assert!(!evcxr.contains(BEGINNING));

    let program = in_child(TEST, &[]);
    let words: Vec<&str> = program.lines().filter(|line| line.starts_with("before")).collect();
    assert_eq!(words, ["before 0", "before 1", "before 2"]);
    assert!(!program.contains("EVCXR_") && !program.contains(BEGINNING), "{program:.300}");
}

#[test]
fn a_live_figure_is_drawn_in_place_and_its_last_form_is_whole() {
    const TEST: &str = "live::a_live_figure_is_drawn_in_place_and_its_last_form_is_whole";
    if is_child() {
        std::thread::scope(|threads| {
            for _ in 0..2 {
                threads.spawn(|| {
                    let mut live = Live::new();
                    let start = Instant::now();
                    for number in 0.. {
                        live.update(&Small(format!("number {number}")));
                        println!("said");
                        if number > 30 && start.elapsed() > Duration::from_millis(1500) {
                            break;
                        }
                    }
                    live.update(&Small("the last".to_owned()));
                    live.finish();
                });
            }
        });
        return;
    }
    let (frames, lines) = under_kernel(TEST, &scratch("live"));
    assert!(lines.iter().filter(|line| *line == "said").count() > 20);
    let shown: Vec<&Value> = frames.iter().filter(|frame| frame["show"].is_string()).collect();
    assert_eq!(shown.len(), 2);
    for first in shown {
        let later: Vec<&Value> = frames.iter().filter(|f| f["update"] == first["show"]).collect();
        let (last, between) = later.split_last().expect("updates");
        // At most ten a second.
        assert!((1..=15).contains(&between.len()), "{} updates", between.len());
        assert!(between.iter().all(|frame| is_picture(frame) && !moves(frame)));
        assert!(is_picture(last) && moves(last));
        assert!(
            last["data"]["text/plain"].as_str().is_some_and(|text| text.starts_with("the last"))
        );
    }

    let evcxr = in_child(TEST, &[("EVCXR_IS_RUNTIME", Path::new("1"))]);
    assert_eq!(evcxr.matches("EVCXR_BEGIN_CONTENT image/png\n").count(), 2);
    let program = in_child(TEST, &[]);
    assert!(!program.contains("EVCXR_") && !program.contains(BEGINNING));
}

/// The pictures that a run shows until it leaves, whose place the returned figure takes; and that its bar
/// is drawn in place and ends as a line.
fn check_run(frames: &[Value], what: &str) {
    let run = frames.iter().find(|f| f["what"].as_str().is_some_and(|w| w.starts_with(what)));
    let run = &run.unwrap_or_else(|| panic!("no {what}"))["begin"];
    let ended = frames.iter().position(|frame| &frame["end"] == run).expect("an end");
    let bars: Vec<usize> = (0..frames.len())
        .filter(|&at| {
            frames[at]["data"]["text/plain"].as_str().is_some_and(|t| t.starts_with(what))
        })
        .filter(|&at| !is_picture(&frames[at]))
        .collect();
    let [first, .., last] = bars[..] else { panic!("{what}: {} bars", bars.len()) };
    assert!(frames[first]["data"]["text/html"].as_str().is_some_and(|h| h.contains("<progress")));
    assert!(frames[last]["update"] == frames[first]["show"] && last < ended);
    assert_eq!(frames[last]["data"].as_object().map(|forms| forms.len()), Some(1));
    let bar = &frames[first]["show"];
    assert_eq!(frames.iter().filter(|frame| frame["update"] == *bar).count(), bars.len() - 1);
}

fn check_pictures(frames: &[Value], words: &str) {
    let about = |frame: &Value| {
        frame["data"]["text/plain"].as_str().is_some_and(|text| text.contains(words))
    };
    let first = frames.iter().find(|f| f["show"].is_string() && is_picture(f) && about(f));
    let id = &first.unwrap_or_else(|| panic!("no picture of {words}"))["show"];
    assert_eq!(frames.iter().filter(|frame| &frame["leave"] == id).count(), 1, "{words}");
}

/// A run during which somebody presses the stop button, under the kernel.
fn stopped_after(
    millis: u64,
    mut run: impl FnMut() -> convscope::Result<String>,
) -> convscope::Result<String> {
    let session = std::env::var_os("CONVSCOPE_SESSION").expect("the session's folder");
    let stop = Path::new(&session).join("stop");
    let path = stop.clone();
    let press = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(millis));
        std::fs::write(path, "").expect("the stop file");
    });
    let start = Instant::now();
    let words = run()?;
    assert!(start.elapsed() >= Duration::from_millis(millis * 9 / 10), "{:?}", start.elapsed());
    press.join().expect("a pressed button");
    std::fs::remove_file(&stop).expect("the stop file");
    Ok(words)
}

#[test]
fn methods_give_the_map_so_far_when_they_are_stopped() -> Tested {
    const TEST: &str = "live::methods_give_the_map_so_far_when_they_are_stopped";
    if !is_child() {
        let (frames, _) = under_kernel(TEST, &scratch("stopped_methods"));
        let ends = frames.iter().filter(|frame| frame["end"].is_string()).count();
        assert!(ends >= 6, "{ends} runs ended");
        return Ok(());
    }
    tch::manual_seed(1);
    let net = zoo::untrained("resnet18")?;
    gives_what_there_is(400, &net, &Rise::default().masks(1_000_000))?;
    gives_what_there_is(400, &net, &Patches::new(8).stride(1))?;
    gives_what_there_is(400, &net, &SmoothGrad::default().samples(1_000_000))?;
    gives_what_there_is(400, &net, &IntegratedGradients::default().steps(1_000_000))?;
    gives_what_there_is(400, &net, &ScoreCam::at("layer4"))?;
    // 64 units: a fast machine is soon done.
    gives_what_there_is(50, &net, &AblationCam::at("layer1"))
}

fn gives_what_there_is(millis: u64, net: &Network, method: &impl Attribution) -> Tested {
    let words = stopped_after(millis, || {
        let figure = method.explain(net, &painted(224, 224), Target::Top)?;
        assert!(figure.values().numbers().iter().all(|value| value.is_finite()));
        Ok(figure.description())
    })?;
    assert!(words.contains("stopped after"), "{}: {words}", method.name());
    Ok(())
}

#[test]
fn runs_show_what_forms_and_end_when_they_are_stopped() -> Tested {
    const TEST: &str = "live::runs_show_what_forms_and_end_when_they_are_stopped";
    if !is_child() {
        let (frames, lines) = under_kernel(TEST, &scratch("stopped"));
        for what in ["maximizing", "t-SNE", "training"] {
            check_run(&frames, what);
        }
        for words in ["Maximizing 7 in", "t-SNE, perplexity 30", "Training of"] {
            check_pictures(&frames, words);
        }
        // No line but the test's own.
        let said: Vec<&String> = lines
            .iter()
            .filter(|line| {
                ["maximizing", "t-SNE", "training"].iter().any(|what| line.starts_with(what))
            })
            .collect();
        assert!(said.is_empty(), "{said:?}");
        return Ok(());
    }
    let stopped = |run: &mut dyn FnMut() -> convscope::Result<String>| stopped_after(3000, run);
    let net = zoo::digits()?;
    let words = stopped(&mut || {
        let made = Maximize::lucid().steps(1_000_000).frames(100_000).run(&net, "7")?;
        assert!(made.steps() > 10 && made.score().is_finite());
        Ok(made.description())
    })?;
    assert!(
        words.contains(" of 1000000 steps") && words.contains("stopped by hand after"),
        "{words}"
    );

    let features = net.features(&data::digits(300, 1)?, "relu3", Pooling::Mean)?;
    let words =
        stopped(&mut || Ok(Tsne::default().iterations(1_000_000).run(&features)?.description()))?;
    assert!(
        words.contains("; stopped after") && words.contains("of 1000000 iterations"),
        "{words}"
    );

    let mut net = zoo::digits_untrained()?;
    let data = Dataset::prepare(&net, &data::digits(400, 1)?)?;
    let words = stopped(&mut || Ok(format!("{:?}", net.fit(&data, Fit::new(100_000).batch(20))?)))?;
    assert!(words.contains("epochs, until stopped by hand,"), "{words}");
    assert!(net.accuracy(&data)? > 0.9, "what was learned is kept");
    Ok(())
}
