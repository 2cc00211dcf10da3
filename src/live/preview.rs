//! The picture of a run under way, for the time of the run: the figure that comes of it takes its place.

use std::time::{Duration, Instant};

use super::{Frame, new_id};
use crate::Result;
use crate::notebook::{Place, place, send};
use crate::view::{Bundle, Figure};

/// What a person still sees as moving.
const SHORTEST: Duration = Duration::from_millis(100);

/// A run of a blink needs no picture on the way, and one picture would be much of it.
const FIRST: Duration = Duration::from_secs(1);

/// How often something may be drawn: at most ten times a second, and for at most a twentieth of the time.
pub(super) fn pause(drawing: Duration) -> Duration {
    SHORTEST.max(drawing.saturating_mul(20))
}

/// Draws now and then, on the thread that computes. Silent but under the `convscope` kernel.
pub(crate) struct Preview {
    id: Option<String>,
    shown: bool,
    /// When the last was drawn, and how long it is to stand.
    drawn: Instant,
    pause: Duration,
}

impl Preview {
    pub(crate) fn new(quiet: bool) -> Preview {
        let shows = !quiet && matches!(place(), Place::Kernel(_));
        Preview { id: shows.then(new_id), shown: false, drawn: Instant::now(), pause: FIRST }
    }

    /// Draws what `so_far` makes, if it is time for another picture. What can't be drawn yet is not shown.
    pub(crate) fn show<F: Figure>(&mut self, so_far: impl FnOnce() -> Result<F>) {
        let Some(id) = self.id.as_deref().filter(|_| self.drawn.elapsed() >= self.pause) else {
            return;
        };
        let began = Instant::now();
        if let Ok(bundle) = so_far().and_then(|figure| still(&figure)) {
            let forms = &bundle.entries();
            send(&match self.shown {
                true => Frame::Update { id, forms },
                false => Frame::Show { id, forms },
            });
            self.shown = true;
        }
        self.pause = pause(began.elapsed());
        self.drawn = Instant::now();
    }
}

impl Drop for Preview {
    fn drop(&mut self) {
        if let Some(id) = self.id.as_deref().filter(|_| self.shown) {
            send(&Frame::Leave { id });
        }
    }
}

/// Without the interactive form, which takes longer to make than it stands.
pub(super) fn still(figure: &(impl Figure + ?Sized)) -> Result<Bundle> {
    Bundle::still(&figure.image()?, &figure.description())
}
