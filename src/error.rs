//! The one error type. A notebook shows only an error's `Display`, so each message says what was
//! wrong, what was expected and what came, and what to do about it.

use std::path::{Path, PathBuf};

/// What every fallible function of this crate returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Everything that can go wrong, each with its remedy in the message.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A picture could not be read, decoded or drawn.
    #[error("{what}: {problem}")]
    Photo {
        /// The file, or what the picture came from.
        what: String,
        /// What was wrong, and what to do.
        problem: String,
    },

    /// A file could not be read or written.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// `read`, `write`, `create` …
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },

    /// No layer of that name, or no node below that prefix.
    #[error("{network} has no layer `{layer}`. {hint} All names, in order: `net.layer_names()`.")]
    UnknownLayer {
        /// The network asked.
        network: String,
        /// The name that was asked for.
        layer: String,
        /// The nearest names there are.
        hint: String,
    },

    /// A tensor, or an operation's input, has a shape that does not fit.
    #[error("{at}: expected {expected}, got {got}. {remedy}")]
    Shape {
        /// The layer or function that refused it.
        at: String,
        /// The shape (or rule) expected.
        expected: String,
        /// The shape that came.
        got: String,
        /// What to do.
        remedy: String,
    },

    /// An argument outside what a function accepts.
    #[error("{0}")]
    Argument(String),

    /// A class that the network does not have.
    #[error("{0}")]
    UnknownClass(String),

    /// The weights are not there and could not be fetched.
    #[error(
        "no weights for {network}: {problem}\n  \
         Put a file {file} into {}\n  \
         (a state_dict with torchvision's names, as .safetensors or .pth), or fetch {url} yourself.\n  \
         Another folder: set CONVSCOPE_HOME; its `weights` subfolder is used.",
        folder.display()
    )]
    WeightsAbsent {
        /// The network's name in the zoo.
        network: String,
        /// Why they could not be fetched.
        problem: String,
        /// The file names looked for.
        file: String,
        /// The folder looked in.
        folder: PathBuf,
        /// The official address.
        url: String,
    },

    /// A weights file that cannot be used: truncated, another network's, not a weights file.
    #[error("{} is not usable as weights: {problem}", path.display())]
    WeightsFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        problem: String,
    },

    /// A data set is not there and could not be fetched.
    #[error(
        "no images of {set}: {problem}\n  \
         Put {files} into {}, or fetch {url} yourself.\n  \
         Another folder: set CONVSCOPE_HOME; its `data` subfolder is used.",
        folder.display()
    )]
    DataAbsent {
        /// The data set's name.
        set: &'static str,
        /// Why it could not be fetched.
        problem: String,
        /// The file names looked for.
        files: String,
        /// The folder looked in.
        folder: PathBuf,
        /// The official address.
        url: String,
    },

    /// A data set's file that cannot be used: truncated, another set's, with impossible labels.
    #[error("{} is not usable as a data set: {problem}", path.display())]
    DataFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        problem: String,
    },

    /// Training broke down. The parameters are those from before that epoch.
    #[error(
        "training broke down in epoch {epoch}, batch {batch}: {what} is no longer finite. \
         The parameters are those from before that epoch.\n  \
         Lower the learning rate ({learning_rate} now), by a factor of 10, say; \
         if that doesn't help, look for NaN in the images."
    )]
    Diverged {
        /// What is no longer a finite number: `the loss` or `a parameter`.
        what: &'static str,
        /// The epoch, from 1.
        epoch: usize,
        /// The batch in that epoch, from 1.
        batch: usize,
        /// The learning rate asked for.
        learning_rate: f64,
    },

    /// An ONNX file that cannot be imported.
    #[error("{} cannot be imported: {problem}", path.display())]
    Onnx {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        problem: String,
    },

    /// libtorch refused an operation.
    #[error("libtorch, while {doing}: {message}")]
    Torch {
        /// What was being done.
        doing: String,
        /// The first line of libtorch's message.
        message: String,
    },
}

impl Error {
    pub(crate) fn io(
        action: &'static str,
        path: impl AsRef<Path>,
    ) -> impl FnOnce(std::io::Error) -> Error {
        let path = path.as_ref().to_owned();
        move |source| Error::Io { action, path, source }
    }

    pub(crate) fn photo(what: impl Into<String>, problem: impl Into<String>) -> Error {
        Error::Photo { what: what.into(), problem: problem.into() }
    }

    pub(crate) fn weights_file(path: impl AsRef<Path>, problem: impl Into<String>) -> Error {
        Error::WeightsFile { path: path.as_ref().to_owned(), problem: problem.into() }
    }

    pub(crate) fn data_file(path: impl AsRef<Path>, problem: impl Into<String>) -> Error {
        Error::DataFile { path: path.as_ref().to_owned(), problem: problem.into() }
    }

    /// Wraps libtorch's error. Its messages carry a C++ backtrace, of which only the head helps.
    pub(crate) fn torch(doing: impl Into<String>) -> impl FnOnce(tch::TchError) -> Error {
        let doing = doing.into();
        move |error| Error::Torch { doing, message: first_line(&error.to_string()) }
    }
}

/// The first line of libtorch's message, which is followed by a C++ backtrace.
pub(crate) fn first_line(message: &str) -> String {
    let message = message.trim_start_matches("Internal torch error: ");
    message.lines().next().unwrap_or_default().to_owned()
}

/// A shape as this crate writes it everywhere: `[1, 3, 224, 224]`.
pub(crate) fn shape_text(shape: &[i64]) -> String {
    format!("{shape:?}")
}
