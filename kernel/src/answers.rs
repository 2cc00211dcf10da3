//! Requests that are answered in evcxr's place.

use serde_json::{Value, json};

use crate::code::{self, Flaw};
use crate::errors::Failure;
use crate::frontend::Front;
use crate::wire::Message;

/// Levels that a console indents by itself.
const MOST_INDENTED: usize = 20;

/// Refuses a cell, which evcxr does not get to see.
pub(crate) async fn refuse(front: &mut Front, cell: &Message, count: u64, flaw: &Flaw) {
    let text = flaw.message();
    let input = json!({"code": cell.code(), "execution_count": count});
    let error = Failure::new("Error", text).content();
    let reply = failed(&error, count);
    front.publish_status(cell, "busy").await;
    front.publish(cell, "execute_input", input).await;
    front.publish(cell, "error", error).await;
    front.shell.reply(cell, reply).await;
    front.publish_status(cell, "idle").await;
}

/// The reply to a cell that failed, from the content of its error message.
pub(crate) fn failed(error: &Value, count: u64) -> Value {
    let mut reply = error.clone();
    reply["status"] = "error".into();
    reply["execution_count"] = count.into();
    reply
}

/// Answers a cell that is not run.
pub(crate) async fn abort(front: &mut Front, cell: &Message) {
    front.publish_status(cell, "busy").await;
    front.shell.reply(cell, json!({"status": "aborted"})).await;
    front.publish_status(cell, "idle").await;
}

/// Says whether a console shall run what was typed, or wait for more. evcxr always says yes.
pub(crate) async fn is_complete(front: &mut Front, request: &Message) {
    let content = match code::flaw(request.code()) {
        Some(Flaw::Unfinished { why: _, depth }) => {
            json!({"status": "incomplete", "indent": "    ".repeat(depth.min(MOST_INDENTED))})
        }
        _ => json!({"status": "complete"}),
    };
    front.publish_status(request, "busy").await;
    front.shell.reply(request, content).await;
    front.publish_status(request, "idle").await;
}
