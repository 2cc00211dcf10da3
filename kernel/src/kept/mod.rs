//! What sessions have compiled, kept for the next ones.
//!
//! Beside the warm build and the sessions lies a folder with an entry for each unit of cargo's: its
//! files, as links, and a record. The record says which very files the unit was compiled against, and a
//! session gets the unit only if it has these. So it doesn't matter who else kept what, what was removed,
//! or where a process was killed: what does not fit together is compiled again. Whether a unit is what a
//! notebook asks for, by version, features, compiler, flags and sources, cargo decides as always.

mod keeper;
mod units;

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::copy::copy_file;
use crate::installation::write;
use crate::lock::{self, Mode};
use crate::versions::Versions;
use units::{Unit, needs, units};

pub(crate) use keeper::Keeper;
pub(crate) use units::remove_others;

const FOLDER: &str = "kept";
const RECORD: &str = "convscope-unit.json";

/// Kept entries are renamed to this first, so that half of one never passes for it.
const TRASH: &str = "trash-";

/// Lies in a session's `target/` as long as all there was compiled in the usual way: evcxr empties
/// that folder before it does otherwise, and [`no_longer`] removes this.
const USUAL: &str = "convscope-usual";

/// The most that is kept, in MiB, if the variable does not say otherwise.
const LIMIT: u64 = 4096;
const LIMIT_VARIABLE: &str = "CONVSCOPE_KEEP_MIB";

#[derive(Serialize, Deserialize)]
struct Record {
    hash: String,
    stamp: String,
    bytes: u64,
    /// By hash, the stamps of what it was compiled against.
    needs: BTreeMap<String, String>,
}

/// An entry, and when a session used it last.
struct Entry {
    dir: PathBuf,
    record: Record,
    used: SystemTime,
}

/// Gives the new session `dir` all that fits to what it has.
pub(crate) fn lend(dir: &Path) -> Result<()> {
    let own = units(dir)?;
    mark(dir, &own)?;
    let store = store_of(dir)?;
    if !store.exists() {
        return Ok(());
    }
    let _guard = hold(&store, Mode::Shared)?;
    let mut entries: BTreeMap<String, (PathBuf, Record, Unit)> = entries_of(&store)
        .into_iter()
        .filter(|entry| !own.contains_key(&entry.record.hash))
        .filter_map(|Entry { dir, record, .. }| {
            let unit = whole_unit(&dir, &record)?;
            Some((record.hash.clone(), (dir, record, unit)))
        })
        .collect();
    // What lacks something goes, then what lacks that.
    loop {
        let stamp = |hash: &String| {
            let own = own.get(hash).map(|unit| &unit.stamp);
            own.or_else(|| entries.get(hash).map(|(_, record, _)| &record.stamp))
        };
        let lacking =
            |record: &Record| record.needs.iter().any(|(hash, needed)| stamp(hash) != Some(needed));
        let gone: Vec<String> = entries
            .iter()
            .filter(|(_, (_, record, _))| lacking(record))
            .map(|(hash, _)| hash.clone())
            .collect();
        if gone.is_empty() {
            break;
        }
        gone.iter().for_each(|hash| drop(entries.remove(hash)));
    }
    for (entry, _, unit) in entries.values() {
        copy_files(unit, entry, dir)?;
    }
    let known = Versions::known_to(dir);
    let all = known.clone().or(read_versions(&store));
    if all != known { all.make_known_to(dir) } else { Ok(()) }
}

