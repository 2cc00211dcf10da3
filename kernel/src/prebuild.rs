//! Compiling ahead what a warm build needs, with cargo alone: evcxr may still be compiling itself.

use std::fs::{self, File};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use crate::compile::cargo_like_evcxr;
use crate::installation::{Installation, State, write};
use crate::libtorch::Libtorch;
use crate::location::Place;
use crate::lock::{self, Mode};
use crate::warm;

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

/// Compiles into the folder from which the next warm build goes on.
pub(crate) fn prebuild(place: &Place, installation: &Installation) -> Result<ExitCode> {
    place.state.check_path()?;
    Libtorch::inspect(&installation.libtorch)?;
    // Not the installation: it may be there already, with an evcxr that exists.
    write(&place.state.cargo_config(), &installation.source.cargo_config())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let _guard = lock_builds(&place.state).await?;
        if warm::exists(&place.state) {
            println!("there is a warm build already; `convscope install` brings it up to date");
            return anyhow::Ok(());
        }
        let dir = warm::staging(&place.state);
        write_package(installation, &dir)?;
        let status = cargo_like_evcxr(installation, &dir)?.status().await;
        let status = status.context("can't run cargo: install Rust from https://rustup.rs")?;
        if !status.success() {
            bail!("the convscope crate does not compile for notebooks ({status})");
        }
        Ok(())
    })?;
    Ok(ExitCode::SUCCESS)
}

async fn lock_builds(state: &State) -> Result<File> {
    let wait = || println!("another build is running; waiting for it …");
    lock::take(&state.build_lock(), Mode::Exclusive, wait).await
}

/// A package that depends on the crate as a notebook does.
fn write_package(installation: &Installation, dir: &Path) -> Result<()> {
    let manifest = format!(
        "[package]\nname = \"ctx\"\nversion = \"1.0.0\"\nedition = \"2024\"\n\n\
         [lib]\ncrate-type = [\"cdylib\"]\n{PROFILE}\n[dependencies]\n{}\n",
        installation.source.dependency()?
    );
    write(&dir.join("Cargo.toml"), &manifest)?;
    write(&dir.join("src/lib.rs"), "")?;
    match installation.source.cargo_lock() {
        Some(lock) => fs::copy(&lock, dir.join("Cargo.lock"))
            .map(drop)
            .with_context(|| format!("can't copy {}", lock.display())),
        None => Ok(()),
    }
}
