//! How a line of text is written: what can't be seen is made visible, and what is read from the right
//! stands the other way round.

use std::borrow::Cow;

use unicode_bidi::{BidiInfo, Level};

use super::arabic::joined;

/// `text` with characters that can't be seen written out, as `\t` or `\u{202e}`: of two names that differ,
/// no reader sees the same, and none of them changes what stands beside it.
pub(crate) fn visible(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    let mut before = ' ';
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        // Persian and Indic words and emoji are written with joiners.
        let joins =
            is_joiner(c) && !before.is_ascii() && rest.peek().is_some_and(|c| !c.is_ascii());
        match is_unseen(c) && !joins {
            true => shown.extend(c.escape_default()),
            false => shown.push(c),
        }
        before = c;
    }
    Cow::Owned(shown)
}

fn is_unseen(c: char) -> bool {
    let blank = matches!(c, '\u{115f}' | '\u{1160}' | '\u{2800}' | '\u{3164}' | '\u{ffa0}');
    let space = c.is_whitespace() && c != ' ';
    // Format characters, and tags.
    let format = matches!(c, '\u{ad}' | '\u{61c}' | '\u{34f}' | '\u{180e}' | '\u{feff}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}');
    c.is_control() || space || blank || format
}

fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}')
}

/// The characters of a line as they are drawn from left to right.
pub(super) fn drawn(text: &str) -> Cow<'_, str> {
    let text = visible(text);
    // Below, there is no script that is read from the right.
    if text.chars().all(|c| c < '\u{590}') {
        return text;
    }
    let info = BidiInfo::new(&text, None);
    let mut line = String::with_capacity(text.len());
    for paragraph in &info.paragraphs {
        let (levels, runs) = info.visual_runs(paragraph, paragraph.range.clone());
        for run in runs {
            let level = levels.get(run.start).copied().unwrap_or(Level::ltr());
            let run = joined(text.get(run).unwrap_or_default());
            match level.is_rtl() {
                true => line.extend(reversed(&run)),
                false => line.push_str(&run),
            }
        }
    }
    line.retain(|c| !is_joiner(c));
    Cow::Owned(line)
}

/// The characters from the last to the first, brackets mirrored, marks still behind what they are
/// over or under.
fn reversed(run: &str) -> impl Iterator<Item = char> {
    let mut line: Vec<char> = run.chars().rev().map(mirrored).collect();
    let mut start = 0;
    for end in 1..=line.len() {
        if !is_mark(line[end - 1]) {
            line[start..end].rotate_right(1);
            start = end;
        }
    }
    line.into_iter()
}

/// Hebrew points and Arabic vowel signs, which take no room.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{591}'..='\u{5bd}' | '\u{5bf}' | '\u{5c1}'..='\u{5c2}' | '\u{5c4}'..='\u{5c5}' | '\u{5c7}'
        | '\u{610}'..='\u{61a}' | '\u{64b}'..='\u{65f}' | '\u{670}' | '\u{6d6}'..='\u{6dc}'
        | '\u{300}'..='\u{36f}')
}

fn mirrored(c: char) -> char {
    const PAIRS: [(char, char); 5] = [('(', ')'), ('[', ']'), ('{', '}'), ('<', '>'), ('«', '»')];
    let other = |&(a, b): &(char, char)| match c {
        c if c == a => Some(b),
        c if c == b => Some(a),
        _ => None,
    };
    PAIRS.iter().find_map(other).unwrap_or(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_is_written_out() {
        assert_eq!(visible("a\u{202e}b\tc\n\u{1b}[31m"), "a\\u{202e}b\\tc\\n\\u{1b}[31m");
        assert_eq!(visible("a\u{200d}b, a\u{a0}b"), "a\\u{200d}b, a\\u{a0}b");
        for plain in
            ["cat", "Ångström e\u{301}", "日本語の犬", "🐕\u{200d}🦺 dog", "می\u{200c}خواهم"]
        {
            assert_eq!(visible(plain), plain);
        }
    }

    #[test]
    fn hebrew_runs_from_the_right_and_numbers_in_it_do_not() {
        assert_eq!(drawn("מכונית"), "תינוכמ");
        assert_eq!(drawn("map of מכונית כחולה, 7"), "map of 7 ,הלוחכ תינוכמ");
        assert_eq!(drawn("א (ב) 12"), "12 (ב) א");
        // The point stays on its letter.
        assert_eq!(drawn("אב\u{5bc}"), "ב\u{5bc}א");
        assert_eq!(drawn("plain"), "plain");
    }
}
