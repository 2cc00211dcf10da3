//! Files that appear whole or not at all.

use std::fs;
use std::path::Path;

use crate::{Error, Result};

/// Lets `write` fill a file of another name beside `path`, and renames it into place. The other name
/// is this process's own: two that write at once don't write into one another's file.
pub(crate) fn write(path: &Path, write: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let mut part = path.as_os_str().to_owned();
    part.push(format!(".part{}", std::process::id()));
    let part = Path::new(&part);
    let written = write(part)
        .and_then(|()| fs::rename(part, path).map_err(Error::io("rename into place", path)));
    if written.is_err() {
        let _ = fs::remove_file(part);
    }
    written
}
