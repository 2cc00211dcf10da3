//! The curves that are seen while a training runs: epochs, and moments within them.

use super::{Epoch, Fit, History, Score};
use crate::live::Preview;

/// As many moments are seen in a curve.
const MOMENTS: usize = 200;

pub(super) struct Course<'a> {
    network: &'a str,
    fit: &'a Fit,
    moments: Vec<Epoch>,
    /// Until the last moment.
    seconds: f64,
    preview: Preview,
}

impl<'a> Course<'a> {
    pub(super) fn new(network: &'a str, fit: &'a Fit) -> Course<'a> {
        let preview = Preview::new(fit.quiet);
        Course { network, fit, moments: Vec::new(), seconds: 0.0, preview }
    }

    /// After so many epochs and seconds in all: an epoch's own numbers, or those of its batches so far.
    /// Draws now and then.
    pub(super) fn add(&mut self, at: f64, seconds: f64, train: Score, validation: Option<Score>) {
        let now = Epoch { at, train, validation, seconds: seconds - self.seconds };
        let moments = &self.moments;
        self.preview.show(|| {
            let so_far = moments.iter().copied().chain([now]).collect();
            Ok(History::new(self.network, so_far, self.fit, None).curves())
        });
        let last = self.moments.last().map_or(0.0, |last| last.at);
        let apart = self.fit.epochs as f64 / MOMENTS as f64;
        if at.fract() == 0.0 || at - last >= apart {
            self.moments.push(now);
            self.seconds = seconds;
        }
    }
}
