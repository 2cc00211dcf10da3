//! `convscope install` and `convscope uninstall`.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{self, Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::compile::{Notice, Say};
use crate::crate_source::CrateSource;
use crate::installation::{Installation, State};
use crate::kernelspec;
use crate::libtorch::{self, Libtorch};
use crate::location::Place;
use crate::tools;
use crate::warm;
use crate::with;

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
    /// Another crate to compile for notebooks, beside those of earlier installs: `ndarray=0.16`,
    /// `serde=1,features=derive`, or in quotes what a notebook has after `:dep`. May be repeated.
    #[arg(long, value_name = "CRATE")]
    with: Vec<String>,
    /// A crate that is no longer compiled for notebooks. May be repeated.
    #[arg(long, value_name = "NAME")]
    without: Vec<String>,
}

impl Sources {
    pub(crate) fn resolve(self, place: &Place) -> Result<Installation> {
        let absolute = |path: PathBuf| path::absolute(path).map_err(anyhow::Error::from);
        let mut with =
            Installation::load(&place.state).map(|before| before.with).unwrap_or_default();
        for name in &self.without {
            if with.remove(name).is_none() {
                bail!("`--without {name}`: there is no such crate; `convscope doctor` lists them");
            }
        }
        for text in &self.with {
            let (name, value) = with::parse(text)?;
            with.insert(name, value);
        }
        Ok(Installation {
            source: match self.krate {
                Some(dir) => CrateSource::checkout(absolute(dir)?)?,
                None => CrateSource::default_source(),
            },
            libtorch: self.libtorch.map_or_else(libtorch::find, absolute)?,
            evcxr: self.evcxr.map_or_else(tools::find_evcxr, absolute)?,
            kernelspec: place.kernelspec.clone(),
            compiler_env: Installation::compiler_env_now(),
            with,
        })
    }
}

pub(crate) fn install(place: &Place, sources: Sources) -> Result<ExitCode> {
    let begun = Instant::now();
    place.state.check_path()?;
    let installation = sources.resolve(place)?;
    Libtorch::inspect(&installation.libtorch)?;
    tools::evcxr_version(&installation.evcxr)?;
    let say: Say = Arc::new(|notice| match notice {
        Notice::Headline(text) | Notice::Step(text) => println!("warm build: {text}"),
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match runtime.block_on(warm::install(&installation, &place.state, &say))? {
        true => println!("warm build: done in {} s", begun.elapsed().as_secs()),
        false => println!("warm build: nothing to do, it fits"),
    }
    if kernelspec::install(&installation, &place.state)? {
        println!("kernelspec: wrote {}", place.kernelspec.display());
    } else {
        println!("kernelspec: nothing to do, {}", place.kernelspec.display());
    }
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
