//! Our end of the channels that Jupyter talks to.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::sleep;
use zeromq::{PubSocket, RepSocket, RouterSocket, Socket, SocketRecv, SocketSend, ZmqMessage};

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

pub(crate) struct Front {
    pub(crate) shell: RouterSocket,
    pub(crate) control: RouterSocket,
    pub(crate) stdin: RouterSocket,
    pub(crate) iopub: PubSocket,
    pub(crate) key: String,
    signer: Signer,
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
        let at = |port: u16| format!("tcp://{}:{port}", file.ip);
        tokio::spawn(beat(bind(&at(file.hb_port)).await?));
        Ok(Front {
            shell: bind(&at(file.shell_port)).await?,
            control: bind(&at(file.control_port)).await?,
            stdin: bind(&at(file.stdin_port)).await?,
            iopub: bind(&at(file.iopub_port)).await?,
            signer: Signer::new(&file.key)?,
            key: file.key,
        })
    }

    /// Waits until what was sent is on its way, before the process ends.
    pub(crate) async fn linger(&self) {
        sleep(LINGER).await;
    }

    pub(crate) fn decode(&self, frames: &ZmqMessage) -> Option<Message> {
        Message::decode(frames, &self.signer)
    }

    /// Sends on iopub a message that `parent` caused.
    pub(crate) async fn publish(&mut self, parent: &Message, kind: &str, content: Value) {
        let message = parent.child(kind, content).encode(&self.signer);
        report(self.iopub.send(message).await);
    }

    pub(crate) async fn publish_status(&mut self, parent: &Message, state: &str) {
        self.publish(parent, "status", json!({"execution_state": state})).await;
    }

    pub(crate) async fn reply_on_shell(&mut self, request: &Message, content: Value) {
        let message = request.reply(content).encode(&self.signer);
        report(self.shell.send(message).await);
    }

    pub(crate) async fn reply_on_control(&mut self, request: &Message, content: Value) {
        let message = request.reply(content).encode(&self.signer);
        report(self.control.send(message).await);
    }
}

/// A client that has gone away is no reason to stop.
fn report(sent: zeromq::ZmqResult<()>) {
    if let Err(error) = sent {
        eprintln!("convscope: a message to Jupyter was lost: {error}");
    }
}

async fn bind<S: Socket>(endpoint: &str) -> Result<S> {
    let mut socket = S::new();
    socket
        .bind(endpoint)
        .await
        .with_context(|| format!("can't listen on {endpoint}; is an older kernel still there?"))?;
    Ok(socket)
}

async fn beat(mut heartbeat: RepSocket) {
    loop {
        // An error is a client that has gone away.
        if let Ok(message) = heartbeat.recv().await {
            let _ = heartbeat.send(message).await;
        }
    }
}
