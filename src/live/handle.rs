//! A figure that is drawn anew in place.

use std::fmt::{Debug, Formatter};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};

use super::preview::{pause, still};
use super::{Frame, new_id};
use crate::notebook::{Place, fail, place, send};
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
///     points.push([f64::from(step), 0.97_f64.powi(step)]);
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

/// The thread that draws.
struct Artist {
    desk: Arc<Desk>,
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

    /// Draws another figure in the place of the last. Returns at once.
    pub fn update<F: Figure + Clone + Send + Sync + 'static>(&mut self, figure: &F) {
        let figure: Shared = Arc::new(figure.clone());
        if self.artist.is_none() && matches!(place(), Place::Kernel(_)) {
            self.artist = Artist::start();
        }
        if let Some(artist) = &self.artist {
            artist.desk.work().newest = Some(figure.clone());
            artist.desk.changed.notify_one();
        }
        self.newest = Some(figure);
    }

    /// Draws the last figure whole, the interactive form included, where it stands. Dropping does the same.
    pub fn finish(self) {}
}

impl Drop for Live {
    fn drop(&mut self) {
        let Some(newest) = self.newest.take() else { return };
        match self.artist.take() {
            // It ends with the last figure.
            Some(artist) => artist.finish(),
            None => draw(newest.bundle()),
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
    /// None where the system has no thread left.
    fn start() -> Option<Artist> {
        let desk = Arc::new(Desk::default());
        let his = desk.clone();
        let thread = Builder::new().name("convscope-live".to_owned()).spawn(move || his.serve());
        Some(Artist { desk, thread: Some(thread.ok()?) })
    }

    fn finish(mut self) {
        self.desk.work().finished = true;
        self.desk.changed.notify_one();
        if let Some(thread) = self.thread.take() {
            // A figure that panics has told so itself.
            let _ = thread.join();
        }
    }
}

impl Desk {
    fn work(&self) -> MutexGuard<'_, Work> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serve(&self) {
        let id = new_id();
        let mut shown = false;
        let mut last = None;
        loop {
            let work = self.changed.wait_while(self.work(), |w| w.newest.is_none() && !w.finished);
            let mut work = work.unwrap_or_else(PoisonError::into_inner);
            let (newest, finished) = (work.newest.take(), work.finished);
            drop(work);
            last = newest.or(last);
            let Some(figure) = &last else { return };
            let began = std::time::Instant::now();
            match if finished { figure.bundle() } else { still(&**figure) } {
                Ok(bundle) => {
                    let (id, forms) = (id.as_str(), &bundle.entries());
                    send(&match shown {
                        true => Frame::Update { id, forms },
                        false => Frame::Show { id, forms },
                    });
                    shown = true;
                }
                Err(error) if finished => fail(&error),
                // The next may be drawn.
                Err(_) => {}
            }
            if finished {
                return;
            }
            let pause = pause(began.elapsed());
            let _ = self.changed.wait_timeout_while(self.work(), pause, |work| !work.finished);
        }
    }
}
