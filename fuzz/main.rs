//! Feeds the library damaged and hostile files, and sees that each is used or refused with a sentence.
//!
//! A case is a few files that a number decides: a seed with some of its fields, operations, chunks or
//! bytes changed, so that what is nested keeps its form and its checksums. Cases run in a child process
//! with 6 GB of address space; one that ends it, or does not come to an end, is lost alone, and is kept
//! with what it said below `target/fuzz`.
//!
//! ```sh
//! fuzz [onnx] [weights] [images] [data] [--seconds 60] [--first 0] [--jobs 1]
//! fuzz --case onnx:1234        # one case again, or a folder of files:
//! fuzz --case onnx:target/fuzz/onnx/fault-1/smallest
//! ```

mod bytes;
mod campaign;
mod child;
mod data;
mod files;
mod images;
mod onnx;
mod random;
mod smallest;
mod verdict;
mod weights;
mod worker;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use campaign::{Campaign, Counts};
use child::Child;
use files::Target;

type Fallible<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

fn targets() -> Vec<Box<dyn Target>> {
    vec![
        Box::new(onnx::Onnx),
        Box::new(weights::Weights),
        Box::new(images::Images::default()),
        Box::new(data::Data),
    ]
}

fn target(name: &str) -> Fallible<Box<dyn Target>> {
    let found = targets().into_iter().find(|target| target.name() == name);
    found.ok_or_else(|| format!("there is no target `{name}`: onnx, weights, images, data").into())
}

/// Where cases lie while they run, and faults afterwards.
fn folder(target: &str) -> PathBuf {
    // The build's own folder, three levels above this program: target/debug/examples/fuzz.
    let program = std::env::current_exe().unwrap_or_default();
    let built = program.ancestors().nth(3).unwrap_or(Path::new("target"));
    built.join("fuzz").join(target)
}

struct Options {
    names: Vec<String>,
    seconds: u64,
    first: u64,
    jobs: usize,
    case: Option<String>,
    child: Option<String>,
}

fn options() -> Fallible<Options> {
    let mut options =
        Options { names: Vec::new(), seconds: 60, first: 0, jobs: 1, case: None, child: None };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{argument} what?"));
        match argument.as_str() {
            "--seconds" => options.seconds = value()?.parse()?,
            "--first" => options.first = value()?.parse()?,
            "--jobs" => options.jobs = value()?.parse()?,
            "--case" => options.case = Some(value()?),
            "--child" => options.child = Some(value()?),
            name => options.names.push(target(name)?.name().to_owned()),
        }
    }
    if options.names.is_empty() {
        options.names = targets().iter().map(|target| target.name().to_owned()).collect();
    }
    Ok(options)
}

fn main() -> ExitCode {
    let run = options().and_then(|options| match (&options.child, &options.case) {
        (Some(name), _) => worker::serve(&*target(name)?).map(|()| true),
        (None, Some(case)) => replay(case),
        (None, None) => campaigns(&options),
    });
    match run {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("fuzz: {error}");
            ExitCode::FAILURE
        }
    }
}

/// One case, by its number or by the folder that holds its files.
fn replay(case: &str) -> Fallible<bool> {
    let (name, which) = case.split_once(':').ok_or("a case is TARGET:NUMBER or TARGET:FOLDER")?;
    let mut child = Child::start(target(name)?.name())?;
    let order = match which.parse::<u64>() {
        Ok(number) => format!("case {number}"),
        Err(_) => format!("files {}", std::fs::canonicalize(which)?.display()),
    };
    let verdict = child.ask(&order)?;
    println!("{case}: {verdict}");
    Ok(!verdict.is_fault())
}

fn campaigns(options: &Options) -> Fallible<bool> {
    let next = std::sync::Mutex::new(options.names.iter());
    let counts = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        let work = || -> Fallible<()> {
            loop {
                let name = next.lock().map_err(|_| "another campaign failed")?.next();
                let Some(name) = name else { return Ok(()) };
                let mut campaign = Campaign::new(name, options.first)?;
                let found = campaign.run(Duration::from_secs(options.seconds))?;
                counts.lock().map_err(|_| "another campaign failed")?.push(found);
            }
        };
        let jobs: Vec<_> = (0..options.jobs.max(1)).map(|_| scope.spawn(work)).collect();
        jobs.into_iter().try_for_each(|job| job.join().map_err(|_| "a campaign panicked")?)
    })?;
    let counts = counts.into_inner().map_err(|_| "a campaign failed")?;
    println!("{}", Counts::HEADER);
    counts.iter().for_each(|counts: &Counts| println!("{counts}"));
    Ok(counts.iter().all(Counts::clean))
}
