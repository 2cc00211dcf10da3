//! The page as HTML: a file of its own, and what a notebook holds.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::view::escape;

/// What runs in the page, built from `page/`.
const SCRIPT: &str = include_str!("page.js");

/// The page may run its own script and style, and ask for nothing.
const POLICY: &str = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; \
                      img-src data: blob:";

/// A page that needs nothing but itself. Without scripts it shows `still`, if there is one.
pub(super) fn page(title: &str, model: &Value, still: Option<&str>) -> String {
    let title = escape(title);
    let still = still.map(|still| format!("<noscript>{still}</noscript>\n")).unwrap_or_default();
    // In JSON, < only stands in strings, where this means the same.
    let model = model.to_string().replace('<', "\\u003c");
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title}</title>\n</head>\n<body>\n\
         <div id=\"alive\"></div>\n{still}\
         <script type=\"application/json\" id=\"model\">{model}</script>\n\
         <script>{SCRIPT}</script>\n</body>\n</html>\n"
    )
}

/// What a notebook holds: the still, and the page in a frame, which hides the still when it runs. Where
/// frames or scripts are taken out, the still is left.
pub(super) fn framed(title: &str, page: &str, still: &str) -> String {
    let title = escape(title);
    // Within these quotes nothing else can end the text.
    let page = page.replace('&', "&amp;").replace('\'', "&#39;");
    format!(
        "<div class=\"convscope-alive\">{still}<iframe title=\"{title}\" \
         style=\"display:block;width:100%;height:0;border:0\" srcdoc='{page}'></iframe></div>"
    )
}

/// The still as an element.
pub(super) fn still(png: &[u8], text: &str) -> String {
    let (text, png) = (escape(text), STANDARD.encode(png));
    format!("<img alt=\"{text}\" src=\"data:image/png;base64,{png}\" style=\"max-width:100%\">")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_script_can_stand_in_a_page() {
        let script = SCRIPT.to_lowercase();
        assert!(!script.contains("</script") && !script.contains("<!--"));
    }

    #[test]
    fn nothing_breaks_out_of_page_or_frame() {
        let name = "</script></title>'\"><img onerror=alert(1)>";
        let page = page(name, &json!({"title": name}), Some(&still(&[1], name)));
        assert_eq!(page.matches("</script>").count(), 2);
        assert!(!page.contains("<img onerror"));
        let framed = framed(name, &page, &still(&[1], name));
        assert_eq!(framed.matches('\'').count(), 2, "only the quotes around the page");
        assert!(framed.ends_with("&#39;></iframe></div>") || framed.ends_with("'></iframe></div>"));
    }
}
