//! What cargo has compiled, crate by crate, as it lies in a build's folder.
//!
//! Of each crate in each form (version, features, compiler, flags, those of all below it) cargo makes a
//! hash, which ends the names of all its files. Its records tell, by other hashes, which others it was
//! compiled against.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use anyhow::{Context, Result};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use walkdir::WalkDir;

use crate::copy::is_cell;

/// One crate, or its build script, or what that script gave, in one form.
pub(crate) struct Unit {
    /// `serde-0123456789abcdef`.
    pub(crate) name: String,
    /// Relative to the build's folder.
    pub(crate) files: Vec<PathBuf>,
    pub(crate) bytes: u64,
    /// Names, sizes and dates of all its files. Two builds with the same stamp have the same files.
    pub(crate) stamp: String,
    /// Cargo's own hashes: of this one, and of those it was compiled against.
    hashes: Vec<String>,
    needs: Vec<String>,
}

impl Unit {
    /// The package's name, as in `Cargo.toml`.
    pub(crate) fn package(&self) -> &str {
        self.name.rsplit_once('-').map_or(&self.name, |(package, _)| package)
    }
}

/// What is wholly compiled in the build `dir`, by hash.
pub(crate) fn units(dir: &Path) -> Result<BTreeMap<String, Unit>> {
    let mut found: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    let target = dir.join("target");
    let mut entries = WalkDir::new(&target).sort_by_file_name().into_iter();
    while let Some(entry) = entries.next() {
        let entry = entry.with_context(|| format!("can't list {}", target.display()))?;
        let name = entry.file_name().to_string_lossy();
        let is_dir = entry.file_type().is_dir();
        if is_cell(&name) || name == "incremental" {
            if is_dir {
                entries.skip_current_dir();
            }
            continue;
        }
        let Some((_, hash)) = split(&name) else { continue };
        let files = found.entry(hash.to_owned()).or_default();
        if is_dir {
            entries.skip_current_dir();
            let below = WalkDir::new(entry.path()).sort_by_file_name();
            let below = below.into_iter().filter_map(Result::ok);
            files.extend(
                below.filter(|entry| entry.file_type().is_file()).map(walkdir::DirEntry::into_path),
            );
        } else {
            files.push(entry.into_path());
        }
    }
    let units = found.into_iter().filter_map(|(hash, files)| Some((hash, read(dir, files)?)));
    Ok(units.collect())
}

/// The hashes of the units that each was compiled against; nothing where one of them isn't there.
pub(crate) fn needs(units: &BTreeMap<String, Unit>) -> BTreeMap<&str, Option<Vec<&str>>> {
    let by_cargo: BTreeMap<&str, &str> = units
        .iter()
        .flat_map(|(hash, unit)| {
            unit.hashes.iter().map(move |cargo| (cargo.as_str(), hash.as_str()))
        })
        .collect();
    let needs = |unit: &Unit| {
        unit.needs.iter().map(|cargo| by_cargo.get(cargo.as_str()).copied()).collect()
    };
    units.iter().map(|(hash, unit)| (hash.as_str(), needs(unit))).collect()
}

/// `libserde-0123456789abcdef.rlib` is of `libserde` and that hash.
fn split(name: &str) -> Option<(&str, &str)> {
    let stem = name.split('.').next().unwrap_or(name);
    let (name, hash) = stem.rsplit_once('-')?;
    let is_hash = hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hash.then_some((name, hash))
}

#[derive(Deserialize)]
struct Record {
    /// Package, name, visibility, hash.
    deps: Vec<(u64, String, bool, u64)>,
}

/// Nothing if it was not compiled to the end.
fn read(dir: &Path, files: Vec<PathBuf>) -> Option<Unit> {
    let mut name = None;
    let mut stamp = Sha256::new();
    let (mut hashes, mut needs, mut bytes) = (Vec::new(), Vec::new(), 0);
    let mut inside = Vec::with_capacity(files.len());
    for file in files {
        let metadata = file.metadata().ok()?;
        let relative = file.strip_prefix(dir).ok()?.to_owned();
        bytes += metadata.len();
        // Compilers write these for others than cargo, with the folder's own path.
        if relative.extension().is_none_or(|extension| extension != "d") {
            let date = metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
            stamp.update(format!(
                "{}\0{} {}\0",
                relative.display(),
                metadata.len(),
                date.as_nanos()
            ));
        }
        if matches!(
            relative.extension().and_then(|name| name.to_str()),
            Some("rlib" | "rmeta" | "so")
        ) && metadata.len() == 0
        {
            return None;
        }
        if let Some(folder) = relative.parent().filter(|folder| {
            folder.parent().and_then(Path::file_name).is_some_and(|name| name == ".fingerprint")
        }) {
            name = Some(folder.file_name()?.to_str()?.to_owned());
            if file.extension().is_some_and(|extension| extension == "json") {
                let record: Record = serde_json::from_slice(&fs::read(&file).ok()?).ok()?;
                needs.extend(record.deps.iter().map(|(.., hash)| hex(*hash)));
                // Cargo empties this file when it begins, and fills it when it is done.
                let hash = fs::read_to_string(file.with_extension("")).ok()?;
                if hash.len() != 16 {
                    return None;
                }
                hashes.push(hash);
            }
        }
        inside.push(relative);
    }
    if hashes.is_empty() {
        return None;
    }
    let stamp = format!("{:x}", stamp.finalize());
    Some(Unit { name: name?, files: inside, bytes, stamp, hashes, needs })
}

/// As cargo writes a hash into a file: byte by byte, the lowest first.
fn hex(hash: u64) -> String {
    hash.to_le_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Removes the units of packages that are not among `names`.
pub(crate) fn remove_others(dir: &Path, names: &BTreeSet<&str>) -> Result<()> {
    for unit in units(dir)?.into_values().filter(|unit| !names.contains(unit.package())) {
        for file in unit.files {
            let file = dir.join(file);
            fs::remove_file(&file).with_context(|| format!("can't remove {}", file.display()))?;
        }
    }
    Ok(())
}
