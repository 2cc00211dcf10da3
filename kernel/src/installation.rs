//! What was installed, as `install.json` records it, and the folders of one installation.

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use tokio::process::Command;
use uuid::Uuid;

use crate::crate_source::CrateSource;
use crate::libtorch;
use crate::threads;
use crate::tools;
use crate::with::Crates;

/// The folder that holds everything one installation needs at run time.
#[derive(Clone)]
pub(crate) struct State {
    root: PathBuf,
}

impl State {
    pub(crate) fn at(root: PathBuf) -> State {
        State { root }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Says at once where nothing can be compiled, which evcxr, the linker and cargo would each say in
    /// their own way after minutes: evcxr splits paths at spaces, the linker reads `%`, and lists of
    /// libraries are separated by `:`.
    pub(crate) fn check_path(&self) -> Result<()> {
        let path = self.root.to_str().with_context(|| {
            format!("notebooks can't be compiled in {}: its name is not UTF-8", self.root.display())
        })?;
        if let Some(letter) =
            path.chars().find(|letter| letter.is_whitespace() || "%:".contains(*letter))
        {
            let what =
                if letter.is_whitespace() { "a space".into() } else { format!("`{letter}`") };
            bail!(
                "notebooks can't be compiled in {path}: there is {what} in its name. \
                 Choose another folder with `--state DIR`"
            );
        }
        Ok(())
    }

    pub(crate) fn install_file(&self) -> PathBuf {
        self.root.join("install.json")
    }

    /// Where warm builds and sessions lie side by side, each a cargo package.
    ///
    /// The name is no accident: cargo looks upwards for a workspace that a package might belong to,
    /// and stops at a folder `target/package`. Anywhere else, a Python environment that lies inside
    /// someone's cargo workspace would make every notebook fail.
    pub(crate) fn kernels(&self) -> PathBuf {
        self.root.join("target").join("package")
    }

    /// Held shared while a warm build is copied, exclusively while one is made.
    pub(crate) fn build_lock(&self) -> PathBuf {
        self.root.join("build.lock")
    }

    /// Held while a session is created or dead ones are removed.
    pub(crate) fn sessions_lock(&self) -> PathBuf {
        self.root.join("sessions.lock")
    }

    /// Cargo's configuration for all packages below: it sends `:dep convscope = "0.1"`, which is what
    /// users of the published crate write, to the local checkout. It can't lie in the package
    /// itself, since evcxr writes a file of that name there.
    pub(crate) fn cargo_config(&self) -> PathBuf {
        self.kernels().join(".cargo").join("config.toml")
    }
}

/// One installation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Installation {
    pub(crate) source: CrateSource,
    /// Always the same string: torch-sys compiles its C++ again when `LIBTORCH` changes.
    pub(crate) libtorch: PathBuf,
    pub(crate) evcxr: PathBuf,
    pub(crate) kernelspec: PathBuf,
    /// The C and C++ settings of the shell that installed, kept because cc makes cargo compile
    /// again when they change, and Jupyter is often started from elsewhere.
    pub(crate) compiler_env: BTreeMap<String, String>,
    /// What is compiled beside the crate. Installations of before had none.
    #[serde(default)]
    pub(crate) with: Crates,
}

const COMPILER_VARS: [&str; 7] = ["AR", "ARFLAGS", "CC", "CFLAGS", "CXX", "CXXFLAGS", "CXXSTDLIB"];

/// Other variables that would make cargo or torch-sys build something else than the warm build.
const CLEARED_VARS: [&str; 10] = [
    "CARGO_BUILD_RUSTFLAGS",
    "CARGO_ENCODED_RUSTFLAGS",
    "LIBTORCH_CXX11_ABI",
    "LIBTORCH_INCLUDE",
    "LIBTORCH_LIB",
    "LIBTORCH_STATIC",
    "LIBTORCH_USE_PYTORCH",
    "RUSTC_WRAPPER",
    "RUSTC_WORKSPACE_WRAPPER",
    "TORCH_CUDA_VERSION",
];

