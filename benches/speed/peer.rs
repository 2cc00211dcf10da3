//! The Python process that does the same with the peer's package, and the timing of both.

use std::error::Error;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Instant;

pub struct Peer {
    process: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
    /// Where weights and results are exchanged.
    pub folder: PathBuf,
}

impl Peer {
    pub fn start() -> Result<Peer, Box<dyn Error>> {
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
        Ok(Peer { process, questions, answers, folder })
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

    /// Times both in turn and prints a line.
    pub fn compare(
        &mut self,
        what: &str,
        question: &str,
        rounds: usize,
        mut ours: impl FnMut() -> Result<(), Box<dyn Error>>,
    ) -> Result<(), Box<dyn Error>> {
        let (mut mine, mut theirs, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        // The first round warms up.
        for round in 0..=rounds {
            let peer: f64 = self.ask(question)?.parse()?;
            let start = Instant::now();
            ours()?;
            let own = start.elapsed().as_secs_f64();
            if round > 0 {
                mine.push(own);
                theirs.push(peer);
                ratios.push(peer / own);
            }
        }
        println!(
            "{what:44} {:>9.1} ms {:>9.1} ms {:>8.2}",
            1e3 * median(&mut mine),
            1e3 * median(&mut theirs),
            median(&mut ratios)
        );
        Ok(())
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

pub fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
