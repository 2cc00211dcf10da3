//! Copies of a build that share its large files.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use anyhow::{Context, Result};
use walkdir::{DirEntry, WalkDir};

/// What a copy is for.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Purpose {
    /// A kernel's own folder.
    Session,
    /// The start of the next warm build, which keeps what makes compiling the crate again fast.
    Seed,
}

/// Below this size a copy is as cheap as a link.
const SMALL: u64 = 16 * 1024;

/// Copies the build `from` to `to`, which must not exist.
///
/// Large build products are hard-linked: compilers replace these whole. Everything else is copied,
/// because cargo and evcxr rewrite small files (sources, locks, fingerprints) in place, which
/// through a hard link would change the original and every other kernel. Dates are kept, since
/// cargo goes by them.
pub(crate) fn copy_build(from: &Path, to: &Path, purpose: Purpose) -> Result<()> {
    let wanted = |entry: &DirEntry| {
        let name = entry.file_name().to_string_lossy();
        !(is_cell(&name) || purpose == Purpose::Session && name == "incremental")
    };
    for entry in WalkDir::new(from).into_iter().filter_entry(wanted) {
        let entry = entry.with_context(|| format!("can't list {}", from.display()))?;
        let inside = entry.path().strip_prefix(from).unwrap_or(entry.path());
        let target = to.join(inside);
        let done = if entry.file_type().is_dir() {
            fs::create_dir(&target)
        } else {
            copy_file(entry.path(), &target)
        };
        done.with_context(|| {
            format!("can't copy {} to {}", entry.path().display(), target.display())
        })?;
    }
    Ok(())
}

/// The same for one file.
pub(crate) fn copy_file(from: &Path, target: &Path) -> io::Result<()> {
    let metadata = from.metadata()?;
    // A link may be impossible (another file system, too many links); a copy always does.
    if is_build_product(from) && metadata.len() >= SMALL && fs::hard_link(from, target).is_ok() {
        return Ok(());
    }
    let mut copy = File::create_new(target)?;
    io::copy(&mut File::open(from)?, &mut copy)?;
    copy.set_permissions(metadata.permissions())?;
    copy.set_modified(metadata.modified()?)
}

/// Products that compilers write anew under a temporary name, or after removing the old file.
fn is_build_product(file: &Path) -> bool {
    matches!(
        file.extension().and_then(|ext| ext.to_str()),
        Some("rlib" | "rmeta" | "so" | "dylib" | "a" | "o")
    )
}

/// What evcxr compiles from cells: the crate `ctx`, renamed to `code_1`, `code_2`, … Its names
/// depend on the folder, so no copy could use it.
pub(crate) fn is_cell(name: &str) -> bool {
    let name = name.strip_prefix("lib").unwrap_or(name);
    let number = name.strip_prefix("code_").and_then(|name| name.split('.').next());
    name.starts_with("ctx-")
        || name.starts_with("ctx.")
        || number.is_some_and(|number| number.bytes().all(|digit| digit.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt;
    use std::time::{Duration, SystemTime};

    #[test]
    fn large_products_are_linked_and_the_rest_copied_with_its_dates() {
        let dir = tempfile::tempdir().unwrap();
        let (from, to) = (dir.path().join("from"), dir.path().join("to"));
        let old = SystemTime::now() - Duration::from_secs(1000);
        fs::create_dir_all(from.join("target/incremental/x")).unwrap();
        let large = vec![7; SMALL as usize];
        let files: [(&str, &[u8]); 5] = [
            ("target/libtch-1.rlib", &large),
            ("target/libsmall-1.rlib", b"small"),
            ("target/libtch.d", &large),
            ("target/libctx-1.so", &large),
            ("Cargo.toml", b"[package]"),
        ];
        for (name, contents) in files {
            fs::write(from.join(name), contents).unwrap();
            let file = File::options().write(true).open(from.join(name)).unwrap();
            file.set_modified(old).unwrap();
        }

        copy_build(&from, &to, Purpose::Session).unwrap();

        let inode = |dir: &Path, name: &str| fs::metadata(dir.join(name)).unwrap().ino();
        let shared = |name| inode(&from, name) == inode(&to, name);
        assert!(shared("target/libtch-1.rlib"));
        assert!(!shared("target/libsmall-1.rlib"));
        assert!(!shared("target/libtch.d"));
        assert!(!shared("Cargo.toml"));
        let copied = fs::metadata(to.join("Cargo.toml")).unwrap();
        assert_eq!(copied.modified().unwrap(), old);
        assert!(!to.join("target/libctx-1.so").exists());
        assert!(!to.join("target/incremental").exists());

        let seed = dir.path().join("seed");
        copy_build(&from, &seed, Purpose::Seed).unwrap();
        assert!(seed.join("target/incremental/x").exists());
    }
}