impl Installation {
    pub(crate) fn load(state: &State) -> Result<Installation> {
        let file = state.install_file();
        let text = fs::read(&file).with_context(|| {
            format!("nothing is installed at {}: run `convscope install`", state.root().display())
        })?;
        serde_json::from_slice(&text).with_context(|| {
            format!(
                "{} is of another version of convscope: run `convscope install` again",
                file.display()
            )
        })
    }

    pub(crate) fn save(&self, state: &State) -> Result<()> {
        fs::create_dir_all(state.kernels())
            .with_context(|| format!("can't create {}", state.kernels().display()))?;
        write(
            &state.install_file(),
            &serde_json::to_string_pretty(self).context("can't describe the installation")?,
        )?;
        self.configure_cargo(state)
    }

    /// Lets cargo find the crate.
    pub(crate) fn configure_cargo(&self, state: &State) -> Result<()> {
        write(&state.cargo_config(), &self.source.cargo_config())
    }

    /// The variables of this process that `install` should remember.
    pub(crate) fn compiler_env_now() -> BTreeMap<String, String> {
        COMPILER_VARS
            .iter()
            .filter_map(|&name| Some((name.to_owned(), env::var(name).ok()?)))
            .collect()
    }

    /// Sets up `command` so that all evcxr processes of this installation build alike.
    pub(crate) fn apply_env(&self, command: &mut Command, tmpdir: &Path) {
        for name in CLEARED_VARS.iter().chain(&COMPILER_VARS) {
            command.env_remove(name);
        }
        command
            .envs(threads::settings(|name| env::var_os(name).is_some()))
            .envs(&self.compiler_env)
            .env("EVCXR_TMPDIR", tmpdir)
            // Where it is set, the library speaks in frames.
            .env("CONVSCOPE_SESSION", tmpdir)
            .env("LIBTORCH", &self.libtorch);

        command.env(libtorch::LIBRARY_PATH_VAR, self.library_path());
    }

    /// Neither torch-sys nor tch leaves an rpath, and evcxr overrides RUSTFLAGS. The rpath that rustc
    /// leaves for its own library is relative to another folder than the one evcxr loads from, and
    /// leads nowhere where Rust and this state lie below one home folder.
    fn library_path(&self) -> OsString {
        let mut dirs = vec![libtorch::lib_dir(&self.libtorch)];
        dirs.extend(tools::rust_library_dir());
        let inherited = env::var_os(libtorch::LIBRARY_PATH_VAR).unwrap_or_default();
        dirs.extend(env::split_paths(&inherited).filter(|dir| !dir.as_os_str().is_empty()));
        // Only a folder with a colon in its name can't be joined; then the first must do.
        env::join_paths(&dirs).unwrap_or_else(|_| libtorch::lib_dir(&self.libtorch).into())
    }
}

/// Writes a file whole or not at all, and the folders above it.
pub(crate) fn write(file: &Path, text: &str) -> Result<()> {
    if let Some(dir) = file.parent() {
        fs::create_dir_all(dir).with_context(|| format!("can't create {}", dir.display()))?;
    }
    let mut unfinished = file.as_os_str().to_owned();
    unfinished.push(format!(".{}", Uuid::new_v4().simple()));
    fs::write(&unfinished, text)
        .and_then(|()| fs::rename(&unfinished, file))
        .with_context(|| format!("can't write {}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_that_evcxr_or_the_linker_misread_are_named_with_the_reason() {
        let check = |root: &str| State::at(PathBuf::from(root)).check_path();
        assert!(check("/home/Jürgen/Übung(1)&[x]#'s/kernel").is_ok());
        for (root, why) in [("/a b/c", "a space"), ("/a%20b", "`%`"), ("/a:b", "`:`")] {
            let text = check(root).unwrap_err().to_string();
            assert!(
                text.contains(root) && text.contains(why) && text.contains("--state"),
                "{text}"
            );
        }
    }
}
