//! The warm build: a folder in which evcxr has compiled the crate and all below it. Is there one, does
//! it still fit, and how a new one takes its place.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::compile::{Notice, Say, compile};
use crate::copy::{Purpose, copy_build};
use crate::crate_source::SOURCE_FOLDERS;
use crate::fingerprint::{Fingerprint, Present};
use crate::installation::{Installation, State, write};
use crate::kept;
use crate::lock::{self, Mode};
use crate::versions::Versions;

/// A warm build that fits. It can't be replaced while this is held.
pub(crate) struct Warm {
    pub(crate) dir: PathBuf,
    _guard: File,
}

pub(crate) enum Status {
    Fits(PathBuf),
    Stale { dir: PathBuf, why: Vec<String> },
    Absent,
}

/// What a warm build was made from; lies in its folder.
#[derive(Serialize, Deserialize)]
struct Record {
    fingerprint: Fingerprint,
    /// Sources with a later date look changed to cargo.
    started: SystemTime,
}

const RECORD: &str = "convscope-build.json";

pub(crate) fn status(state: &State, present: &Present) -> Status {
    let latest = warm_dirs(state)
        .into_iter()
        .filter_map(|dir| {
            let record = fs::read(dir.join(RECORD)).ok()?;
            let record: Record = serde_json::from_slice(&record).ok()?;
            Some((dir, record))
        })
        .max_by_key(|(_, record)| record.started);
    let Some((dir, record)) = latest else {
        return Status::Absent;
    };
    let mut why = present.fingerprint.changes_since(&record.fingerprint);
    if why.is_empty()
        && let Some((file, date)) = &present.newest
        // A date in the future would look new after every build.
        && (record.started..=SystemTime::now()).contains(date)
    {
        why.push(format!("{file} has a new date"));
    }
    if why.is_empty() { Status::Fits(dir) } else { Status::Stale { dir, why } }
}

/// The warm build of what is installed, made or brought up to date if need be.
pub(crate) async fn ensure(state: &State, say: &Say) -> Result<(Installation, Warm)> {
    loop {
        {
            let guard = lock_build(state, Mode::Shared, say).await?;
            // Only now: whoever held the lock may have installed something else.
            let installation = Installation::load(state)?;
            if let Status::Fits(dir) = status(state, &look(&installation).await?) {
                return Ok((installation, Warm { dir, _guard: guard }));
            }
        }
        let _guard = lock_build(state, Mode::Exclusive, say).await?;
        renew(&Installation::load(state)?, state, say).await?;
    }
}

/// Makes the warm build of an installation, and then records the installation: until that moment, the
/// one before stays usable. Says whether there was anything to do.
pub(crate) async fn install(installation: &Installation, state: &State, say: &Say) -> Result<bool> {
    fs::create_dir_all(state.kernels())
        .with_context(|| format!("can't create {}", state.kernels().display()))?;
    let _guard = lock_build(state, Mode::Exclusive, say).await?;
    let before = Installation::load(state).ok();
    installation.configure_cargo(state)?;
    let renewed = renew(installation, state, say).await;
    if renewed.is_err()
        && let Some(before) = before
    {
        before.configure_cargo(state)?;
    }
    let renewed = renewed?;
    installation.save(state)?;
    Ok(renewed)
}

async fn lock_build(state: &State, mode: Mode, say: &Say) -> Result<File> {
    let wait = || {
        let text = "another kernel is bringing the warm build up to date; waiting for it …";
        say(Notice::Headline(text.to_owned()));
    };
    lock::take(&state.build_lock(), mode, wait).await
}

/// Brings the warm build up to date; false if it is. The caller holds the build lock.
async fn renew(installation: &Installation, state: &State, say: &Say) -> Result<bool> {
    let present = look(installation).await?;
    let old = match status(state, &present) {
        Status::Fits(_) => return Ok(false),
        Status::Stale { dir, why } => {
            let time = if why.iter().all(|change| in_sources(change)) {
                "usually under a minute"
            } else if why.iter().all(|change| change.starts_with("the crate ")) {
                "only what is new gets compiled"
            } else {
                "under a minute, or about 4 if tch has to be compiled again"
            };
            let why = summary(&why);
            say(Notice::Headline(format!(
                "{why} since the warm build; rebuilding it once ({time}) …"
            )));
            Some(dir)
        }
        Status::Absent => {
            let what = match staging(state).exists() {
                true => "going on with what was compiled before …",
                false => "compiling what notebooks need, once: about 3 minutes on 2 cores …",
            };
            say(Notice::Headline(what.to_owned()));
            None
        }
    };
    build(installation, state, present, old.as_deref(), say).await?;
    Ok(true)
}

