//! Long work says how far it is, and can be bounded in time.

use std::time::{Duration, Instant};

use crate::notebook::say;

/// Lines about how far a run is: none in the first two seconds, one every other second at first,
/// fewer the longer it takes. Whole lines, since a notebook can't overwrite one.
pub(crate) struct Progress {
    /// What is being done, to begin each line with.
    what: String,
    time_limit: Option<Duration>,
    quiet: bool,
    start: Instant,
    said: Instant,
}

impl Progress {
    pub(crate) fn new(what: impl Into<String>) -> Progress {
        let now = Instant::now();
        Progress { what: what.into(), time_limit: None, quiet: false, start: now, said: now }
    }

    /// The time after which [`Progress::is_over`].
    pub(crate) fn time_limit(mut self, time: Option<Duration>) -> Progress {
        self.time_limit = time;
        self
    }

    /// Says nothing.
    pub(crate) fn quiet(mut self, quiet: bool) -> Progress {
        self.quiet = quiet;
        self
    }

    /// Whether the time is up.
    pub(crate) fn is_over(&self) -> bool {
        self.time_limit.is_some_and(|time| self.start.elapsed() >= time)
    }

    pub(crate) fn seconds(&self) -> f64 {
        self.start.elapsed().as_secs_f64()
    }

    /// A line, now.
    pub(crate) fn say(&mut self, line: &str) {
        if !self.quiet {
            say(&format!("{}: {line}", self.what));
            self.said = Instant::now();
        }
    }

    /// A line if it is time for one: `details` (what a run's numbers are now, say) and the time left,
    /// of `done` of `all` steps.
    pub(crate) fn step(&mut self, done: usize, all: usize, details: impl FnOnce() -> String) {
        let passed = self.seconds();
        if self.quiet || self.said.elapsed().as_secs_f64() < 2f64.max(passed / 20.0) {
            return;
        }
        let left = left(passed, self.time_limit, done, all);
        let line = format!("{}, about {left:.0} s left", details());
        self.say(&line);
    }
}

/// Seconds left if the rest goes as fast, and not beyond what is allowed.
fn left(passed: f64, time_limit: Option<Duration>, done: usize, all: usize) -> f64 {
    let left = passed * all.saturating_sub(done) as f64 / done.max(1) as f64;
    time_limit.map_or(left, |time| left.min((time.as_secs_f64() - passed).max(0.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_follows_the_steps_and_the_bound() {
        assert_eq!(left(10.0, None, 1, 4), 30.0);
        assert_eq!(left(10.0, Some(Duration::from_secs(25)), 1, 4), 15.0);
        assert_eq!(left(10.0, Some(Duration::from_secs(5)), 1, 4), 0.0);
        assert_eq!(left(10.0, None, 5, 4), 0.0);
        assert!(left(10.0, None, 0, 4).is_finite());
    }

    #[test]
    fn time_is_up_only_where_it_is_bounded() {
        assert!(!Progress::new("").is_over());
        assert!(Progress::new("").time_limit(Some(Duration::ZERO)).is_over());
        assert!(!Progress::new("").time_limit(Some(Duration::from_secs(60))).is_over());
    }
}
