//! A download says how far it is, and can be stopped.

use std::cell::RefCell;

use convscope_weights::{Came, Listener};

use crate::live::Progress;
use crate::{Error, notebook};

/// Hears about the download of a file.
pub(crate) struct Download {
    what: String,
    progress: RefCell<Progress>,
}

impl Download {
    pub(crate) fn new(file: &str) -> Download {
        let what = format!("fetching {file}");
        Download { progress: RefCell::new(Progress::new(what.as_str())), what }
    }
}

impl Listener for Download {
    fn say(&self, line: &str) {
        notebook::say(line);
    }

    fn came(&self, came: Came) {
        let Came { done, before, total, .. } = came;
        let mut progress = self.progress.borrow_mut();
        if done == before {
            // What earlier attempts brought says nothing about the speed.
            *progress = Progress::new(self.what.as_str());
        }
        let new = done - before;
        let all = total.map_or(new, |total| total.saturating_sub(before));
        let speed = new as f64 / progress.seconds().max(1e-3);
        progress.step(new as usize, all as usize, || {
            let megabytes = |bytes: f64| bytes / 1e6;
            let of = total.map(|total| format!(" of {:.1}", megabytes(total as f64)));
            let of = of.unwrap_or_default();
            format!("{:.1}{of} MB, {:.1} MB/s", megabytes(done as f64), megabytes(speed))
        });
    }

    fn is_stopped(&self) -> bool {
        self.progress.borrow().is_over()
    }
}

/// Why a file isn't there: as `absent` says it, unless somebody has stopped its download.
pub(crate) fn failed(
    absent: impl FnOnce(convscope_weights::Error) -> Error,
) -> impl FnOnce(convscope_weights::Error) -> Error {
    move |error| match error {
        convscope_weights::Error::Stopped { .. } => Error::Stopped(error.to_string()),
        error => absent(error),
    }
}
