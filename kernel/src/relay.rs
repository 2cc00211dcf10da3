//! Passing messages between Jupyter and evcxr.
//!
//! Both sides have the same key, so what is passed on needs no new signature: it goes as the bytes that
//! came. Read are only cells, what they write, and what says that they are done.

mod ending;
mod interrupt;

use std::collections::VecDeque;
use std::mem;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::ExitStatus;
use std::time::Duration;

use anyhow::Result;
use serde_json::json;
use tokio::signal::unix::{Signal, SignalKind, signal as listen};
use tokio::time::{Instant, sleep_until, timeout};
use zeromq::{SocketRecv, SocketSend, ZmqMessage, ZmqResult};

use crate::answers;
use crate::cell::Cell;
use crate::code;
use crate::displays::Displays;
use crate::evcxr::Evcxr;
use crate::frontend::{Front, LINGER, Request};
use crate::gathered::Gathered;
use crate::kept::Keeper;
use crate::live::{self, Frame};
use crate::output::{COMPLETE, Output};
use crate::runs::Runs;
use crate::runtime::{self, Pipe};
use crate::stop::Stop;
use crate::wire::Message;

/// How long evcxr may take to end when asked: it waits for its cell, which may never end. Jupyter
/// waits five seconds before it kills.
const SHUTDOWN_PATIENCE: Duration = Duration::from_secs(2);

/// Relays until evcxr ends, and returns the exit code that tells Jupyter how.
pub(crate) async fn relay(
    front: &mut Front,
    evcxr: &mut Evcxr,
    dir: &Path,
    held: Vec<Request>,
    terminated: &mut Signal,
) -> Result<u8> {
    // Not earlier: evcxr and its processes go on to ignore this signal.
    let mut interrupted = listen(SignalKind::interrupt())?;
    let mut relay = Relay::new(front, evcxr, dir, held);
    relay.pass_requests().await;
    let mut shutdown = None;
    let mut deadline = Instant::now();
    let status = loop {
        let due = relay.due();
        let Relay { front, evcxr, asking, .. } = &mut relay;
        let Evcxr { process, channels, .. } = &mut **evcxr;
        tokio::select! {
            request = front.shell.recv() => {
                relay.waiting.push_back(request);
                relay.pass_requests().await;
            }
            request = front.stdin.recv() => {
                // A late one would answer the next question.
                if mem::take(asking) {
                    pass(Ok(request.frames), &mut channels.stdin).await;
                }
            }
            request = front.control.recv() => {
                match request.message.kind() {
                    "interrupt_request" => {
                        relay.interrupt().await;
                        let ok = json!({"status": "ok"});
                        relay.front.control.reply(&request.message, ok).await;
                        continue;
                    }
                    "shutdown_request" => {
                        shutdown = Some(request.message);
                        deadline = Instant::now() + SHUTDOWN_PATIENCE;
                    }
                    _ => {}
                }
                pass(Ok(request.frames), &mut channels.control).await;
            }
            // From clients that send signals, whatever the kernelspec says.
            _ = interrupted.recv() => relay.interrupt().await,
            frames = channels.shell.recv() => relay.replied(frames).await,
            frames = channels.stdin.recv() => {
                pass(frames, &mut front.stdin.socket).await;
                relay.asking = true;
            }
            frames = channels.control.recv() => relay.controlled(frames).await,
            frames = channels.iopub.recv() => relay.published(frames).await,
            status = process.wait() => break status?,
            () = sleep_until(due.unwrap_or(deadline)), if due.is_some() => {}
            () = sleep_until(deadline), if shutdown.is_some() => process.kill().await?,
            _ = terminated.recv() => {
                process.kill().await?;
                return Ok(128 + 15);
            }
        }
        relay.attend().await;
    };
    relay.say_goodbye(shutdown.as_ref()).await;
    Ok(if shutdown.is_some() { 0 } else { exit_code(status) })
}

