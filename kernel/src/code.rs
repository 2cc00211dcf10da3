//! What the text of a cell tells before anything compiles it.

/// A cell that can't be run as it stands.
#[derive(Debug, PartialEq)]
pub(crate) enum Flaw {
    /// Code that goes on. evcxr would let rustc look for the reason, which takes seconds.
    Unfinished { why: String, depth: usize },
    /// evcxr gives its orders to running cells on standard input, so that one that reads there takes
    /// the next order, and waits for it as long as the notebook waits for the cell.
    ReadsStdin { line: usize },
}

impl Flaw {
    pub(crate) fn message(&self) -> String {
        match self {
            Flaw::Unfinished { why, .. } => {
                format!("the cell ends in the middle of its code: {why}")
            }
            Flaw::ReadsStdin { line } => format!(
                "a notebook has no standard input, which line {line} reads. To ask whoever reads the \
                 notebook: `:dep evcxr_input = \"1\"` and `evcxr_input::get_string(\"name? \")`"
            ),
        }
    }
}

/// What stands in the way of running this cell, as far as its text tells.
pub(crate) fn flaw(code: &str) -> Option<Flaw> {
    let mut scan = Scan::new(code);
    scan.skip_commands();
    scan.run()
}

/// Whether evcxr forgets everything for this cell, with what it ran before the first.
pub(crate) fn clears(code: &str) -> bool {
    let mut scan = Scan::new(code);
    scan.skip_commands();
    let commands = &code[..code.len() - scan.rest.len()];
    commands.lines().any(|line| line.trim() == ":clear")
}

/// evcxr's commands after which crates are compiled in another way, which cargo does not always see.
const COMPILER_COMMANDS: [&str; 6] = [
    ":allow_static_linking",
    ":build_env",
    ":codegen_backend",
    ":linker",
    ":sccache",
    ":toolchain",
];

/// Whether a cell has one of them.
pub(crate) fn compiles_otherwise(code: &str) -> bool {
    let mut words = code.lines().filter_map(|line| line.split_whitespace().next());
    words.any(|word| COMPILER_COMMANDS.contains(&word))
}

/// Words that can't be a cell's last.
const DEMANDING: [&str; 18] = [
    "as", "const", "else", "enum", "fn", "for", "if", "impl", "in", "let", "match", "mod", "mut",
    "struct", "trait", "use", "where", "while",
];

/// Reads Rust as far as to tell code from text and comments.
struct Scan<'a> {
    rest: &'a str,
    line: usize,
    /// Brackets that are open, and where.
    open: Vec<(char, usize)>,
    /// The end of the code so far, without comments: the last words and signs.
    tail: String,
    stdin: Option<usize>,
}

