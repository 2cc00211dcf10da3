//! Where an installation lies: its kernelspec and its state folder.

use std::env;
use std::path::{self, Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::installation::State;
use crate::tools::python;

/// Where an installation lies. Without options: the one that this command was set up with, else in the
/// active Python environment.
#[derive(Args)]
pub(crate) struct PlaceArgs {
    /// Install for this user, in Jupyter's data folder.
    #[arg(long, conflicts_with = "prefix")]
    user: bool,
    /// Install in the Python environment with this folder.
    #[arg(long, value_name = "DIR")]
    prefix: Option<PathBuf>,
    /// Keep the compiled crates here.
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
}

/// The two folders of one installation.
pub(crate) struct Place {
    /// The folder that holds `kernel.json`.
    pub(crate) kernelspec: PathBuf,
    pub(crate) state: State,
}

impl PlaceArgs {
    pub(crate) fn resolve(&self) -> Result<Place> {
        let (jupyter, default_state) = if self.user {
            let data = dirs::data_dir().context(
                "this user has no data folder: set HOME, or name a folder with --prefix",
            )?;
            (user_jupyter_dir(&data), data.join("convscope"))
        } else if let Some(prefix) = &self.prefix {
            in_environment(&path::absolute(prefix)?)
        } else if let Some(folder) = own_set_up() {
            (folder.join("venv/share/jupyter"), folder.join("kernel"))
        } else {
            in_environment(&active_environment()?)
        };
        let state = match &self.state {
            Some(dir) => path::absolute(dir)?,
            None => default_state,
        };
        Ok(Place { kernelspec: jupyter.join("kernels").join("convscope"), state: State::at(state) })
    }
}

fn in_environment(prefix: &Path) -> (PathBuf, PathBuf) {
    let share = prefix.join("share");
    (share.join("jupyter"), share.join("convscope"))
}

/// The folder that `scripts/setup` has filled, if this command is the one in its `tools/bin`.
fn own_set_up() -> Option<PathBuf> {
    let program = env::current_exe().ok()?.canonicalize().ok()?;
    let folder = program.parent()?.parent()?.parent()?;
    State::at(folder.join("kernel")).install_file().is_file().then(|| folder.to_owned())
}

fn active_environment() -> Result<PathBuf> {
    if let Some(venv) = env::var_os("VIRTUAL_ENV") {
        return Ok(PathBuf::from(venv));
    }
    match python("import sys; print(sys.prefix)") {
        Some(prefix) => Ok(PathBuf::from(prefix)),
        None => bail!(
            "no Python environment found: activate the one that Jupyter runs in, \
             or use --prefix DIR or --user"
        ),
    }
}

/// Jupyter's own rule for a user's data folder.
fn user_jupyter_dir(data: &Path) -> PathBuf {
    if let Some(dir) = env::var_os("JUPYTER_DATA_DIR") {
        return PathBuf::from(dir);
    }
    if cfg!(target_os = "macos")
        && let Some(home) = dirs::home_dir()
    {
        return home.join("Library/Jupyter");
    }
    data.join("jupyter")
}
