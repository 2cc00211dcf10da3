//! What cells write to stdout and stderr, made fit for a notebook.

use uuid::Uuid;

use crate::errors::Failure;
use crate::reports::Reports;

/// Ends a line that is none: cells' `print!` and `eprint!` write it, see [`PRINT_MACROS`].
const NO_NEWLINE: char = '\u{2}';

/// evcxr reads what cells write line by line, among them its own. What `print!` leaves without an end
/// would be shown with the next cell, or, flushed, spoil the line that says that the cell is done, and
/// evcxr would wait for that for ever. So each text gets its line, with a sign that there is none.
pub(crate) const PRINT_MACROS: &str = r#"
#[allow(unused_macros)]
macro_rules! print { ($($text:tt)*) => { ::std::print!("{}\u{2}\n", ::std::format_args!($($text)*)) } }
#[allow(unused_macros)]
macro_rules! eprint { ($($text:tt)*) => { ::std::eprint!("{}\u{2}\n", ::std::format_args!($($text)*)) } }
"#;

/// The line by which evcxr's child says that a cell is done.
pub(crate) const COMPLETE: &str = "EVCXR_EXECUTION_COMPLETE";

pub(crate) struct Output {
    /// What stands on stderr after the last of a cell.
    pub(crate) end: String,
    reports: Reports,
}

/// What a line comes to.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Shown {
    pub(crate) text: String,
    /// It was the last of its cell, whether or not it holds text.
    pub(crate) ends_cell: bool,
    /// It was to tell evcxr that the cell is done, and evcxr could not read it.
    pub(crate) spoilt: bool,
}

impl Output {
    pub(crate) fn new() -> Output {
        Output {
            end: format!("{NO_NEWLINE}{}", Uuid::new_v4().simple()),
            reports: Reports::default(),
        }
    }

    pub(crate) fn stdout(&mut self, line: &str) -> Shown {
        match line.strip_suffix('\n').and_then(|line| line.strip_suffix(COMPLETE)) {
            Some(before) => Shown { text: before.to_owned(), spoilt: true, ..Shown::default() },
            None => Shown { text: without_mark(line), ..Shown::default() },
        }
    }

    /// `runs_cells` tells whether the thread of a number does.
    pub(crate) fn stderr(&mut self, line: &str, runs_cells: impl FnOnce(u32) -> bool) -> Shown {
        match line.trim_end_matches('\n').strip_suffix(&self.end) {
            Some("") => Shown { text: self.reports.end(), ends_cell: true, ..Shown::default() },
            Some(before) => {
                let text = self.reports.read(before, runs_cells) + &self.reports.end();
                Shown { text, ends_cell: true, ..Shown::default() }
            }
            None => {
                let text = self.reports.read(line, runs_cells);
                Shown { text: without_mark(&text), ..Shown::default() }
            }
        }
    }

    /// A cell is over: what is still to be shown, and why it failed, as far as stderr tells.
    pub(crate) fn end_cell(&mut self) -> (String, Option<Failure>) {
        (self.reports.end(), self.reports.failure())
    }
}

fn without_mark(line: &str) -> String {
    let unmarked = line.strip_suffix('\n').and_then(|line| line.strip_suffix(NO_NEWLINE));
    unmarked.unwrap_or(line).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stderr(output: &mut Output, line: &str) -> Shown {
        output.stderr(line, |_| false)
    }

    #[test]
    fn text_without_a_newline_is_shown_without_one() {
        let mut output = Output::new();
        assert_eq!(output.stdout("50 %\r\u{2}\n").text, "50 %\r");
        assert_eq!(stderr(&mut output, "a\u{2}\n").text, "a");
        assert_eq!(output.stdout("a\n").text, "a\n");
    }

    #[test]
    fn a_spoilt_end_is_seen() {
        let shown = Output::new().stdout("halfEVCXR_EXECUTION_COMPLETE\n");
        assert_eq!(shown, Shown { text: "half".into(), spoilt: true, ..Shown::default() });
    }

    #[test]
    fn the_end_is_found_behind_an_unfinished_line() {
        let mut output = Output::new();
        let line = format!("half{}\n", output.end);
        assert_eq!(
            stderr(&mut output, &line),
            Shown { text: "half".into(), ends_cell: true, ..Shown::default() }
        );
        let begun = "thread 'a' (7) panicked at src/lib.rs:9:1:\n";
        assert_eq!(stderr(&mut output, begun), Shown::default());
        let line = format!("{}\n", output.end);
        let shown = stderr(&mut output, &line);
        assert_eq!((shown.text.as_str(), shown.ends_cell), (begun, true));
    }
}
