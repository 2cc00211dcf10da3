//! What stands between Jupyter's ports and the ZeroMQ sockets: any process of the machine may connect
//! there, and sign nothing.
//!
//! The zeromq crate makes room for whatever size a frame announces, and knows no limit. So Jupyter's
//! ports are ours; what comes in there goes on, through Unix sockets in a folder of our own, as long as
//! the sizes that it announces are reasonable.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::sleep;
use uuid::Uuid;
use zeromq::Socket;

use crate::report::Complaints;

/// What messages of all connections together may hold before they are whole and can be judged.
const MOST_UNFINISHED: u64 = 512 << 20;

/// Connections to one port. A notebook in a browser has one, and a closed one makes room.
const MOST_CONNECTIONS: usize = 128;

/// How the folders begin that hold a kernel's sockets.
const PREFIX: &str = "convscope-";

/// What may come in on one port.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    /// Bytes of one message.
    pub(crate) message: u64,
    /// Bytes of all messages of one connection.
    pub(crate) connection: u64,
}

impl Limits {
    /// Requests, of which some carry the buffers of widgets.
    pub(crate) const REQUESTS: Limits = Limits { message: 256 << 20, connection: u64::MAX };
    /// A ping may be anything, but is a few bytes.
    pub(crate) const HEARTBEATS: Limits = Limits { message: 4 << 10, connection: u64::MAX };
    /// Subscriptions are kept as long as the connection is.
    pub(crate) const SUBSCRIPTIONS: Limits = Limits { message: 4 << 10, connection: 64 << 10 };
}

/// The guard of all ports of one kernel. Removes its folder when dropped.
pub(crate) struct Guard {
    dir: PathBuf,
    unfinished: Arc<AtomicU64>,
    complaints: Complaints,
}

impl Guard {
    pub(crate) fn new(complaints: Complaints) -> Result<Guard> {
        // Not among the sessions: the name of a Unix socket has about 100 bytes at most.
        let temporary = std::env::temp_dir();
        remove_leftovers(&temporary);
        let id = &Uuid::new_v4().simple().to_string()[..8];
        let dir = temporary.join(format!("{PREFIX}{id}"));
        DirBuilder::new()
            .mode(0o700)
            .create(&dir)
            .with_context(|| format!("can't create {}", dir.display()))?;
        Ok(Guard { dir, unfinished: Arc::default(), complaints })
    }

