//! A cell under way, and when everything is out that belongs to it.
//!
//! evcxr says that a cell is done before it has passed on all that the cell wrote: stderr it reads
//! beside everything else, at about 4,000 lines a second. A notebook takes what comes afterwards for
//! output of the next cell, or of none. So a line of ours follows what the cell wrote through the same
//! pipe, and until it comes back, Jupyter is not told that the cell is done.

use std::io;
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;
use zeromq::ZmqMessage;

use crate::runtime::{self, Pipe};
use crate::wire::Message;

/// How long evcxr may say nothing at all while the end of a cell is awaited.
const SILENCE: Duration = Duration::from_secs(2);

/// The silence that passes for the end of a cell where no line can follow it.
const SHORT_SILENCE: Duration = Duration::from_millis(50);

/// A full pipe is tried again after this.
const RETRY: Duration = Duration::from_millis(10);

pub(crate) struct Cell {
    pub(crate) request: Message,
    /// What Jupyter was told of why it failed.
    pub(crate) failure: Option<Value>,
    reply: Option<ZmqMessage>,
    idle: Option<ZmqMessage>,
    end: End,
    /// When evcxr spoke last.
    heard: Instant,
}

/// The line that follows the cell's output.
#[derive(PartialEq)]
enum End {
    Unsent,
    Sent,
    CameBack,
    CannotBeSent,
}

impl Cell {
    pub(crate) fn new(request: Message) -> Cell {
        Cell {
            request,
            failure: None,
            reply: None,
            idle: None,
            end: End::Unsent,
            heard: Instant::now(),
        }
    }

    pub(crate) fn evcxr_replied(&mut self, reply: ZmqMessage) {
        self.reply = Some(reply);
        self.heard = Instant::now();
    }

    pub(crate) fn evcxr_is_idle(&mut self, idle: ZmqMessage) {
        self.idle = Some(idle);
        self.heard = Instant::now();
    }

    pub(crate) fn evcxr_is_done(&self) -> bool {
        self.reply.is_some() || self.idle.is_some()
    }

    pub(crate) fn evcxr_wrote(&mut self, was_end: bool) {
        if was_end {
            self.end = End::CameBack;
        }
        self.heard = Instant::now();
    }

    /// Sends the line behind the output of a cell that evcxr is done with.
    pub(crate) fn send_end(&mut self, evcxr: Option<u32>, line: &str) {
        if self.idle.is_none() || self.end != End::Unsent {
            return;
        }
        let sent = match evcxr {
            Some(evcxr) => runtime::write_line(evcxr, Pipe::Stderr, line),
            None => Err(io::ErrorKind::NotFound.into()),
        };
        match sent {
            Ok(()) => self.end = End::Sent,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => self.end = End::CannotBeSent,
        }
    }

    /// When to look again, if nothing comes.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.idle.as_ref()?;
        Some(match self.end {
            End::Unsent => Instant::now() + RETRY,
            End::Sent | End::CameBack => self.heard + SILENCE,
            End::CannotBeSent => self.heard + SHORT_SILENCE,
        })
    }

    pub(crate) fn is_over(&self) -> bool {
        let all_came = self.end == End::CameBack && self.reply.is_some();
        let waited = match self.end {
            End::CannotBeSent => SHORT_SILENCE,
            _ => SILENCE,
        };
        self.idle.is_some() && (all_came || self.heard.elapsed() >= waited)
    }

    /// evcxr's reply and its word that it is idle.
    pub(crate) fn into_messages(self) -> (Option<ZmqMessage>, Option<ZmqMessage>) {
        (self.reply, self.idle)
    }
}
