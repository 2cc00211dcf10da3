//! What is said to the `convscope` kernel while a cell runs: frames, each a line of stdout, which the kernel
//! takes out of what the cell prints (`kernel/src/live.rs` reads them).

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};

use serde_json::{Value, json};

/// An output's mime types and contents.
pub(crate) type Forms = [(&'static str, String)];

/// What the first line of a frame begins with.
const BEGINNING: &str = "\u{1}convscope:";

/// One thing to say. IDs are from [`new_id`].
pub(crate) enum Frame<'a> {
    /// An output of the cell, here and now.
    Show { id: &'a str, forms: &'a Forms },
    /// What an ID shows is replaced, wherever it stands.
    Update { id: &'a str, forms: &'a Forms },
    /// It was shown for the time of a run only: the next figure takes its place.
    Leave { id: &'a str },
    /// A run that can be stopped.
    Begin { id: &'a str, what: &'a str },
    /// It is over.
    End { id: &'a str },
}

impl Frame<'_> {
    /// The whole line, with its end.
    pub(crate) fn line(&self) -> String {
        let content = match self {
            Frame::Show { id, forms } => json!({"show": id, "data": data(forms)}),
            Frame::Update { id, forms } => json!({"update": id, "data": data(forms)}),
            Frame::Leave { id } => json!({"leave": id}),
            Frame::Begin { id, what } => json!({"begin": id, "what": what}),
            Frame::End { id } => json!({"end": id}),
        };
        // evcxr looks for words of its own anywhere in a line.
        let content = content.to_string().replace("EVCXR_", "\\u0045VCXR_");
        format!("{BEGINNING}{content}\n")
    }
}

/// Contents of JSON are sent as what they are.
fn data(forms: &Forms) -> Value {
    let forms = forms.iter().map(|(mime, content)| {
        let json = mime.contains("json").then(|| serde_json::from_str(content).ok()).flatten();
        ((*mime).to_owned(), json.unwrap_or_else(|| Value::String(content.clone())))
    });
    Value::Object(forms.collect())
}

/// An ID that no other cell of the process has: each has statics of its own, so none can count.
pub(crate) fn new_id() -> String {
    format!("{:016x}", RandomState::new().build_hasher().finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_one_line_without_words_of_evcxr() {
        let text = "a \"b\"\nEVCXR_END_CONTENT\nEVCXR_BEGIN_CONTENT text/html\r\u{1}convscope:{}";
        let vega = ("application/vnd.vega.v5+json", "{\"marks\": [1]}".to_owned());
        let line = Frame::Show { id: "7", forms: &[vega, ("text/plain", text.to_owned())] }.line();
        let content = line.strip_prefix(BEGINNING).and_then(|rest| rest.strip_suffix('\n'));
        let content = content.expect("a frame");
        assert!(!content.contains(['\n', '\r', '\u{1}']) && !content.contains("EVCXR_"));
        let content: Value = serde_json::from_str(content).expect("JSON");
        assert_eq!(content["show"], "7");
        assert_eq!(content["data"]["text/plain"], text);
        assert_eq!(content["data"]["application/vnd.vega.v5+json"]["marks"][0], 1);
    }

    #[test]
    fn no_two_ids_are_alike() {
        let ids: std::collections::HashSet<String> = (0..1000).map(|_| new_id()).collect();
        assert_eq!(ids.len(), 1000);
    }
}