impl<'a> Scan<'a> {
    fn new(code: &'a str) -> Scan<'a> {
        Scan { rest: code, line: 1, open: Vec::new(), tail: String::new(), stdin: None }
    }

    /// Lines for evcxr or the shell, which come first.
    fn skip_commands(&mut self) {
        while let Some(line) = self.rest.lines().next() {
            let text = line.trim_start_matches(' ');
            let command =
                line.starts_with('!') || (text.starts_with(':') && !text.starts_with("::"));
            if !command && !line.starts_with("//") && !line.trim().is_empty() {
                return;
            }
            self.skip(line.len());
            self.skip(usize::from(self.rest.starts_with("\r\n")));
            self.skip(self.rest.len().min(1));
        }
    }

    fn skip(&mut self, bytes: usize) {
        let (skipped, rest) = self.rest.split_at(bytes);
        self.line += skipped.matches('\n').count();
        self.rest = rest;
    }

    /// Skips up to and with `end`; false if it never comes.
    fn skip_past(&mut self, end: &str) -> bool {
        let found = self.rest.find(end);
        self.skip(found.map_or(self.rest.len(), |at| at + end.len()));
        found.is_some()
    }

    fn run(mut self) -> Option<Flaw> {
        while let Some(next) = self.rest.chars().next() {
            let line = self.line;
            if self.rest.starts_with("//") {
                self.skip(self.rest.find('\n').unwrap_or(self.rest.len()));
            } else if self.rest.starts_with("/*") {
                if !self.skip_comment() {
                    return self.unfinished(format!("the comment from line {line} on never ends"));
                }
            } else if next == '"' || self.rest.starts_with(['r', 'b', 'c']) && self.at_text() {
                if !self.skip_text() {
                    return self.unfinished(format!("the text from line {line} on never ends"));
                }
                self.tail.push('"');
            } else if next == '\'' {
                self.skip_char_or_lifetime();
                self.tail.push('\'');
            } else if next.is_alphanumeric() || next == '_' {
                self.word();
            } else {
                self.sign(next);
            }
        }
        self.verdict()
    }

    fn skip_comment(&mut self) -> bool {
        let mut depth = 0;
        loop {
            if self.rest.starts_with("/*") {
                depth += 1;
                self.skip(2);
            } else if self.rest.starts_with("*/") {
                depth -= 1;
                self.skip(2);
                if depth == 0 {
                    return true;
                }
            } else {
                match self.rest.chars().next() {
                    Some(letter) => self.skip(letter.len_utf8()),
                    None => return false,
                }
            }
        }
    }

    /// Whether a text with a prefix begins here: `b"`, `r#"` and the like, but not `r#type`.
    fn at_text(&self) -> bool {
        let text = self.rest.strip_prefix(['b', 'c']).unwrap_or(self.rest);
        let text = text.strip_prefix('r').map_or(text, |raw| raw.trim_start_matches('#'));
        text.starts_with('"')
    }

    fn skip_text(&mut self) -> bool {
        let quote = self.rest.find('"').unwrap_or_default();
        let prefix = &self.rest[..quote];
        let hashes = prefix.matches('#').count();
        let raw = prefix.contains('r');
        self.skip(quote + 1);
        if raw {
            return self.skip_past(&format!("\"{}", "#".repeat(hashes)));
        }
        while let Some(at) = self.rest.find(['"', '\\']) {
            let quote = self.rest[at..].starts_with('"');
            self.skip(at + 1);
            if quote {
                return true;
            }
            self.skip(self.rest.chars().next().map_or(0, char::len_utf8));
        }
        self.skip(self.rest.len());
        false
    }

    fn skip_char_or_lifetime(&mut self) {
        self.skip(1);
        let mut letters = self.rest.chars();
        match (letters.next(), letters.next()) {
            (Some('\\'), Some(escaped)) => {
                self.skip(1 + escaped.len_utf8());
                self.skip_past("'");
            }
            (Some(letter), Some('\'')) => self.skip(letter.len_utf8() + 1),
            _ => {}
        }
    }

    fn word(&mut self) {
        let end = self.rest.find(|letter: char| !letter.is_alphanumeric() && letter != '_');
        let word = &self.rest[..end.unwrap_or(self.rest.len())];
        if self.tail.ends_with(|last: char| last.is_alphanumeric() || last == '_') {
            self.tail.push(' ');
        }
        self.tail.push_str(word);
        let line = self.line;
        self.skip(word.len());
        let mut call = self.rest.chars().filter(|letter| !letter.is_whitespace());
        if word == "stdin" && call.next() == Some('(') && call.next() == Some(')') {
            // A method of that name belongs to something else.
            let method =
                self.tail.strip_suffix("stdin").is_some_and(|before| before.ends_with('.'));
            self.stdin = self.stdin.or((!method).then_some(line));
        }
    }

    fn sign(&mut self, sign: char) {
        match sign {
            '(' | '[' | '{' => self.open.push((sign, self.line)),
            // Whether it closes the right one, rustc says.
            ')' | ']' | '}' => drop(self.open.pop()),
            _ => {}
        }
        if !sign.is_whitespace() {
            self.tail.push(sign);
        } else if !self.tail.ends_with(' ') {
            self.tail.push(' ');
        }
        self.skip(sign.len_utf8());
    }

    fn unfinished(&self, why: String) -> Option<Flaw> {
        Some(Flaw::Unfinished { why, depth: self.open.len() })
    }

    fn verdict(&self) -> Option<Flaw> {
        if let Some(&(bracket, line)) = self.open.last() {
            return self.unfinished(format!("`{bracket}` in line {line} is never closed"));
        }
        let tail = self.tail.trim_end();
        let word_at = tail.rfind(|letter: char| !letter.is_alphanumeric() && letter != '_');
        let word = &tail
            [word_at.map_or(0, |at| at + tail[at..].chars().next().map_or(1, char::len_utf8))..];
        // A `.` may end a range or a number; `*` an import; `>` a type.
        let number = tail.strip_suffix('.').is_some_and(|before| {
            let digits =
                before.trim_end_matches(|digit: char| digit.is_ascii_digit() || digit == '_');
            digits.len() < before.len()
                && !digits.ends_with(|letter: char| letter.is_alphanumeric())
        });
        let demanding = if DEMANDING.contains(&word) {
            Some(word)
        } else if tail.ends_with("->") {
            Some("->")
        } else if tail.ends_with("..") || number {
            None
        } else {
            let last = tail.char_indices().next_back().map(|(at, _)| &tail[at..]);
            last.filter(|last| ".=,+-/%^&|:!<".contains(last))
        };
        match demanding {
            Some(last) => self.unfinished(format!("something must follow `{last}`")),
            None => self.stdin.map(|line| Flaw::ReadsStdin { line }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why(code: &str) -> Option<String> {
        match flaw(code) {
            Some(Flaw::Unfinished { why, .. }) => Some(why),
            _ => None,
        }
    }

    #[test]
    fn unfinished_code_says_what_is_missing() {
        for (code, expected) in [
            ("let half = net.", "something must follow `.`"),
            ("let half =\n  // later", "something must follow `=`"),
            ("fn f() ->", "something must follow `->`"),
            ("if x { 1 } else", "something must follow `else`"),
            ("1 +", "something must follow `+`"),
            ("f(\n  1,", "`(` in line 1 is never closed"),
            (":dep a = \"1\"\nfor i in 0..3 {\n", "`{` in line 2 is never closed"),
            ("let a = \"one\ntwo", "the text from line 1 on never ends"),
            ("let a = r#\"one\" ", "the text from line 1 on never ends"),
            ("1\n/* /* */", "the comment from line 2 on never ends"),
        ] {
            assert_eq!(why(code).as_deref(), Some(expected), "{code}");
        }
        let open = flaw("f(|| {").unwrap();
        assert!(matches!(open, Flaw::Unfinished { depth: 2, .. }));
        assert!(open.message().contains("`{` in line 1"));
    }

    #[test]
    fn whole_code_passes() {
        for code in [
            "",
            "1 + 1",
            "let r = 0..",
            "let x = 1.",
            "let x: Vec<u8> = vec![]; x",
            "use std::io::*",
            r#"let q = '"'; let e = '\''; let u = '\u{1F980}'; let b = b'('; let o = '('; q"#,
            "fn f<'a>(x: &'a str) -> &'a str { x }",
            "let t = \"(\\\"{\"; let r = r##\"{\"# \"##; let b = br\"\\\"; let c = c\"[\";",
            "let r#type = 1; r#type",
            "/* ( */ 1 // {",
            "!ls (\n:dep half = { path = \"a(\" }\n\n// {\n1",
            "net.summary()?",
            "if a < b { 1 } else { 2 }",
            "\"größer\".len()",
            "println!(\"{}\", 1)",
            "let brr = 1; let c = brr; c",
            "x.0",
        ] {
            assert_eq!(flaw(code), None, "{code}");
        }
    }

    #[test]
    fn clearing_is_seen_among_the_commands() {
        assert!(clears(":clear"));
        assert!(clears("// all\n:dep a = \"1\"\n :clear \nlet a = 1;"));
        for code in
            ["", "1", ":clear_cache", "// :clear", "let a = 1;\n:clear", "let a = \"\n:clear\n\";"]
        {
            assert!(!clears(code), "{code}");
        }
    }

    #[test]
    fn reading_standard_input_is_seen_where_it_is_done() {
        let code = "let mut s = String::new();\nstd::io::stdin().read_line(&mut s)?;";
        assert_eq!(flaw(code), Some(Flaw::ReadsStdin { line: 2 }));
        assert_eq!(flaw("let l = io::stdin( ).lock();"), Some(Flaw::ReadsStdin { line: 1 }));
        for code in [
            "// stdin()",
            "\"stdin()\"",
            "Command::new(\"a\").stdin(Stdio::null());",
            "child.stdin()",
        ] {
            assert_eq!(flaw(code), None, "{code}");
        }
    }

    #[test]
    fn any_prefix_of_a_cell_is_read_without_a_panic() {
        let code =
            "!x\n:dep ü = \"1\"\nlet 'é' = r#\"ß\"#; b'\\''; /* ✓ /* */ */ \"\\é\" 'a 'ß' .. 1. ->";
        for end in (0..=code.len()).filter(|&end| code.is_char_boundary(end)) {
            flaw(&code[..end]);
        }
    }
}
