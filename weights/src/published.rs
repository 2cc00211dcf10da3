//! A file that its authors publish, and how it gets onto this machine.

use std::path::{Path, PathBuf};

use crate::fetch::{Download, Patience, shown};
use crate::folder::{offline, set};
use crate::{Error, Listener, Result};

/// What isn't known is no larger than this, in 10⁶ bytes.
const LARGEST: f64 = 2e3;

pub(crate) struct Published<'a> {
    /// The address below which the file is published, with a slash at its end.
    pub(crate) site: &'a str,
    /// Where it is to lie in its folder, and where it lies below a mirror. Ends in the published name.
    pub(crate) path: &'a str,
    /// How its SHA-256 begins, in hexadecimal.
    pub(crate) sha256: &'a str,
    /// Its size in 10⁶ bytes, rounded, where it is known.
    pub(crate) megabytes: Option<f64>,
}

impl Published<'_> {
    /// Where its authors publish it.
    pub(crate) fn url(&self) -> String {
        let name = self.path.rsplit('/').next().unwrap_or_default();
        [self.site, name].concat()
    }

    /// Fetches the file into `folder`, unless it is there.
    pub(crate) fn obtain(&self, folder: &Path, listener: &dyn Listener) -> Result<PathBuf> {
        let target = folder.join(self.path);
        if target.is_file() {
            return Ok(target);
        }
        if offline() {
            return Err(Error::Offline);
        }
        let url = self.address();
        let into = target.parent().unwrap_or(folder).display();
        let size = self.megabytes.map(|size| format!(" ({size:.1} MB)")).unwrap_or_default();
        listener.say(&format!("Fetching {}{size} to {into}", shown(&url)));
        let (sha256, patience) = (self.sha256, &Patience::USUAL);
        // The sizes are rounded.
        let limit = (2e6 * self.megabytes.unwrap_or(LARGEST)) as u64 + (1 << 20);
        Download { url: &url, sha256, limit, target: &target, patience, listener }.run()?;
        Ok(target)
    }

    /// Where the file is fetched from: the official address, or `$CONVSCOPE_MIRROR`.
    fn address(&self) -> String {
        match set("CONVSCOPE_MIRROR") {
            Some(mirror) => {
                let mirror = mirror.to_string_lossy();
                format!("{}/{}", mirror.trim_end_matches('/'), self.path)
            }
            None => self.url(),
        }
    }
}
