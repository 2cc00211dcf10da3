//! The picture of a run under way, for the time of the run: the figure that comes of it takes its place.

use std::time::{Duration, Instant};

use super::slot::Slot;
use crate::Result;
use crate::notebook::{Place, place};
use crate::view::{Bundle, Figure};

/// What a person still sees as moving.
const SHORTEST: Duration = Duration::from_millis(100);

/// A run of a blink needs no picture on the way, and one picture would be much of it.
const FIRST: Duration = Duration::from_secs(1);

/// On a machine where drawing takes long, a run should still be seen to go on.
const LONGEST: Duration = Duration::from_secs(3);

/// How long to wait before the next picture: at most ten are drawn a second, and for about a thirtieth of
/// the time.
pub(super) fn pause(drawing: Duration) -> Duration {
    drawing.saturating_mul(30).clamp(SHORTEST, LONGEST)
}

/// Draws now and then, on the thread that computes. Silent but under the `convscope` kernel.
pub(crate) struct Preview {
    slot: Option<Slot>,
    /// When the last was drawn, and how long it is to stand.
    drawn: Instant,
    pause: Duration,
}

impl Preview {
    pub(crate) fn new(quiet: bool) -> Preview {
        let shows = !quiet && matches!(place(), Place::Kernel(_));
        Preview { slot: shows.then(Slot::new), drawn: Instant::now(), pause: FIRST }
    }

    /// Draws what `so_far` makes, if it is time for another picture. What can't be drawn yet is not shown.
    pub(crate) fn show<F: Figure>(&mut self, so_far: impl FnOnce() -> Result<F>) {
        let Some(slot) = self.slot.as_mut().filter(|_| self.drawn.elapsed() >= self.pause) else {
            return;
        };
        let began = Instant::now();
        if let Ok(bundle) = so_far().and_then(|figure| still(&figure)) {
            slot.show(&bundle.entries());
        }
        self.pause = pause(began.elapsed());
        self.drawn = Instant::now();
    }
}

impl Drop for Preview {
    fn drop(&mut self) {
        if let Some(slot) = &self.slot {
            slot.leave();
        }
    }
}

/// Without the interactive form, which takes longer to make than it stands.
pub(super) fn still(figure: &(impl Figure + ?Sized)) -> Result<Bundle> {
    Bundle::still(&figure.image()?, &figure.description())
}
