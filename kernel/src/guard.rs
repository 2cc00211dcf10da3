//! What stands between Jupyter's ports and the ZeroMQ sockets: any process of the machine may connect
//! there, and sign nothing.
//!
//! The zeromq crate makes room for whatever size a frame announces, and knows no limit. So Jupyter's
//! ports are ours; what comes in there goes on, through Unix sockets in a folder of our own, as long as
//! the sizes that it announces are reasonable.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use uuid::Uuid;
use zeromq::Socket;

use crate::complaints::Complaints;
use crate::frames::{Frames, Limits};

/// Connections to one port. A notebook in a browser has one, and a closed one makes room.
const MOST_CONNECTIONS: usize = 128;

/// How long a client may read nothing of what is there for it, all of which is kept meanwhile.
const READING_PATIENCE: Duration = Duration::from_secs(60);

/// How the folders begin that hold a kernel's sockets.
const PREFIX: &str = "convscope-kernel-";

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
        // A file that is no socket refuses too.
        let sockets = fs::read_dir(entry.path())
            .into_iter()
            .flatten()
            .flatten()
            .filter(|file| file.file_type().is_ok_and(|kind| kind.is_socket()));
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
        let (from_outside, to_outside) = outside.into_split();
        let (from_inside, to_inside) = inside.into_split();
        let frames = Frames::new(self.limits, &self.unfinished);
        let ended = tokio::select! {
            ended = pass_checked(from_outside, to_inside, frames) => ended,
            ended = pass_out(from_inside, to_outside, READING_PATIENCE) => ended,
        };
        if let Err(error) = ended
            && error.kind() == io::ErrorKind::InvalidData
        {
            self.complaints.add(&format!("a connection was closed: {error}"));
        }
    }
}

async fn pass_out(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    patience: Duration,
) -> io::Result<()> {
    let mut buffer = vec![0; 64 << 10];
    loop {
        let count = from.read(&mut buffer).await?;
        if count == 0 {
            return Ok(());
        }
        timeout(patience, to.write_all(&buffer[..count])).await??;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_folders_of_dead_kernels_are_removed() {
        let dir = tempfile::tempdir().unwrap();
        let [living, dead, file] = ["living", "dead", "file"].map(|name| {
            let dir = dir.path().join(PREFIX.to_owned() + name);
            fs::create_dir(&dir).unwrap();
            dir
        });
        let _living = UnixListener::bind(living.join("1")).unwrap();
        drop(UnixListener::bind(dead.join("1")).unwrap());
        fs::write(file.join("1"), "mine").unwrap();
        remove_leftovers(dir.path());
        assert!(living.exists() && !dead.exists() && file.exists());
    }

    #[tokio::test]
    async fn a_client_that_does_not_read_is_let_go() {
        let (mut inside, from_inside) = tokio::io::duplex(1024);
        let (to_outside, mut outside) = tokio::io::duplex(16);
        inside.write_all(&[1; 100]).await.unwrap();
        let ended = pass_out(from_inside, to_outside, Duration::from_millis(20)).await;
        assert_eq!(ended.unwrap_err().kind(), io::ErrorKind::TimedOut);
        let mut read = Vec::new();
        outside.read_to_end(&mut read).await.unwrap();
        assert_eq!(read.len(), 16);
    }
}
