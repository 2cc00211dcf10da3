//! Where files lie: in `$CONVSCOPE_HOME`, or in the platform's cache folder.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::{Error, Result};

/// The folder for weights. It need not exist.
///
/// `$CONVSCOPE_HOME/weights`, else `convscope/weights` in the platform's cache folder
/// (`$XDG_CACHE_HOME` or `~/.cache`; `~/Library/Caches` on macOS; `%LOCALAPPDATA%` on Windows).
///
/// # Errors
///
/// No variable says where this user's files lie.
pub fn weights_folder() -> Result<PathBuf> {
    Ok(home()?.join("weights"))
}

/// The folder for data sets, beside the one for weights. It need not exist.
///
/// # Errors
///
/// No variable says where this user's files lie.
pub fn data_folder() -> Result<PathBuf> {
    Ok(home()?.join("data"))
}

fn home() -> Result<PathBuf> {
    let folder = |variable| set(variable).map(PathBuf::from);
    if let Some(home) = folder("CONVSCOPE_HOME") {
        return Ok(home);
    }
    let cache = if cfg!(windows) {
        folder("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        folder("HOME").map(|home| home.join("Library/Caches"))
    } else {
        folder("XDG_CACHE_HOME").or_else(|| folder("HOME").map(|home| home.join(".cache")))
    };
    cache.map(|cache| cache.join("convscope")).ok_or(Error::NoFolder)
}

/// Where PyTorch's hub, and with it torchvision, keeps the files it has fetched:
/// `$TORCH_HOME/hub/checkpoints`, of which `TORCH_HOME` is `torch` in `$XDG_CACHE_HOME` or `~/.cache`, on
/// all platforms.
pub(crate) fn hub_folder() -> Option<PathBuf> {
    let folder = |variable| set(variable).map(PathBuf::from);
    let user = || folder("HOME").or_else(|| folder("USERPROFILE"));
    let cache = || folder("XDG_CACHE_HOME").or_else(|| user().map(|user| user.join(".cache")));
    let torch = folder("TORCH_HOME").or_else(|| cache().map(|cache| cache.join("torch")))?;
    // PyTorch itself reads `~` in it.
    let torch = match (torch.strip_prefix("~"), user()) {
        (Ok(rest), Some(user)) => user.join(rest),
        _ => torch,
    };
    Some(torch.join("hub").join("checkpoints"))
}

/// Where Hugging Face's programs keep what they have fetched: `$HF_HUB_CACHE`, else `hub` in `$HF_HOME`, which
/// is `huggingface` in `$XDG_CACHE_HOME` or `~/.cache`, on all platforms.
pub(crate) fn hugging_face_folder() -> Option<PathBuf> {
    let folder = |variable| set(variable).map(PathBuf::from);
    let user = || folder("HOME").or_else(|| folder("USERPROFILE"));
    let cache = || folder("XDG_CACHE_HOME").or_else(|| user().map(|user| user.join(".cache")));
    let home = || folder("HF_HOME").or_else(|| cache().map(|cache| cache.join("huggingface")));
    folder("HF_HUB_CACHE").or_else(|| home().map(|home| home.join("hub")))
}

/// Whether the network must not be touched: `CONVSCOPE_OFFLINE` is set, to anything but `0`.
pub(crate) fn offline() -> bool {
    set("CONVSCOPE_OFFLINE").is_some_and(|value| value != "0")
}

/// The value of a variable, unless it is absent or empty.
pub(crate) fn set(variable: &str) -> Option<OsString> {
    std::env::var_os(variable).filter(|value| !value.is_empty())
}
