//! What stands in the notebook and can be replaced: which output of which cell an ID means.

use std::collections::VecDeque;
use std::rc::Rc;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::live::Forms;
use crate::wire::Message;

/// How many are remembered; those that did not change for longest are forgotten, and stay as they are.
const MOST: usize = 10_000;

#[derive(Default)]
pub(crate) struct Displays {
    /// The last that changed stands last.
    shown: VecDeque<Display>,
    /// One whose place the next figure of its cell takes, if nothing comes between.
    left: Option<Display>,
}

struct Display {
    id: String,
    /// Its name in Jupyter. A notebook may have outputs of several processes, whose IDs are alike.
    name: String,
    /// A message of the cell that shows it.
    cell: Rc<Message>,
}

impl Displays {
    /// A new output of the cell that wrote `line`.
    pub(crate) fn show(&mut self, line: &Message, id: String, data: Forms) -> Message {
        self.forget(&id);
        let (kind, name, cell) = match self.left.take() {
            Some(left) => ("update_display_data", left.name, left.cell),
            None => ("display_data", Uuid::new_v4().to_string(), self.cell(line)),
        };
        let display = Display { id, name, cell };
        let message = display.message(kind, data.into());
        self.remember(display);
        message
    }

    /// Nothing, if nobody has shown it, or it has left.
    pub(crate) fn update(&mut self, id: &str, data: Forms) -> Option<Message> {
        let display = self.forget(id)?;
        let message = display.message("update_display_data", data.into());
        self.remember(display);
        Some(message)
    }

    /// It was there for the time of a run. Returns what becomes of it at once.
    pub(crate) fn leave(&mut self, line: &Message, id: &str) -> Option<Message> {
        let display = self.forget(id)?;
        if !display.cell.is_sibling_of(line) {
            return Some(display.emptied());
        }
        self.left.replace(display).map(|left| left.emptied())
    }

    /// The value of a cell, which takes the place of what has left.
    pub(crate) fn result(&mut self, result: &Message) -> Option<Message> {
        let data = result.content["data"].clone();
        Some(self.left.take()?.message("update_display_data", data))
    }

    /// The cell puts out something else, or is over: the place of what has left stays empty.
    pub(crate) fn vacate(&mut self) -> Option<Message> {
        Some(self.left.take()?.emptied())
    }

    fn forget(&mut self, id: &str) -> Option<Display> {
        let at = self.shown.iter().rposition(|display| display.id == id)?;
        self.shown.remove(at)
    }

    fn remember(&mut self, display: Display) {
        if self.shown.len() == MOST {
            self.shown.pop_front();
        }
        self.shown.push_back(display);
    }

    /// The cell that wrote a line; outputs of one cell share it.
    fn cell(&self, line: &Message) -> Rc<Message> {
        match self.shown.back() {
            Some(last) if last.cell.is_sibling_of(line) => last.cell.clone(),
            _ => Rc::new(line.sibling("display_data", Value::Null)),
        }
    }
}

impl Display {
    fn message(&self, kind: &str, data: Value) -> Message {
        let transient = json!({"display_id": self.name});
        let mut content = json!({"metadata": {}, "transient": transient});
        content["data"] = data;
        self.cell.sibling(kind, content)
    }

    fn emptied(&self) -> Message {
        self.message("update_display_data", json!({}))
    }
}
