//! The programs that notebooks need: rustc, cargo, a C++ compiler, evcxr.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{self, Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

/// A version from `versions.env`, where everything that must match is pinned.
pub(crate) fn pinned(name: &str) -> &'static str {
    const VERSIONS: &str = include_str!("../versions.env");
    VERSIONS
        .lines()
        .filter_map(|line| line.split_once('='))
        .find(|(key, _)| *key == name)
        .map_or("?", |(_, version)| version.trim())
}

/// The first line a program prints, or why there is none.
pub(crate) fn first_line(program: &str, args: &[&str]) -> Result<String> {
    let text = output(program, args)?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

/// Everything that sets this Rust compiler apart from another.
pub(crate) fn rustc() -> Result<String> {
    let text = output("rustc", &["-vV"])?;
    Ok(text.trim().lines().collect::<Vec<_>>().join("; "))
}

/// The machine that rustc compiles for: `x86_64-unknown-linux-gnu`.
pub(crate) fn host() -> Result<String> {
    output("rustc", &["-vV"])?
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .map(str::to_owned)
        .context("rustc does not say which machine it compiles for")
}

/// The cargo that evcxr would run: of the toolchain itself, where there is rustup.
pub(crate) fn cargo() -> PathBuf {
    let of_rustup = output("rustup", &["which", "cargo"]).ok();
    let of_rustup = of_rustup.map(|path| PathBuf::from(path.trim())).filter(|path| path.is_file());
    of_rustup.or_else(|| on_path("cargo")).unwrap_or_else(|| "cargo".into())
}

/// Where the Rust standard library's shared object lies.
pub(crate) fn rust_library_dir() -> Result<PathBuf> {
    Ok(PathBuf::from(output("rustc", &["--print", "target-libdir"])?.trim()))
}

/// Whether the standard library's source is there, from which evcxr tells the types of variables.
pub(crate) fn has_rust_source() -> bool {
    let in_sysroot = || {
        let sysroot = output("rustc", &["--print", "sysroot"]).ok()?;
        Some(Path::new(sysroot.trim()).join("lib/rustlib/src/rust/library"))
    };
    let source = env::var_os("RUST_SRC_PATH").map(PathBuf::from).or_else(in_sysroot);
    source.is_some_and(|dir| dir.is_dir())
}

/// What a line of Python prints, or nothing if there is no Python or it fails.
pub(crate) fn python(code: &str) -> Option<String> {
    let output = Command::new("python3").args(["-c", code]).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let text = text.trim();
    (output.status.success() && !text.is_empty()).then(|| text.to_owned())
}

fn output(program: &str, args: &[&str]) -> Result<String> {
    let output = Command::new(program)
        .args(args)
        .output()
        .with_context(|| format!("can't run `{program}`"))?;
    if !output.status.success() {
        bail!(
            "`{program} {}` failed: {}",
            args.join(" "),
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// evcxr_jupyter beside this command, else on the PATH.
pub(crate) fn find_evcxr() -> Result<PathBuf> {
    let sibling = env::current_exe().ok().and_then(|exe| Some(exe.parent()?.join("evcxr_jupyter")));
    sibling
        .into_iter()
        .chain(on_path("evcxr_jupyter"))
        .find(|file| file.is_file())
        .context(evcxr_remedy("evcxr_jupyter is not on the PATH"))
}

/// The version of an evcxr_jupyter, refused if it is not the one pinned.
pub(crate) fn evcxr_version(file: &Path) -> Result<String> {
    let program = fs::read(file)
        .with_context(|| evcxr_remedy(&format!("no evcxr_jupyter at {}", file.display())))?;
    let version = banner_version(&program)
        .with_context(|| evcxr_remedy(&format!("{} is no evcxr_jupyter", file.display())))?;
    if version != pinned("EVCXR") {
        bail!(evcxr_remedy(&format!(
            "{} is evcxr_jupyter {version}, but this convscope needs {}",
            file.display(),
            pinned("EVCXR")
        )));
    }
    Ok(version)
}

/// evcxr_jupyter has no `--version`, and asking it as a kernel takes seconds; but its banner
/// stands in the program.
fn banner_version(program: &[u8]) -> Option<String> {
    let start = memchr::memmem::find(program, b"EvCxR ")? + b"EvCxR ".len();
    let version = program[start..]
        .iter()
        .take_while(|byte| byte.is_ascii_digit() || **byte == b'.')
        .map(|&byte| char::from(byte))
        .collect::<String>();
    (!version.is_empty()).then_some(version)
}

fn evcxr_remedy(fault: &str) -> String {
    format!(
        "{fault}: `cargo install evcxr_jupyter --version {} --locked`, or name the file with --evcxr",
        pinned("EVCXR")
    )
}

pub(crate) fn on_path(program: &str) -> Option<PathBuf> {
    env::split_paths(env::var_os("PATH").as_deref().unwrap_or(OsStr::new("")))
        .filter_map(|dir| path::absolute(dir.join(program)).ok())
        .find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_pinned_in_one_place() {
        for name in ["TORCH", "EVCXR"] {
            assert!(pinned(name).starts_with(|c: char| c.is_ascii_digit()));
        }
        assert_eq!(pinned("NOTHING"), "?");
    }

    #[test]
    fn the_banner_tells_the_version() {
        let program = b"\0\x01EvCxR 0.22.0 - Evaluation Context for Rust\0";
        assert_eq!(banner_version(program).as_deref(), Some("0.22.0"));
        assert_eq!(banner_version(b"something else"), None);
    }
}
