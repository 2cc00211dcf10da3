//! The time before evcxr is ready.
//!
//! Jupyter gets its answers at once; requests that need evcxr wait, and the notebook is told why.

use std::pin::pin;

use anyhow::{Error, Result};
use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Duration, Instant};

use crate::answers;
use crate::compile::Notice;
use crate::errors::Failure;
use crate::frontend::{Front, Request};
use crate::wire::Message;

pub(crate) enum Outcome<T> {
    /// What was prepared, and the shell requests that waited for it.
    Ready(T, Vec<Request>),
    ShutDown,
}

/// Steps are shown in the notebook at most this often.
const STEP_INTERVAL: Duration = Duration::from_secs(5);

#[derive(Default)]
struct Waiting {
    requests: Vec<Request>,
    /// News that no cell has shown yet, since none was waiting.
    unsaid: Vec<String>,
    last_news: Option<Instant>,
}

/// Serves `front` until `prepare` has succeeded. When it fails, the waiting cells fail with its error,
/// and the next one tries again.
pub(crate) async fn hold<T, F>(
    front: &mut Front,
    notices: &mut UnboundedReceiver<Notice>,
    prepare: impl Fn() -> F,
) -> Result<Outcome<T>>
where
    F: Future<Output = Result<T>>,
{
    let mut waiting = Waiting::default();
    let mut preparing = pin!(prepare());
    let mut failed = false;
    loop {
        tokio::select! {
            biased;
            Some(notice) = notices.recv() => waiting.tell(front, notice).await,
            prepared = &mut preparing, if !failed => match prepared {
                Ok(ready) => {
                    return Ok(Outcome::Ready(ready, waiting.requests));
                }
                Err(error) => {
                    eprintln!("convscope: {error:#}");
                    waiting.fail(front, &error).await;
                    failed = true;
                }
            },
            Request { message: request, .. } = front.control.recv() => {
                match request.kind() {
                    "kernel_info_request" => front.control.reply(&request, kernel_info()).await,
                    "interrupt_request" => {
                        waiting.fail(front, &Error::msg(
                            "interrupted while waiting for the warm build, which goes on in the \
                             background: run the cell again",
                        )).await;
                        front.control.reply(&request, json!({"status": "ok"})).await;
                    }
                    "shutdown_request" => {
                        let restart = &request.content["restart"];
                        let content = json!({"status": "ok", "restart": restart});
                        front.control.reply(&request, content).await;
                        front.linger().await;
                        return Ok(Outcome::ShutDown);
                    }
                    _ => {}
                }
            },
            request = front.shell.recv() => {
                let message = &request.message;
                if message.kind() == "kernel_info_request" {
                    front.publish_status(message, "busy").await;
                    front.shell.reply(message, kernel_info()).await;
                    front.publish_status(message, "idle").await;
                    // The last status is what a notebook shows.
                    if let Some(cell) = waiting.first_cell() {
                        front.publish_status(&cell.clone(), "busy").await;
                    }
                    continue;
                }
                let is_cell = message.kind() == "execute_request";
                waiting.add(front, request).await;
                if is_cell && failed {
                    preparing.set(prepare());
                    failed = false;
                }
            },
            // Nobody sends here unasked; but a full queue would block the client.
            _ = front.stdin.recv() => {},
        }
    }
}

impl Waiting {
    fn first_cell(&self) -> Option<&Message> {
        let mut requests = self.requests.iter().map(|request| &request.message);
        requests.find(|message| message.kind() == "execute_request")
    }

    async fn add(&mut self, front: &mut Front, request: Request) {
        let message = &request.message;
        if message.kind() == "execute_request" {
            front.publish_status(message, "busy").await;
            for text in self.unsaid.drain(..) {
                front.publish(message, "stream", news(&text)).await;
            }
        }
        self.requests.push(request);
    }

    async fn tell(&mut self, front: &mut Front, notice: Notice) {
        let text = match notice {
            Notice::Headline(text) => format!("convscope: {text}"),
            Notice::Step(text) if self.last_news.is_none_or(|at| at.elapsed() >= STEP_INTERVAL) => {
                text
            }
            Notice::Step(_) => return,
        };
        self.last_news = Some(Instant::now());
        match self.first_cell().cloned() {
            Some(cell) => front.publish(&cell, "stream", news(&text)).await,
            None => self.unsaid.push(text),
        }
    }

    async fn fail(&mut self, front: &mut Front, error: &Error) {
        self.unsaid.clear();
        let error = Failure::new("Error", format!("{error:#}")).content();
        for Request { message: request, .. } in self.requests.drain(..) {
            if request.kind() == "execute_request" {
                front.publish(&request, "error", error.clone()).await;
            }
            front.shell.reply(&request, answers::failed(&error, 0)).await;
            front.publish_status(&request, "idle").await;
        }
    }
}

fn news(text: &str) -> Value {
    json!({"name": "stdout", "text": format!("{text}\n")})
}

/// What evcxr answers, so that notebooks are saved with the same metadata whoever answered.
fn kernel_info() -> Value {
    json!({
        "status": "ok",
        "protocol_version": "5.3",
        "implementation": "evcxr_jupyter",
        "implementation_version": crate::tools::pinned("EVCXR"),
        "language_info": {
            "name": "Rust",
            "version": "",
            "mimetype": "text/rust",
            "file_extension": ".rs",
            "pygment_lexer": "rust",
            "codemirror_mode": "rust",
        },
        "banner": format!("convscope {} on evcxr", env!("CARGO_PKG_VERSION")),
        "help_links": [{"text": "Rust std docs", "url": "https://doc.rust-lang.org/stable/std/"}],
    })
}
