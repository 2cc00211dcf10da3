//! Passing messages between Jupyter and evcxr, unread and unchanged.
//!
//! Both sides have the same key, so frames need no new signature.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

use anyhow::Result;
use serde_json::json;
use tokio::signal::unix::Signal;
use tokio::time::{Instant, sleep_until, timeout};
use zeromq::{SocketRecv, SocketSend, ZmqMessage, ZmqResult};

use crate::evcxr::{Channels, Evcxr};
use crate::frontend::{Front, LINGER};
use crate::wire::Message;

/// How long evcxr may take to end when asked: it waits for its cell, which may never end. Jupyter
/// waits five seconds before it kills.
const SHUTDOWN_PATIENCE: Duration = Duration::from_secs(2);

/// Relays until evcxr ends, and returns the exit code that tells Jupyter how.
pub(crate) async fn relay(
    front: &mut Front,
    evcxr: &mut Evcxr,
    held: Vec<ZmqMessage>,
    terminated: &mut Signal,
) -> Result<u8> {
    let Evcxr { process, channels, .. } = evcxr;
    for frames in held {
        channels.shell.send(frames).await?;
    }
    let mut shutdown = None;
    let mut deadline = Instant::now();
    let status = loop {
        tokio::select! {
            frames = front.shell.recv() => pass(frames, &mut channels.shell).await,
            frames = front.stdin.recv() => pass(frames, &mut channels.stdin).await,
            frames = front.control.recv() => {
                if let Some(request) = shutdown_request(front, &frames) {
                    shutdown = Some(request);
                    deadline = Instant::now() + SHUTDOWN_PATIENCE;
                }
                pass(frames, &mut channels.control).await;
            }
            frames = channels.shell.recv() => pass(frames, &mut front.shell).await,
            frames = channels.stdin.recv() => pass(frames, &mut front.stdin).await,
            frames = channels.control.recv() => pass(frames, &mut front.control).await,
            frames = channels.iopub.recv() => pass(frames, &mut front.iopub).await,
            status = process.wait() => break status?,
            () = sleep_until(deadline), if shutdown.is_some() => process.kill().await?,
            _ = terminated.recv() => {
                process.kill().await?;
                return Ok(128 + 15);
            }
        }
    };
    say_goodbye(front, channels, shutdown.as_ref()).await;
    Ok(if shutdown.is_some() { 0 } else { exit_code(status) })
}

/// Sends on. A peer that has gone away is no reason to stop: `process.wait()` tells when evcxr has.
async fn pass(frames: ZmqResult<ZmqMessage>, to: &mut impl SocketSend) {
    let sent = match frames {
        Ok(frames) => to.send(frames).await,
        Err(error) => Err(error),
    };
    if let Err(error) = sent {
        eprintln!("convscope: a message was lost: {error}");
    }
}

fn shutdown_request(front: &Front, frames: &ZmqResult<ZmqMessage>) -> Option<Message> {
    let request = front.decode(frames.as_ref().ok()?)?;
    (request.kind() == "shutdown_request").then_some(request)
}

/// Passes on what evcxr sent before it ended, and answers the shutdown request if it has not.
async fn say_goodbye(front: &mut Front, channels: &mut Channels, shutdown: Option<&Message>) {
    let mut answered = false;
    let rest = timeout(LINGER, async {
        while !(answered && shutdown.is_some()) {
            tokio::select! {
                frames = channels.control.recv() => {
                    answered = frames.is_ok();
                    pass(frames, &mut front.control).await;
                }
                frames = channels.shell.recv() => pass(frames, &mut front.shell).await,
                frames = channels.iopub.recv() => pass(frames, &mut front.iopub).await,
            }
        }
    });
    // Running out of time is the usual end.
    let _ = rest.await;
    if let Some(request) = shutdown
        && !answered
    {
        let restart = &request.content["restart"];
        front.reply_on_control(request, json!({"status": "ok", "restart": restart})).await;
    }
    front.linger().await;
}

fn exit_code(status: ExitStatus) -> u8 {
    let code = status.code().or(status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}
