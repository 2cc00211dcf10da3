//! Lines about progress: whole ones, since a notebook shows no others, and not too many.

use std::time::{Duration, Instant};

pub(super) struct Progress<'a> {
    done: u64,
    /// How much is to come in all, where the server says so.
    total: Option<u64>,
    /// What earlier attempts had brought, which says nothing about the speed.
    before: u64,
    began: Instant,
    spoken: Instant,
    interval: Duration,
    say: &'a dyn Fn(&str),
}

impl<'a> Progress<'a> {
    pub(super) fn new(
        before: u64,
        total: Option<u64>,
        interval: Duration,
        say: &'a dyn Fn(&str),
    ) -> Self {
        let now = Instant::now();
        Progress { done: before, total, before, began: now, spoken: now, interval, say }
    }

    pub(super) fn add(&mut self, bytes: u64) {
        self.done += bytes;
        if self.spoken.elapsed() < self.interval {
            return;
        }
        self.spoken = Instant::now();
        let speed = (self.done - self.before) as f64 / self.began.elapsed().as_secs_f64();
        let megabytes = |bytes: u64| bytes as f64 / 1e6;
        let (done, speed_text) = (megabytes(self.done), speed / 1e6);
        (self.say)(&match self.total {
            Some(total) => format!(
                "  {done:.1} of {:.1} MB, {speed_text:.1} MB/s, {:.0} s left",
                megabytes(total),
                total.saturating_sub(self.done) as f64 / speed
            ),
            None => format!("  {done:.1} MB, {speed_text:.1} MB/s"),
        });
    }
}
