//! A place in the notebook whose content is replaced.

use super::{Forms, Frame, new_id};
use crate::notebook::send;

/// Takes no room before the first content.
#[derive(Debug)]
pub(super) struct Slot {
    id: String,
    shown: bool,
}

impl Slot {
    pub(super) fn new() -> Slot {
        Slot { id: new_id(), shown: false }
    }

    pub(super) fn show(&mut self, forms: &Forms) {
        let id = &self.id;
        send(&match self.shown {
            true => Frame::Update { id, forms },
            false => Frame::Show { id, forms },
        });
        self.shown = true;
    }

    /// The next figure takes its place.
    pub(super) fn leave(&self) {
        if self.shown {
            send(&Frame::Leave { id: &self.id });
        }
    }
}
