//! The Python process that does the same with other packages (`peers/`).

use std::cell::RefCell;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use convscope::prelude::*;

use crate::notebooks::SPINNING;
use crate::race::Side;
use crate::{Outcome, rest};

pub struct Peer {
    process: Child,
    pipes: RefCell<(ChildStdin, BufReader<ChildStdout>)>,
    /// Where weights and results are exchanged.
    pub folder: PathBuf,
}

/// The interpreter that has the packages.
pub fn python() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let named = std::env::var_os("CONVSCOPE_PYTHON").map(PathBuf::from);
    named.unwrap_or_else(|| root.join(".convscope/venv/bin/python"))
}

/// The Python files.
pub fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/speed/peers")
}

impl Peer {
    pub fn start() -> Outcome<Peer> {
        let python = python();
        let folder = std::env::temp_dir().join(format!("convscope-bench-{}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        let mut command = Command::new(&python);
        command.arg(scripts()).arg(&folder).stdin(Stdio::piped()).stdout(Stdio::piped());
        // Its threads wait as its packages want, which is fastest for who is alone.
        SPINNING.iter().for_each(|name| {
            command.env_remove(name);
        });
        let mut process = command
            .spawn()
            .map_err(|error| format!("{}: {error}; `make setup` installs it", python.display()))?;
        let questions = process.stdin.take().ok_or("no pipe")?;
        let answers = BufReader::new(process.stdout.take().ok_or("no pipe")?);
        Ok(Peer { process, pipes: RefCell::new((questions, answers)), folder })
    }

    /// Sends a line and waits for the line that answers it.
    fn say(&self, line: &str) -> Outcome<String> {
        let (questions, answers) = &mut *self.pipes.borrow_mut();
        writeln!(questions, "{line}")?;
        questions.flush()?;
        let mut answer = String::new();
        answers.read_line(&mut answer)?;
        match answer.trim_end() {
            "" => Err(format!("the peer ended at `{line}`").into()),
            answer => Ok(answer.to_owned()),
        }
    }

    /// Machine, threads, date and versions. Refuses other threads than ours.
    pub fn about(&self) -> Outcome<String> {
        let about = self.ask("shared.about")?;
        let parts: Vec<&str> = about.split('\t').collect();
        let [machine, threads, date, packages] = parts[..] else { return Err(about.into()) };
        let ours = tch::get_num_threads();
        if threads != ours.to_string() {
            return Err(format!("{ours} threads here, {threads} there").into());
        }
        Ok(format!("{machine}; {threads} threads; {date}; {packages}"))
    }

    pub fn ask(&self, question: &str) -> Outcome<String> {
        self.say(&format!("1 {question}"))
    }

    /// What the question's action results in.
    pub fn result(&self, question: &str) -> Outcome<Tensor> {
        self.say(&format!("0 {question}"))?;
        Ok(Tensor::read_safetensors(self.folder.join("result.safetensors"))?.remove(0).1)
    }

    /// Seconds that the question's action takes, the middle of so many on end.
    pub fn seconds(&self, question: &str, times: usize) -> Outcome<f64> {
        rest::until_asleep(self.process.id());
        let answer = self.say(&format!("{times} {question}"))?.parse();
        rest::until_asleep(self.process.id());
        Ok(answer?)
    }

    /// This question as a side of a race.
    pub fn side<'a>(&'a self, name: &str, question: &str) -> Side<'a> {
        let question = question.to_owned();
        Side::new(name, move |times| self.seconds(&question, times))
    }

    /// Refuses results that are not the same, up to 1e-4 of the largest value.
    pub fn check(&self, what: &str, ours: &Tensor, question: &str) -> Outcome {
        // A map may be 0 everywhere where nothing speaks for the class.
        self.check_beside(f64::MIN_POSITIVE, what, ours, question)
    }

    /// The same for what is a difference of larger values, with their size.
    pub fn check_beside(&self, size: f64, what: &str, ours: &Tensor, question: &str) -> Outcome {
        let theirs = self.result(question)?;
        let largest = theirs.abs().max().double_value(&[]).max(size);
        let off = (ours - &theirs).abs().max().double_value(&[]) / largest;
        match off <= 1e-4 {
            true => Ok(()),
            false => Err(format!("{what}, {question}: off by {off:.1e} of the largest").into()),
        }
    }

    /// A network of the zoo with random weights and a batch of noise, open on both sides.
    pub fn open(&self, name: &str, batch: i64) -> Outcome<(Network, Tensor)> {
        tch::manual_seed(1);
        let net = zoo::untrained(name)?;
        if ["vgg16", "mobilenet_v2"].contains(&name) {
            // Nothing normalizes and nothing is added: under libtorch's own first weights the signal fades
            // from layer to layer, and what a patch changes drowns in rounding. These are He's.
            for (_, weight) in net.state_dict().iter().filter(|(_, weight)| weight.dim() > 1) {
                let _ = weight.shallow_clone().f_mul_scalar_(6f64.sqrt())?;
            }
        }
        let input = self.share(&net, batch)?;
        Ok((net, input))
    }

    /// The same with a network that is one of torchvision's.
    pub fn share(&self, net: &Network, batch: i64) -> Outcome<Tensor> {
        net.save_weights(self.folder.join("weights.safetensors"))?;
        let input = Tensor::randn([batch, 3, 224, 224], (Kind::Float, Device::Cpu));
        let path = self.folder.join("input.safetensors");
        Tensor::write_safetensors(&[("input", &input)], path)?;
        self.ask(&format!("shared.open_network {}", net.name()))?;
        Ok(input)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