struct Relay<'a> {
    front: &'a mut Front,
    evcxr: &'a mut Evcxr,
    /// The session's folder, where evcxr compiles.
    dir: &'a Path,
    /// What was asked on the shell while a cell is under way.
    waiting: VecDeque<Request>,
    cell: Option<Cell>,
    output: Output,
    gathered: Gathered,
    displays: Displays,
    /// Those of the cell that can be stopped.
    runs: Runs,
    stop: Stop,
    /// The cell waits for an answer of its reader.
    asking: bool,
    /// evcxr's number of the last cell.
    count: u64,
    keeper: Keeper,
    /// evcxr has answered the request to shut down.
    said_goodbye: bool,
}

impl<'a> Relay<'a> {
    fn new(
        front: &'a mut Front,
        evcxr: &'a mut Evcxr,
        dir: &'a Path,
        held: Vec<Request>,
    ) -> Relay<'a> {
        Relay {
            front,
            evcxr,
            dir,
            waiting: held.into(),
            cell: None,
            output: Output::new(),
            gathered: Gathered::default(),
            displays: Displays::default(),
            runs: Runs::default(),
            stop: Stop::new(dir),
            asking: false,
            count: 0,
            keeper: Keeper::of(dir),
            said_goodbye: false,
        }
    }

    /// Passes on what waits, up to the next cell. evcxr does one cell after the other too, but takes
    /// the late output of one for that of the next.
    async fn pass_requests(&mut self) {
        while self.cell.is_none()
            && let Some(Request { frames, message }) = self.waiting.pop_front()
        {
            match message.kind() {
                "execute_request" => match code::flaw(message.code()) {
                    Some(flaw) => {
                        self.await_queue(&message).await;
                        answers::refuse(self.front, &message, self.count + 1, &flaw).await;
                        self.abort_queue(&message).await;
                    }
                    None => {
                        self.keeper.cell_begins(message.code());
                        self.cell = Some(Cell::new(message));
                        pass(Ok(frames), &mut self.evcxr.channels.shell).await;
                    }
                },
                "is_complete_request" => answers::is_complete(self.front, &message).await,
                _ => pass(Ok(frames), &mut self.evcxr.channels.shell).await,
            }
        }
    }

    /// evcxr answers on the shell.
    async fn replied(&mut self, frames: ZmqResult<ZmqMessage>) {
        match (frames, &mut self.cell) {
            (Ok(frames), Some(cell))
                if Message::kind_of(&frames).as_deref() == Some("execute_reply") =>
            {
                cell.evcxr_replied(frames);
            }
            (frames, _) => pass(frames, &mut self.front.shell.socket).await,
        }
    }

    /// evcxr tells on iopub.
    async fn published(&mut self, frames: ZmqResult<ZmqMessage>) {
        let kind = frames.as_ref().ok().and_then(Message::kind_of).unwrap_or_default();
        let read = || self.evcxr.decode(frames.as_ref().ok()?);
        match kind.as_str() {
            "stream" => {
                if let Some(message) = read() {
                    self.written(message).await;
                }
                return;
            }
            "status" => {
                if let Some(message) = read()
                    && let Some(cell) = &mut self.cell
                    && message.is_child_of(&cell.request)
                    && message.content["execution_state"] == "idle"
                    && let Ok(frames) = frames
                {
                    return cell.evcxr_is_idle(frames);
                }
            }
            "execute_input" => {
                let count = read().and_then(|input| input.content["execution_count"].as_u64());
                self.count = count.unwrap_or(self.count);
            }
            "execute_result" => {
                if let Some(result) = read() {
                    // What a loop gives, which says nothing.
                    if result.content["data"] == json!({"text/plain": "()"}) {
                        return self.vacate();
                    }
                    if let Some(update) = self.displays.result(&result) {
                        return self.gathered.display(update, 0);
                    }
                }
            }
            "error" => {
                if let Some(message) = read() {
                    return self.evcxr_failed(message).await;
                }
            }
            _ => {}
        }
        self.send_gathered().await;
        pass(frames, &mut self.front.iopub).await;
    }

    /// A cell has written a line.
    async fn written(&mut self, message: Message) {
        let line = message.content["text"].as_str().unwrap_or_default();
        let bytes = line.len();
        let (line, frame) = live::split(line);
        let shown = match message.content["name"].as_str() {
            Some("stderr") => {
                let evcxr = self.evcxr.process.id();
                // Cells run on the first thread of their process, which has the number of that.
                let runtime = || evcxr.and_then(runtime::find);
                self.output.stderr(line, |thread| runtime().is_none_or(|first| first == thread))
            }
            _ => self.output.stdout(line),
        };
        if shown.spoilt
            && let Some(evcxr) = self.evcxr.process.id()
            && let Err(error) = runtime::write_line(evcxr, Pipe::Stdout, COMPLETE)
        {
            eprintln!("convscope: evcxr can't be told that the cell is done: {error}");
        }
        if let Some(cell) = &mut self.cell {
            cell.evcxr_wrote(shown.ends_cell);
        }
        let text = shown.text;
        if !text.is_empty() {
            self.vacate();
            self.gathered.text(message.clone(), text);
        }
        if let Some(frame) = frame {
            self.framed(&message, frame, bytes);
        }
    }

    /// The library has said something, in so many bytes, among the lines of a cell.
    fn framed(&mut self, line: &Message, frame: Frame, bytes: usize) {
        let changed = match frame {
            Frame::Show { id, data } => Some(self.displays.show(line, id, data)),
            Frame::Update { id, data } => self.displays.update(&id, data),
            Frame::Leave { id } => self.displays.leave(line, &id),
            Frame::Begin { id, what } => {
                self.runs.begin(id, what);
                None
            }
            Frame::End { id } => {
                self.runs.end(&id);
                None
            }
        };
        if let Some(changed) = changed {
            self.gathered.display(changed, bytes);
        }
    }

    /// Something else than a figure comes after what has left its place.
    fn vacate(&mut self) {
        if let Some(emptied) = self.displays.vacate() {
            self.gathered.display(emptied, 0);
        }
    }

    async fn send_gathered(&mut self) {
        for message in self.gathered.take() {
            let message = self.evcxr.encode(&message);
            pass(Ok(message), &mut self.front.iopub).await;
        }
    }

    fn due(&self) -> Option<Instant> {
        let gathered = self.gathered.due();
        let cell = self.cell.as_ref().and_then(Cell::due);
        gathered.into_iter().chain(cell).chain(self.stop.due()).min()
    }

    /// Does what is due.
    async fn attend(&mut self) {
        if self.gathered.due().is_some_and(|due| due <= Instant::now()) {
            self.send_gathered().await;
        }
        self.cancel_compilation();
        let Some(cell) = &mut self.cell else { return };
        cell.send_end(self.evcxr.process.id(), &self.output.end);
        if cell.is_over() {
            self.end_cell().await;
            self.keeper.cell_ended();
            self.pass_requests().await;
        }
    }

    /// Passes on what evcxr sent before it ended, and answers the shutdown request if it has not.
    async fn say_goodbye(&mut self, shutdown: Option<&Message>) {
        let rest = timeout(LINGER, async {
            while !(self.said_goodbye && shutdown.is_some()) {
                let channels = &mut self.evcxr.channels;
                tokio::select! {
                    frames = channels.control.recv() => self.controlled(frames).await,
                    frames = channels.shell.recv() => self.replied(frames).await,
                    frames = channels.iopub.recv() => self.published(frames).await,
                }
            }
        });
        // Running out of time is the usual end.
        let _ = rest.await;
        self.end_cell().await;
        if let Some(request) = shutdown
            && !self.said_goodbye
        {
            let restart = &request.content["restart"];
            self.front.control.reply(request, json!({"status": "ok", "restart": restart})).await;
        }
        self.front.linger().await;
    }
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

fn exit_code(status: ExitStatus) -> u8 {
    let code = status.code().or(status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}
