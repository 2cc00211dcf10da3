//! What can go wrong between a network's or a data set's name and its file.

use std::io;
use std::path::{Path, PathBuf};

/// What every fallible function of this crate returns.
pub type Result<T> = std::result::Result<T, Error>;

/// Everything that can go wrong, each with its remedy in the message.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Nothing says where this user's files lie.
    #[error("no folder for files: neither CONVSCOPE_HOME nor HOME is set. Set CONVSCOPE_HOME.")]
    NoFolder,

    /// The file is absent, and the network must not be touched.
    #[error("they are not on this machine, and CONVSCOPE_OFFLINE is set")]
    Offline,

    /// A file or folder could not be used.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// `read`, `write`, `lock` …
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },

    /// The server could not be reached, refused, or broke off too often.
    #[error("fetching {url} failed: {problem}")]
    Fetch {
        /// The address asked.
        url: String,
        /// What happened, and what is kept for another attempt.
        problem: String,
    },

    /// The [listener](crate::Listener) stopped the download.
    #[error("fetching {url} was stopped{kept}")]
    Stopped {
        /// The address asked.
        url: String,
        /// What is kept for another attempt.
        kept: String,
    },

    /// The file that came is not the official one.
    #[error(
        "what {url} sent has SHA-256 {digest}, expected {expected}{} (a proxy's page?). It was \
         removed; try again.",
        if expected.len() < digest.len() { "…" } else { "" }
    )]
    Checksum {
        /// The address asked.
        url: String,
        /// Of the file that came, in hexadecimal.
        digest: String,
        /// The official file's, or how it begins.
        expected: String,
    },
}

impl Error {
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
        let path = path.to_owned();
        move |source| Error::Io { action, path, source }
    }
}
