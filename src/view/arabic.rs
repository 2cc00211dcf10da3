//! Arabic letters in the forms in which they join, as fonts hold them: "Arabic Presentation Forms".

use std::borrow::Cow;

/// The letters U+0621 to U+063A and U+0641 to U+064A in the order of the block from U+FE80 on, where
/// each has so many forms: alone, last, first, middle. Those with two join only the letter before them.
const FORMS: [(char, &[u8]); 2] = [
    ('\u{621}', &[1, 2, 2, 2, 2, 4, 2, 4, 2, 4, 4, 4, 4, 4, 2, 2, 2, 2, 4, 4, 4, 4, 4, 4, 4, 4]),
    ('\u{641}', &[4, 4, 4, 4, 4, 4, 4, 2, 2, 4]),
];
/// Persian letters and those of Urdu that it shares, with their first form and how many there are.
const MORE: [(char, u32, u8); 6] = [
    ('\u{67e}', 0xfb56, 4),
    ('\u{686}', 0xfb7a, 4),
    ('\u{698}', 0xfb8a, 2),
    ('\u{6a9}', 0xfb8e, 4),
    ('\u{6af}', 0xfb92, 4),
    ('\u{6cc}', 0xfbfc, 4),
];
/// Lam and alef are one sign, alone or last: that of lam with each alef.
const LAM: char = '\u{644}';
const LAM_ALEF: [(char, u32); 4] =
    [('\u{622}', 0xfef5), ('\u{623}', 0xfef7), ('\u{625}', 0xfef9), ('\u{627}', 0xfefb)];

/// The first form of a letter, and how many it has.
fn forms(letter: char) -> Option<(u32, u8)> {
    if let Some(&(_, first, count)) = MORE.iter().find(|more| more.0 == letter) {
        return Some((first, count));
    }
    let mut form = 0xfe80;
    for (start, counts) in FORMS {
        for (known, &count) in (start..).zip(counts) {
            if known == letter {
                return Some((form, count));
            }
            form += u32::from(count);
        }
    }
    None
}

/// `text`, in the order in which it is read, with each Arabic letter in its form.
pub(super) fn joined(text: &str) -> Cow<'_, str> {
    if !text.chars().any(|c| forms(c).is_some()) {
        return Cow::Borrowed(text);
    }
    let letters: Vec<char> = text.chars().collect();
    // Vowel signs stand over letters that join all the same.
    let sign = |c: &&char| !matches!(**c, '\u{64b}'..='\u{65f}' | '\u{670}');
    let reaches_on =
        |c: char| c == '\u{640}' || c == '\u{200d}' || forms(c).is_some_and(|f| f.1 == 4);
    let mut line = String::with_capacity(text.len());
    let mut skip = false;
    for (at, &letter) in letters.iter().enumerate() {
        if std::mem::take(&mut skip) {
            continue;
        }
        let Some((first, count)) = forms(letter) else {
            line.push(letter);
            continue;
        };
        let before = letters[..at].iter().rev().find(sign).is_some_and(|&c| reaches_on(c));
        let next = letters[at + 1..].iter().find(sign).copied();
        let alef =
            LAM_ALEF.iter().find(|(alef, _)| letter == LAM && letters.get(at + 1) == Some(alef));
        let form = if let Some((_, form)) = alef {
            skip = true;
            form + u32::from(before)
        } else {
            let after = count == 4
                && next.is_some_and(|c| reaches_on(c) || forms(c).is_some_and(|f| f.1 > 1));
            first + u32::from(before && count > 1) + 2 * u32::from(after)
        };
        line.push(char::from_u32(form).unwrap_or(letter));
    }
    Cow::Owned(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_take_the_forms_that_join() {
        // Seen, yeh, alef, reh, teh marbuta; reh and alef join nothing after them.
        assert_eq!(joined("سيارة"), "\u{feb3}\u{fef4}\u{fe8e}\u{fead}\u{fe93}");
        assert_eq!(joined("سلام"), "\u{feb3}\u{fefc}\u{fee1}");
        assert_eq!(joined("گربه"), "\u{fb94}\u{feae}\u{fe91}\u{feea}");
        assert_eq!(joined("cat"), "cat");
    }

    #[test]
    fn forms_are_where_unicode_has_them() {
        assert_eq!(forms('\u{628}'), Some((0xfe8f, 4)));
        assert_eq!(forms('\u{63a}'), Some((0xfecd, 4)));
        assert_eq!(forms('\u{641}'), Some((0xfed1, 4)));
        assert_eq!(forms('\u{64a}'), Some((0xfef1, 4)));
    }
}
