//! What waits to be sent to Jupyter in fewer messages, in its order: a message costs a browser more than
//! a line of text. What comes after a pause goes at once.

use std::mem;
use std::time::Duration;

use tokio::time::Instant;

use crate::wire::Message;

/// The time between two departures.
const PAUSE: Duration = Duration::from_millis(20);

/// Bytes that leave without waiting for more.
const ENOUGH: usize = 64 << 10;

/// Bytes of updates that a browser draws in a second, at most.
const BYTES_PER_SECOND: usize = 50 << 20;

#[derive(Default)]
pub(crate) struct Gathered {
    items: Vec<Item>,
    /// Bytes that nothing newer replaces.
    bytes: usize,
    /// When the next may leave.
    next: Option<Instant>,
}

enum Item {
    Text { line: Message, text: String },
    Update { message: Message, bytes: usize },
    Other(Message),
}

impl Gathered {
    /// Text of the kind and the cell of `line`.
    pub(crate) fn text(&mut self, line: Message, text: String) {
        self.bytes += text.len();
        match self.items.last_mut() {
            Some(Item::Text { line: last, text: before }) if continues(last, &line) => {
                before.push_str(&text);
            }
            _ => self.items.push(Item::Text { line, text }),
        }
    }

    /// A display or its update of so many bytes. Of updates that wait, the newest leaves.
    pub(crate) fn display(&mut self, message: Message, bytes: usize) {
        if message.kind() != "update_display_data" {
            self.bytes += bytes;
            return self.items.push(Item::Other(message));
        }
        let name = &message.content["transient"]["display_id"];
        let older = self.items.iter().position(|item| {
            matches!(item, Item::Update { message, .. } if &message.content["transient"]["display_id"] == name)
        });
        if let Some(at) = older {
            self.items.remove(at);
            self.join(at);
        }
        self.items.push(Item::Update { message, bytes });
    }

    /// Makes one of two texts between which something stood.
    fn join(&mut self, at: usize) {
        if let Some([Item::Text { line: last, .. }, Item::Text { line, .. }]) =
            at.checked_sub(1).and_then(|before| self.items.get(before..=at))
            && continues(last, line)
            && let Item::Text { text: after, .. } = self.items.remove(at)
            && let Some(Item::Text { text, .. }) = self.items.get_mut(at - 1)
        {
            text.push_str(&after);
        }
    }

    /// When what waits is to leave.
    pub(crate) fn due(&self) -> Option<Instant> {
        if self.items.is_empty() {
            return None;
        }
        let now = Instant::now();
        Some(if self.bytes >= ENOUGH { now } else { self.next.unwrap_or(now) })
    }

    /// All that waits.
    pub(crate) fn take(&mut self) -> Vec<Message> {
        if self.items.is_empty() {
            return Vec::new();
        }
        let mut drawn = 0;
        let messages = mem::take(&mut self.items).into_iter().map(|item| match item {
            Item::Text { mut line, text } => {
                line.content["text"] = text.into();
                line
            }
            Item::Update { message, bytes } => {
                drawn += bytes;
                message
            }
            Item::Other(message) => message,
        });
        let messages = messages.collect();
        self.bytes = 0;
        let drawing = Duration::from_secs_f64(drawn as f64 / BYTES_PER_SECOND as f64);
        self.next = Some(Instant::now() + PAUSE + drawing);
        messages
    }
}

/// Whether a line is of the same pipe and cell as one before.
fn continues(last: &Message, line: &Message) -> bool {
    last.content["name"] == line.content["name"] && last.is_sibling_of(line)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn update(name: &str, text: &str) -> Message {
        let content = json!({"data": {"text/plain": text}, "transient": {"display_id": name}});
        Message::request("update_display_data", content)
    }

    fn leaving(gathered: &mut Gathered) -> Vec<String> {
        let text = |message: Message| match message.content["text"].as_str() {
            Some(text) => text.to_owned(),
            None => format!(
                "{}={}",
                message.content["transient"]["display_id"].as_str().unwrap(),
                message.content["data"]["text/plain"].as_str().unwrap()
            ),
        };
        gathered.take().into_iter().map(text).collect()
    }

    #[test]
    fn the_newest_update_stays_where_it_came_and_so_does_text() {
        let cell = Message::request("execute_request", json!({}));
        let line = |pipe: &str| cell.child("stream", json!({"name": pipe}));
        let mut gathered = Gathered::default();
        assert!(gathered.due().is_none());
        for i in 0..3 {
            gathered.text(line("stdout"), format!("{i} "));
            gathered.display(update("a", &i.to_string()), 1);
        }
        gathered.display(update("b", "0"), 1);
        gathered.text(line("stderr"), "e".into());
        gathered.display(update("a", "3"), 1);
        gathered.text(line("stdout"), "4".into());
        assert_eq!(leaving(&mut gathered), ["0 1 2 ", "b=0", "e", "a=3", "4"]);
        assert!(gathered.due().is_none() && gathered.take().is_empty());
    }

    #[test]
    fn what_comes_after_a_pause_leaves_at_once_and_the_rest_in_turn() {
        let mut gathered = Gathered::default();
        gathered.display(update("a", "1"), 1);
        assert!(gathered.due().unwrap() <= Instant::now());
        gathered.take();
        gathered.display(update("a", "2"), BYTES_PER_SECOND);
        let due = gathered.due().unwrap() - Instant::now();
        assert!(due <= PAUSE && due > PAUSE / 2, "{due:?}");
        gathered.take();
        gathered.display(update("a", "3"), 1);
        let due = gathered.due().unwrap() - Instant::now();
        assert!(due > Duration::from_millis(900), "a large one takes a browser longer: {due:?}");
        let line = Message::request("stream", json!({"name": "stdout"}));
        gathered.text(line, "x".repeat(ENOUGH));
        assert!(gathered.due().unwrap() <= Instant::now());
    }
}
