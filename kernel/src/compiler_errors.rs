//! Errors of the compiler, as evcxr reports them, made fit for a notebook: the message and what to do
//! first, and colors that can be read on light and on dark paper.

use serde_json::{Value, json};

use crate::errors::{RESET, headline};

/// The content of an error message of evcxr's, with its report for people.
pub(crate) fn tidied(error: &Value) -> Value {
    let message = error["evalue"].as_str().unwrap_or_default();
    let report: Vec<&str> =
        error["traceback"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let first = report.first().map(|line| plain(line)).unwrap_or_default();
    let code = first.strip_prefix('[').and_then(|rest| rest.split_once("] Error: "));
    let code = code.map(|(code, _)| code).unwrap_or_default();
    let mut lines = Vec::new();
    let mut told = message.lines();
    let first = told.next().unwrap_or_default();
    lines.push(match code {
        "" => headline("error", first),
        code => headline(&format!("error[{code}]"), first),
    });
    lines.extend(told.map(str::to_owned));
    lines.extend(remedy(code, message));
    lines.extend(drawing(&report, message));
    json!({"ename": error["ename"], "evalue": message, "traceback": lines})
}

/// What to do, where a notebook's reader needs another word than rustc has.
fn remedy(code: &str, message: &str) -> Option<String> {
    let name = message.split('`').nth(1).unwrap_or_default();
    if message.contains("evcxr_display") {
        return Some(
            "End the cell with `?`, or run `use convscope::prelude::*;` before it.".to_owned(),
        );
    }
    Some(match code {
        "E0382" | "E0505" => format!(
            "Lend `{name}` where it is given away (`&{name}`), or give a copy (`{name}.clone()`)."
        ),
        "E0425" if message.contains("find value") => format!(
            "Run the cell that makes `{name}` first: what fails or is interrupted leaves no variables."
        ),
        "E0432" | "E0433" => {
            "Run the cells with `:dep` and `use` first, and look whether the name is right."
                .to_owned()
        }
        _ => return None,
    })
}

/// The cell's lines with what is wrong there, without the frame around them.
fn drawing(report: &[&str], message: &str) -> Vec<String> {
    if !report.iter().any(|line| line.contains('│')) {
        // No drawing: the message, and what there is beside it.
        let new = |line: &&&str| !message.lines().any(|said| plain(line).ends_with(said));
        return report.iter().filter(new).map(|line| recolored(line)).collect();
    }
    let drawn = report.iter().filter(|line| plain(line).contains('│'));
    let mut lines: Vec<String> = drawn.map(|line| recolored(line)).collect();
    // The frame's first line holds nothing.
    if lines.first().is_some_and(|line| plain(line).trim() == "│") {
        lines.remove(0);
    }
    lines
}

/// A line without colors.
fn plain(line: &str) -> String {
    pieces(line).map(|(_, text)| text).collect()
}

/// evcxr colors each letter, in shades for light paper. Notebooks have eight colors that go with theirs.
fn recolored(line: &str) -> String {
    let (mut colored, mut last) = (String::new(), "0");
    for (color, text) in pieces(line) {
        let color = match color {
            "" | "0" | "38;5;240" | "38;5;246" | "38;5;249" => "0",
            "38;5;54" => "31",
            "38;5;100" => "34",
            "38;5;68" => "32",
            other if other.starts_with("38;5;") => "36",
            other => other,
        };
        // Spaces have none.
        if color != last && !text.trim().is_empty() {
            colored.push_str(&format!("\u{1b}[{color}m"));
            last = color;
        }
        colored.push_str(text);
    }
    if last != "0" {
        colored.push_str(RESET);
    }
    colored
}

/// The parts of a line, each with its color's code.
fn pieces(line: &str) -> impl Iterator<Item = (&str, &str)> {
    line.split("\u{1b}[").enumerate().filter_map(|(at, piece)| match at {
        0 => Some(("", piece)),
        _ => piece.split_once('m'),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_and_what_to_do_come_first() {
        let report = [
            "\u{1b}[31m[E0382] Error:\u{1b}[0m borrow of moved value: `s`",
            "   \u{1b}[38;5;246m╭\u{1b}[0m\u{1b}[38;5;246m─\u{1b}[0m command_10:1:1",
            "   \u{1b}[38;5;246m│\u{1b}[0m",
            " \u{1b}[38;5;246m1 │\u{1b}[0m \u{1b}[38;5;249ml\u{1b}[0m\u{1b}[38;5;249ma\u{1b}[0m \u{1b}[38;5;54ms\u{1b}[0m\u{1b}[38;5;54ms\u{1b}[0m;",
            " \u{1b}[38;5;240m  │\u{1b}[0m \u{1b}[38;5;68m─\u{1b}[0m",
            "\u{1b}[38;5;246m───╯\u{1b}[0m",
        ];
        let error =
            json!({"ename": "Error", "evalue": "borrow of moved value: `s`", "traceback": report});
        let lines = [
            "\u{1b}[31merror[E0382]\u{1b}[0m\u{1b}[1m: borrow of moved value: `s`\u{1b}[0m",
            "Lend `s` where it is given away (`&s`), or give a copy (`s.clone()`).",
            " 1 │ la \u{1b}[31mss\u{1b}[0m;",
            "   │ \u{1b}[32m─\u{1b}[0m",
        ];
        assert_eq!(tidied(&error)["traceback"], json!(lines));
    }

    #[test]
    fn whatever_evcxr_says_has_a_first_line() {
        for (evalue, traceback, first) in [
            (json!("a\nb"), json!([]), "\u{1b}[31merror\u{1b}[0m\u{1b}[1m: a\u{1b}[0m"),
            (json!(null), json!(null), "\u{1b}[31merror\u{1b}[0m\u{1b}[1m: \u{1b}[0m"),
            (
                json!("x"),
                json!(["\u{1b}[", "\u{1b}[31", "│\u{1b}[mé"]),
                "\u{1b}[31merror\u{1b}[0m\u{1b}[1m: x\u{1b}[0m",
            ),
        ] {
            let tidied =
                tidied(&json!({"ename": "Error", "evalue": evalue, "traceback": traceback}));
            assert_eq!(tidied["traceback"][0], first);
        }
    }
}
