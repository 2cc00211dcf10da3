//! The versions that a build knows: `Cargo.lock`s, and what becomes of two of them.
//!
//! evcxr asks cargo about each `:dep` alone, which reduces `Cargo.lock` to that crate; what comes after
//! would get the newest versions of everything, and be compiled anew. So each build has a file beside
//! it with all versions it has ever used, which is put in place before cargo looks ([`crate::stand_in`]).
//! Cargo prefers what stands there and ignores what nobody asks for.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::installation::write;

/// All versions of a build, in its folder.
const KNOWN: &str = "convscope-Cargo.lock";

/// The package that evcxr makes of cells, and the one with which it asks about a `:dep`.
const CELLS: [&str; 2] = ["ctx", "evcxr_dummy_validate_dep"];

/// The packages of a `Cargo.lock`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Versions(Vec<Package>);

#[derive(Clone, Debug, Default, PartialEq)]
struct Package {
    name: String,
    version: String,
    source: Option<String>,
    checksum: Option<String>,
    /// As the file has them: `name`, or with a version where the name alone is not enough.
    dependencies: Vec<String>,
}

impl Versions {
    /// What a `Cargo.lock` says; lines that say something else are left out.
    pub(crate) fn parse(text: &str) -> Versions {
        let mut packages = Vec::new();
        // What comes before the first, or in other tables, belongs to none.
        for table in text.split("[[").filter_map(|table| table.strip_prefix("package]]")) {
            let mut package = Package::default();
            for line in table.lines() {
                match line.split_once(" = ") {
                    Some(("name", value)) => package.name = unquoted(value),
                    Some(("version", value)) => package.version = unquoted(value),
                    Some(("source", value)) => package.source = Some(unquoted(value)),
                    Some(("checksum", value)) => package.checksum = Some(unquoted(value)),
                    Some(_) => {}
                    None if line.starts_with(" \"") => package.dependencies.push(unquoted(line)),
                    None => {}
                }
            }
            if !package.name.is_empty() && !CELLS.contains(&package.name.as_str()) {
                packages.push(package);
            }
        }
        Versions(packages).with_whole_dependencies()
    }

    pub(crate) fn read(file: &Path) -> Versions {
        Versions::parse(&fs::read_to_string(file).unwrap_or_default())
    }

    /// The versions that the build in `dir` knows.
    pub(crate) fn known_to(dir: &Path) -> Versions {
        Versions::read(&dir.join(KNOWN))
    }

    pub(crate) fn make_known_to(&self, dir: &Path) -> Result<()> {
        write(&dir.join(KNOWN), &self.to_lock())
    }

    /// These, and of `others` what these have no compatible version of.
    pub(crate) fn or(mut self, others: Versions) -> Versions {
        let have: BTreeSet<_> = self.0.iter().map(Package::slot).collect();
        self.0.extend(others.0.into_iter().filter(|package| !have.contains(&package.slot())));
        self
    }

    pub(crate) fn names(&self) -> BTreeSet<&str> {
        self.0.iter().map(|package| package.name.as_str()).collect()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A name alone means the only version of this file; another file may have more.
    fn with_whole_dependencies(mut self) -> Versions {
        let all: Vec<_> =
            self.0.iter().map(|package| (package.name.clone(), package.version.clone())).collect();
        for dependency in self.0.iter_mut().flat_map(|package| &mut package.dependencies) {
            if !dependency.contains(' ')
                && let Some((name, version)) = all.iter().find(|(name, _)| name == dependency)
            {
                *dependency = format!("{name} {version}");
            }
        }
        self
    }

    pub(crate) fn to_lock(&self) -> String {
        let mut packages: Vec<_> = self.0.iter().map(Package::to_table).collect();
        packages.sort();
        format!("version = 4\n{}", packages.concat())
    }
}

impl Package {
    /// Cargo has one version at most of those that are compatible.
    fn slot(&self) -> (String, Option<String>, String) {
        let mut numbers = self.version.split(['.', '-', '+']);
        let mut compatible = String::new();
        for number in numbers.by_ref() {
            compatible.push_str(number);
            if number != "0" {
                break;
            }
            compatible.push('.');
        }
        (self.name.clone(), self.source.clone(), compatible)
    }

