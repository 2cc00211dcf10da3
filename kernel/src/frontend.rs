//! Our end of the channels that Jupyter talks to.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};
use zeromq::{PubSocket, RepSocket, RouterSocket, SocketRecv, SocketSend, ZmqMessage};

use crate::complaints::Complaints;
use crate::frames::Limits;
use crate::guard::Guard;
use crate::wire::{Message, Signer};

#[derive(Deserialize)]
struct ConnectionFile {
    transport: String,
    ip: String,
    key: String,
    shell_port: u16,
    control_port: u16,
    stdin_port: u16,
    iopub_port: u16,
    hb_port: u16,
}

/// What the system needs to hand over what was sent. Sockets do not wait for it.
pub(crate) const LINGER: Duration = Duration::from_millis(100);

/// How long a client may take to read the answer to its heartbeat; others wait meanwhile.
const HEARTBEAT_PATIENCE: Duration = Duration::from_secs(1);

pub(crate) struct Front {
    pub(crate) shell: Requests,
    pub(crate) control: Requests,
    pub(crate) stdin: Requests,
    pub(crate) iopub: PubSocket,
    pub(crate) key: String,
    signer: Signer,
    _guard: Guard,
}

/// A channel on which clients ask. Only what is signed is heard.
pub(crate) struct Requests {
    pub(crate) socket: RouterSocket,
    signer: Signer,
    complaints: Complaints,
}

/// A message, to be passed on as it came but for its buffers, and what it says.
pub(crate) struct Request {
    pub(crate) frames: ZmqMessage,
    pub(crate) message: Message,
}

impl Requests {
    pub(crate) async fn recv(&mut self) -> Request {
        loop {
            match self.socket.recv().await {
                Ok(frames) => match Message::decode(&frames, &self.signer) {
                    Some(message) => {
                        return Request { frames: Message::without_buffers(frames), message };
                    }
                    None => {
                        self.complaints.add("dropped a message that is not signed or not whole")
                    }
                },
                Err(error) => self.complaints.add(&format!("a message was lost: {error}")),
            }
        }
    }

    pub(crate) async fn reply(&mut self, request: &Message, content: Value) {
        report(self.socket.send(request.reply(content).encode(&self.signer)).await);
    }
}

impl Front {
    /// Binds the ports that Jupyter chose.
    pub(crate) async fn bind(connection_file: &Path) -> Result<Front> {
        let text = fs::read(connection_file)
            .with_context(|| format!("can't read {}", connection_file.display()))?;
        let file: ConnectionFile = serde_json::from_slice(&text).with_context(|| {
            format!("{} is no Jupyter connection file", connection_file.display())
        })?;
        if file.transport != "tcp" {
            bail!(
                "this kernel speaks tcp, not {}: remove `transport` from Jupyter's configuration",
                file.transport
            );
        }
        let complaints = Complaints::default();
        let guard = Guard::new(complaints.clone())?;
        let signer = Signer::new(&file.key)?;
        let at = |port: u16| (file.ip.as_str(), port);
        tokio::spawn(beat(guard.bind(at(file.hb_port), Limits::HEARTBEATS).await?));
        let requests = async |port: u16| {
            anyhow::Ok(Requests {
                socket: guard.bind(at(port), Limits::REQUESTS).await?,
                signer: signer.clone(),
                complaints: complaints.clone(),
            })
        };
        Ok(Front {
            shell: requests(file.shell_port).await?,
            control: requests(file.control_port).await?,
            stdin: requests(file.stdin_port).await?,
            iopub: guard.bind(at(file.iopub_port), Limits::SUBSCRIPTIONS).await?,
            signer,
            key: file.key,
            _guard: guard,
        })
    }

    /// Waits until what was sent is on its way, before the process ends.
    pub(crate) async fn linger(&self) {
        sleep(LINGER).await;
    }

    /// Sends on iopub a message that `parent` caused.
    pub(crate) async fn publish(&mut self, parent: &Message, kind: &str, content: Value) {
        let message = parent.child(kind, content).encode(&self.signer);
        report(self.iopub.send(message).await);
    }

    pub(crate) async fn publish_status(&mut self, parent: &Message, state: &str) {
        self.publish(parent, "status", json!({"execution_state": state})).await;
    }
}

/// A client that has gone away is no reason to stop.
fn report(sent: zeromq::ZmqResult<()>) {
    if let Err(error) = sent {
        eprintln!("convscope: a message to Jupyter was lost: {error}");
    }
}

async fn beat(mut heartbeat: RepSocket) {
    loop {
        // An error is a client that has gone away.
        if let Ok(message) = heartbeat.recv().await {
            let _ = timeout(HEARTBEAT_PATIENCE, heartbeat.send(message)).await;
        }
    }
}
