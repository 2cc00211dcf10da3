//! What became of a case, and what counts as a fault.

use std::fmt;

use convscope::{Error, Result};

/// The longest message that a notebook's reader is expected to read.
const LONGEST: usize = 2_000;
/// What libtorch's messages hold beside the sentence.
const TRACES: [&str; 3] = ["Exception raised from", "frame #", "(most recent call first)"];

#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// Opened, used, and whatever could not be done was refused properly.
    Accepted,
    /// With these words.
    Refused(String),
    /// Panicked, ended the process, ran too long, or was refused in the wrong words; with what was seen.
    Fault(Kind, String),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    Panic,
    Death,
    Hang,
    Words,
}

impl Kind {
    pub const ALL: [Kind; 4] = [Kind::Panic, Kind::Death, Kind::Hang, Kind::Words];
}

impl Verdict {
    pub fn is_fault(&self) -> bool {
        matches!(self, Verdict::Fault(..))
    }

    /// What two cases of one fault have in common: all but the names and numbers that differ.
    pub fn key(&self) -> String {
        let text = self.to_string();
        // A panic's place is known to the line.
        if let (Verdict::Fault(Kind::Panic, _), Some((_, place))) = (self, text.split_once(" at "))
        {
            return format!("panic at {place}");
        }
        let unquoted = text.split('`').step_by(2).flat_map(str::chars);
        unquoted.filter(|letter| !letter.is_ascii_digit()).take(120).collect()
    }

    /// From the line that a child sends.
    pub fn parse(line: &str) -> Option<Verdict> {
        let (word, text) = line.split_once('\t').unwrap_or((line, ""));
        Some(match word {
            "accepted" => Verdict::Accepted,
            "refused" => Verdict::Refused(text.to_owned()),
            "panic" => Verdict::Fault(Kind::Panic, text.to_owned()),
            "words" => Verdict::Fault(Kind::Words, text.to_owned()),
            _ => return None,
        })
    }
}

/// The line that a child sends.
impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Verdict::Accepted => f.write_str("accepted"),
            Verdict::Refused(text) => write!(f, "refused\t{}", text.escape_debug()),
            Verdict::Fault(kind, text) => {
                let kind = format!("{kind:?}").to_lowercase();
                write!(f, "{kind}\t{}", text.escape_debug())
            }
        }
    }
}

/// Reads every error that comes back.
#[derive(Default)]
pub struct Witness {
    /// The words of the first.
    pub refusal: String,
    /// What was wrong with the words of the first that was wrong.
    pub complaint: Option<String>,
}

impl Witness {
    /// The value, or nothing where it was refused; how, is looked at.
    pub fn saw<T>(&mut self, doing: &str, result: Result<T>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                if self.refusal.is_empty() {
                    self.refusal = error.to_string();
                }
                let complaint = complaint(&error).map(|wrong| format!("{doing}: {wrong}"));
                self.complaint = self.complaint.take().or(complaint);
                None
            }
        }
    }
}

fn complaint(error: &Error) -> Option<String> {
    let text = error.to_string();
    let begins: String = text.chars().take(300).collect();
    let length = text.chars().count();
    if length > LONGEST {
        return Some(format!("a message of {length} characters, {begins}"));
    }
    if TRACES.iter().any(|trace| text.contains(trace)) {
        return Some(format!("libtorch's trace in a message, {begins}"));
    }
    matches!(error, Error::Internal(_)).then(|| format!("a bug by its own word, {begins}"))
}
