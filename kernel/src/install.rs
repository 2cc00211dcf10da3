//! `convscope install` and `convscope uninstall`.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{self, Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result};
use clap::Args;

use crate::compile::{Notice, Say};
use crate::crate_source::CrateSource;
use crate::installation::{Installation, State};
use crate::kernelspec;
use crate::libtorch::{self, Libtorch};
use crate::location::Place;
use crate::tools;
use crate::warm::{self, Status};

/// What notebooks are made from.
#[derive(Args)]
pub(crate) struct Sources {
    /// The crate's folder. Default: the checkout this command was built from, else crates.io.
    #[arg(long = "crate", value_name = "DIR")]
    krate: Option<PathBuf>,
    /// The libtorch to use. Default: $LIBTORCH, else the PyTorch of python3.
    #[arg(long, value_name = "DIR")]
    libtorch: Option<PathBuf>,
    /// The evcxr_jupyter to use. Default: the one beside this command, else the one on the PATH.
    #[arg(long, value_name = "FILE")]
    evcxr: Option<PathBuf>,
}

impl Sources {
    pub(crate) fn resolve(self, kernelspec: &Path) -> Result<Installation> {
        let absolute = |path: PathBuf| path::absolute(path).map_err(anyhow::Error::from);
        Ok(Installation {
            source: match self.krate {
                Some(dir) => CrateSource::checkout(absolute(dir)?)?,
                None => CrateSource::default_source(),
            },
            libtorch: self.libtorch.map_or_else(libtorch::find, absolute)?,
            evcxr: self.evcxr.map_or_else(tools::find_evcxr, absolute)?,
            kernelspec: kernelspec.to_owned(),
            compiler_env: Installation::compiler_env_now(),
        })
    }
}

pub(crate) fn install(place: &Place, sources: Sources) -> Result<ExitCode> {
    let begun = Instant::now();
    place.state.check_path()?;
    let installation = sources.resolve(&place.kernelspec)?;
    Libtorch::inspect(&installation.libtorch)?;
    tools::evcxr_version(&installation.evcxr)?;
    installation.save(&place.state)?;
    if kernelspec::install(&installation, &place.state)? {
        println!("kernelspec: wrote {}", place.kernelspec.display());
    } else {
        println!("kernelspec: nothing to do, {}", place.kernelspec.display());
    }

    let say: Say = Arc::new(|notice| match notice {
        Notice::Headline(text) | Notice::Step(text) => println!("warm build: {text}"),
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let present = warm::look(&installation).await?;
        if let Status::Fits(_) = warm::status(&place.state, &present) {
            println!("warm build: nothing to do, it fits");
            return anyhow::Ok(());
        }
        warm::ensure(&installation, &place.state, &say).await?;
        println!("warm build: done in {} s", begun.elapsed().as_secs());
        Ok(())
    })?;
    println!("Start Jupyter and choose the kernel \"Rust (convscope)\".");
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn uninstall(place: &Place) -> Result<ExitCode> {
    let mut removed = remove(&place.kernelspec)?;
    if removed {
        println!("removed the kernelspec {}", place.kernelspec.display());
    }
    if remove_state(&place.state)? {
        println!("removed the state {}", place.state.root().display());
        removed = true;
    }
    if !removed {
        println!(
            "nothing to remove: no kernelspec at {}, nothing at {}",
            place.kernelspec.display(),
            place.state.root().display()
        );
    }
    Ok(ExitCode::SUCCESS)
}

/// Removes what is ours by name: a mistyped --state must not cost someone their folder.
fn remove_state(state: &State) -> Result<bool> {
    let mut removed = false;
    for ours in [state.kernels(), state.build_lock(), state.sessions_lock(), state.install_file()] {
        removed |= remove(&ours)?;
    }
    if removed {
        let parents = state.kernels();
        for dir in parents.ancestors().skip(1).take(2) {
            // Left if it holds something that is not ours.
            let _ = fs::remove_dir(dir);
        }
    }
    Ok(removed)
}

/// Removes a file or a folder; false if there is none.
fn remove(path: &Path) -> Result<bool> {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    match removed {
        Ok(()) => Ok(true),
        Err(error) if missing(&error) => Ok(false),
        Err(error) => Err(error).with_context(|| format!("can't remove {}", path.display())),
    }
}

fn missing(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}
