//! A running kernel's own folder.
//!
//! Beside each folder `session-…` lies a file `session-….lock`, which the kernel holds locked. A lock
//! that can be taken belongs to a dead kernel, whatever became of its process number.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process;

use anyhow::{Context, Result};
use uuid::Uuid;

use crate::copy::{Purpose, copy_build};
use crate::installation::State;
use crate::kept;
use crate::lock::{self, Mode};

/// Removes its folder when dropped.
pub(crate) struct Session {
    dir: PathBuf,
    _lock: File,
}

impl Session {
    /// Removes what crashed kernels left, and makes a folder from the warm build.
    pub(crate) fn create(state: &State, warm: &Path) -> Result<Session> {
        let session = {
            // Between creating a lock and locking it, a session looks dead to others.
            let _guard = hold_sessions_lock(state)?;
            for dir in leftovers(state)? {
                // What a kernel had compiled when it was killed.
                keep(&dir);
                remove(&dir);
            }
            let id = &Uuid::new_v4().simple().to_string()[..8];
            let dir = state.kernels().join(format!("session-{}-{id}", process::id()));
            let lock = lock::open(&dir.with_extension("lock"))?;
            lock.lock().context("can't lock a session")?;
            Session { dir, _lock: lock }
        };
        copy_build(warm, &session.dir, Purpose::Session)?;
        if let Err(error) = kept::lend(&session.dir) {
            eprintln!("convscope: {error:#}");
        }
        Ok(session)
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        keep(&self.dir);
        remove(&self.dir);
    }
}

/// The folders of kernels that are gone. The caller needs no lock to count them, but must hold the
/// sessions lock to remove them.
pub(crate) fn leftovers(state: &State) -> Result<Vec<PathBuf>> {
    Ok(sessions(state)?.into_iter().filter(|dir| is_dead(&dir.with_extension("lock"))).collect())
}

fn hold_sessions_lock(state: &State) -> Result<File> {
    let guard = lock::open(&state.sessions_lock())?;
    guard.lock().context("can't lock the list of sessions")?;
    Ok(guard)
}

fn sessions(state: &State) -> Result<Vec<PathBuf>> {
    let kernels = state.kernels();
    let entries = match fs::read_dir(&kernels) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => {
            return Err(error).with_context(|| format!("can't list {}", kernels.display()));
        }
    };
    let mut dirs: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path().with_extension("")))
        .filter(|path| {
            path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("session-"))
        })
        .collect();
    dirs.sort();
    dirs.dedup();
    Ok(dirs)
}

fn is_dead(lock_path: &Path) -> bool {
    match File::options().write(true).open(lock_path) {
        Ok(lock) => lock::try_take(&lock, Mode::Exclusive).unwrap_or(false),
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    }
}

/// Keeps what was compiled there.
pub(crate) fn keep(dir: &Path) {
    if let Err(error) = kept::keep(dir) {
        eprintln!("convscope: {error:#}");
    }
}

/// The folder first: as long as the lock file is there, an interrupted removal is found again.
fn remove(dir: &Path) {
    let gone = |result: io::Result<()>| match result {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    };
    let removed = gone(fs::remove_dir_all(dir))
        .and_then(|()| gone(fs::remove_file(dir.with_extension("lock"))));
    if let Err(error) = removed {
        eprintln!("convscope: can't remove {}: {error}", dir.display());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_folders_of_dead_kernels_are_reaped() {
        let dir = tempfile::tempdir().unwrap();
        let state = State::at(dir.path().join("state"));
        let warm = dir.path().join("warm");
        fs::create_dir_all(state.kernels()).unwrap();
        fs::create_dir(&warm).unwrap();
        fs::write(warm.join("Cargo.toml"), "").unwrap();

        let living = Session::create(&state, &warm).unwrap();
        let dead = state.kernels().join("session-1-dead");
        fs::create_dir(&dead).unwrap();
        fs::write(dead.with_extension("lock"), "").unwrap();
        let half_removed = state.kernels().join("session-2-dead.lock");
        fs::write(&half_removed, "").unwrap();

        assert_eq!(leftovers(&state).unwrap().len(), 2);
        drop(Session::create(&state, &warm).unwrap());
        assert!(leftovers(&state).unwrap().is_empty());
        assert!(living.dir().join("Cargo.toml").exists());
        assert!(!dead.exists() && !half_removed.exists());

        let gone = living.dir().to_owned();
        drop(living);
        assert!(!gone.exists() && !gone.with_extension("lock").exists());
    }
}
