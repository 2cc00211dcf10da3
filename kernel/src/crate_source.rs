//! Where notebooks get the `convscope` crate from: a checkout, or crates.io.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use walkdir::WalkDir;

use crate::versions::Versions;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum CrateSource {
    /// A folder with the crate's `Cargo.toml`.
    Checkout(PathBuf),
    /// A version on crates.io.
    Registry(String),
}

/// Files at the top of a checkout that decide what is built.
const TOP_FILES: [&str; 3] = ["Cargo.toml", "Cargo.lock", "build.rs"];

/// Folders of which every file does: the library, and the crate beside it that it needs.
pub(crate) const SOURCE_FOLDERS: [&str; 2] = ["src", "weights"];

/// What runs as fast without optimization, and compiles in half the time or less: torch-sys' C++, which
/// only passes calls on; downloads; color profiles and compressors that other crates bring and nothing
/// here uses. No crate whose speed a notebook of somebody else's may depend on.
const NOT_OPTIMIZED: [&str; 10] = [
    "bzip2-sys",
    "http",
    "moxcms",
    "pxfm",
    "rustls",
    "rustls-webpki",
    "torch-sys",
    "ureq",
    "ureq-proto",
    "zstd-sys",
];

/// What a crate's sources are at one moment.
pub(crate) struct Sources {
    /// Path inside the crate, and a digest of the contents.
    pub(crate) digests: BTreeMap<String, String>,
    /// The file changed last, and when: cargo goes by dates, not by contents.
    pub(crate) newest: Option<(String, SystemTime)>,
}

impl CrateSource {
    /// The checkout this command was built from if it is still there, else this version.
    pub(crate) fn default_source() -> CrateSource {
        let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
        match checkout {
            Some(dir) if is_convscope(dir) => CrateSource::Checkout(dir.to_owned()),
            _ => CrateSource::Registry(env!("CARGO_PKG_VERSION").to_owned()),
        }
    }

    /// Checks that `dir`, an absolute path, holds the crate.
    pub(crate) fn checkout(dir: PathBuf) -> Result<CrateSource> {
        // `crate/.` and `crate` must be the same package to cargo.
        let dir = dir
            .canonicalize()
            .with_context(|| format!("can't find the crate's folder {}", dir.display()))?;
        if !is_convscope(&dir) {
            bail!(
                "{} has no Cargo.toml of a package `convscope`: give its folder with --crate",
                dir.display()
            );
        }
        Ok(CrateSource::Checkout(dir))
    }

    /// The crate as a dependency: `convscope = "0.1.0"`.
    pub(crate) fn dependency(&self) -> Result<String> {
        let version = match self {
            CrateSource::Registry(version) => version.clone(),
            CrateSource::Checkout(dir) => checkout_version(dir)?,
        };
        Ok(format!("convscope = \"{version}\""))
    }

    /// Cargo's settings for notebooks: where the crate comes from, and how far what is below it is
    /// optimized.
    pub(crate) fn cargo_config(&self) -> String {
        let patch = match self {
            // A TOML basic string is escaped as a JSON string is.
            CrateSource::Checkout(dir) => format!(
                "[patch.crates-io]\nconvscope = {{ path = {} }}\n",
                serde_json::Value::from(dir.to_string_lossy())
            ),
            CrateSource::Registry(_) => String::new(),
        };
        let levels = NOT_OPTIMIZED.map(|name| format!("{name}.opt-level = 0\n")).concat();
        format!(
            "# Written by `convscope install`.\n{patch}\n\
             [profile.dev.package]\ntch.opt-level = 1\n{levels}"
        )
    }

    /// The versions that the source pins.
    pub(crate) fn versions(&self) -> Versions {
        match self {
            CrateSource::Checkout(dir) => Versions::read(&dir.join("Cargo.lock")),
            CrateSource::Registry(_) => Versions::default(),
        }
    }

    pub(crate) fn sources(&self) -> Result<Sources> {
        let mut sources = Sources { digests: BTreeMap::new(), newest: None };
        let dir = match self {
            CrateSource::Checkout(dir) => dir,
            CrateSource::Registry(version) => {
                sources.digests.insert("convscope".into(), version.clone());
                return Ok(sources);
            }
        };
        for file in TOP_FILES.map(|name| dir.join(name)) {
            if file.exists() {
                sources.add(dir, &file)?;
            }
        }
        let folders = SOURCE_FOLDERS.map(|name| dir.join(name));
        for entry in folders.iter().filter(|folder| folder.exists()).flat_map(WalkDir::new) {
            let entry = entry.context("can't list the crate's sources")?;
            if entry.file_type().is_file() {
                sources.add(dir, entry.path())?;
            }
        }
        Ok(sources)
    }

    /// How many crates cargo is going to announce, where that can be told.
    pub(crate) fn crates_to_compile(&self) -> Option<usize> {
        let CrateSource::Checkout(dir) = self else {
            return None;
        };
        let output = Command::new("cargo")
            // Locked: looking must not write into the checkout.
            .args(["tree", "--locked", "--offline", "--prefix=none", "--format={p}"])
            .args(["--edges=normal,build", "--package=convscope"])
            .current_dir(dir)
            .output()
            .ok()
            .filter(|output| output.status.success())?;
        let text = String::from_utf8(output.stdout).ok()?;
        let crates: std::collections::BTreeSet<_> = text
            .lines()
            .map(|line| line.trim_end_matches(" (*)"))
            // evcxr passes on only the lines whose crate name is one word.
            .filter(|line| !line.split(' ').next().unwrap_or_default().contains('-'))
            .filter(|line| !line.is_empty())
            .collect();
        Some(crates.len())
    }
}

impl Sources {
    fn add(&mut self, root: &Path, file: &Path) -> Result<()> {
        let read = || -> std::io::Result<(Vec<u8>, SystemTime)> {
            Ok((fs::read(file)?, fs::metadata(file)?.modified()?))
        };
        let (contents, modified) =
            read().with_context(|| format!("can't read {}", file.display()))?;
        let name = file.strip_prefix(root).unwrap_or(file).to_string_lossy();
        self.digests.insert(name.to_string(), digest(&contents));
        if self.newest.as_ref().is_none_or(|(_, time)| modified > *time) {
            self.newest = Some((name.into_owned(), modified));
        }
        Ok(())
    }
}

fn digest(contents: &[u8]) -> String {
    format!("{:x}", Sha256::digest(contents))
}

fn is_convscope(dir: &Path) -> bool {
    fs::read_to_string(dir.join("Cargo.toml"))
        .is_ok_and(|text| text.lines().any(|line| line.replace(' ', "") == "name=\"convscope\""))
}

/// Asks cargo, because the version may be inherited from a workspace.
fn checkout_version(dir: &Path) -> Result<String> {
    let output = Command::new("cargo")
        .args(["metadata", "--no-deps", "--offline", "--format-version=1"])
        .current_dir(dir)
        .output()
        .context("can't run cargo: install Rust from https://rustup.rs")?;
    if !output.status.success() {
        bail!(
            "cargo can't read {}: {}",
            dir.join("Cargo.toml").display(),
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    let metadata: serde_json::Value =
        serde_json::from_slice(&output.stdout).context("cargo metadata gave no JSON")?;
    metadata["packages"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|package| package["name"] == "convscope")
        .and_then(|package| package["version"].as_str())
        .map(str::to_owned)
        .with_context(|| format!("{} has no package `convscope`", dir.display()))
}
