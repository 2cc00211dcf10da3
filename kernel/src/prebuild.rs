//! Compiling ahead what a warm build needs, with cargo alone: evcxr may still be compiling itself.

use std::fs::File;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use crate::installation::{Installation, State, write};
use crate::libtorch::Libtorch;
use crate::location::Place;
use crate::lock::{self, Mode};
use crate::package::{self, write_package};
use crate::warm;

/// Compiles into the folder from which the next warm build goes on.
pub(crate) fn prebuild(place: &Place, installation: &Installation) -> Result<ExitCode> {
    place.state.check_path()?;
    Libtorch::inspect(&installation.libtorch)?;
    // Not the installation: it may be there already, with an evcxr that exists.
    installation.configure_cargo(&place.state)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let _guard = lock_builds(&place.state).await?;
        if warm::exists(&place.state) {
            println!("there is a warm build already; `convscope install` brings it up to date");
            return anyhow::Ok(());
        }
        let dir = warm::staging(&place.state);
        write_package(&dir, &[installation.source.dependency()?])?;
        write(&dir.join("Cargo.lock"), &installation.source.versions().to_lock())?;
        let mut cargo = package::cargo(installation, &dir, "build")?;
        let status = cargo.arg("--package=convscope").status().await;
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
