//! The report of a panic: where it begins and ends, and what of it a notebook needs.

use crate::errors::{Failure, Place};

/// Bytes of a report that are kept.
const MOST: usize = 64 << 10;

/// Lines of a panic's message, if no trace follows it.
const LONGEST_MESSAGE: usize = 30;

/// Below a panic, and what to do first.
const KEPT: &str =
    "Variables that this cell made or moved before the panic are lost, others are kept.";

pub(crate) struct Panic {
    report: String,
    lines: usize,
    phase: Phase,
    /// It came on the thread that runs cells.
    pub(crate) of_cell: bool,
    /// It has been shown as text.
    pub(crate) shown: bool,
}

#[derive(PartialEq)]
enum Phase {
    Message,
    Trace,
    Over,
}

impl Panic {
    /// From its first line, and the empty one before it.
    pub(crate) fn new(report: String, of_cell: bool) -> Panic {
        Panic { report, lines: 1, phase: Phase::Message, of_cell, shown: false }
    }

    /// Takes a line, if it belongs to the report.
    pub(crate) fn takes(&mut self, line: &str) -> bool {
        let note = line.starts_with("note: ");
        let belongs = match self.phase {
            Phase::Message => self.lines < LONGEST_MESSAGE && !line.starts_with('\u{2}'),
            Phase::Trace => is_backtrace(line),
            Phase::Over => false,
        };
        if !belongs {
            // Another thread may write in the middle of a trace.
            let begins = line.contains('\u{2}') || thread(line).is_some();
            if self.phase != Phase::Trace || begins {
                self.phase = Phase::Over;
            }
            return false;
        }
        if note {
            self.phase = Phase::Over;
        } else if line.starts_with(STACK) {
            self.phase = Phase::Trace;
        }
        self.lines += 1;
        if self.report.len() + line.len() <= MOST {
            self.report.push_str(line);
        }
        true
    }

    pub(crate) fn is_whole(&self) -> bool {
        self.phase == Phase::Over
    }

    /// What is shown of a panic that ended no cell: all, or libtorch's sentence.
    pub(crate) fn text(&self) -> String {
        match libtorch_sentence(&self.message()) {
            Some(sentence) => format!("libtorch: {sentence}\n"),
            None => self.report.clone(),
        }
    }

    /// What is shown of the panic that ended a cell.
    pub(crate) fn into_failure(self) -> Failure {
        let message = self.message();
        let place = self.report.trim_start().lines().next().and_then(|first| first.split_once(AT));
        let failure = match libtorch_sentence(&message) {
            Some(sentence) => Failure::new("libtorch", sentence),
            None => Failure::new(PANIC, message.trim()),
        };
        let place = place.and_then(|(_, place)| Place::parse(place.trim()));
        failure.note(KEPT).at(place)
    }

    fn message(&self) -> String {
        let lines = self.report.trim_start().lines().skip(1);
        let message =
            lines.take_while(|line| !line.starts_with(STACK) && !line.starts_with("note: "));
        message.collect::<Vec<_>>().join("\n")
    }
}

/// The name of a panic among errors.
pub(crate) const PANIC: &str = "panic";

const AT: &str = " panicked at ";
const STACK: &str = "stack backtrace:";

/// The number of the thread whose panic begins with this line; 0 where it gives none.
pub(crate) fn thread(line: &str) -> Option<u32> {
    let (thread, _) = line.strip_prefix("thread '")?.split_once(AT)?;
    let number = thread.rsplit_once(" (").and_then(|(_, number)| number.strip_suffix(')'));
    Some(number.and_then(|number| number.parse().ok()).unwrap_or_default())
}

/// What libtorch adds to its sentence: a trace through C++.
pub(crate) const TRACE: &str = "Exception raised from ";

pub(crate) fn is_backtrace(line: &str) -> bool {
    let text = line.trim_start();
    let frame = text.trim_start_matches(|digit: char| digit.is_ascii_digit());
    let inlined = line.starts_with("      ");
    line.starts_with(STACK)
        || line.starts_with("note: ")
        || line.starts_with("frame #")
        || (line.starts_with(' ')
            && (text.starts_with("at ") || frame.starts_with(": ") || inlined))
}

/// What libtorch has to say in the panic of a call of tch that unwraps, with its trace in one line.
fn libtorch_sentence(message: &str) -> Option<String> {
    let (_, text) = message.split_once("on an `Err` value: Torch(\"")?;
    let end = text.find(&format!("\\n{TRACE}")).or_else(|| text.rfind("\")"))?;
    let sentence = text[..end].replace("\\n", "\n").replace("\\\"", "\"").replace("\\'", "'");
    Some(sentence.trim().to_owned())
}