    /// A ZeroMQ socket that hears what comes in at `address` and keeps to `limits`.
    pub(crate) async fn bind<S: Socket>(&self, address: (&str, u16), limits: Limits) -> Result<S> {
        let (ip, port) = address;
        let listener = TcpListener::bind(address).await.with_context(|| {
            format!("can't listen on {ip}:{port}; is an older kernel still there?")
        })?;
        let path = self.dir.join(port.to_string());
        let inner = UnixListener::bind(&path)
            .with_context(|| format!("can't listen on {}", path.display()))?;
        let mut socket = S::new();
        socket.bind_listener(inner).await?;
        let gate = Gate {
            path,
            limits,
            unfinished: self.unfinished.clone(),
            complaints: self.complaints.clone(),
        };
        tokio::spawn(accept(listener, Arc::new(gate)));
        Ok(socket)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// Removes the folders of kernels that were killed: nobody listens at their sockets.
fn remove_leftovers(temporary: &Path) {
    for entry in fs::read_dir(temporary).into_iter().flatten().flatten() {
        if !entry.file_name().to_string_lossy().starts_with(PREFIX) {
            continue;
        }
        let sockets = fs::read_dir(entry.path()).into_iter().flatten().flatten();
        let refused = sockets.map(|socket| UnixStream::connect(socket.path())).any(|connected| {
            connected.is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
        });
        if refused {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// The way in at one port.
struct Gate {
    path: PathBuf,
    limits: Limits,
    unfinished: Arc<AtomicU64>,
    complaints: Complaints,
}

async fn accept(listener: TcpListener, gate: Arc<Gate>) {
    let room = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    // The semaphore is never closed.
    while let Ok(place) = room.clone().acquire_owned().await {
        match listener.accept().await {
            Ok((stream, _)) => {
                let gate = gate.clone();
                tokio::spawn(async move {
                    gate.serve(stream).await;
                    drop(place);
                });
            }
            // No file can be opened at the moment, say.
            Err(_) => sleep(Duration::from_millis(50)).await,
        }
    }
}

impl Gate {
    /// Passes on what both sides say until one of them ends or breaks the limits.
    async fn serve(&self, outside: TcpStream) {
        // Small messages are not to wait for more of them.
        let _ = outside.set_nodelay(true);
        let Ok(inside) = tokio::net::UnixStream::connect(&self.path).await else {
            return;
        };
        let (from_outside, mut to_outside) = outside.into_split();
        let (mut from_inside, to_inside) = inside.into_split();
        let frames = Frames::new(self.limits, &self.unfinished);
        let ended = tokio::select! {
            ended = pass_checked(from_outside, to_inside, frames) => ended,
            ended = copy(&mut from_inside, &mut to_outside) => ended.map(|_| ()),
        };
        if let Err(error) = ended
            && error.kind() == io::ErrorKind::InvalidData
        {
            self.complaints.add(&format!("a connection was closed: {error}"));
        }
    }
}

async fn pass_checked(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut frames: Frames<'_>,
) -> io::Result<()> {
    let mut buffer = vec![0; 64 << 10];
    loop {
        let count = from.read(&mut buffer).await?;
        if count == 0 {
            return Ok(());
        }
        let bytes = &buffer[..count];
        frames.check(bytes).map_err(|fault| io::Error::new(io::ErrorKind::InvalidData, fault))?;
        to.write_all(bytes).await?;
    }
}

/// Where a stream of ZMTP frames is, and what it has announced so far.
///
/// <https://rfc.zeromq.org/spec/23/>
struct Frames<'a> {
    limits: Limits,
    /// Of all connections; holds `message` of this one.
    unfinished: &'a AtomicU64,
    next: Next,
    /// Bytes announced for the message under way.
    message: u64,
    connection: u64,
}

enum Next {
    /// Bytes that need no look.
    Skip {
        left: u64,
        what: What,
    },
    Flags,
    Length {
        digits_left: u8,
        length: u64,
        what: What,
    },
}

#[derive(Clone, Copy, PartialEq)]
enum What {
    /// The greeting or a command, which stand between messages or, sent by no good client, in them.
    Aside,
    Frame,
    LastFrame,
}

const GREETING: u64 = 64;
const MORE: u8 = 1;
const LONG: u8 = 2;
const COMMAND: u8 = 4;
/// Bytes of a command: a connection says what it is, in less than a hundred.
const LONGEST_COMMAND: u64 = 4 << 10;

impl<'a> Frames<'a> {
    fn new(limits: Limits, unfinished: &'a AtomicU64) -> Frames<'a> {
        let next = Next::Skip { left: GREETING, what: What::Aside };
        Frames { limits, unfinished, next, message: 0, connection: 0 }
    }

    /// Looks at the next bytes, and says what they announce that is too much.
    fn check(&mut self, mut bytes: &[u8]) -> Result<(), &'static str> {
        while let Some((&first, rest)) = bytes.split_first() {
            self.next = match self.next {
                Next::Skip { left, what } => {
                    let now = left.min(bytes.len() as u64);
                    bytes = &bytes[now as usize..];
                    self.after(left - now, what)
                }
                Next::Flags => {
                    bytes = rest;
                    let digits_left = if first & LONG == 0 { 1 } else { 8 };
                    let what = match (first & COMMAND == 0, first & MORE == 0) {
                        (false, _) => What::Aside,
                        (true, false) => What::Frame,
                        (true, true) => What::LastFrame,
                    };
                    Next::Length { digits_left, length: 0, what }
                }
                Next::Length { digits_left, length, what } => {
                    bytes = rest;
                    let length = (length << 8) | u64::from(first);
                    if digits_left > 1 {
                        Next::Length { digits_left: digits_left - 1, length, what }
                    } else {
                        self.announce(length, what)?;
                        self.after(length, what)
                    }
                }
            };
        }
        Ok(())
    }

    fn after(&mut self, left: u64, what: What) -> Next {
        if left > 0 {
            return Next::Skip { left, what };
        }
        if what == What::LastFrame {
            self.unfinished.fetch_sub(self.message, Ordering::Relaxed);
            self.message = 0;
        }
        Next::Flags
    }

    fn announce(&mut self, length: u64, what: What) -> Result<(), &'static str> {
        if what == What::Aside {
            let fits = length <= LONGEST_COMMAND;
            return fits.then_some(()).ok_or("it announced a command that is larger than any");
        }
        // An empty frame costs memory too.
        const OVERHEAD: u64 = 64;
        let bytes = length.saturating_add(OVERHEAD);
        if bytes > self.limits.message.saturating_sub(self.message) {
            return Err("it announced a message that is larger than any that Jupyter sends");
        }
        self.connection = self.connection.saturating_add(bytes);
        if self.connection > self.limits.connection {
            return Err("it subscribed to more than Jupyter does");
        }
        self.message += bytes;
        if self.unfinished.fetch_add(bytes, Ordering::Relaxed) + bytes > MOST_UNFINISHED {
            return Err("too many large messages at once");
        }
        Ok(())
    }
}

impl Drop for Frames<'_> {
    fn drop(&mut self) {
        self.unfinished.fetch_sub(self.message, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GREETED: [u8; GREETING as usize] = [0xff; GREETING as usize];

    fn frame(flags: u8, length: u64) -> Vec<u8> {
        let mut bytes = vec![flags | LONG];
        bytes.extend(length.to_be_bytes());
        bytes
    }

    /// What comes of these bytes, however they are cut.
    fn check(limits: Limits, bytes: &[u8]) -> Result<(), &'static str> {
        let results = [1, 7, bytes.len()].map(|piece| {
            let unfinished = AtomicU64::new(0);
            let mut frames = Frames::new(limits, &unfinished);
            let result = bytes.chunks(piece).try_for_each(|bytes| frames.check(bytes));
            drop(frames);
            assert_eq!(unfinished.into_inner(), 0, "a closed connection holds nothing");
            result
        });
        assert!(results.iter().all(|result| *result == results[0]));
        results[0]
    }

    #[test]
    fn sizes_beyond_any_message_are_refused_as_soon_as_they_are_announced() {
        for length in [u64::MAX, 1 << 62, 8 << 30, 257 << 20] {
            for flags in [0, MORE, COMMAND] {
                let bytes = [&GREETED[..], &frame(flags, length)].concat();
                assert!(check(Limits::REQUESTS, &bytes).is_err(), "{flags} {length}");
            }
        }
        let in_parts = [frame(MORE, 1), vec![0]].concat().repeat(70);
        let bytes = [&GREETED[..], &in_parts].concat();
        assert!(check(Limits::HEARTBEATS, &bytes).is_err());
        // A command in between ends no message.
        let in_parts = [frame(MORE, 1), vec![0], frame(COMMAND, 0)].concat().repeat(70);
        let bytes = [&GREETED[..], &in_parts].concat();
        assert!(check(Limits::HEARTBEATS, &bytes).is_err());
    }

    #[test]
    fn messages_of_any_number_pass_and_subscriptions_of_few() {
        let message = [vec![MORE, 3, 1, 2, 3], frame(0, 1000), vec![0; 1000]].concat();
        let bytes = [&GREETED[..], &[COMMAND, 2, 0, 0], &message.repeat(100)].concat();
        assert_eq!(check(Limits::HEARTBEATS, &bytes), Ok(()));
        assert!(check(Limits::SUBSCRIPTIONS, &bytes).is_err());
        let bytes = [&GREETED[..], &[0, 1, 1], &[0, 6, 1, b'e', b'r', b'r', b'o', b'r']].concat();
        assert_eq!(check(Limits::SUBSCRIPTIONS, &bytes), Ok(()));
        let large = [&GREETED[..], &frame(0, 150 << 20), &vec![0; 150 << 20]].concat();
        let unfinished = AtomicU64::new(0);
        assert_eq!(Frames::new(Limits::REQUESTS, &unfinished).check(&large), Ok(()));
    }

    #[test]
    fn only_the_folders_of_dead_kernels_are_removed() {
        let dir = tempfile::tempdir().unwrap();
        let [living, dead] =
            ["living", "dead"].map(|name| dir.path().join(PREFIX.to_owned() + name));
        let listeners = [&living, &dead].map(|dir| {
            fs::create_dir(dir).unwrap();
            UnixListener::bind(dir.join("1")).unwrap()
        });
        let [_living, gone] = listeners;
        drop(gone);
        remove_leftovers(dir.path());
        assert!(living.exists() && !dead.exists());
    }

    #[test]
    fn connections_share_what_unfinished_messages_may_hold() {
        let unfinished = AtomicU64::new(0);
        let begun = [&GREETED[..], &frame(MORE, 200 << 20)].concat();
        let mut open = [(); 3].map(|()| Frames::new(Limits::REQUESTS, &unfinished));
        let results = open.each_mut().map(|frames| frames.check(&begun).is_ok());
        assert_eq!(results, [true, true, false]);
        drop(open);
        assert!(Frames::new(Limits::REQUESTS, &unfinished).check(&begun).is_ok());
    }
}
