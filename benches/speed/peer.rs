//! The Python process that does the same with the peer's package, and the timing of both.

use std::error::Error;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use convscope::prelude::*;

pub struct Peer {
    process: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
    /// Where weights and results are exchanged.
    pub folder: PathBuf,
    /// One round is enough: it is only asked whether everything runs.
    smoke: bool,
}

/// Threads that wait for the next parallel part spin for a few milliseconds.
const PAUSE: Duration = Duration::from_millis(30);

impl Peer {
    pub fn start(smoke: bool) -> Result<Peer, Box<dyn Error>> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let python = std::env::var_os("CONVSCOPE_PYTHON").map(PathBuf::from);
        let python = python.unwrap_or_else(|| root.join(".convscope/venv/bin/python"));
        let folder = std::env::temp_dir().join(format!("convscope-bench-{}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        let mut process = Command::new(&python)
            .arg(root.join("benches/speed/peers.py"))
            .arg(&folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{}: {error}; `make setup` installs it", python.display()))?;
        let questions = process.stdin.take().ok_or("no pipe")?;
        let answers = BufReader::new(process.stdout.take().ok_or("no pipe")?);
        Ok(Peer { process, questions, answers, folder, smoke })
    }

    /// Sends a line and waits for the line that answers it.
    pub fn ask(&mut self, question: &str) -> Result<String, Box<dyn Error>> {
        writeln!(self.questions, "{question}")?;
        self.questions.flush()?;
        let mut answer = String::new();
        self.answers.read_line(&mut answer)?;
        match answer.trim_end() {
            "" => Err(format!("the peer ended at `{question}`").into()),
            answer => Ok(answer.to_owned()),
        }
    }

    /// A network of the zoo with random weights and a batch of noise, open on both sides.
    pub fn open(&mut self, name: &str, batch: i64) -> Result<(Network, Tensor), Box<dyn Error>> {
        tch::manual_seed(1);
        let net = zoo::untrained(name)?;
        if name.starts_with("vgg") && !name.ends_with("_bn") {
            // Nothing normalizes: under libtorch's own first weights the signal fades from layer to
            // layer, and what a patch changes drowns in rounding. These are He's.
            for (_, weight) in net.state_dict().iter().filter(|(_, weight)| weight.dim() > 1) {
                let _ = weight.shallow_clone().f_mul_scalar_(6f64.sqrt())?;
            }
        }
        net.save_weights(self.folder.join("weights.safetensors"))?;
        let input = Tensor::randn([batch, 3, 224, 224], (Kind::Float, Device::Cpu));
        let path = self.folder.join("input.safetensors");
        Tensor::write_safetensors(&[("input", &input)], path)?;
        self.ask(&format!("open {name}"))?;
        Ok((net, input))
    }

    /// Times both in turn and prints a line.
    pub fn compare(
        &mut self,
        what: &str,
        question: &str,
        rounds: usize,
        ours: impl FnMut() -> Result<(), Box<dyn Error>>,
    ) -> Result<(), Box<dyn Error>> {
        let rounds = if self.smoke { 1 } else { rounds };
        in_turn(what, rounds, || Ok(self.ask(question)?.parse()?), ours)
    }
}

/// Runs both in turn, `theirs` telling its own seconds, and prints a line: medians, and the median of
/// the rounds' ratios.
pub fn in_turn(
    what: &str,
    rounds: usize,
    mut theirs: impl FnMut() -> Result<f64, Box<dyn Error>>,
    mut ours: impl FnMut() -> Result<(), Box<dyn Error>>,
) -> Result<(), Box<dyn Error>> {
    let (mut mine, mut others, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    // The first round warms up.
    for round in 0..=rounds {
        sleep(PAUSE);
        let other = theirs()?;
        sleep(PAUSE);
        let start = Instant::now();
        ours()?;
        let own = start.elapsed().as_secs_f64();
        if round > 0 {
            mine.push(own);
            others.push(other);
            ratios.push(other / own);
        }
    }
    println!(
        "{what:44} {:>9.1} ms {:>9.1} ms {:>8.2}",
        1e3 * median(&mut mine),
        1e3 * median(&mut others),
        median(&mut ratios)
    );
    Ok(())
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// The middle one of the values.
pub fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
