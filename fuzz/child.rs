//! The parent's side of a child process.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use crate::verdict::{Kind, Verdict};
use crate::{Fallible, folder};

/// The address space of a child, in KiB.
const MEMORY: u64 = 6 << 20;
/// How long a case may compute: a picture of 100 megapixels takes some 20 s in the development profile.
/// What other programs take of the machine does not count, where the system tells; else three times as
/// long by the clock does.
const LIMIT: Duration = Duration::from_secs(30);

pub struct Child {
    target: String,
    process: std::process::Child,
    answers: Receiver<String>,
    /// What the child wrote to stderr.
    said: PathBuf,
}

impl Child {
    pub fn start(target: &str) -> Fallible<Child> {
        let folder = folder(target);
        std::fs::create_dir_all(&folder)?;
        let said = folder.join("stderr");
        // The shell sets the limit, where the system knows it, and becomes the program.
        let limited = format!("ulimit -v {MEMORY} 2>/dev/null; exec \"$0\" --child {target}");
        let mut process = Command::new("sh")
            .args(["-c", &limited])
            .arg(std::env::current_exe()?)
            .env("OMP_NUM_THREADS", "1")
            .env("CUDA_VISIBLE_DEVICES", "")
            .env("CONVSCOPE_HOME", folder.join("now/home"))
            .env("CONVSCOPE_OFFLINE", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::create(&said)?)
            .spawn()?;
        let output = process.stdout.take().ok_or("the child has no stdout")?;
        let (sender, answers) = channel();
        std::thread::spawn(move || {
            let lines = BufReader::new(output).lines().map_while(Result::ok);
            let verdicts = lines.filter_map(|line| line.strip_prefix("fuzz: ").map(str::to_owned));
            verdicts.into_iter().try_for_each(|verdict| sender.send(verdict))
        });
        Ok(Child { target: target.to_owned(), process, answers, said })
    }

    /// What becomes of a case. A child that it ended is replaced by a new one.
    pub fn ask(&mut self, order: &str) -> Fallible<Verdict> {
        let (began, computed) = (Instant::now(), self.computed());
        let input = self.process.stdin.as_mut().ok_or("the child has no stdin")?;
        // Where the child is gone already, the answer tells.
        let _ = writeln!(input, "{order}");
        loop {
            match self.answers.recv_timeout(Duration::from_millis(200)) {
                Ok(line) => return Verdict::parse(&line).ok_or_else(|| line.into()),
                Err(RecvTimeoutError::Disconnected) => return self.died(),
                Err(RecvTimeoutError::Timeout) => {}
            }
            let waited = began.elapsed();
            let busy = self.computed().zip(computed).map(|(now, then)| now.saturating_sub(then));
            if busy.is_some_and(|busy| busy > LIMIT) || waited > 3 * LIMIT {
                self.process.kill()?;
                self.process.wait()?;
                *self = Child::start(&self.target)?;
                let text = format!("more than {} s of computing", LIMIT.as_secs());
                return Ok(Verdict::Fault(Kind::Hang, text));
            }
        }
    }

    fn died(&mut self) -> Fallible<Verdict> {
        let status = self.process.wait()?;
        let said = std::fs::read(&self.said).unwrap_or_default();
        let said = String::from_utf8_lossy(&said).into_owned();
        // Rust's last words, or whatever stands before a backtrace.
        let last = said.lines().find(|line| line.contains("memory allocation of"));
        let last = last.or(said.lines().rfind(|line| !line.starts_with([' ', 'n'])));
        let last: String = last.unwrap_or_default().chars().take(300).collect();
        *self = Child::start(&self.target)?;
        Ok(Verdict::Fault(Kind::Death, format!("{status}: {last}")))
    }

    /// The processor's time of the child so far, where the system is Linux.
    fn computed(&self) -> Option<Duration> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.process.id())).ok()?;
        // The name of the program, in parentheses, may hold anything; the times are 11 fields behind.
        let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
        let mut ticks = || fields.next()?.parse::<u64>().ok();
        Some(Duration::from_millis(10 * (ticks()? + ticks()?)))
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
