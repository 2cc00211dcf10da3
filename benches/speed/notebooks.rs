//! Two notebooks at once, and one alone: in a plain evcxr kernel's environment, where libtorch's threads
//! spin while they wait, and in that of convscope's kernels (kernel/src/threads.rs).
//!
//! A notebook here is this program, started again to maximize a unit of ResNet-18 over and over.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use convscope::prelude::*;

use crate::Outcome;
use crate::race::{Side, Table};

/// The word that makes this program such a notebook.
pub const WORD: &str = "be-a-notebook";

const STEPS: usize = 12;
pub const SPINNING: [&str; 3] = ["OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME"];

pub fn run(table: &Table) -> Outcome {
    if SPINNING.iter().all(|name| std::env::var_os(name).is_none()) {
        return Err("start it by `make bench`, which sets what convscope's kernels set".into());
    }
    for (what, count) in [("one notebook alone", 1), ("two notebooks at once", 2)] {
        let what = format!("{what}, `maximize`, ResNet-18, {STEPS} steps");
        let ours = Side::new("", |_| seconds(count, false));
        table.race(
            &what,
            vec![ours, Side::new("plain evcxr's environment", |_| seconds(count, true))],
        )?;
    }
    Ok(())
}

/// What the slowest of so many notebooks took, which begin together.
fn seconds(count: usize, plain: bool) -> Outcome<f64> {
    let mut notebooks = Vec::new();
    for _ in 0..count {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg(WORD).stdin(Stdio::piped()).stdout(Stdio::piped());
        if plain {
            SPINNING.iter().for_each(|name| {
                command.env_remove(name);
            });
        }
        notebooks.push(Notebook::of(command.spawn()?)?);
    }
    for notebook in &mut notebooks {
        notebook.hear()?; // it is ready
    }
    for notebook in &notebooks {
        writeln!(notebook.process.stdin.as_ref().ok_or("no pipe")?, "go")?;
    }
    let mut slowest = 0f64;
    for notebook in &mut notebooks {
        slowest = slowest.max(notebook.hear()?.parse()?);
        notebook.process.wait()?;
    }
    Ok(slowest)
}

struct Notebook {
    process: Child,
    says: BufReader<std::process::ChildStdout>,
}

impl Notebook {
    fn of(mut process: Child) -> Outcome<Notebook> {
        let says = BufReader::new(process.stdout.take().ok_or("no pipe")?);
        Ok(Notebook { process, says })
    }

    fn hear(&mut self) -> Outcome<String> {
        let mut line = String::new();
        self.says.read_line(&mut line)?;
        match line.trim() {
            "" => Err("a notebook ended before it was done".into()),
            line => Ok(line.to_owned()),
        }
    }
}

/// What such a notebook does: warms up, waits for the word, works, says how long it took.
pub fn be() -> Outcome {
    let net = zoo::untrained("resnet18")?;
    let work = |steps| {
        let run = Maximize::lucid().steps(steps).frames(1).quiet();
        run.run(&net, Unit::channel("layer3", 17))
    };
    work(2)?;
    println!("ready");
    std::io::stdin().read_line(&mut String::new())?;
    let start = Instant::now();
    work(STEPS)?;
    println!("{}", start.elapsed().as_secs_f64());
    Ok(())
}
