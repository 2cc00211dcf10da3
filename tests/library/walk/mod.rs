//! Every public function that takes a number, a tensor or a name, with extreme values of each: it gives a
//! value or a sentence, soon, and within memory. Nothing panics.
//!
//! One walk for each part of the crate, each in a process of its own, so that memory can be measured.
//! [`every_public_function_is_walked`] fails for a new function that no walk calls.

mod attribution;
mod data;
mod embed;
mod live;
mod maximize;
mod network;
mod outputs;
mod view;

use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use convscope::prelude::*;

use crate::helpers::{in_child, is_child, root, scratch};

/// What no call may take.
const TIME: Duration = Duration::from_secs(10);
const MEMORY: u64 = 2 << 30;
/// What an error may need in words.
const WORDS: usize = 2000;

const COUNTS: [usize; 6] = [0, 1, 3, 1 << 31, 1 << 53, usize::MAX];
const SIZES: [i64; 9] = [i64::MIN, -1, 0, 1, 2, 1 << 20, 1 << 40, i64::MAX - 1, i64::MAX];
const PIXELS: [u32; 5] = [0, 1, 1 << 16, 1 << 31, u32::MAX];
const REALS: [f64; 9] = [
    f64::NAN,
    f64::INFINITY,
    f64::NEG_INFINITY,
    -1.0,
    -0.0,
    f64::MIN_POSITIVE,
    0.5,
    1e30,
    f64::MAX,
];
const TIMES: [Duration; 3] = [Duration::ZERO, Duration::from_nanos(1), Duration::MAX];

fn names() -> Vec<String> {
    let odd =
        ["", " ", "no such", "relu2.", "a\u{202e}b", "tab\tline\nbreak", "<b>&\"'", "日本語", "-1"];
    odd.into_iter().map(str::to_owned).chain(["w".repeat(10_000)]).collect()
}

/// Tensors of odd shapes, kinds and values; those of `[1, 1, 28, 28]` fit the digits network.
fn tensors() -> Vec<(String, Tensor)> {
    let (float, cpu) = (Kind::Float, Device::Cpu);
    let mut all = vec![("undefined".to_owned(), Tensor::new())];
    let shapes: [&[i64]; 12] = [
        &[],
        &[0],
        &[1],
        &[3],
        &[2, 0],
        &[7, 2],
        &[1, 28, 28],
        &[1, 1, 28, 28],
        &[0, 1, 28, 28],
        &[2, 3, 5, 4],
        &[1, 1, 0, 28],
        &[1, 1, 1, 1, 1],
    ];
    all.extend(
        shapes.iter().map(|shape| (format!("{shape:?}"), Tensor::rand(*shape, (float, cpu)))),
    );
    let image = Tensor::rand([1, 1, 28, 28], (float, cpu));
    for kind in [Kind::Half, Kind::Double, Kind::Int64, Kind::Uint8, Kind::Bool, Kind::ComplexFloat]
    {
        all.push((format!("{kind:?}"), image.to_kind(kind)));
    }
    for value in [f64::NAN, f64::INFINITY, 1e38] {
        all.push((format!("full of {value}"), Tensor::full([1, 1, 28, 28], value, (float, cpu))));
    }
    // 4 TB that lie in 4 bytes.
    let huge = Tensor::rand([1, 1, 1, 1], (float, cpu)).expand([1, 1, 1 << 20, 1 << 20], false);
    all.push(("4 TB expanded".to_owned(), huge));
    all.push(("with a gradient".to_owned(), image.copy().set_requires_grad(true)));
    all
}

/// Calls, and what went wrong.
struct Walk {
    calls: usize,
    faults: Vec<String>,
}

