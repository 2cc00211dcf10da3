//! The kernelspec: what Jupyter reads to list and start the kernel.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::installation::{Installation, State, write};
use crate::tools;

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
        "env": environment(installation),
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

/// What a kernel must know that Jupyter, started from a desktop or a hub, may not.
fn environment(installation: &Installation) -> Value {
    // For programs that look into the spec. The kernel itself goes by `install.json`, and adds
    // libtorch to the library path it inherits, which a spec can't do.
    let mut variables = json!({"LIBTORCH": installation.libtorch});
    for name in ["RUSTUP_HOME", "CARGO_HOME"] {
        if let Ok(value) = env::var(name) {
            variables[name] = value.into();
        }
    }
    // Jupyter fills in the PATH it has itself.
    if let Some(dir) = tools::on_path("cargo").as_deref().and_then(Path::parent) {
        variables["PATH"] = format!("${{PATH}}:{}", dir.display()).into();
    }
    variables
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
