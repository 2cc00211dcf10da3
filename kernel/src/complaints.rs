//! Complaints on stderr about what others send, so few that they can't fill a disk.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// At most one line in this time.
const PAUSE: Duration = Duration::from_secs(10);

#[derive(Clone, Default)]
pub(crate) struct Complaints(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    last: Option<Instant>,
    unsaid: u64,
}

impl Complaints {
    pub(crate) fn add(&self, text: &str) {
        let Ok(mut state) = self.0.lock() else { return };
        if state.last.is_some_and(|last| last.elapsed() < PAUSE) {
            state.unsaid += 1;
            return;
        }
        let unsaid = std::mem::take(&mut state.unsaid);
        let more =
            if unsaid > 0 { format!(" (and {unsaid} the like before)") } else { String::new() };
        eprintln!("convscope: {text}{more}");
        state.last = Some(Instant::now());
    }
}
