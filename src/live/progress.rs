//! Long work says how far it is, and can be bounded in time or stopped.

use std::time::{Duration, Instant};

use super::slot::Slot;
use super::{Frame, new_id};
use crate::allocator::give_back;
use crate::notebook::{Place, is_stopped, place, say, send};
use crate::view::escape;
use crate::{Error, Result};

/// How far a run is: what, how many steps of how many, how fast, and the time left.
///
/// Under the `convscope` kernel that is one line with a bar, which appears after half a second and is drawn
/// anew in place; when the run is over, it is gone, or says how long the run took if that was more than two
/// seconds. Elsewhere it is a line now and then, fewer the longer the run takes: plain evcxr can't
/// overwrite one.
///
/// ```
/// use convscope::Progress;
///
/// let mut progress = Progress::new("looking at photos");
/// for photo in 0..200 {
///     // … some work
///     progress.step(photo + 1, 200, || format!("photo {photo}"));
///     if progress.is_over() {
///         break; // the stop button
///     }
/// }
/// ```
#[derive(Debug)]
pub struct Progress {
    /// What is being done, to begin each line with.
    what: String,
    time_limit: Option<Duration>,
    quiet: bool,
    start: Instant,
    said: Instant,
    /// What the kernel knows this run by.
    run: Option<String>,
    bar: Option<Slot>,
    /// What the bar said last.
    last: String,
}

/// A bar begins after this time, and is drawn anew as often.
const BEGINNING: Duration = Duration::from_millis(500);
const INTERVAL: Duration = Duration::from_millis(100);

/// What took longer leaves a line.
const LONG: f64 = 2.0;

impl Progress {
    /// A run that begins now. `what` begins each line: `training`, say.
    pub fn new(what: impl Into<String>) -> Progress {
        let (now, what) = (Instant::now(), what.into());
        let run = matches!(place(), Place::Kernel(_)).then(new_id);
        if let Some(id) = &run {
            send(&Frame::Begin { id, what: &what });
        }
        Progress {
            what,
            time_limit: None,
            quiet: false,
            start: now,
            said: now,
            run,
            bar: None,
            last: String::new(),
        }
    }

    /// The time after which the run [is over](Progress::is_over).
    #[must_use]
    pub fn time_limit(mut self, time: Option<Duration>) -> Progress {
        self.time_limit = time;
        self
    }

    /// Says nothing; the time limit and the stop button remain.
    #[must_use]
    pub fn quiet(mut self, quiet: bool) -> Progress {
        self.quiet = quiet;
        self
    }

    /// Whether the run is to end: its time is up, or somebody pressed the notebook's stop button.
    pub fn is_over(&self) -> bool {
        self.is_late() || (self.run.is_some() && is_stopped())
    }

    /// Why a run that is over did not come to its end, for a sentence: `… after 12 of 40 steps`.
    pub(crate) fn reason(&self) -> &'static str {
        if self.is_late() { "time was over" } else { "stopped by hand" }
    }

    /// For a run whose part is of no use: an error if it is to end before it is done.
    pub(crate) fn check(&self, done: usize, all: usize) -> Result<()> {
        match stopped(done, all).filter(|_| self.is_over()) {
            Some(stopped) => Err(Error::Stopped(format!(
                "{}: {stopped}, and nothing is kept of a part; run the cell again for all of it",
                self.what
            ))),
            None => Ok(()),
        }
    }

    fn is_late(&self) -> bool {
        self.time_limit.is_some_and(|time| self.start.elapsed() >= time)
    }

    pub(crate) fn seconds(&self) -> f64 {
        self.start.elapsed().as_secs_f64()
    }

    /// A line, now.
    pub fn say(&mut self, line: &str) {
        if !self.quiet {
            say(&format!("{}: {line}", self.what));
            self.said = Instant::now();
        }
    }

    /// Says what has just been reached: as a line of its own, but where a bar says how far the run is.
    pub(crate) fn reached(&mut self, done: usize, all: usize, line: &str) {
        match self.run {
            Some(_) => self.step(done, all, || line.to_owned()),
            None => self.say(line),
        }
    }

    /// Says, if it is time for that, that `done` of `all` steps are done, with `details`: what the run's
    /// numbers are now, say. `details` that name the steps (`12 of 40 …`) are taken as they are.
    pub fn step(&mut self, done: usize, all: usize, details: impl FnOnce() -> String) {
        if self.quiet {
            return;
        }
        if self.run.is_some() {
            let pause = if self.bar.is_some() { INTERVAL } else { BEGINNING };
            // The last one stays.
            if self.said.elapsed() >= pause || (done >= all && self.bar.is_some()) {
                self.draw(done, all, details());
            }
            return;
        }
        let passed = self.seconds();
        if self.said.elapsed().as_secs_f64() >= 2f64.max(passed / 20.0) {
            let left = left(passed, self.time_limit, done, all);
            let rate = rate_text(done as f64 / passed.max(1e-3));
            let line = format!("{}, {rate}, about {} left", details(), time_text(left));
            self.say(&line);
        }
    }

    /// A loop over these items, which says how far it is and ends early when the run [is
    /// over](Progress::is_over):
    ///
    /// ```
    /// use convscope::Progress;
    ///
    /// let squares: Vec<u32> = Progress::new("squares").over(0..40).map(|n| n * n).collect();
    /// assert_eq!(squares.len(), 40);
    /// ```
    pub fn over<I>(self, items: I) -> Steps<I::IntoIter>
    where
        I: IntoIterator<IntoIter: ExactSizeIterator>,
    {
        let items = items.into_iter();
        let all = items.len();
        Steps { items, progress: self, done: 0, all }
    }

    fn draw(&mut self, done: usize, all: usize, details: String) {
        let passed = self.seconds();
        let left = left(passed, self.time_limit, done, all);
        let rate = rate_text(done as f64 / passed.max(1e-3));
        let line = format!("{}: {details} · {rate} · {} left", self.what, time_text(left));
        self.last = details;
        self.said = Instant::now();
        let share = 100.0 * done as f64 / all.max(1) as f64;
        let html = format!(
            "<div style=\"display:flex;align-items:center;gap:8px;font-size:13px;line-height:20px\">\
             <progress value=\"{share:.1}\" max=\"100\" style=\"flex:none;width:160px\"></progress>\
             <span>{}</span></div>",
            escape(&line)
        );
        let forms = [("text/html", html), ("text/plain", line)];
        self.bar.get_or_insert_with(Slot::new).show(&forms);
    }
}

