//! Why a cell failed, from what it wrote to stderr.
//!
//! evcxr tells Jupyter of errors of the compiler only. A failed `?` and a panic are lines on stderr to it,
//! and the cell has succeeded. So the code that evcxr adds to each cell is made to mark these lines.

use std::mem;

use crate::errors::Failure;
use crate::panic::{self, Panic};

/// Begins the line that tells a failed `?`, and ends with the error's type.
const BEGIN: &str = "\u{2}error ";
const END: &str = "\u{2}end";

/// The line on stderr after a panic that ended a cell.
const PANICKED: &str = "\u{2}panicked";

/// Cells' `eprintln!` and `println!`, with which the code that evcxr adds to a cell says that its `?`
/// failed (`eprintln!("{}", error)`) or that it panicked. Only there do they write more than those of the
/// standard library. The name comes first, because rust-analyzer takes long for the rest.
/// [`crate::output::PRINT_MACROS`] are their siblings.
pub(crate) const MACROS: &str = r#"
#[allow(unused_macros)]
macro_rules! eprintln {
    ($format:literal, $error:ident) => { eprintln!(@ $error, $format, $error) };
    (@ error, $format:literal, $error:ident) => {{
        fn convscope_here() {}
        let failed = ::std::any::type_name_of_val(&convscope_here).contains("EvcxrUserCodeError");
        let (begin, end) = match failed {
            true => (::std::format!("\u{2}error {}\n", ::std::any::type_name_of_val(&$error)), "\n\u{2}end"),
            false => (::std::string::String::new(), ""),
        };
        ::std::eprintln!("{begin}{}{end}", ::std::format_args!($format, $error))
    }};
    (@ $name:ident, $($text:tt)*) => { ::std::eprintln!($($text)*) };
    ($($text:tt)*) => { ::std::eprintln!($($text)*) };
}
#[allow(unused_macros)]
macro_rules! println {
    ("EVCXR_PANIC_NOTIFICATION") => {{
        ::std::eprintln!("\u{2}panicked");
        ::std::println!("EVCXR_PANIC_NOTIFICATION")
    }};
    ($($text:tt)*) => { ::std::println!($($text)*) };
}
"#;

/// What evcxr's process says when it crashes, before a trace.
const CRASHES: [&str; 4] =
    ["Segmentation fault.", "Illegal instruction.", "Bus error.", "Unexpected signal."];

/// Bytes of an error that are kept; more is no reading.
const MOST: usize = 16 << 10;

/// Reads what cells write to stderr, and keeps from it why the cell failed.
#[derive(Default)]
pub(crate) struct Reports {
    reading: Reading,
    /// The last panic on the cells' thread, until it is known whether it ended the cell.
    panic: Option<Panic>,
    failure: Option<Failure>,
    /// An empty line is held back, as one stands before each panic.
    empty_line: bool,
}

/// What the next line belongs to.
#[derive(Default)]
enum Reading {
    #[default]
    Text,
    /// A failed `?` or a figure that could not be drawn: its error's type and text.
    Error {
        of: String,
        text: String,
    },
    Panic(Panic),
    /// A backtrace that nobody needs.
    Trace,
}

impl Reports {
    /// What a notebook gets to see at this line. `of_cell` tells whether the thread of a number runs the
    /// cells.
    pub(crate) fn read(&mut self, line: &str, of_cell: impl FnOnce(u32) -> bool) -> String {
        let bare = line.trim_end_matches('\n');
        match mem::take(&mut self.reading) {
            Reading::Error { of, text } if bare == END => self.failed(&of, &text),
            Reading::Error { of, mut text } => {
                if text.len() + line.len() <= MOST {
                    text.push_str(line);
                }
                self.reading = Reading::Error { of, text };
            }
            Reading::Trace if panic::is_backtrace(bare) => self.reading = Reading::Trace,
            Reading::Panic(mut panic) => {
                let taken = panic.takes(line);
                match (taken, panic.is_whole()) {
                    (true, true) => return self.panicked(panic),
                    (true, false) => self.reading = Reading::Panic(panic),
                    (false, true) => {
                        return self.panicked(panic) + &self.begin(line, bare, of_cell);
                    }
                    (false, false) => {
                        self.reading = Reading::Panic(panic);
                        return line.to_owned();
                    }
                }
            }
            Reading::Text | Reading::Trace => return self.begin(line, bare, of_cell),
        }
        String::new()
    }

