//! The official weights of one network: the file's names, and getting it.

use std::path::{Path, PathBuf};

use crate::fetch::digest;
use crate::folder::hub_folder;
use crate::published::Published;
use crate::{Listener, Result};

/// The official weights of one network.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Official {
    /// The network's name in the zoo: `resnet18`.
    pub name: &'static str,
    /// The network's name for people: `ResNet-18`.
    pub title: &'static str,
    /// The file's size in 10⁶ bytes, as published and rounded: to be shown, not to be relied on.
    pub megabytes: f64,
    /// The address below which its authors publish the file.
    pub(crate) folder: &'static str,
    /// The name under which it is published: `resnet18-f37072fd.pth`.
    pub file_name: &'static str,
    /// The file's SHA-256, where more of it is known than the name holds.
    pub(crate) whole_sha256: Option<&'static str>,
    /// Other names under which people have the file.
    pub aliases: &'static [&'static str],
}

impl Official {
    /// Where its authors publish the file.
    pub fn url(&self) -> String {
        self.published().url()
    }

    /// The file's SHA-256 in hexadecimal: all 64 digits, or the first 8, which are all that its authors
    /// publish; nothing where they publish none.
    pub fn sha256(&self) -> &'static str {
        self.whole_sha256.unwrap_or_else(|| self.digits())
    }

    /// The first digits of the SHA-256, in which most published names end.
    pub(crate) fn digits(&self) -> &'static str {
        let stem = self.file_name.split('.').next().unwrap_or_default();
        stem.rsplit_once('-').map_or("", |(_, digits)| digits)
    }

    /// All names looked for in the folder, of which the first one found wins: `NAME.safetensors`,
    /// `NAME.pth` and `NAME.pt`, laid there by hand, then the published name, then the aliases.
    pub fn file_names(&self) -> Vec<String> {
        let by_hand = ["safetensors", "pth", "pt"].map(|kind| format!("{}.{kind}", self.name));
        let known = [self.file_name].into_iter().chain(self.aliases.iter().copied());
        by_hand.into_iter().chain(known.map(str::to_owned)).collect()
    }

    /// The file in `folder`, if it is there under any of [its names](Self::file_names).
    pub fn find_in(&self, folder: &Path) -> Option<PathBuf> {
        self.file_names().into_iter().map(|name| folder.join(name)).find(|path| path.is_file())
    }

    /// The file in `folder`; else the one that PyTorch's hub or torchvision has fetched
    /// (`$TORCH_HOME/hub/checkpoints`), if its checksum is right; else it is fetched into `folder`.
    /// `listener` hears about the download and can stop it.
    ///
    /// What is in `folder` is used as it is. What is fetched is verified as a whole, and appears under its
    /// name only then. A download that broke off goes on where it ended, also in another process. Of
    /// two processes that want the same file, one fetches it and the other waits.
    ///
    /// # Errors
    ///
    /// The file is absent and `CONVSCOPE_OFFLINE` is set; the server can't be reached, refuses,
    /// falls silent or breaks off again and again; the listener stops it; what came is another file; the folder can't be
    /// written to, or is full.
    pub fn obtain(&self, folder: &Path, listener: &dyn Listener) -> Result<PathBuf> {
        match self.find_in(folder).or_else(|| self.find_in_hub(listener)) {
            Some(found) => Ok(found),
            None => self.published().obtain(folder, listener),
        }
    }

    /// The file where PyTorch's hub keeps it, if it is there; not verified.
    pub fn hub_file(&self) -> Option<PathBuf> {
        hub_folder().map(|folder| folder.join(self.file_name)).filter(|path| path.is_file())
    }

    /// The same if its checksum is right. Read, never written.
    pub fn find_in_hub(&self, listener: &dyn Listener) -> Option<PathBuf> {
        let path = self.hub_file()?;
        let problem = match digest(&path) {
            Ok(digest) if digest.starts_with(self.sha256()) => return Some(path),
            Ok(_) => "its checksum is not the official file's".to_owned(),
            Err(error) => error.to_string(),
        };
        listener.say(&format!("{} is not used: {problem}", path.display()));
        None
    }

    fn published(&self) -> Published<'_> {
        Published {
            site: self.folder,
            path: self.file_name,
            sha256: self.sha256(),
            megabytes: Some(self.megabytes),
        }
    }
}
