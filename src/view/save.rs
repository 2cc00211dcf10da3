//! A figure as a file.

use std::fs;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::Figure;
use super::bundle::jpeg;
use super::png::png;
use super::text::visible;
use crate::{Error, Result, atomic_write};

/// Writes by the extension.
pub(super) fn save(figure: &(impl Figure + ?Sized), path: &Path) -> Result<()> {
    let bytes = match extension(path).as_str() {
        "png" => png(&figure.image()?)?,
        "jpg" | "jpeg" => jpeg(&figure.image()?)?,
        "html" | "htm" => figure.page()?.into_bytes(),
        _ => {
            return Err(Error::Argument(format!(
                "cannot save to {}: a figure is written as .png, .jpg or .html",
                path.display()
            )));
        }
    };
    write(path, &bytes)
}

/// The part of a file's name that says what it is, in small letters.
pub(super) fn extension(path: &Path) -> String {
    path.extension().and_then(|e| e.to_str()).unwrap_or_default().to_lowercase()
}

pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let action = "write the figure";
    atomic_write::write(action, path, |part| {
        fs::write(part, bytes).map_err(Error::io(action, path))
    })
}

/// The interactive form with the Vega build at `vega`.
pub(super) fn save_page(figure: &(impl Figure + ?Sized), path: &Path, vega: &Path) -> Result<()> {
    let bundle = figure.bundle()?;
    let Some(spec) = &bundle.vega else {
        return Err(Error::Argument(format!(
            "this figure has no interactive form ({}); `save` writes it as a page",
            bundle.text
        )));
    };
    let runtime = fs::read(vega).map_err(Error::io("read Vega", vega))?;
    let text = String::from_utf8_lossy(&runtime);
    if text.trim_start().starts_with('<') || !text.contains("vega") {
        return Err(Error::Argument(format!(
            "{} is no build of Vega. Expected vega.min.js of version 5, such as \
             https://cdn.jsdelivr.net/npm/vega@5/build/vega.min.js",
            vega.display()
        )));
    }
    write(path, interactive_page(&bundle.text, spec, &bundle.png, &runtime).as_bytes())
}

/// A page that needs nothing but itself, not even a network. Vega comes as a data URI, out of which
/// nothing it contains can break; where scripts are off, the still is shown.
fn interactive_page(text: &str, spec: &Value, png: &[u8], runtime: &[u8]) -> String {
    let text = escape(text);
    // In JSON, < only stands in strings, where this means the same.
    let spec = spec.to_string().replace('<', "\\u003c");
    let (png, runtime) = (STANDARD.encode(png), STANDARD.encode(runtime));
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <title>{text}</title>\n\
         <style>body{{margin:2rem;font-family:sans-serif}}img{{max-width:100%}}</style>\n\
         </head>\n<body>\n<div id=\"figure\"></div>\n\
         <noscript><img alt=\"{text}\" src=\"data:image/png;base64,{png}\"></noscript>\n\
         <script src=\"data:text/javascript;charset=utf-8;base64,{runtime}\"></script>\n\
         <script>\nconst spec = {spec};\n\
         const view = new vega.View(vega.parse(spec), {{container: '#figure', hover: true}});\n\
         view.runAsync();\n</script>\n</body>\n</html>\n"
    )
}

/// A page that needs nothing but itself.
pub(super) fn page(png: &[u8], text: &str) -> String {
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
pub(crate) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in visible(text).chars() {
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
