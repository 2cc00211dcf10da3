//! This command under the names `cargo` and `rustup`, as evcxr finds them.
//!
//! evcxr runs cargo several times in a cell, and in between its `Cargo.lock` has lost what the next run
//! needs. So in a session's folder, cargo is this command first, which keeps the versions and becomes
//! cargo. evcxr asks rustup for the path of cargo, so rustup is stood in for as well.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

use crate::tools;
use crate::versions;

/// The folder of the stand-ins, inside a build's.
const FOLDER: &str = "bin";

/// The build's folder, the real cargo, and the PATH without the stand-ins, for these.
const DIR: &str = "CONVSCOPE_BUILD_DIR";
const CARGO: &str = "CONVSCOPE_CARGO";
const REAL_PATH: &str = "CONVSCOPE_PATH";

/// Puts the stand-ins into a build's folder, and returns the variables with which evcxr finds them.
pub(crate) fn set_up(dir: &Path) -> Result<Vec<(&'static str, OsString)>> {
    let bin = dir.join(FOLDER);
    let program = env::current_exe().context("can't find this command's own file")?;
    fs::create_dir_all(&bin).with_context(|| format!("can't create {}", bin.display()))?;
    for name in ["cargo", "rustup"] {
        let link = bin.join(name);
        let _ = fs::remove_file(&link);
        symlink(&program, &link).with_context(|| format!("can't create {}", link.display()))?;
    }
    // Where Jupyter itself was started from a notebook, the PATH has another notebook's stand-ins.
    let path = env::var_os(REAL_PATH).or_else(|| env::var_os("PATH")).unwrap_or_default();
    let cargo = env::var_os(CARGO).unwrap_or_else(|| tools::cargo().into());
    let with_ours = env::join_paths([bin].into_iter().chain(env::split_paths(&path)))
        .context("the PATH can't be extended")?;
    Ok(vec![
        ("PATH", with_ours),
        (REAL_PATH, path),
        (CARGO, cargo),
        (DIR, dir.as_os_str().to_owned()),
    ])
}

/// Does the work of a stand-in, if this process is one.
pub(crate) fn run() -> Option<ExitCode> {
    let mut args = env::args_os();
    let name = PathBuf::from(args.next()?);
    let args: Vec<OsString> = args.collect();
    let (dir, path) = (PathBuf::from(env::var_os(DIR)?), env::var_os(REAL_PATH)?);
    let program = match name.file_name()?.to_str()? {
        "cargo" => {
            if in_folder(&dir)
                && let Err(error) = versions::keep(&dir)
            {
                eprintln!("convscope: {error:#}");
            }
            env::var_os(CARGO)?
        }
        "rustup" => {
            if args == ["which", "cargo"] {
                println!("{}", dir.join(FOLDER).join("cargo").display());
                return Some(ExitCode::SUCCESS);
            }
            let rustup = env::split_paths(&path).map(|dir| dir.join("rustup"));
            rustup.into_iter().find(|file| file.is_file()).map(OsString::from).unwrap_or_default()
        }
        _ => return None,
    };
    if program.is_empty() {
        return Some(ExitCode::FAILURE);
    }
    // Does not return if it succeeds.
    let error = Command::new(&program).args(args).env("PATH", path).exec();
    eprintln!("convscope: can't run {}: {error}", Path::new(&program).display());
    Some(ExitCode::FAILURE)
}

fn in_folder(dir: &Path) -> bool {
    let here = env::current_dir().and_then(|here| here.canonicalize());
    matches!((here, dir.canonicalize()), (Ok(here), Ok(dir)) if here == dir)
}
