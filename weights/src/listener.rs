//! Who hears about a download, and can stop it.

use std::cell::Cell;
use std::time::{Duration, Instant};

/// Hears about a download, and can stop it. [`Lines`] writes all of it as lines.
pub trait Listener {
    /// What happens, in a line of words.
    fn say(&self, line: &str);

    /// How much of the file is there: once as a server begins to send, then for each piece that came, a
    /// few thousand times a second.
    fn came(&self, came: Came);

    /// Whether the download is to end. Asked as often as that, and while nothing comes.
    fn is_stopped(&self) -> bool {
        false
    }
}

/// How much of a file is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Came {
    /// Bytes that are there.
    pub done: u64,
    /// Those among them that earlier attempts had brought, which says nothing about the speed.
    pub before: u64,
    /// How many there will be, where the server says so.
    pub total: Option<u64>,
}

/// Whole lines: a download's beginning, its speed and the time left every other second, and what goes wrong.
///
/// ```
/// use convscope_weights::Lines;
/// let lines = Lines::new(|line| eprintln!("{line}"));
/// ```
pub struct Lines<F> {
    say: F,
    interval: Duration,
    /// When the attempt began, and when a line was last said.
    began: Cell<Instant>,
    spoken: Cell<Instant>,
}

impl<F: Fn(&str)> Lines<F> {
    /// Lines to a function.
    pub fn new(say: F) -> Lines<F> {
        let now = Cell::new(Instant::now());
        Lines { say, interval: Duration::from_secs(2), began: now.clone(), spoken: now }
    }

    /// Another time between two lines about the speed.
    #[cfg(test)]
    pub(crate) fn every(self, interval: Duration) -> Lines<F> {
        Lines { interval, ..self }
    }
}

impl<F: Fn(&str)> Listener for Lines<F> {
    fn say(&self, line: &str) {
        (self.say)(line);
    }

    fn came(&self, came: Came) {
        if came.done == came.before {
            self.began.set(Instant::now());
            self.spoken.set(Instant::now());
            return;
        }
        if self.spoken.get().elapsed() < self.interval {
            return;
        }
        self.spoken.set(Instant::now());
        let speed = (came.done - came.before) as f64 / self.began.get().elapsed().as_secs_f64();
        let megabytes = |bytes: u64| bytes as f64 / 1e6;
        let (done, speed_text) = (megabytes(came.done), speed / 1e6);
        self.say(&match came.total {
            Some(total) => format!(
                "  {done:.1} of {:.1} MB, {speed_text:.1} MB/s, {:.0} s left",
                megabytes(total),
                total.saturating_sub(came.done) as f64 / speed
            ),
            None => format!("  {done:.1} MB, {speed_text:.1} MB/s"),
        });
    }
}