/// The items of a loop whose progress is shown; they end early when the run [is
/// over](Progress::is_over). From [`Progress::over`].
#[derive(Debug)]
pub struct Steps<I> {
    items: I,
    progress: Progress,
    done: usize,
    all: usize,
}

impl<I: Iterator> Iterator for Steps<I> {
    type Item = I::Item;

    fn next(&mut self) -> Option<I::Item> {
        let (done, all) = (self.done, self.all);
        self.progress.step(done, all, || format!("{done} of {all}"));
        if done < all && self.progress.is_over() {
            return None;
        }
        let item = self.items.next()?;
        self.done += 1;
        Some(item)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        let seconds = self.seconds();
        if let Some(bar) = &mut self.bar {
            if seconds > LONG {
                let line = format!("{}: {}, in {seconds:.1} s", self.what, self.last);
                bar.show(&[("text/plain", line)]);
            } else {
                bar.leave();
            }
        }
        if let Some(id) = &self.run {
            send(&Frame::End { id });
        }
        if self.start.elapsed() > BEGINNING {
            give_back();
        }
    }
}

/// What is said of a run that was ended early, by its time limit or by hand; `None` of a whole one.
pub(crate) fn stopped(done: usize, all: usize) -> Option<String> {
    (done < all).then(|| format!("stopped after {done} of {all}"))
}

/// Steps in a second, or seconds for one.
fn rate_text(rate: f64) -> String {
    match rate {
        rate if rate >= 10.0 => format!("{rate:.0} / s"),
        rate if rate >= 1.0 => format!("{rate:.1} / s"),
        rate => format!("{:.1} s each", 1.0 / rate.max(1e-6)),
    }
}

fn time_text(seconds: f64) -> String {
    let minutes = (seconds / 60.0).round();
    match minutes {
        _ if seconds < 100.0 => format!("{seconds:.0} s"),
        minutes if minutes < 100.0 => format!("{minutes:.0} min"),
        minutes => format!("{:.1} h", minutes / 60.0),
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
    fn rates_have_a_unit_that_can_be_read() {
        assert_eq!(
            [123.4, 2.34, 0.25, 0.0].map(rate_text)[..3],
            ["123 / s", "2.3 / s", "4.0 s each"]
        );
    }

    #[test]
    fn times_have_a_unit_that_can_be_read() {
        assert_eq!([0.2, 99.0, 150.0, 9000.0].map(time_text), ["0 s", "99 s", "3 min", "2.5 h"]);
    }

    #[test]
    fn a_loop_has_all_its_items_unless_it_is_over() {
        assert_eq!(Progress::new("").over(0..7).sum::<i32>(), 21);
        let late = Progress::new("").time_limit(Some(Duration::ZERO));
        assert_eq!(late.over(vec![1, 2]).count(), 0);
    }

    #[test]
    fn time_is_up_only_where_it_is_bounded() {
        assert!(!Progress::new("").is_over());
        assert!(Progress::new("").time_limit(Some(Duration::ZERO)).is_over());
        assert!(!Progress::new("").time_limit(Some(Duration::from_secs(60))).is_over());
    }

    #[test]
    fn what_is_of_no_use_in_part_is_an_error_unless_it_is_whole() {
        let over = Progress::new("features").time_limit(Some(Duration::ZERO));
        let error = over.check(3, 10).expect_err("stopped").to_string();
        assert!(error.starts_with("features: stopped after 3 of 10"), "{error}");
        assert!(over.check(10, 10).is_ok() && Progress::new("").check(3, 10).is_ok());
    }
}
