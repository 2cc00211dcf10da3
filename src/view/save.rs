//! A figure as a file.

use std::fs;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::RgbImage;

use super::Bundle;
use crate::{Error, Result};

/// Writes by the extension. The file appears whole or not at all.
pub(super) fn save(bundle: &Bundle, image: &RgbImage, path: &Path) -> Result<()> {
    let extension = path.extension().and_then(|e| e.to_str()).unwrap_or_default().to_lowercase();
    let bytes = match extension.as_str() {
        "png" => bundle.png.clone(),
        "jpg" | "jpeg" => jpeg(image)?,
        "html" | "htm" => page(bundle).into_bytes(),
        _ => {
            return Err(Error::Argument(format!(
                "cannot save to {}: a figure is written as .png, .jpg or .html",
                path.display()
            )));
        }
    };
    write_atomically(path, &bytes)
}

fn jpeg(image: &RgbImage) -> Result<Vec<u8>> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, 92)
        .encode_image(image)
        .map_err(|error| Error::photo("the figure", format!("encoding JPEG failed: {error}")))?;
    Ok(bytes.into_inner())
}

/// A page that needs nothing but itself.
fn page(bundle: &Bundle) -> String {
    let text = escape(&bundle.text);
    let png = STANDARD.encode(&bundle.png);
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

fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut part = path.as_os_str().to_owned();
    part.push(format!(".part{}", std::process::id()));
    let part = Path::new(&part);
    let written = fs::write(part, bytes).and_then(|()| fs::rename(part, path));
    written.map_err(|source| {
        let _ = fs::remove_file(part);
        Error::Io { action: "write the figure", path: path.to_owned(), source }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_break_out_of_the_page() {
        let text = "<script>alert(1)</script>\" onerror='x'".to_owned();
        let html = page(&Bundle { png: vec![1], text, vega: None });
        assert!(!html.contains("<script>") && !html.contains("\" onerror"));
        assert!(html.contains("&lt;script&gt;"));
    }
}
