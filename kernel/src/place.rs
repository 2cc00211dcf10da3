//! Where an installation lies: its kernelspec and its state folder.

use std::env;
use std::path::{self, PathBuf};

use anyhow::{Context, Result, bail};

use crate::PlaceArgs;
use crate::installation::State;
use crate::tools::python;

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
        } else {
            let share = self.prefix()?.join("share");
            (share.join("jupyter"), share.join("convscope"))
        };
        let state = match &self.state {
            Some(dir) => path::absolute(dir)?,
            None => default_state,
        };
        Ok(Place { kernelspec: jupyter.join("kernels").join("convscope"), state: State::at(state) })
    }

    fn prefix(&self) -> Result<PathBuf> {
        if let Some(prefix) = &self.prefix {
            return Ok(path::absolute(prefix)?);
        }
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
}

/// Jupyter's own rule for a user's data folder.
fn user_jupyter_dir(data: &path::Path) -> PathBuf {
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
