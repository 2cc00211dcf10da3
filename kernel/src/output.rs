//! What cells write to stdout and stderr, made fit for a notebook.

use std::mem;

use uuid::Uuid;

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
    panic: Panic,
}

/// Where in the report of a panic stderr is.
enum Panic {
    None,
    /// Its first line, held until the next tells what kind of panic it is.
    Begun(String),
    /// One of libtorch's, whose backtrace nobody needs.
    Shortened,
}

/// What a line comes to.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Shown {
    pub(crate) text: String,
    /// It was the last of its cell, whether or not it holds text.
    pub(crate) ends_cell: bool,
    /// The number of the thread whose panic begins here.
    pub(crate) panicked: Option<u32>,
    /// It was to tell evcxr that the cell is done, and evcxr could not read it.
    pub(crate) spoilt: bool,
}

impl Output {
    pub(crate) fn new() -> Output {
        Output { end: format!("{NO_NEWLINE}{}", Uuid::new_v4().simple()), panic: Panic::None }
    }

    pub(crate) fn stdout(&mut self, line: &str) -> Shown {
        match line.strip_suffix('\n').and_then(|line| line.strip_suffix(COMPLETE)) {
            Some(before) => Shown { text: before.to_owned(), spoilt: true, ..Shown::default() },
            None => Shown { text: without_mark(line), ..Shown::default() },
        }
    }

    pub(crate) fn stderr(&mut self, line: &str) -> Shown {
        let (line, ends_cell) = match line.trim_end_matches('\n').strip_suffix(&self.end) {
            Some(before) => (before, true),
            None => (line, false),
        };
        let panicked = panicking_thread(line);
        let mut text = self.without_trace(line, panicked.is_some());
        if ends_cell && let Panic::Begun(first) = mem::replace(&mut self.panic, Panic::None) {
            text.insert_str(0, &first);
        }
        Shown { text, ends_cell, panicked, spoilt: false }
    }

    /// The line, but for the traces of libtorch's errors.
    fn without_trace(&mut self, line: &str, begins_panic: bool) -> String {
        match mem::replace(&mut self.panic, Panic::None) {
            Panic::Begun(first) => match libtorch_sentence(line) {
                Some(sentence) => {
                    self.panic = Panic::Shortened;
                    return format!("libtorch: {sentence}\n");
                }
                None => return first + &without_mark(line),
            },
            Panic::Shortened if is_backtrace(line) => self.panic = Panic::Shortened,
            Panic::None | Panic::Shortened if begins_panic => {
                self.panic = Panic::Begun(line.to_owned());
            }
            Panic::None | Panic::Shortened if line.starts_with(TRACE) => {
                self.panic = Panic::Shortened;
            }
            Panic::None | Panic::Shortened => return without_mark(line),
        }
        String::new()
    }
}

fn without_mark(line: &str) -> String {
    let unmarked = line.strip_suffix('\n').and_then(|line| line.strip_suffix(NO_NEWLINE));
    unmarked.unwrap_or(line).to_owned()
}

/// The number of the thread whose panic begins with this line; 0 where it gives none.
fn panicking_thread(line: &str) -> Option<u32> {
    let (thread, _) = line.strip_prefix("thread '")?.split_once(" panicked at ")?;
    let number = thread.rsplit_once(" (").and_then(|(_, number)| number.strip_suffix(')'));
    Some(number.and_then(|number| number.parse().ok()).unwrap_or_default())
}

/// What libtorch adds to its sentence: a trace through C++.
const TRACE: &str = "Exception raised from ";

fn is_backtrace(line: &str) -> bool {
    let text = line.trim_start();
    let frame = text.trim_start_matches(|digit: char| digit.is_ascii_digit());
    line.starts_with("stack backtrace:")
        || line.starts_with("note: ")
        || line.starts_with("frame #")
        || (line.starts_with(' ') && (text.starts_with("at ") || frame.starts_with(": ")))
}

/// What libtorch has to say in the panic of a call of tch that unwraps, with its trace in one line.
fn libtorch_sentence(line: &str) -> Option<String> {
    let (_, text) = line.split_once("on an `Err` value: Torch(\"")?;
    let end = text.find(&format!("\\n{TRACE}")).or_else(|| text.rfind("\")"))?;
    let sentence = text[..end].replace("\\n", "\n").replace("\\\"", "\"").replace("\\'", "'");
    Some(sentence.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(output: &mut Output, lines: &[&str]) -> String {
        lines.iter().map(|line| output.stderr(line).text).collect()
    }

    const BEGUN: &str = "thread '<unnamed>' (7) panicked at src/lib.rs:9:1:\n";

    #[test]
    fn text_without_a_newline_is_shown_without_one() {
        let mut output = Output::new();
        assert_eq!(output.stdout("50 %\r\u{2}\n").text, "50 %\r");
        assert_eq!(output.stderr("a\u{2}\n").text, "a");
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
            output.stderr(&line),
            Shown { text: "half".into(), ends_cell: true, ..Shown::default() }
        );
        assert_eq!(output.stderr(BEGUN).panicked, Some(7));
        let line = format!("{}\n", output.end);
        assert_eq!(output.stderr(&line).text, BEGUN);
    }

    #[test]
    fn a_panic_of_libtorch_is_its_sentence_and_others_are_as_they_are() {
        let mut output = Output::new();
        let trace =
            ["stack backtrace:\n", "   0: f\n", "             at /a/b.rs:1:2\n", "note: Some\n"];
        let torch = "called `Result::unwrap()` on an `Err` value: Torch(\"mat1 and \\\"mat2\\\" \
                     misfit (2x3 and 2x3)\\nException raised from meta at a.cpp:1 (most recent \
                     call first):\\nframe #0: c10\\n\")\n";
        let text = shown(&mut output, &[&["\n", BEGUN, torch][..], &trace, &["after\n"]].concat());
        assert_eq!(text, "\nlibtorch: mat1 and \"mat2\" misfit (2x3 and 2x3)\nafter\n");

        // The same error, handed up by `?`.
        let error = [
            "Internal torch error: misfit\n",
            "Exception raised from meta at a.cpp:1:\n",
            "frame #0: c10\n",
        ];
        assert_eq!(shown(&mut output, &error), "Internal torch error: misfit\n");

        let mine = [&["\n", BEGUN, "mine\n"][..], &trace].concat();
        assert_eq!(shown(&mut output, &mine), mine.concat());
    }
}