/// Keeps what the session `dir` has compiled. Nothing happens while cargo is at work there.
pub(crate) fn keep(dir: &Path) -> Result<()> {
    if !dir.join("target").join(USUAL).exists() {
        return Ok(());
    }
    let Some(_cargo) = hold_off_cargo(dir)? else { return Ok(()) };
    let store = store_of(dir)?;
    fs::create_dir_all(&store).with_context(|| format!("can't create {}", store.display()))?;
    let _guard = hold(&store, Mode::Exclusive)?;
    let versions = Versions::read(&dir.join("Cargo.lock"));
    let asked_for = versions.names();
    let warm = warm_units(dir);
    let there: BTreeMap<String, Entry> =
        entries_of(&store).into_iter().map(|entry| (entry.record.hash.clone(), entry)).collect();
    let session = units(dir)?;
    let mut added = false;
    for (hash, needed) in needs(&session) {
        let Some((unit, needed)) = session.get(hash).zip(needed) else { continue };
        // Each session has the warm build's, and gets what others kept, whether it asks for it or not.
        if warm.contains(hash) || !asked_for.contains(unit.package()) {
            continue;
        }
        match there.get(hash) {
            Some(entry) if entry.record.stamp == unit.stamp => touch(&entry.dir),
            other => {
                let needs = needed
                    .into_iter()
                    .filter_map(|hash| Some((hash.to_owned(), session.get(hash)?.stamp.clone())));
                let record = Record {
                    hash: hash.to_owned(),
                    stamp: unit.stamp.clone(),
                    bytes: unit.bytes,
                    needs: needs.collect(),
                };
                add(&store, unit, &record, dir, other.map(|entry| entry.dir.as_path()))?;
                added = true;
            }
        }
    }
    if added {
        let known = Versions::known_to(dir);
        write_versions(&store, &versions.or(known).or(read_versions(&store)))?;
        evict(&store, limit())?;
    }
    Ok(())
}

/// From now on, the session compiles what others must not get.
fn no_longer(dir: &Path) {
    let _ = fs::remove_file(dir.join("target").join(USUAL));
}

/// How many entries there are beside the warm build, and their bytes.
pub(crate) fn size(kernels: &Path) -> (usize, u64) {
    let entries = entries_of(&kernels.join(FOLDER));
    (entries.len(), entries.iter().map(|entry| entry.record.bytes).sum())
}

/// The most that is kept, in bytes.
pub(crate) fn limit() -> u64 {
    let set = env::var(LIMIT_VARIABLE).ok().and_then(|text| text.trim().parse().ok());
    set.unwrap_or(LIMIT).saturating_mul(1 << 20)
}

/// The mark tells which units a session has from the warm build.
fn mark(dir: &Path, own: &BTreeMap<String, Unit>) -> Result<()> {
    let hashes: BTreeSet<_> = own.keys().collect();
    write(&dir.join("target").join(USUAL), &serde_json::to_string(&hashes)?)
}

fn warm_units(dir: &Path) -> BTreeSet<String> {
    let mark = fs::read(dir.join("target").join(USUAL)).unwrap_or_default();
    serde_json::from_slice(&mark).unwrap_or_default()
}

fn store_of(dir: &Path) -> Result<PathBuf> {
    Ok(dir.parent().context("a session lies in a folder")?.join(FOLDER))
}

fn hold(store: &Path, mode: Mode) -> Result<File> {
    let file = lock::open(&store.join("lock"))?;
    let held = match mode {
        Mode::Shared => file.lock_shared(),
        Mode::Exclusive => file.lock(),
    };
    held.context("can't lock the kept crates")?;
    Ok(file)
}

/// Takes cargo's own locks, if it is not at work.
fn hold_off_cargo(dir: &Path) -> Result<Option<Vec<File>>> {
    let folders = fs::read_dir(dir.join("target")).into_iter().flatten().flatten();
    let folders = folders.flat_map(|folder| [folder.path(), folder.path().join("debug")]);
    let mut held = Vec::new();
    for lock in folders.map(|folder| folder.join(".cargo-lock")).filter(|file| file.exists()) {
        let lock = lock::open(&lock)?;
        if !lock::try_take(&lock, Mode::Exclusive)? {
            return Ok(None);
        }
        held.push(lock);
    }
    Ok(Some(held))
}

