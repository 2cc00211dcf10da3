//! What stands in messages: names, shapes and libtorch's words, however long they are.

use std::borrow::Cow;
use std::path::Path;

/// The first line of libtorch's message, which is followed by a C++ backtrace.
pub(crate) fn first_line(message: &str) -> String {
    let message = message.trim_start_matches("Internal torch error: ");
    bounded(message.lines().next().unwrap_or_default()).into_owned()
}

/// A shape as this crate writes it everywhere: `[1, 3, 224, 224]`. Of a file's thousands of sizes only
/// the first.
pub(crate) fn shape_text(shape: &[i64]) -> String {
    const SHOWN: usize = 16;
    match shape.get(..SHOWN) {
        Some(first) if shape.len() > SHOWN => {
            let first: Vec<String> = first.iter().map(i64::to_string).collect();
            format!("[{}, … {} in all]", first.join(", "), shape.len())
        }
        _ => format!("{shape:?}"),
    }
}

/// A name of a file's or a user's as messages show it, however long it is.
pub(crate) fn short(name: &str) -> Cow<'_, str> {
    cut(name, 80)
}

/// At most `most` characters, of which those in the middle go.
fn cut(text: &str, most: usize) -> Cow<'_, str> {
    if text.len() <= most || text.chars().nth(most).is_none() {
        return text.into();
    }
    let half = most / 2;
    let head = text.char_indices().nth(half).map_or(text, |(end, _)| &text[..end]);
    let tail = text.char_indices().rev().nth(half - 2).map_or("", |(start, _)| &text[start..]);
    format!("{head}…{tail}").into()
}

/// The wall for all that files and users put into messages.
pub(super) fn bounded(text: &str) -> Cow<'_, str> {
    cut(text, 1600)
}

/// A path, however long it is.
pub(super) fn path_text(path: &Path) -> String {
    cut(&path.display().to_string(), 300).into_owned()
}

/// Texts with commas between: all of them, or the first and the last.
pub(crate) fn listed(texts: &[String]) -> String {
    const FIRST: usize = 14;
    const LAST: usize = 6;
    if texts.len() <= FIRST + LAST {
        return texts.join(", ");
    }
    let (first, last) = (&texts[..FIRST], &texts[texts.len() - LAST..]);
    format!("{}, …, {}", first.join(", "), last.join(", "))
}

/// Names in backticks, with commas between.
pub(crate) fn quoted(names: &[&str]) -> String {
    listed(&names.iter().map(|name| format!("`{}`", short(name))).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;

    #[test]
    fn what_is_long_is_cut_in_the_middle() {
        assert_eq!(short("layer1.0.conv1"), "layer1.0.conv1");
        let long = format!("begin{}end", "ä".repeat(10_000));
        let cut = short(&long);
        assert_eq!(cut.chars().count(), 80);
        assert!(cut.starts_with("begin") && cut.ends_with("end") && cut.contains('…'), "{cut}");
        let message = Error::Argument(long.repeat(3)).to_string();
        assert_eq!(message.chars().count(), 1600);
        assert_eq!(shape_text(&[1, 3]), "[1, 3]");
        assert!(shape_text(&[7; 5000]).ends_with("7, … 5000 in all]"));
    }

    #[test]
    fn of_many_names_the_first_and_the_last_are_listed() {
        let names: Vec<String> = (0..100).map(|number| format!("n{number}")).collect();
        assert_eq!(listed(&names[..3]), "n0, n1, n2");
        let text = listed(&names);
        assert!(text.starts_with("n0, n1") && text.ends_with("n98, n99"), "{text}");
        assert_eq!(text.matches(", ").count(), 20);
        assert_eq!(quoted(&["a", "b"]), "`a`, `b`");
    }
}
