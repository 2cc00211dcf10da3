//! Locks on files, which the system drops when their holder dies, however it dies.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::time::sleep;

#[derive(Clone, Copy)]
pub(crate) enum Mode {
    Shared,
    Exclusive,
}

pub(crate) fn open(path: &Path) -> Result<File> {
    File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .with_context(|| format!("can't open the lock {}", path.display()))
}

/// Takes the lock if nobody is in the way.
pub(crate) fn try_take(file: &File, mode: Mode) -> Result<bool> {
    let taken = match mode {
        Mode::Shared => file.try_lock_shared(),
        Mode::Exclusive => file.try_lock(),
    };
    match taken {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error).context("can't lock a file"),
    }
}

/// Waits for the lock; `on_wait` is called once if it is taken. It asks again and again instead of
/// blocking a thread, so that dropping the future ends the wait.
pub(crate) async fn take(path: &Path, mode: Mode, on_wait: impl FnOnce()) -> Result<File> {
    let file = open(path)?;
    let mut on_wait = Some(on_wait);
    while !try_take(&file, mode)? {
        if let Some(on_wait) = on_wait.take() {
            on_wait();
        }
        sleep(Duration::from_millis(100)).await;
    }
    Ok(file)
}