/// A change in the project's own sources, which leaves tch alone.
fn in_sources(change: &str) -> bool {
    let folder = change.split('/').next().unwrap_or_default();
    SOURCE_FOLDERS.contains(&folder)
}

async fn build(
    installation: &Installation,
    state: &State,
    mut present: Present,
    old: Option<&Path>,
    say: &Say,
) -> Result<()> {
    // One that was interrupted is continued, since tch costs minutes.
    let staging = staging(state);
    let mut total = None;
    if !staging.exists() {
        seed(state, old, &staging)?;
        if old.is_none() {
            total = installation.source.crates_to_compile();
        }
    }
    loop {
        let started = SystemTime::now();
        compile(installation, &staging, total, say).await?;
        let after = look(installation).await?;
        let unchanged = after.fingerprint == present.fingerprint;
        present = after;
        if unchanged {
            let fingerprint = present.fingerprint;
            let name = format!("warm-{}", fingerprint.name());
            kept::remove_others(&staging, &Versions::known_to(&staging).names())?;
            let record = serde_json::to_string_pretty(&Record { fingerprint, started })?;
            write(&staging.join(RECORD), &record)?;
            return publish(state, &staging, &name);
        }
        say(Notice::Headline("the sources changed meanwhile; once more …".to_owned()));
    }
}

/// Where the next warm build is made.
pub(crate) fn staging(state: &State) -> PathBuf {
    state.kernels().join("staging")
}

/// Whether there is a warm build, of whatever age.
pub(crate) fn exists(state: &State) -> bool {
    !warm_dirs(state).is_empty()
}

/// Starts the next build from the last one, so that cargo compiles only what changed.
fn seed(state: &State, old: Option<&Path>, staging: &Path) -> Result<()> {
    // Renamed when complete: half a copy must not pass for an interrupted build.
    let seeding = state.kernels().join("seeding");
    if seeding.exists() {
        fs::remove_dir_all(&seeding)
            .with_context(|| format!("can't remove {}", seeding.display()))?;
    }
    match old {
        Some(old) => copy_build(old, &seeding, Purpose::Seed)?,
        None => fs::create_dir_all(&seeding)
            .with_context(|| format!("can't create {}", seeding.display()))?,
    }
    fs::rename(&seeding, staging).context("can't rename the copied build")
}

/// Swaps the finished build in for all earlier ones. The caller holds the build lock.
fn publish(state: &State, staging: &Path, name: &str) -> Result<()> {
    let target = state.kernels().join(name);
    for earlier in warm_dirs(state) {
        // Out of the way in one step: a half-removed build must not pass for a warm one.
        let trash = state.kernels().join(format!("trash-{}", Uuid::new_v4().simple()));
        fs::rename(&earlier, &trash)
            .with_context(|| format!("can't move {}", earlier.display()))?;
    }
    fs::rename(staging, &target).with_context(|| format!("can't create {}", target.display()))?;
    for trash in dirs_named(state, "trash-") {
        if let Err(error) = fs::remove_dir_all(&trash) {
            eprintln!("convscope: can't remove {}: {error}", trash.display());
        }
    }
    Ok(())
}

/// Reads and hashes files and runs rustc, so it takes a thread of its own.
pub(crate) async fn look(installation: &Installation) -> Result<Present> {
    let installation = installation.clone();
    tokio::task::spawn_blocking(move || Present::look(&installation)).await?
}

fn warm_dirs(state: &State) -> Vec<PathBuf> {
    dirs_named(state, "warm-")
}

fn dirs_named(state: &State, prefix: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(state.kernels()).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix))
        .map(|entry| entry.path())
        .collect()
}

/// "src/a.rs changed, src/b.rs changed and 3 more".
pub(crate) fn summary(why: &[String]) -> String {
    match why {
        [first, second, rest @ ..] if !rest.is_empty() => {
            format!("{first}, {second} and {} more", rest.len())
        }
        _ => why.join(" and "),
    }
}
