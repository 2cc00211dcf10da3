//! libtorch: where it is and which version.

use std::env;
use std::fs;
use std::path::{self, Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::tools::pinned;
use crate::tools::python;

pub(crate) const LIBRARY_PATH_VAR: &str =
    if cfg!(target_os = "macos") { "DYLD_LIBRARY_PATH" } else { "LD_LIBRARY_PATH" };

const CPU_LIBRARY: &str =
    if cfg!(target_os = "macos") { "libtorch_cpu.dylib" } else { "libtorch_cpu.so" };

/// A libtorch folder that has what it takes.
pub(crate) struct Libtorch {
    /// As PyTorch writes it: `2.11.0+cpu`, `2.11.0+cu130`.
    pub(crate) version: String,
    /// Size of its main library: tells two builds of one version apart.
    pub(crate) library_bytes: u64,
}

impl Libtorch {
    pub(crate) fn inspect(dir: &Path) -> Result<Libtorch> {
        let remedy = format!(
            "install PyTorch {} (`pip install torch=={0}`) and run `convscope install --libtorch DIR` \
             with its folder",
            pinned("TORCH")
        );
        let library = lib_dir(dir).join(CPU_LIBRARY);
        let library_bytes = fs::metadata(&library)
            .with_context(|| format!("no libtorch at {}: {remedy}", dir.display()))?
            .len();
        let version = version(dir)
            .with_context(|| format!("can't tell the version of {}: {remedy}", dir.display()))?;
        if version.split('+').next() != Some(pinned("TORCH")) {
            bail!(
                "{} is libtorch {version}, but this convscope needs {}: {remedy}",
                dir.display(),
                pinned("TORCH")
            );
        }
        Ok(Libtorch { version, library_bytes })
    }

    /// What the version's suffix says about the build: `cu130` is CUDA 13.0.
    pub(crate) fn flavour(&self) -> String {
        let suffix = self.version.split_once('+').map(|(_, suffix)| suffix);
        let cuda = suffix.and_then(|suffix| {
            let digits = suffix.strip_prefix("cu")?;
            digits.split_at_checked(digits.len().checked_sub(1)?)
        });
        match (suffix, cuda) {
            (Some("cpu"), _) => "CPU build".to_owned(),
            (_, Some((major, minor))) => format!("CUDA {major}.{minor} build"),
            (Some(other), None) => format!("{other} build"),
            (None, None) => "build unknown".to_owned(),
        }
    }
}

pub(crate) fn lib_dir(dir: &Path) -> PathBuf {
    dir.join("lib")
}

/// `$LIBTORCH`, else the PyTorch of the Python on the PATH.
pub(crate) fn find() -> Result<PathBuf> {
    if let Some(dir) = env::var_os("LIBTORCH") {
        return Ok(path::absolute(dir)?);
    }
    // Finding the package without importing it saves seconds.
    python(
        "import importlib.util as u, os; print(os.path.dirname(u.find_spec('torch').origin))",
    )
    .map(PathBuf::from)
    .with_context(|| {
        format!(
            "no libtorch found: `pip install torch=={}`, or name its folder with --libtorch or LIBTORCH",
            pinned("TORCH")
        )
    })
}

/// From PyTorch's `version.py`, or from the `build-version` of a libtorch archive.
fn version(dir: &Path) -> Option<String> {
    if let Ok(text) = fs::read_to_string(dir.join("version.py")) {
        return text.lines().find_map(|line| {
            let value = line.strip_prefix("__version__")?.trim_start();
            let value = value.strip_prefix('=')?.trim();
            Some(value.trim_matches(['\'', '"']).to_owned())
        });
    }
    let text = fs::read_to_string(dir.join("build-version")).ok()?;
    Some(text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_suffix_tells_the_build() {
        let flavour = |version: &str| {
            let version = version.to_owned();
            Libtorch { version, library_bytes: 0 }.flavour()
        };
        assert_eq!(flavour("2.11.0+cpu"), "CPU build");
        assert_eq!(flavour("2.11.0+cu130"), "CUDA 13.0 build");
        assert_eq!(flavour("2.11.0+cu"), "cu build");
        assert_eq!(flavour("2.11.0"), "build unknown");
    }
}
