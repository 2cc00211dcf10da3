//! What goes to the notebook: the only place that prints. evcxr reads a figure from stdout between two
//! marker lines, and hangs on a line that does not end.

use std::io::Write;

/// Sends all of a figure's forms, each with its mime type, at once: of each type one block per cell
/// survives.
pub(crate) fn emit<'a>(forms: impl IntoIterator<Item = (&'a str, String)>) {
    let mut message = String::new();
    for (mime, content) in forms {
        // A line of the content that looks like the end marker would end it.
        let content = content.replace("EVCXR_END_CONTENT", "EVCXR-END-CONTENT");
        message.push_str(&format!("EVCXR_BEGIN_CONTENT {mime}\n{content}\nEVCXR_END_CONTENT\n"));
    }
    write_whole(&mut std::io::stdout().lock(), &message);
}

/// One line about progress: to the notebook's output, or, in a program, to stderr.
pub(crate) fn say(line: &str) {
    let line = format!("{}\n", line.replace('\n', " "));
    if std::env::var_os("EVCXR_IS_RUNTIME").is_some() {
        write_whole(&mut std::io::stdout().lock(), &line);
    } else {
        write_whole(&mut std::io::stderr().lock(), &line);
    }
}

/// Where stdout is closed nowhere is left to report that, so a failure is ignored.
fn write_whole(to: &mut impl Write, message: &str) {
    let _ = to.write_all(message.as_bytes()).and_then(|()| to.flush());
}
