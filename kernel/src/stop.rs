//! How far the stop button has been pressed for the cell under way.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::Instant;

use crate::errors::{ALL_LOST, Failure};

/// What the library looks for at each step of a run, in the session's folder.
const FILE: &str = "stop";

/// Presses that follow so closely are one.
const ONE_PRESS: Duration = Duration::from_millis(500);

/// How often is looked for a compiler to end.
const LOOK: Duration = Duration::from_millis(20);

pub(crate) struct Stop {
    file: PathBuf,
    last: Option<Instant>,
    asked: Option<Asked>,
}

/// What has been done to end the cell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Asked {
    /// Its runs are to end by themselves.
    Runs,
    /// It is not to be run.
    Compilation,
    /// Its process is to be ended.
    Process,
}

impl Stop {
    pub(crate) fn new(session: &Path) -> Stop {
        Stop { file: session.join(FILE), last: None, asked: None }
    }

    /// Whether this is a press of its own.
    pub(crate) fn press(&mut self) -> bool {
        let before = self.last.replace(Instant::now());
        before.is_none_or(|before| before.elapsed() > ONE_PRESS)
    }

    pub(crate) fn asked(&self) -> Option<Asked> {
        self.asked
    }

    /// What comes to run until the cell is over is to end at its next step.
    pub(crate) fn ask(&mut self, asked: Asked) {
        self.asked = Some(asked);
        if let Err(error) = fs::write(&self.file, "") {
            eprintln!("convscope: can't write {}: {error}", self.file.display());
        }
    }

    /// When to look again for a compiler.
    pub(crate) fn due(&self) -> Option<Instant> {
        (self.asked == Some(Asked::Compilation)).then(|| Instant::now() + LOOK)
    }

    /// What evcxr takes for a fault of the cell, if it is one.
    pub(crate) fn cause(&self) -> Option<Failure> {
        match self.asked? {
            Asked::Runs => None,
            Asked::Compilation => Some(Failure::new(
                "Interrupted",
                "the cell was still being compiled; nothing of it has run, and all variables are kept",
            )),
            Asked::Process => {
                let text = "the process that ran the cell has ended";
                Some(Failure::new("Interrupted", text).note(ALL_LOST))
            }
        }
    }

    /// The cell is over. Says why it did not succeed, though evcxr says so.
    pub(crate) fn end_cell(&mut self) -> Option<Failure> {
        self.asked.take()?;
        self.last = None;
        match fs::remove_file(&self.file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                eprintln!("convscope: can't remove {}: {error}", self.file.display());
            }
            _ => {}
        }
        Some(Failure::new("Stopped", "what there was so far is kept, and so are all variables"))
    }
}
