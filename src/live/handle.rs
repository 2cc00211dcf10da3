//! A figure that is drawn anew in place.

use std::fmt::{Debug, Formatter};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use super::preview::{pause, still};
use super::slot::Slot;
use crate::notebook::{Place, fail, place};
use crate::view::{Figure, draw};

type Shared = Arc<dyn Figure + Send + Sync>;

/// A figure in the notebook that is drawn anew in place, as often as there is something new.
///
/// The figure appears with the first update. It is drawn at most ten times a second and for at most 5 % of
/// the time, on a thread of its own; of what comes faster, the newest is drawn. The last one is never lost:
/// when the handle is dropped, or [finished](Live::finish), it is drawn with all its forms, so that the saved
/// notebook has it.
///
/// Under plain evcxr, which shows nothing before a cell ends, the last figure is shown at the end; in a
/// program a line says what it was.
///
/// ```
/// use convscope::Live;
/// use convscope::view::{Curves, Panel, Series};
///
/// # fn main() -> convscope::Result<()> {
/// let mut live = Live::new();
/// let mut points = Vec::new();
/// for step in 0..100 {
///     points.push((f64::from(step), 0.97_f64.powi(step)));
///     let panel = Panel::new("loss", vec![Series::new("train", points.clone())]);
///     live.update(&Curves::new("My own training", "step", vec![panel]));
/// }
/// live.finish();
/// # Ok(())
/// # }
/// ```
#[derive(Default)]
pub struct Live {
    newest: Option<Shared>,
    artist: Option<Artist>,
}

/// What draws.
struct Artist {
    desk: Arc<Desk>,
    /// None where the system has no thread left.
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Desk {
    work: Mutex<Work>,
    changed: Condvar,
}

#[derive(Default)]
struct Work {
    newest: Option<Shared>,
    finished: bool,
}

impl Live {
    /// A place for a figure, which takes no room before the first.
    #[must_use]
    pub fn new() -> Live {
        Live::default()
    }

    /// Draws another figure in the place of the last. The first is drawn before this returns, so that it
    /// stands where it was given; later ones return at once.
    pub fn update<F: Figure + Clone + Send + Sync + 'static>(&mut self, figure: &F) {
        let figure: Shared = Arc::new(figure.clone());
        match &self.artist {
            Some(artist) => {
                artist.desk.work().newest = Some(figure.clone());
                artist.desk.changed.notify_one();
            }
            None if matches!(place(), Place::Kernel(_)) => {
                self.artist = Some(Artist::start(&figure));
            }
            None => {}
        }
        self.newest = Some(figure);
    }

    /// Draws the last figure whole, the interactive form included, where it stands. Dropping does the same.
    pub fn finish(self) {}
}

impl Drop for Live {
    fn drop(&mut self) {
        let Some(newest) = self.newest.take() else { return };
        if !self.artist.take().is_some_and(Artist::finish) {
            draw(newest.bundle());
        }
    }
}

impl Debug for Live {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        let shows = self.newest.as_ref().map(|figure| figure.description());
        f.debug_struct("Live").field("shows", &shows).finish_non_exhaustive()
    }
}

impl Artist {
    fn start(first: &Shared) -> Artist {
        let mut sheet = Sheet { slot: Slot::new(), last: first.clone() };
        let pause = sheet.draw(false);
        let desk = Arc::new(Desk::default());
        let same = desk.clone();
        let thread = Builder::new().name("convscope-live".to_owned());
        let thread = thread.spawn(move || same.serve(sheet, pause)).ok();
        Artist { desk, thread }
    }

    /// Ends with the last figure. Whether there was a thread to draw it.
    fn finish(self) -> bool {
        let Some(thread) = self.thread else { return false };
        self.desk.work().finished = true;
        self.desk.changed.notify_one();
        // A figure that panics has told so itself.
        let _ = thread.join();
        true
    }
}

impl Desk {
    fn work(&self) -> MutexGuard<'_, Work> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Draws what is newest, as often as the pauses allow, and at the end the last whole.
    fn serve(&self, mut sheet: Sheet, mut pause: Duration) {
        loop {
            let waiting = |work: &mut Work| !work.finished;
            let _ = self.changed.wait_timeout_while(self.work(), pause, waiting);
            let waiting = |work: &mut Work| work.newest.is_none() && !work.finished;
            let work = self.changed.wait_while(self.work(), waiting);
            let mut work = work.unwrap_or_else(PoisonError::into_inner);
            let (newest, finished) = (work.newest.take(), work.finished);
            drop(work);
            sheet.last = newest.unwrap_or(sheet.last);
            pause = sheet.draw(finished);
            if finished {
                return;
            }
        }
    }
}

/// The place in the notebook.
struct Sheet {
    slot: Slot,
    last: Shared,
}

impl Sheet {
    /// Draws the last figure, and returns how long to wait before the next.
    fn draw(&mut self, whole: bool) -> Duration {
        let began = Instant::now();
        match if whole { self.last.bundle() } else { still(&*self.last) } {
            Ok(bundle) => self.slot.show(&bundle.entries()),
            Err(error) if whole => fail(&error),
            // The next may be drawn.
            Err(_) => {}
        }
        pause(began.elapsed())
    }
}
