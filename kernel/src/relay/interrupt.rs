//! What an interrupt does to the cell under way. Whatever can be kept is kept.

use std::mem;

use serde_json::json;
use zeromq::{ZmqMessage, ZmqResult};

use super::{Relay, pass};
use crate::runtime;
use crate::stop::Asked;
use crate::wire::Message;

impl Relay<'_> {
    /// The stop button was pressed. Without a cell there is nothing to stop, and evcxr would end the
    /// process that holds the variables.
    pub(super) async fn interrupt(&mut self) {
        let Some(cell) = self.cell.as_ref().filter(|cell| !cell.evcxr_is_done()) else { return };
        if !self.stop.press() {
            return;
        }
        let request = cell.request.clone();
        if self.is_compiled() {
            self.stop.ask(Asked::Compilation);
        } else if self.runs.any() && self.stop.asked() != Some(Asked::Runs) {
            self.stop.ask(Asked::Runs);
            let what = self.runs.what().unwrap_or_default();
            let text = format!(
                "convscope: stopping {what} after this step; pressed again, stop ends the process, and \
                 all variables are lost\n"
            );
            self.send_gathered().await;
            self.front.publish(&request, "stream", json!({"name": "stderr", "text": text})).await;
        } else {
            self.stop.ask(Asked::Process);
            let kill = self.evcxr.encode(&Message::request("interrupt_request", json!({})));
            pass(Ok(kill), &mut self.evcxr.channels.control).await;
        }
    }

    /// evcxr answers on the control channel. Interrupts that it gets are the relay's own.
    pub(super) async fn controlled(&mut self, frames: ZmqResult<ZmqMessage>) {
        let kind = frames.as_ref().ok().and_then(Message::kind_of);
        if kind.as_deref() != Some("interrupt_reply") {
            self.said_goodbye |= kind.as_deref() == Some("shutdown_reply");
            return pass(frames, &mut self.front.control.socket).await;
        }
        if mem::take(&mut self.asking) {
            // Without an answer it would wait for ever, though the process that asked is gone.
            let answer = Message::request("input_reply", json!({"value": ""}));
            pass(Ok(self.evcxr.encode(&answer)), &mut self.evcxr.channels.stdin).await;
        }
    }

    /// Whether the code of the cell does not run yet.
    fn is_compiled(&self) -> bool {
        !self.asking && self.evcxr.process.id().is_some_and(runtime::waits_for_orders)
    }

    /// Ends the compiler of a cell that is not to be run.
    pub(super) fn cancel_compilation(&mut self) {
        if self.stop.asked() == Some(Asked::Compilation)
            && self.is_compiled()
            && let Some(evcxr) = self.evcxr.process.id()
        {
            runtime::end_compilers(evcxr);
        }
    }
}
