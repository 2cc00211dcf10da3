//! Repositories of Hugging Face's hub: what its programs have fetched already, and fetching the rest.

use std::fs;
use std::path::{Path, PathBuf};

use crate::folder::{hugging_face_folder, set};
use crate::published::Published;
use crate::{Listener, Result};

/// A repository of weights on Hugging Face's hub: `timm/resnet18.a1_in1k`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository {
    owner: String,
    name: String,
}

impl Repository {
    /// The repository of that name, `owner/name`; nothing if it can't be one.
    ///
    /// ```
    /// use convscope_weights::Repository;
    /// assert!(Repository::new("timm/resnet18.a1_in1k").is_some());
    /// assert!(Repository::new("resnet18").is_none());
    /// ```
    pub fn new(repository: &str) -> Option<Repository> {
        const LONGEST: usize = 96;
        let (owner, name) = repository.split_once('/')?;
        let letter = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let usable = |part: &str| {
            (1..=LONGEST).contains(&part.len())
                && part.chars().all(letter)
                && !part.starts_with('.')
                && !part.contains("..")
        };
        let (owner, name) = (usable(owner) && usable(name)).then_some((owner, name))?;
        Some(Repository { owner: owner.to_owned(), name: name.to_owned() })
    }

    /// Where a file of it is published.
    pub fn url(&self, file: &str) -> String {
        self.site() + file
    }

    fn site(&self) -> String {
        let endpoint = set("HF_ENDPOINT").map(|endpoint| endpoint.to_string_lossy().into_owned());
        let endpoint = endpoint.unwrap_or_else(|| "https://huggingface.co".to_owned());
        let Repository { owner, name } = self;
        format!("{}/{owner}/{name}/resolve/main/", endpoint.trim_end_matches('/'))
    }

    /// Where its files lie in the folder for weights: `hub/owner/name`.
    pub fn folder(&self, weights: &Path) -> PathBuf {
        weights.join("hub").join(&self.owner).join(&self.name)
    }

    /// A file that is on this machine: laid or fetched into `weights`, or by Hugging Face's programs into
    /// their cache (`$HF_HUB_CACHE`, `$HF_HOME/hub`, `~/.cache/huggingface/hub`).
    pub fn find(&self, weights: &Path, file: &str) -> Option<PathBuf> {
        let ours = Some(self.folder(weights).join(file)).filter(|path| path.is_file());
        ours.or_else(|| self.cached(file))
    }

    /// The file of the branch `main`, as it was fetched last; of the newest snapshot that has it, where
    /// none is called so.
    fn cached(&self, file: &str) -> Option<PathBuf> {
        let Repository { owner, name } = self;
        let folder = hugging_face_folder()?.join(format!("models--{owner}--{name}"));
        let snapshots = folder.join("snapshots");
        if let Ok(revision) = fs::read_to_string(folder.join("refs").join("main")) {
            let revision = revision.trim();
            let named = !revision.is_empty() && revision.chars().all(|c| c.is_ascii_hexdigit());
            return named
                .then(|| snapshots.join(revision).join(file))
                .filter(|path| path.is_file());
        }
        let there = fs::read_dir(snapshots).ok()?.flatten().map(|entry| entry.path().join(file));
        let dated = there.filter(|path| path.is_file()).map(|path| (modified(&path), path));
        dated.max().map(|(_, path)| path)
    }

    /// A file of it, fetched into `weights` unless it is on this machine. `listener` hears about the download
    /// and can stop it. No checksum of it is known.
    ///
    /// # Errors
    ///
    /// As of [official weights](crate::Official::obtain); the repository has no such file.
    pub fn obtain(&self, weights: &Path, file: &str, listener: &dyn Listener) -> Result<PathBuf> {
        if let Some(found) = self.find(weights, file) {
            return Ok(found);
        }
        let path = format!("hub/{}/{}/{file}", self.owner, self.name);
        let (site, megabytes) = (self.site(), file.ends_with(".json").then_some(1.0));
        Published { site: &site, path: &path, sha256: "", megabytes }.obtain(weights, listener)
    }
}

fn modified(path: &Path) -> Option<std::time::SystemTime> {
    fs::metadata(path).and_then(|metadata| metadata.modified()).ok()
}

impl std::fmt::Display for Repository {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.owner, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_can_be_a_repositorys_become_paths() {
        for name in ["", "/", "a/", "/b", "a/b/c", "../b", "a/..", "a/b\\c", "a b/c", "a/b..c"] {
            assert_eq!(Repository::new(name), None, "{name}");
        }
        let repository = Repository::new("facebook/dinov2-small").expect("a name");
        assert_eq!(repository.folder(Path::new("w")), Path::new("w/hub/facebook/dinov2-small"));
        assert_eq!(repository.to_string(), "facebook/dinov2-small");
    }
}