fn entries_of(store: &Path) -> Vec<Entry> {
    let folders = fs::read_dir(store).into_iter().flatten().flatten();
    folders.filter_map(|folder| entry(&folder.path())).collect()
}

fn entry(dir: &Path) -> Option<Entry> {
    if dir.file_name()?.to_str()?.starts_with(TRASH) {
        return None;
    }
    let file = dir.join(RECORD);
    let record: Record = serde_json::from_slice(&fs::read(&file).ok()?).ok()?;
    let used = file.metadata().ok()?.modified().ok()?;
    Some(Entry { dir: dir.to_owned(), record, used })
}

/// What lies in an entry, if all its files are as they were when they were kept.
fn whole_unit(entry: &Path, record: &Record) -> Option<Unit> {
    units(entry).ok()?.remove(&record.hash).filter(|unit| unit.stamp == record.stamp)
}

/// The entry gets its name when all of it is there.
fn add(store: &Path, unit: &Unit, record: &Record, from: &Path, old: Option<&Path>) -> Result<()> {
    let unfinished = trash(store);
    copy_files(unit, from, &unfinished)?;
    write(&unfinished.join(RECORD), &serde_json::to_string(record)?)?;
    let target = store.join(&unit.name);
    if old.is_some() || target.exists() {
        throw_away(store, &target)?;
    }
    fs::rename(&unfinished, &target).with_context(|| format!("can't create {}", target.display()))
}

fn copy_files(unit: &Unit, from: &Path, to: &Path) -> Result<()> {
    for file in &unit.files {
        let target = to.join(file);
        let copy = || {
            fs::create_dir_all(target.parent().unwrap_or(to))?;
            // A unit that was begun here, and is whole there.
            let _ = fs::remove_file(&target);
            copy_file(&from.join(file), &target)
        };
        copy().with_context(|| format!("can't copy {}", target.display()))?;
    }
    Ok(())
}

/// Removes what is damaged, then what was not used for longest, until the rest is small enough.
fn evict(store: &Path, limit: u64) -> Result<()> {
    for folder in fs::read_dir(store).into_iter().flatten().flatten() {
        let dir = folder.path();
        let is_entry = entry(&dir).is_some();
        if dir.is_dir() && !is_entry {
            throw_away(store, &dir)?;
        }
    }
    let mut entries = entries_of(store);
    entries.sort_by_key(|entry| std::cmp::Reverse(entry.used));
    let mut total: u64 = entries.iter().map(|entry| entry.record.bytes).sum();
    while total > limit
        && let Some(oldest) = entries.pop()
    {
        total -= oldest.record.bytes;
        throw_away(store, &oldest.dir)?;
    }
    Ok(())
}

fn trash(store: &Path) -> PathBuf {
    store.join(format!("{TRASH}{}", Uuid::new_v4().simple()))
}

fn throw_away(store: &Path, dir: &Path) -> Result<()> {
    let trash = trash(store);
    fs::rename(dir, &trash).with_context(|| format!("can't move {}", dir.display()))?;
    fs::remove_dir_all(&trash).with_context(|| format!("can't remove {}", trash.display()))
}

fn touch(entry: &Path) {
    let record = File::options().write(true).open(entry.join(RECORD));
    // Another date decides only what is removed first.
    let _ = record.and_then(|file| file.set_modified(SystemTime::now()));
}

/// The versions that kept units were compiled in, below a digest: cargo refuses a damaged file.
fn read_versions(store: &Path) -> Versions {
    let text = fs::read_to_string(store.join("versions")).unwrap_or_default();
    match text.split_once('\n') {
        Some((digest, lock)) if digest == digest_of(lock) => Versions::parse(lock),
        _ => Versions::default(),
    }
}

fn write_versions(store: &Path, versions: &Versions) -> Result<()> {
    let lock = versions.to_lock();
    write(&store.join("versions"), &format!("{}\n{lock}", digest_of(&lock)))
}

fn digest_of(text: &str) -> String {
    format!("{:x}", Sha256::digest(text))
}
