//! The end of a cell, and what becomes of those behind it.

use std::mem;
use std::time::Duration;

use serde_json::json;
use tokio::time::{Instant, timeout_at};

use super::{Relay, pass};
use crate::answers;
use crate::code;
use crate::errors;
use crate::kernel::first_cell;
use crate::wire::Message;

/// How long requests may take that were sent before the answer to a failed cell.
const ON_THEIR_WAY: Duration = Duration::from_millis(10);

impl Relay<'_> {
    /// evcxr tells why a cell failed.
    pub(super) async fn evcxr_failed(&mut self, mut error: Message) {
        self.vacate();
        self.send_gathered().await;
        match self.stop.cause() {
            // Of several errors of the compiler one is enough then.
            Some(_) if self.cell.as_ref().is_some_and(|cell| cell.failure.is_some()) => return,
            Some(cause) => error.content = cause.content(),
            None => error.content = errors::of_evcxr(&error.content),
        }
        pass(Ok(self.evcxr.encode(&error)), &mut self.front.iopub).await;
        if let Some(cell) = &mut self.cell {
            cell.failure.get_or_insert(error.content);
        }
    }

    /// Lets Jupyter know that the cell is done.
    pub(super) async fn end_cell(&mut self) {
        self.vacate();
        self.send_gathered().await;
        let Some(mut cell) = self.cell.take() else { return };
        let request = cell.request.clone();
        self.runs.clear();
        self.asking = false;
        let (text, failure) = self.output.end_cell();
        let failure = self.stop.end_cell().filter(|_| failure.is_none()).or(failure);
        if !text.is_empty() {
            let stream = request.child("stream", json!({"name": "stderr", "text": ""}));
            self.gathered.text(stream, text);
            self.send_gathered().await;
        }
        if let (Some(failure), None) = (failure, &cell.failure) {
            let content = failure.with_place(request.code(), self.dir).content();
            self.front.publish(&request, "error", content.clone()).await;
            cell.failure = Some(content);
        }
        if code::clears(request.code())
            && let Err(error) = self.evcxr.execute(&first_cell()).await
        {
            eprintln!("convscope: {error:#}");
        }
        let failure = cell.failure.take();
        if failure.is_some() {
            self.await_queue(&request).await;
        }
        let (reply, idle) = cell.into_messages();
        match (reply, &failure) {
            (Some(_), Some(failure)) => {
                self.front.shell.reply(&request, answers::failed(failure, self.count)).await;
            }
            (Some(reply), None) => pass(Ok(reply), &mut self.front.shell.socket).await,
            (None, _) => {}
        }
        if let Some(idle) = idle {
            pass(Ok(idle), &mut self.front.iopub).await;
        }
        if failure.is_some() {
            self.abort_queue(&request).await;
        }
    }

    /// Takes what was sent after `failed` and before its answer, which is about to be given.
    pub(super) async fn await_queue(&mut self, failed: &Message) {
        if failed.stops_on_error() {
            let deadline = Instant::now() + ON_THEIR_WAY;
            while let Ok(request) = timeout_at(deadline, self.front.shell.recv()).await {
                self.waiting.push_back(request);
            }
        }
    }

    /// Cells that were sent after one that failed are not run: those who sent them took its success for
    /// granted.
    pub(super) async fn abort_queue(&mut self, failed: &Message) {
        if failed.stops_on_error() {
            for request in mem::take(&mut self.waiting) {
                match request.message.kind() {
                    "execute_request" => answers::abort(self.front, &request.message).await,
                    _ => self.waiting.push_back(request),
                }
            }
        }
    }
}
