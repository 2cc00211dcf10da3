//! A figure as a file.

use std::fs;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::Figure;
use super::bundle::jpeg;
use super::png::png;
use crate::{Error, Result, whole};

/// Writes by the extension.
pub(super) fn save(figure: &(impl Figure + ?Sized), path: &Path) -> Result<()> {
    let extension = path.extension().and_then(|e| e.to_str()).unwrap_or_default().to_lowercase();
    let bytes = match extension.as_str() {
        "png" => png(&figure.image()?)?,
        "jpg" | "jpeg" => jpeg(&figure.image()?)?,
        "html" | "htm" => page(&png(&figure.image()?)?, &figure.description()).into_bytes(),
        _ => {
            return Err(Error::Argument(format!(
                "cannot save to {}: a figure is written as .png, .jpg or .html",
                path.display()
            )));
        }
    };
    whole::write(path, |part| fs::write(part, bytes).map_err(Error::io("write the figure", path)))
}

/// A page that needs nothing but itself.
fn page(png: &[u8], text: &str) -> String {
    let text = escape(text);
    let png = STANDARD.encode(png);
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <title>{text}</title>\n\
         <style>body{{margin:2rem;font-family:sans-serif}}img{{max-width:100%}}</style>\n\
         </head>\n<body>\n<img alt=\"{text}\" src=\"data:image/png;base64,{png}\">\n\
         </body>\n</html>\n"
    )
}

/// Text from files and users, made harmless in HTML.
fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_break_out_of_the_page() {
        let text = "<script>alert(1)</script>\" onerror='x'";
        let html = page(&[1], text);
        assert!(!html.contains("<script>") && !html.contains("\" onerror"));
        assert!(html.contains("&lt;script&gt;"));
    }
}
