//! Where weights lie: `$CONVSCOPE_HOME/weights`, or the platform's cache folder.

use std::path::PathBuf;

use crate::{Error, Result};

/// The folder for weights. It need not exist.
///
/// `$CONVSCOPE_HOME/weights`, else `convscope/weights` in the platform's cache folder
/// (`$XDG_CACHE_HOME` or `~/.cache`; `~/Library/Caches` on macOS; `%LOCALAPPDATA%` on Windows).
pub fn weights_folder() -> Result<PathBuf> {
    if let Some(home) = set("CONVSCOPE_HOME") {
        return Ok(home.join("weights"));
    }
    let cache = if cfg!(windows) {
        set("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        set("HOME").map(|home| home.join("Library/Caches"))
    } else {
        set("XDG_CACHE_HOME").or_else(|| set("HOME").map(|home| home.join(".cache")))
    };
    match cache {
        Some(cache) => Ok(cache.join("convscope").join("weights")),
        None => Err(Error::Argument(
            "no folder for weights: neither CONVSCOPE_HOME nor HOME is set. Set CONVSCOPE_HOME."
                .to_owned(),
        )),
    }
}

/// Whether the network must not be touched: `CONVSCOPE_OFFLINE` is set, to anything but `0`.
pub(crate) fn offline() -> bool {
    std::env::var_os("CONVSCOPE_OFFLINE").is_some_and(|value| !value.is_empty() && value != "0")
}

fn set(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from)
}
