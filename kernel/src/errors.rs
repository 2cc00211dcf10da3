//! Errors of cells, as a notebook shows them: what went wrong first, short, in red.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::compiler_errors;

/// What a failed cell says.
#[derive(Debug, PartialEq)]
pub(crate) struct Failure {
    /// The error's type, or what happened.
    name: String,
    pub(crate) text: String,
    /// What stands below, a line each.
    notes: Vec<String>,
    /// Where a panic came from.
    place: Option<Place>,
}

/// A line of the sources that the compiler read.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Place {
    file: String,
    line: usize,
}

/// Where evcxr writes the code of cells, in the session's folder.
const CELLS: &str = "src/lib.rs";

/// The name of errors whose type says nothing more.
const ERROR: &str = "Error";

pub(crate) const RESET: &str = "\u{1b}[0m";

/// The line that stands first, as compilers write it. Bold red is too dark where the paper is.
pub(crate) fn headline(label: &str, text: &str) -> String {
    format!("\u{1b}[31m{label}{RESET}\u{1b}[1m: {text}{RESET}")
}

impl Failure {
    pub(crate) fn new(name: &str, text: impl Into<String>) -> Failure {
        Failure { name: name.to_owned(), text: text.into(), notes: Vec::new(), place: None }
    }

    /// Of an error whose type has this name and path.
    pub(crate) fn of_type(path: &str, text: &str) -> Failure {
        let name = path.split('<').next().and_then(|path| path.rsplit("::").next());
        // A box says nothing of what is in it.
        let name = name.filter(|name| !["", "Box", "&dyn core"].contains(name)).unwrap_or(ERROR);
        Failure::new(name, text.trim())
    }

    pub(crate) fn note(mut self, note: impl Into<String>) -> Failure {
        self.notes.push(note.into());
        self
    }

    pub(crate) fn at(self, place: Option<Place>) -> Failure {
        Failure { place, ..self }
    }

    /// Says where in the cell it happened, whose code evcxr has compiled last in `dir`.
    pub(crate) fn with_place(self, cell: &str, dir: &Path) -> Failure {
        let Some(place) = self.place.clone() else { return self };
        let code = match place.file.as_str() {
            CELLS => fs::read_to_string(dir.join(CELLS)).ok(),
            _ => None,
        };
        let note = place.in_cell(cell, code.as_deref());
        Failure { notes: note.into_iter().chain(self.notes).collect(), ..self }
    }

    /// The content of Jupyter's message.
    pub(crate) fn content(&self) -> Value {
        let mut lines = self.text.lines();
        let first = lines.next().unwrap_or_default();
        let mut traceback =
            vec![headline(if self.name == ERROR { "error" } else { &self.name }, first)];
        traceback.extend(lines.map(str::to_owned).chain(self.notes.iter().cloned()));
        json!({"ename": self.name, "evalue": self.text, "traceback": traceback})
    }
}

/// What evcxr says in a cell's error when the process that ran it is gone.
const RUNTIME_ENDED: &str = "Subprocess terminated";

/// The content of an error message of evcxr's, for a notebook.
pub(crate) fn of_evcxr(error: &Value) -> Value {
    let text = error["evalue"].as_str().unwrap_or_default();
    if let Some((printed, how)) = text.split_once(RUNTIME_ENDED) {
        let how = how.trim_start_matches(" with status: ");
        let text = format!("the process that runs this notebook's cells has ended ({how})");
        let mut failure = Failure::new(ERROR, text).note(ALL_LOST);
        failure.notes.extend(printed.lines().map(str::to_owned));
        return failure.content();
    }
    compiler_errors::tidied(error)
}

/// What to do where the process of the cells has ended.
pub(crate) const ALL_LOST: &str = "All variables are lost: run the cells again that made them.";

impl Place {
    /// The place that begins with `file:line:`.
    pub(crate) fn parse(text: &str) -> Option<Place> {
        let mut parts = text.trim_end_matches(':').rsplitn(3, ':');
        let (_column, line, file) = (parts.next()?, parts.next()?, parts.next()?);
        Some(Place { file: file.to_owned(), line: line.parse().ok()? })
    }

    /// In words of the cell. `code` is what the compiler read, if the place is in it.
    fn in_cell(&self, cell: &str, code: Option<&str>) -> Option<String> {
        let Some(code) = code else {
            // Of the path of a crate only its name with the version tells a reader something.
            let file = self.file.split("/registry/src/").last()?;
            let file = file
                .split_once('/')
                .filter(|_| file.len() < self.file.len())
                .map_or(file, |(_, file)| file);
            return Some(format!("in {file}, line {}", self.line));
        };
        let line = code.lines().nth(self.line.checked_sub(1)?)?.trim();
        let mut found = cell.lines().enumerate().filter(|(_, text)| text.contains(line));
        match (found.next(), found.next()) {
            _ if line.is_empty() => None,
            (Some((at, text)), None) => Some(format!("in line {}: {}", at + 1, short(text.trim()))),
            (None, _) => Some(format!("in code of an earlier cell: {}", short(line))),
            _ => Some(format!("in: {}", short(line))),
        }
    }
}

/// As much of a line of code as a reader needs to find it.
fn short(code: &str) -> String {
    const MOST: usize = 100;
    match code.char_indices().nth(MOST) {
        Some((end, _)) => format!("{} …", &code[..end]),
        None => code.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_went_wrong_stands_first_and_in_red() {
        let failure = Failure::of_type("core::num::error::ParseIntError", "no digit\nat all\n");
        assert_eq!(
            failure.note("lost").content(),
            json!({
                "ename": "ParseIntError",
                "evalue": "no digit\nat all",
                "traceback": ["\u{1b}[31mParseIntError\u{1b}[0m\u{1b}[1m: no digit\u{1b}[0m", "at all", "lost"],
            })
        );
        for (path, name) in [
            ("convscope::error::Error", "Error"),
            ("alloc::boxed::Box<dyn core::error::Error>", "Error"),
            ("ctx::Mine<alloc::string::String>", "Mine"),
            ("&str", "&str"),
            ("", "Error"),
        ] {
            assert_eq!(Failure::of_type(path, "").name, name, "{path}");
        }
    }

    #[test]
    fn a_place_is_told_in_words_of_the_cell() {
        let code = "use a;\nfn old() {\n    v[9]\n}\nlet i = 3;\n v[i]\nv[j]\nv[j]\n";
        let cell = "let i = 3; v[i]\nv[j]\nv[j]";
        let told = |line| {
            Place::parse(&format!("src/lib.rs:{line}:5:")).unwrap().in_cell(cell, Some(code))
        };
        assert_eq!(told(6).as_deref(), Some("in line 1: let i = 3; v[i]"));
        assert_eq!(told(7).as_deref(), Some("in: v[j]"));
        assert_eq!(told(3).as_deref(), Some("in code of an earlier cell: v[9]"));
        assert_eq!(told(0), None);
        assert_eq!(told(99), None);
        let crates = Place::parse("/a/registry/src/index-1/b-0.1.0/src/c.rs:7:1").unwrap();
        assert_eq!(crates.in_cell("", None).as_deref(), Some("in b-0.1.0/src/c.rs, line 7"));
        let library = Place::parse("/a/convscope/src/c.rs:7:1").unwrap();
        assert_eq!(library.in_cell("", None).as_deref(), Some("in /a/convscope/src/c.rs, line 7"));
        assert_eq!(Place::parse("nowhere"), None);
        assert_eq!(short(&"ß".repeat(101)), format!("{} …", "ß".repeat(100)));
    }
}