    /// Reads a line that belongs to nothing before it.
    fn begin(&mut self, line: &str, bare: &str, of_cell: impl FnOnce(u32) -> bool) -> String {
        let thread = panic::thread(bare);
        if let Some(before) = bare.strip_suffix(PANICKED) {
            let failure = self.panic.take().map(Panic::into_failure);
            self.failure =
                failure.or_else(|| Some(Failure::new(panic::PANIC, "the cell panicked")));
            return before.to_owned();
        }
        let mut text = self.show_panic();
        let empty_line = mem::take(&mut self.empty_line);
        if empty_line && thread.is_none() {
            text.push('\n');
        }
        if let Some((before, of)) = bare.split_once(BEGIN) {
            self.reading = Reading::Error { of: of.to_owned(), text: String::new() };
            text += before;
        } else if let Some(thread) = thread {
            let first = if empty_line { format!("\n{line}") } else { line.to_owned() };
            self.reading = Reading::Panic(Panic::new(first, of_cell(thread)));
        } else if bare.is_empty() {
            self.empty_line = true;
        } else if bare.starts_with(panic::TRACE) {
            self.reading = Reading::Trace;
        } else {
            if CRASHES.contains(&bare) {
                self.reading = Reading::Trace;
            }
            text += line;
        }
        text
    }

    /// The cell is over: what is still to be shown.
    pub(crate) fn end(&mut self) -> String {
        let text = match mem::take(&mut self.reading) {
            Reading::Panic(panic) => self.panicked(panic),
            Reading::Error { of, text } => {
                self.failed(&of, &text);
                String::new()
            }
            Reading::Text | Reading::Trace => String::new(),
        };
        let mut text = text + &self.show_panic();
        if mem::take(&mut self.empty_line) {
            text.push('\n');
        }
        self.panic = None;
        text
    }

    /// Why the cell failed that is over.
    pub(crate) fn failure(&mut self) -> Option<Failure> {
        self.failure.take()
    }

    fn failed(&mut self, of: &str, text: &str) {
        let text = text.split(&format!("\n{}", panic::TRACE)).next().unwrap_or_default();
        self.failure = Some(Failure::of_type(of, text));
    }

    /// Keeps the report of a panic that may end the cell, and shows any other.
    fn panicked(&mut self, panic: Panic) -> String {
        if !panic.of_cell {
            return panic.text();
        }
        let before = self.show_panic();
        self.panic = Some(panic);
        before
    }

