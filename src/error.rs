//! The one error type. A notebook shows only an error's `Display`, so each message says what was
//! wrong, what was expected and what came, and what to do about it.

mod text;

use std::error::Error as StdError;
use std::path::{Path, PathBuf};

use tch::TchError;

use text::{bounded, path_text};
pub(crate) use text::{first_line, listed, quoted, shape_text, short};

/// The error beneath.
type BoxedError = Box<dyn StdError + Send + Sync>;

/// What every fallible function of this crate returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Everything that can go wrong, each with its remedy in the message.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A photo could not be read, decoded or prepared.
    #[error("{}: {}", short(what), bounded(problem))]
    #[non_exhaustive]
    Photo {
        /// The file, or what the picture came from.
        what: String,
        /// What was wrong, and what to do.
        problem: String,
        /// What the decoder said.
        source: Option<BoxedError>,
    },

    /// A figure could not be drawn or encoded.
    #[error("the figure can't be {action}: {source}")]
    #[non_exhaustive]
    Figure {
        /// `drawn`, `encoded as PNG` …
        action: &'static str,
        /// What the encoder said.
        source: BoxedError,
    },

    /// A file could not be read or written.
    #[error("cannot {action} {}: {source}", path_text(path))]
    #[non_exhaustive]
    Io {
        /// `read`, `write`, `create` …
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },

    /// No layer of that name, or no node below that prefix.
    #[error(
        "{} has no layer `{}`. {hint} All names, in order: `net.layer_names()`.",
        short(network),
        short(layer)
    )]
    #[non_exhaustive]
    UnknownLayer {
        /// The network asked.
        network: String,
        /// The name that was asked for.
        layer: String,
        /// The nearest names there are.
        hint: String,
    },

    /// A tensor, or an operation's input, has a shape that does not fit.
    #[error("{}: expected {}, got {}. {remedy}", bounded(at), bounded(expected), bounded(got))]
    #[non_exhaustive]
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
    #[error("{}", bounded(.0))]
    Argument(String),

    /// A class that the network does not have.
    #[error("{}", bounded(.0))]
    UnknownClass(String),

    /// The weights are not there and could not be fetched.
    #[error(
        "no weights for {network}: {source}\n  \
         Put a file {file} into {}\n  \
         (a state_dict with torchvision's names, as .safetensors or .pth), or fetch {url} yourself.\n  \
         Another folder: set CONVSCOPE_HOME; its `weights` subfolder is used.",
        folder.display()
    )]
    #[non_exhaustive]
    WeightsAbsent {
        /// The network's name in the zoo.
        network: String,
        /// The file names looked for.
        file: String,
        /// The folder looked in.
        folder: PathBuf,
        /// The official address.
        url: String,
        /// Why it could not be fetched.
        source: BoxedError,
    },

    /// A weights file that cannot be used: truncated, another network's, not a weights file.
    #[error("{} is not usable as weights: {}", path_text(path), bounded(problem))]
    #[non_exhaustive]
    WeightsFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        problem: String,
    },

    /// A data set is not there and could not be fetched.
    #[error(
        "no images of {set}: {source}\n  \
         Put {files} into {}, or fetch {url} yourself.\n  \
         Another folder: set CONVSCOPE_HOME; its `data` subfolder is used.",
        folder.display()
    )]
    #[non_exhaustive]
    DataAbsent {
        /// The data set's name.
        set: &'static str,
        /// The file names looked for.
        files: String,
        /// The folder looked in.
        folder: PathBuf,
        /// The official address.
        url: String,
        /// Why it could not be fetched.
        source: BoxedError,
    },

    /// A data set's file that cannot be used: truncated, another set's, with impossible labels.
    #[error("{} is not usable as a data set: {}", path_text(path), bounded(problem))]
    #[non_exhaustive]
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
    #[non_exhaustive]
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

    /// The run was stopped before there was anything to show.
    #[error("{}", bounded(.0))]
    Stopped(String),

    /// An ONNX file that cannot be imported.
    #[error("{} cannot be imported: {}", path_text(path), bounded(problem))]
    #[non_exhaustive]
    Onnx {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        problem: String,
    },

    /// There is no memory for an operation.
    #[error(
        "out of memory while {}: {}. Use smaller images or a smaller batch, or free memory: \
         other notebooks and programs hold some.",
        bounded(doing),
        first_line(&source.to_string())
    )]
    #[non_exhaustive]
    OutOfMemory {
        /// What was being done.
        doing: String,
        /// What libtorch said.
        source: TchError,
    },

    /// libtorch refused an operation.
    #[error("libtorch, while {}: {}", bounded(doing), first_line(&source.to_string()))]
    #[non_exhaustive]
    Torch {
        /// What was being done.
        doing: String,
        /// What libtorch said; its messages end with a C++ backtrace.
        source: TchError,
    },

    /// A fault of this crate itself.
    #[error("{}. This is a bug in convscope; please report it with what you did.", bounded(.0))]
    Internal(String),
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
        Error::Photo { what: what.into(), problem: problem.into(), source: None }
    }

    pub(crate) fn figure<E>(action: &'static str) -> impl FnOnce(E) -> Error
    where
        E: Into<BoxedError>,
    {
        move |error| Error::Figure { action, source: error.into() }
    }

    pub(crate) fn weights_file(path: impl AsRef<Path>, problem: impl Into<String>) -> Error {
        Error::WeightsFile { path: path.as_ref().to_owned(), problem: problem.into() }
    }

    pub(crate) fn data_file(path: impl AsRef<Path>, problem: impl Into<String>) -> Error {
        Error::DataFile { path: path.as_ref().to_owned(), problem: problem.into() }
    }

    /// Says what was done when libtorch refused. The only place that reads its messages: it has no
    /// other way to say that memory is missing.
    pub(crate) fn torch(doing: impl Into<String>) -> impl FnOnce(TchError) -> Error {
        const OUT_OF_MEMORY: [&str; 4] =
            ["out of memory", "not enough memory", "can't allocate memory", "alloc_failed"];
        let doing = doing.into();
        move |source| {
            let message = source.to_string().to_lowercase();
            match OUT_OF_MEMORY.iter().any(|words| message.contains(words)) {
                true => Error::OutOfMemory { doing, source },
                false => Error::Torch { doing, source },
            }
        }
    }
}

/// For tensors of one's own beside those of this crate: `net.forward(&x)?.f_softmax(1, None)?`.
impl From<TchError> for Error {
    fn from(error: TchError) -> Error {
        Error::torch("computing with tensors")(error)
    }
}
