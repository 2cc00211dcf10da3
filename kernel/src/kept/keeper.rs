//! When a running session's crates are kept.

use std::fs;
use std::path::{Path, PathBuf};

use crate::code;
use crate::session;

pub(crate) struct Keeper {
    dir: PathBuf,
    /// What cells depended on when their crates were kept last.
    manifest: Vec<u8>,
}

impl Keeper {
    pub(crate) fn of(dir: &Path) -> Keeper {
        Keeper { dir: dir.to_owned(), manifest: manifest(dir) }
    }

    pub(crate) fn cell_begins(&self, code: &str) {
        if code::compiles_otherwise(code) {
            super::no_longer(&self.dir);
        }
    }

    /// Keeps in the background what a cell with a new `:dep` has compiled. If cargo is at work again by
    /// then, the next time will do: at the latest, the session's end.
    pub(crate) fn cell_ended(&mut self) {
        let manifest = manifest(&self.dir);
        if manifest != self.manifest {
            self.manifest = manifest;
            let dir = self.dir.clone();
            tokio::task::spawn_blocking(move || session::keep(&dir));
        }
    }
}

fn manifest(dir: &Path) -> Vec<u8> {
    fs::read(dir.join("Cargo.toml")).unwrap_or_default()
}