    /// The report of a panic that has not ended the cell so far.
    fn show_panic(&mut self) -> String {
        let Some(panic) = self.panic.as_mut().filter(|panic| !panic.shown) else {
            return String::new();
        };
        panic.shown = true;
        panic.text()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: [&str; 4] =
        ["stack backtrace:\n", "   0: f\n", "             at /a/b.rs:1:2\n", "note: Some\n"];
    const BEGUN: &str = "thread '<unnamed>' (7) panicked at src/lib.rs:9:1:\n";
    const MARK: &str = "\u{2}panicked\n";

    /// What is shown of a cell that wrote this, and why it failed. Thread 7 runs the cells.
    fn read(lines: &[&str]) -> (String, Option<Failure>) {
        let mut reports = Reports::default();
        let mut text: String = lines.iter().map(|line| reports.read(line, |id| id == 7)).collect();
        text += &reports.end();
        (text, reports.failure())
    }

    #[test]
    fn an_error_is_what_the_marks_enclose() {
        let (text, failure) = read(&[
            "before\n",
            "half\u{2}error a::Mine\n",
            "one\n",
            "two\n",
            "\u{2}end\n",
            "after\n",
        ]);
        assert_eq!(text, "before\nhalfafter\n");
        let failure = failure.unwrap();
        assert_eq!(
            (failure.content()["ename"].as_str(), failure.text.as_str()),
            (Some("Mine"), "one\ntwo")
        );
        let (text, failure) = read(&["\u{2}error a::Mine\n", "cut off\n"]);
        assert_eq!((text.as_str(), failure.unwrap().text.as_str()), ("", "cut off"));
        assert_eq!(read(&["invalid digit\n", "\n"]), ("invalid digit\n\n".to_owned(), None));
    }

    #[test]
    fn a_panic_that_ends_the_cell_is_its_message() {
        for trace in [&TRACE[..], &[], &TRACE[3..]] {
            let lines = [&["\n", BEGUN, "mine,\n", "in two lines\n"][..], trace, &[MARK]].concat();
            let (text, failure) = read(&lines);
            let failure = failure.unwrap();
            assert_eq!((text.as_str(), failure.text.as_str()), ("", "mine,\nin two lines"));
        }
        // Another thread writes meanwhile.
        let mut lines = [&["\n", BEGUN, "mine\n"][..], &TRACE, &[MARK]].concat();
        lines.insert(5, "tick\n");
        let (text, failure) = read(&lines);
        assert_eq!((text.as_str(), failure.unwrap().text.as_str()), ("tick\n", "mine"));
        // Without a report, as after `std::panic::set_hook`.
        assert_eq!(read(&[MARK]).1.unwrap().text, "the cell panicked");
    }

    #[test]
    fn other_panics_are_text() {
        let caught = [&["\n", BEGUN, "caught\n"][..], &TRACE].concat();
        assert_eq!(read(&caught), (caught.concat(), None));
        let thread = ["thread '<unnamed>' (8) panicked at src/lib.rs:1:1:\n", "theirs\n"];
        let lines = [&thread[..], &TRACE, &[BEGUN, "mine\n"], &TRACE, &[MARK]].concat();
        let (text, failure) = read(&lines);
        assert_eq!(text, [&thread[..], &TRACE].concat().concat());
        assert_eq!(failure.unwrap().text, "mine");
        // What ends with its note is shown at once, though nothing follows.
        let mut reports = Reports::default();
        let shown: String =
            thread.iter().chain(&TRACE).map(|line| reports.read(line, |_| false)).collect();
        assert_eq!(shown, text);
    }

    #[test]
    fn libtorch_is_its_sentence() {
        let torch = "called `Result::unwrap()` on an `Err` value: Torch(\"mat1 and \\\"mat2\\\" \
                     misfit (2x3 and 2x3)\\nException raised from meta at a.cpp:1 (most recent \
                     call first):\\nframe #0: c10\\n\")\n";
        let report = [&["\n", BEGUN, torch][..], &TRACE].concat();
        let sentence = "mat1 and \"mat2\" misfit (2x3 and 2x3)";
        let (text, failure) = read(&[&report[..], &[MARK]].concat());
        assert_eq!((text.as_str(), failure.unwrap().text.as_str()), ("", sentence));
        assert_eq!(read(&report).0, format!("libtorch: {sentence}\n"));

        // The same error, handed up by `?` and printed.
        let trace = ["Exception raised from meta at a.cpp:1:\n", "frame #0: c10\n"];
        let first = "Internal torch error: misfit\n";
        assert_eq!(read(&[&[first][..], &trace].concat()).0, first);
        let marked = [&["\u{2}error tch::TchError\n", first][..], &trace, &["\u{2}end\n"]].concat();
        assert_eq!(read(&marked).1.unwrap().text, first.trim());
    }

    #[test]
    fn a_crash_is_shown_without_its_trace() {
        let lines =
            ["Segmentation fault.\n", "   0: f\n", "      inlined\n", "             at a:1\n"];
        assert_eq!(read(&lines), (lines[0].to_owned(), None));
    }
}