    fn to_table(&self) -> String {
        let line = |key: &str, value: &Option<String>| {
            value.as_ref().map(|value| format!("{key} = \"{value}\"\n")).unwrap_or_default()
        };
        let mut table = format!(
            "\n[[package]]\nname = \"{}\"\nversion = \"{}\"\n{}{}",
            self.name,
            self.version,
            line("source", &self.source),
            line("checksum", &self.checksum),
        );
        if !self.dependencies.is_empty() {
            let lines: Vec<_> = self
                .dependencies
                .iter()
                .map(|dependency| format!(" \"{dependency}\",\n"))
                .collect();
            table.push_str(&format!("dependencies = [\n{}]\n", lines.concat()));
        }
        table
    }
}

fn unquoted(value: &str) -> String {
    value.trim().trim_end_matches(',').trim_matches('"').to_owned()
}

/// Takes note of what cargo chose last in `dir`, and puts all known versions in place for the next time.
pub(crate) fn keep(dir: &Path) -> Result<()> {
    let lock = dir.join("Cargo.lock");
    let text = fs::read_to_string(&lock).unwrap_or_default();
    let known = Versions::known_to(dir);
    // What was chosen last was asked for; known versions may not satisfy that.
    let all = Versions::parse(&text).or(known.clone());
    if all != known {
        all.make_known_to(dir)?;
    }
    let wanted = all.to_lock();
    if wanted != text && !all.is_empty() {
        write(&lock, &wanted).context("can't keep the versions of a build")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock(packages: &[(&str, &str, &[&str])]) -> String {
        let table = |(name, version, dependencies): &(&str, &str, &[&str])| {
            let list: String = dependencies.iter().map(|name| format!(" \"{name}\",\n")).collect();
            format!(
                "[[package]]\nname = \"{name}\"\nversion = \"{version}\"\nsource = \"registry\"\n\
                 dependencies = [\n{list}]\n\n"
            )
        };
        format!("# comment\nversion = 4\n\n{}", packages.iter().map(table).collect::<String>())
    }

    #[test]
    fn of_two_locks_one_compatible_version_stays_each() {
        let ours = Versions::parse(&lock(&[("rand", "0.8.5", &[]), ("itoa", "1.0.2", &[])]));
        let others = lock(&[
            ("ctx", "1.0.0", &["rand"]),
            ("rand", "0.8.9", &[]),
            ("rand", "0.9.1", &[]),
            ("itoa", "1.2.0", &[]),
            ("zero", "0.0.3", &["rand 0.9.1", "itoa"]),
        ]);
        let both = ours.or(Versions::parse(&others));
        let versions: Vec<_> =
            both.0.iter().map(|package| format!("{} {}", package.name, package.version)).collect();
        assert_eq!(versions, ["rand 0.8.5", "itoa 1.0.2", "rand 0.9.1", "zero 0.0.3"]);
        // Without the other lock, a name alone would mean something else.
        assert_eq!(both.0[3].dependencies, ["rand 0.9.1", "itoa 1.2.0"]);
        let again = Versions::parse(&both.to_lock());
        assert_eq!(again.to_lock(), both.to_lock());
    }

    #[test]
    fn versions_outlast_a_question_about_one_crate() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("Cargo.lock");
        let known = Versions::parse(&lock(&[("itoa", "1.0.2", &[]), ("rand", "0.8.5", &[])]));
        known.make_known_to(dir.path()).unwrap();
        let mut asked = lock(&[("evcxr_dummy_validate_dep", "0.0.1", &[]), ("ryu", "1.0.0", &[])]);
        asked.push_str("[[patch.unused]]\nname = \"convscope\"\nversion = \"0.1.0\"\n");
        for emptied in ["", &asked, &lock(&[("itoa", "1.0.1", &[])])] {
            fs::write(&file, emptied).unwrap();
            keep(dir.path()).unwrap();
        }
        let now = Versions::read(&file);
        assert_eq!(now.names().into_iter().collect::<Vec<_>>(), ["itoa", "rand", "ryu"]);
        let itoa = now.0.iter().find(|package| package.name == "itoa").unwrap();
        assert_eq!(itoa.version, "1.0.1", "what a notebook asked for goes first");
    }

    #[test]
    fn damaged_text_is_no_version() {
        for text in ["", "[[package]]", "[[package]]\nname", "\0\u{1}[[package]]\n \"x\n= = ="] {
            assert!(Versions::parse(text).is_empty(), "{text}");
        }
    }
}
