//! A package that depends on crates as a notebook does, and cargo with evcxr's flags.

use std::path::Path;

use anyhow::Result;
use tokio::process::Command;

use crate::installation::{Installation, write};
use crate::tools;

/// What evcxr 0.22 writes as a notebook's profile; with another, cargo would compile all of it again.
const PROFILE: &str = r#"
[profile.dev]
opt-level = 2
debug = false
strip = "debuginfo"
rpath = true
lto = false
debug-assertions = true
codegen-units = 16
panic = 'unwind'
incremental = true
overflow-checks = true
"#;

/// `dependencies` are lines of a `Cargo.toml`.
pub(crate) fn write_package(dir: &Path, dependencies: &[String]) -> Result<()> {
    let manifest = format!(
        "[package]\nname = \"ctx\"\nversion = \"1.0.0\"\nedition = \"2024\"\n\n\
         [lib]\ncrate-type = [\"cdylib\"]\n{PROFILE}\n[dependencies]\n{}\n",
        dependencies.join("\n")
    );
    write(&dir.join("Cargo.toml"), &manifest)?;
    write(&dir.join("src/lib.rs"), "")
}

/// Cargo in `dir` with the flags that evcxr uses.
pub(crate) fn cargo(installation: &Installation, dir: &Path, subcommand: &str) -> Result<Command> {
    let mut flags = "-Cprefer-dynamic".to_owned();
    if tools::on_path("mold").is_none() && tools::on_path("lld").is_some() {
        flags.push_str(" -Clink-arg=-fuse-ld=lld");
    }
    let mut cargo = Command::new("cargo");
    installation.apply_env(&mut cargo, dir);
    cargo
        .args([subcommand, "--color=never"])
        .env("CARGO_TARGET_DIR", "target")
        .env("CARGO_BUILD_BUILD_DIR", "target")
        .env("RUSTFLAGS", flags)
        .current_dir(dir)
        .kill_on_drop(true);
    if subcommand != "metadata" {
        cargo.arg("--target").arg(tools::host()?);
    }
    Ok(cargo)
}
