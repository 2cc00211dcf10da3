//! The kernelspec: what Jupyter reads to list and start the kernel.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::installation::{Installation, State, write};

const LOGO: &str = include_str!("../assets/logo-svg.svg");

/// Writes the kernelspec unless it is there already; says whether it did.
pub(crate) fn install(installation: &Installation, state: &State) -> Result<bool> {
    let program = env::current_exe().context("can't tell where this command lies")?;
    let spec = json!({
        "argv": [
            program, "kernel", "--state", state.root(), "--connection-file", "{connection_file}",
        ],
        "display_name": "Rust (convscope)",
        "language": "rust",
        "interrupt_mode": "message",
        // For programs that look into the spec. The kernel itself goes by `install.json`, and adds
        // libtorch to the library path it inherits, which a spec can't do.
        "env": {"LIBTORCH": installation.libtorch},
    });
    let file = spec_file(&installation.kernelspec);
    let text = format!("{spec:#}\n");
    if fs::read_to_string(&file).is_ok_and(|there| there == text) {
        return Ok(false);
    }
    write(&installation.kernelspec.join("logo-svg.svg"), LOGO)?;
    write(&file, &text)?;
    Ok(true)
}

/// The program that an installed kernelspec starts.
pub(crate) fn program(dir: &Path) -> Result<PathBuf> {
    let file = spec_file(dir);
    let text = fs::read(&file).with_context(|| format!("no {}", file.display()))?;
    let spec: Value = serde_json::from_slice(&text)
        .with_context(|| format!("{} is no kernelspec", file.display()))?;
    let program =
        spec["argv"][0].as_str().with_context(|| format!("{} names no program", file.display()))?;
    Ok(PathBuf::from(program))
}

pub(crate) fn spec_file(dir: &Path) -> PathBuf {
    dir.join("kernel.json")
}
