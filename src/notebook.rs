//! What goes to the notebook: the only place that prints. evcxr reads a figure from stdout between two
//! marker lines, and hangs on a line that does not end. The `convscope` kernel reads frames besides.

use std::any::type_name;
use std::fmt::Display;
use std::io::Write;
use std::path::PathBuf;

use crate::live::{Frame, new_id};
use crate::view::Bundle;

/// Where the crate runs.
#[derive(Debug, PartialEq)]
pub(crate) enum Place {
    /// Under the `convscope` kernel, which shows what comes while the cell runs; its folder for this
    /// session.
    Kernel(PathBuf),
    /// Under plain evcxr, which shows one figure when the cell ends.
    Evcxr,
    /// No notebook.
    Program,
}

pub(crate) fn place() -> Place {
    if std::env::var_os("EVCXR_IS_RUNTIME").is_none() {
        return Place::Program;
    }
    let session = std::env::var_os("CONVSCOPE_SESSION").filter(|folder| !folder.is_empty());
    session.map_or(Place::Evcxr, |folder| Place::Kernel(folder.into()))
}

/// Whether somebody pressed the stop button while this cell ran.
pub(crate) fn is_stopped() -> bool {
    matches!(place(), Place::Kernel(folder) if folder.join("stop").exists())
}

/// Shows a figure here and now, as far as that is possible.
pub(crate) fn show(bundle: &Bundle) {
    match place() {
        Place::Kernel(_) => send(&Frame::Show { id: &new_id(), forms: &bundle.entries() }),
        Place::Evcxr => emit(bundle),
        Place::Program => say(&format!("{} (`.save(\"figure.png\")` draws it)", bundle.text)),
    }
}

/// Sends all forms of the value that ends a cell, each with its mime type, at once: of each type one block
/// per cell survives.
pub(crate) fn emit(bundle: &Bundle) {
    let mut message = String::new();
    for (mime, content) in bundle.entries() {
        // A line of the content that looks like the end marker would end it.
        let content = content.replace("EVCXR_END_CONTENT", "EVCXR-END-CONTENT");
        message.push_str(&format!("EVCXR_BEGIN_CONTENT {mime}\n{content}\nEVCXR_END_CONTENT\n"));
    }
    write_whole(&mut std::io::stdout().lock(), &message);
}

/// Tells the `convscope` kernel; nobody else would understand it.
pub(crate) fn send(frame: &Frame<'_>) {
    write_whole(&mut std::io::stdout().lock(), &frame.line());
}

/// One line about progress: to the notebook's output, or, in a program, to stderr.
pub(crate) fn say(line: &str) {
    let line = format!("{}\n", line.replace('\n', " "));
    if place() == Place::Program {
        write_whole(&mut std::io::stderr().lock(), &line);
    } else {
        write_whole(&mut std::io::stdout().lock(), &line);
    }
}

/// Why there is no figure. To the `convscope` kernel this is an error of the cell.
pub(crate) fn fail<E: Display>(error: &E) {
    let text = match place() {
        Place::Kernel(_) => format!("\u{2}error {}\n{error}\n\u{2}end\n", type_name::<E>()),
        Place::Evcxr | Place::Program => format!("{error}\n"),
    };
    write_whole(&mut std::io::stderr().lock(), &text);
}

/// In one piece, since other threads print too. Where stdout is closed nowhere is left to report that, so
/// a failure is ignored.
fn write_whole(to: &mut impl Write, message: &str) {
    let _ = to.write_all(message.as_bytes()).and_then(|()| to.flush());
}