impl Walk {
    /// One call. Whatever it gives is fine, but a panic, a long wait and an error that is no sentence.
    fn call<T>(&mut self, what: impl Display, run: impl FnOnce() -> convscope::Result<T>) {
        self.calls += 1;
        if std::env::var_os("CONVSCOPE_WALK").is_some() {
            println!("{what}");
        }
        let start = Instant::now();
        let outcome = catch_unwind(AssertUnwindSafe(|| run().map(drop)));
        let what: String = what.to_string().chars().take(60).collect();
        let fault = match outcome {
            Err(panic) => {
                let words = panic.downcast_ref::<String>().map(String::as_str);
                let words = words.or_else(|| panic.downcast_ref::<&str>().copied());
                format!("panicked: {:.200}", words.unwrap_or("?"))
            }
            Ok(Err(error)) => {
                let words = error.to_string();
                let long = words.chars().count() > WORDS;
                let trace = ["frame #", "Exception raised", "unwrap()"];
                match long || words.is_empty() || trace.iter().any(|trace| words.contains(trace)) {
                    true => format!("no sentence ({} characters): {words:.200}", words.len()),
                    false => String::new(),
                }
            }
            Ok(Ok(())) => String::new(),
        };
        if !fault.is_empty() {
            self.faults.push(format!("{what}: {fault}"));
        }
        if start.elapsed() > TIME {
            self.faults.push(format!("{what}: took {:.1} s", start.elapsed().as_secs_f64()));
        }
    }

    /// A figure that is drawn too, if it can be made.
    fn figure<F: Figure>(
        &mut self,
        what: impl Display,
        run: impl FnOnce() -> convscope::Result<F>,
    ) {
        self.call(what, || {
            let figure = run()?;
            let _ = (figure.bundle()?, figure.description());
            figure.image()
        });
    }
}

/// Runs one part of the walk in a process of its own, and says what went wrong.
fn walk(test: &str, part: impl FnOnce(&mut Walk) -> convscope::Result<()>) {
    if !is_child() {
        let said = in_child(&format!("walk::{test}"), &[("CONVSCOPE_DIR", root())]);
        println!("{}", said.lines().filter(|line| line.contains(" calls")).collect::<String>());
        return;
    }
    let mut walk = Walk { calls: 0, faults: Vec::new() };
    let before = peak();
    part(&mut walk).expect("the walk's own things");
    let grown = peak().saturating_sub(before);
    if grown > MEMORY {
        walk.faults.push(format!("memory grew by {:.1} GB", grown as f64 / 1e9));
    }
    println!("{test}: {} calls, {} MB at most", walk.calls, grown >> 20);
    assert!(walk.faults.is_empty(), "{} faults:\n{}", walk.faults.len(), walk.faults.join("\n"));
}

/// The most memory that this process has held; 0 where the system doesn't say.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kb| kb.parse::<u64>().ok()).unwrap_or(0) << 10
}

/// A folder for what is saved on the way.
fn folder(of: &str) -> std::path::PathBuf {
    scratch(&format!("walk_{of}"))
}

#[test]
fn every_public_function_is_walked() {
    let mut walked = String::new();
    let mut sources = Vec::new();
    collect(&root().join("tests/library/walk"), &mut |text| walked.push_str(text));
    collect(&root().join("src"), &mut |text| sources.push(text.to_owned()));
    let mut missing = Vec::new();
    for source in &sources {
        let code = source.split("#[cfg(test)]").next().unwrap_or_default();
        for (at, _) in code.match_indices("pub fn ") {
            let rest = &code[at + "pub fn ".len()..];
            let name: String =
                rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            let arguments = rest.split([')', '{']).next().unwrap_or_default();
            let takes =
                ["i64", "usize", "u32", "u8", "u64", "f64", "f32", "&Tensor", "Duration", "&str"]
                    .iter()
                    .any(|kind| arguments.contains(kind));
            let called = [".", "::", " ", "(", "!"].iter().any(|before| {
                walked.contains(&format!("{before}{name}("))
                    || walked.contains(&format!("{before}{name},"))
            });
            if takes && !called {
                missing.push(name);
            }
        }
    }
    assert!(missing.is_empty(), "not walked: {}", missing.join(", "));
}

fn collect(folder: &std::path::Path, each: &mut dyn FnMut(&str)) {
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, each);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            each(&std::fs::read_to_string(&path).expect("a source file"));
        }
    }
}
