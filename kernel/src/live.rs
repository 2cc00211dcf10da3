//! What the library says while a cell runs: frames, lines among those that cells write to stdout.
//!
//! A frame is the byte 1, `convscope:`, a JSON object, and the end of the line:
//!
//! - `{"show": ID, "data": {MIME: CONTENT}}`: an output, here and now.
//! - `{"update": ID, "data": {MIME: CONTENT}}`: what this ID shows is replaced, wherever it stands.
//! - `{"leave": ID}`: this was shown for the time of a run. The next figure of the cell takes its place.
//! - `{"begin": ID, "what": TEXT}` and `{"end": ID}`: a run that can be stopped.
//!
//! CONTENT is a text, or anything for mime types of JSON. IDs are unique in the process.

use serde::Deserialize;
use serde_json::{Map, Value};

const BEGINNING: &str = "\u{1}convscope:";

/// Bytes of an ID, which is kept as long as what it shows.
const LONGEST_ID: usize = 200;

/// Forms of an output by their mime types.
pub(crate) type Forms = Map<String, Value>;

#[derive(Debug, PartialEq)]
pub(crate) enum Frame {
    Show { id: String, data: Forms },
    Update { id: String, data: Forms },
    Leave { id: String },
    Begin { id: String, what: String },
    End { id: String },
}

/// Divides a line into the text that it begins with and the frame that it ends in. What can't be read
/// as a frame is text.
pub(crate) fn split(line: &str) -> (&str, Option<Frame>) {
    // The last, since no frame can hold the byte that another begins with.
    let Some((text, frame)) = line.rsplit_once(BEGINNING) else { return (line, None) };
    match read(frame) {
        Some(frame) => (text, Some(frame)),
        None => (line, None),
    }
}

fn read(text: &str) -> Option<Frame> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Fields {
        show: Option<String>,
        update: Option<String>,
        leave: Option<String>,
        begin: Option<String>,
        end: Option<String>,
        data: Option<Forms>,
        what: Option<String>,
    }
    let Fields { show, update, leave, begin, end, data, what } = serde_json::from_str(text).ok()?;
    let ids = [&show, &update, &leave, &begin, &end];
    let fits = ids.into_iter().flatten().all(|id| id.len() <= LONGEST_ID);
    if !fits || !data.as_ref().is_none_or(is_bundle) {
        return None;
    }
    match (show, update, leave, begin, end, data, what) {
        (Some(id), None, None, None, None, Some(data), None) => Some(Frame::Show { id, data }),
        (None, Some(id), None, None, None, Some(data), None) => Some(Frame::Update { id, data }),
        (None, None, Some(id), None, None, None, None) => Some(Frame::Leave { id }),
        (None, None, None, Some(id), None, None, Some(what)) => Some(Frame::Begin { id, what }),
        (None, None, None, None, Some(id), None, None) => Some(Frame::End { id }),
        _ => None,
    }
}

/// Whether a notebook can show and save these forms.
fn is_bundle(data: &Forms) -> bool {
    data.iter().all(|(mime, content)| content.is_string() || mime.contains("json"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const GOOD: [&str; 5] = [
        r#"{"show":"a","data":{"image/png":"iVBORw0=","text/plain":"\u0045VCXR_é\n","application/vnd.vega.v5+json":{"a":[1,null]}}}"#,
        r#"{"update":"a","data":{}}"#,
        r#"{"leave":"a"}"#,
        r#"{"begin":"a","what":"maximizing relu3_1"}"#,
        r#"{"end":"a"}"#,
    ];

    fn framed(json: &str) -> String {
        format!("{BEGINNING}{json}\n")
    }

    #[test]
    fn frames_are_read_wherever_in_a_line_they_begin() {
        for json in GOOD {
            let (text, frame) = split_owned(&framed(json));
            assert!(text.is_empty() && frame.is_some(), "{json}");
            let (text, in_the_middle) = split_owned(&format!("50 %\r{}", framed(json)));
            assert_eq!((text.as_str(), &in_the_middle), ("50 %\r", &frame));
        }
        let (_, shown) = split_owned(&framed(GOOD[0]));
        let data = json!({
            "image/png": "iVBORw0=",
            "text/plain": "EVCXR_é\n",
            "application/vnd.vega.v5+json": {"a": [1, null]},
        });
        let Some(Frame::Show { id, data: read }) = shown else { panic!("{shown:?}") };
        assert_eq!((id.as_str(), Value::from(read)), ("a", data));
        // One that broke off before another.
        let line = format!("{BEGINNING}{}{}", &GOOD[0][..40], framed(GOOD[2]));
        let (text, frame) = split_owned(&line);
        assert_eq!(text, format!("{BEGINNING}{}", &GOOD[0][..40]));
        assert_eq!(frame, Some(Frame::Leave { id: "a".into() }));
    }

    #[test]
    fn what_is_no_frame_is_text() {
        let long = format!(r#"{{"leave":"{}"}}"#, "a".repeat(LONGEST_ID + 1));
        let deep = format!(r#"{{"show":"a","data":{{"json":{}}}}}"#, "[".repeat(100_000));
        for json in [
            "",
            "{}",
            "null",
            r#"{"show":"a"}"#,
            r#"{"show":1,"data":{}}"#,
            r#"{"show":"a","data":{"text/plain":1}}"#,
            r#"{"show":"a","data":{"text/plain":["a"]}}"#,
            r#"{"show":"a","update":"a","data":{}}"#,
            r#"{"leave":"a","data":{}}"#,
            r#"{"begin":"a"}"#,
            r#"{"end":"a","end":"b"}"#,
            r#"{"end":"a","what":"b"}"#,
            r#"{"end":"a"} and more"#,
            r#"{"hide":"a"}"#,
            &long,
            &deep,
        ] {
            let line = framed(json);
            assert_eq!(split(&line), (line.as_str(), None));
        }
        for line in ["\n", "convscope:{\"end\":\"a\"}\n", "\u{1}\n", "\u{1}convscope\n"] {
            assert_eq!(split(line), (line, None));
        }
    }

    #[test]
    fn damage_loses_no_text_and_ends_nothing() {
        // Linear congruential, as good as any for choosing places.
        let mut state = 7u64;
        let mut random = |below: usize| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 33) as usize % below
        };
        let (mut frames, mut texts) = (0, 0);
        for _ in 0..100_000 {
            let mut line: Vec<char> =
                format!("before{}", framed(GOOD[random(GOOD.len())])).chars().collect();
            for _ in 0..=random(3) {
                let at = random(line.len());
                match random(4) {
                    0 => drop(line.remove(at)),
                    1 => line.insert(at, line[random(line.len())]),
                    2 => line[at] = ['\u{1}', '"', '\\', '{', '}', 'é', '\0'][random(7)],
                    _ => line.truncate(at.max(9)),
                }
            }
            let line: String = line.into_iter().collect();
            let (text, frame) = split(&line);
            assert!(line.starts_with(text));
            match frame {
                Some(_) => {
                    assert!(line[text.len()..].starts_with(BEGINNING));
                    frames += 1;
                }
                None => {
                    assert_eq!(text, line);
                    texts += 1;
                }
            }
        }
        assert!(frames > 1000 && texts > 1000, "{frames} {texts}");
    }

    fn split_owned(line: &str) -> (String, Option<Frame>) {
        let (text, frame) = split(line);
        (text.to_owned(), frame)
    }
}
