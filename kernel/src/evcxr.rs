//! A running evcxr_jupyter, and our end of its five channels.

use std::fs::File;
use std::io::Write;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};
use zeromq::util::PeerIdentity;
use zeromq::{DealerSocket, Socket, SocketOptions, SocketRecv, SocketSend, SubSocket, ZmqMessage};

use crate::installation::Installation;
use crate::stand_in;
use crate::wire::{Message, Signer};

/// Killed when dropped.
pub(crate) struct Evcxr {
    pub(crate) process: Child,
    pub(crate) channels: Channels,
    signer: Signer,
}

pub(crate) struct Channels {
    pub(crate) shell: DealerSocket,
    pub(crate) control: DealerSocket,
    pub(crate) stdin: DealerSocket,
    pub(crate) iopub: SubSocket,
}

/// The last lines that evcxr wrote to stderr: why it ended, if it does.
type Tail = Arc<Mutex<Vec<String>>>;

impl Evcxr {
    /// Starts evcxr in `dir` and returns when it is ready for requests and we hear all it publishes.
    /// `on_line` gets what it writes to stderr.
    ///
    /// Call this on the main thread: on Linux, evcxr dies with the thread that started it.
    pub(crate) async fn start(
        installation: &Installation,
        dir: &Path,
        key: &str,
        on_line: impl FnMut(&str) + Send + 'static,
    ) -> Result<Evcxr> {
        let ports = free_ports()?;
        let connection_file = dir.join("evcxr-connection.json");
        write_connection_file(&connection_file, ports, key)?;

        let mut command = Command::new(&installation.evcxr);
        command
            .arg("--control_file")
            .arg(&connection_file)
            .stdin(Stdio::null())
            // Only small talk goes there; what cells print comes on iopub.
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        installation.apply_env(&mut command, dir);
        command.envs(stand_in::set_up(dir)?);
        die_with_parent(&mut command);
        let mut process = command
            .spawn()
            .with_context(|| format!("can't start {}", installation.evcxr.display()))?;
        let tail = Tail::default();
        if let Some(stderr) = process.stderr.take() {
            tokio::spawn(follow(stderr, tail.clone(), on_line));
        }

        let signer = Signer::new(key)?;
        let ready = async {
            let mut channels = Channels::connect(ports).await?;
            channels.greet(&signer).await?;
            anyhow::Ok(channels)
        };
        let channels = tokio::select! {
            channels = ready => channels,
            status = process.wait() => return Err(why_it_ended(status?, &tail).await),
        };
        let channels = match channels {
            Ok(channels) => channels,
            // A connection that breaks is news of an end that is about to be known.
            Err(error) => match timeout(Duration::from_secs(1), process.wait()).await {
                Ok(status) => return Err(why_it_ended(status?, &tail).await),
                Err(_) => return Err(error),
            },
        };
        // It has been read, and holds the key.
        let _ = std::fs::remove_file(connection_file);
        Ok(Evcxr { process, channels, signer })
    }

    /// Runs a cell; its errors are this function's error.
    pub(crate) async fn execute(&mut self, code: &str) -> Result<()> {
        let request = Message::request(
            "execute_request",
            json!({"code": code, "silent": false, "store_history": false, "allow_stdin": false}),
        );
        let channels = &mut self.channels;
        channels.shell.send(request.encode(&self.signer)).await?;
        let mut faults = Vec::new();
        // What belongs to the cell is all there once evcxr says it is idle again.
        loop {
            let frames = tokio::select! {
                frames = channels.iopub.recv() => frames?,
                status = self.process.wait() => bail!("evcxr ended ({}) while it compiled", status?),
            };
            let Some(message) = Message::decode(&frames, &self.signer) else {
                continue;
            };
            if !message.is_child_of(&request) {
                continue;
            }
            match message.kind() {
                "error" => faults.push(error_text(&message)),
                "status" if message.content["execution_state"] == "idle" => break,
                _ => {}
            }
        }
        // Read, so that the relay does not take it for an answer to Jupyter.
        channels.shell.recv().await?;
        if faults.is_empty() { Ok(()) } else { Err(anyhow!(faults.join("\n"))) }
    }

    pub(crate) fn decode(&self, frames: &ZmqMessage) -> Option<Message> {
        Message::decode(frames, &self.signer)
    }

    pub(crate) fn encode(&self, message: &Message) -> ZmqMessage {
        message.encode(&self.signer)
    }

    /// Asks evcxr to end, and makes it end.
    pub(crate) async fn shut_down(mut self) -> Result<()> {
        let request = Message::request("shutdown_request", json!({"restart": false}));
        self.channels.control.send(request.encode(&self.signer)).await?;
        if timeout(Duration::from_secs(5), self.process.wait()).await.is_err() {
            self.process.kill().await?;
        }
        Ok(())
    }
}

impl Channels {
    async fn connect(ports: [u16; 5]) -> Result<Channels> {
        // evcxr sends input requests to the identity that asked for the execution, so these two
        // channels must have the same.
        let identity = PeerIdentity::new();
        let dealer = || {
            let mut options = SocketOptions::default();
            options.peer_identity(identity.clone());
            DealerSocket::with_options(options)
        };
        let mut channels = Channels {
            shell: dealer(),
            control: DealerSocket::new(),
            stdin: dealer(),
            iopub: SubSocket::new(),
        };
        let [shell, control, stdin, iopub, _heartbeat] =
            ports.map(|port| format!("tcp://127.0.0.1:{port}"));
        channels.iopub.subscribe("").await?;
        channels.iopub.connect(&iopub).await?;
        channels.shell.connect(&shell).await?;
        channels.control.connect(&control).await?;
        channels.stdin.connect(&stdin).await?;
        Ok(channels)
    }

    /// Says hello until evcxr answers on iopub too: what a PUB socket sends before the subscription
    /// has arrived is lost.
    async fn greet(&mut self, signer: &Signer) -> Result<()> {
        let hello = Message::request("kernel_info_request", json!({}));
        loop {
            self.shell.send(hello.encode(signer)).await?;
            self.shell.recv().await?;
            let heard = timeout(Duration::from_millis(300), async {
                loop {
                    let frames = self.iopub.recv().await?;
                    if let Some(message) = Message::decode(&frames, signer)
                        && message.is_child_of(&hello)
                        && message.content["execution_state"] == "idle"
                    {
                        return anyhow::Ok(());
                    }
                }
            });
            if let Ok(heard) = heard.await {
                return heard;
            }
        }
    }
}

fn error_text(message: &Message) -> String {
    let traceback: Vec<&str> = message.content["traceback"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|line| line.as_str())
        .collect();
    if traceback.is_empty() {
        message.content["evalue"].as_str().unwrap_or_default().to_owned()
    } else {
        traceback.join("\n")
    }
}

async fn follow(stderr: impl AsyncRead + Unpin, tail: Tail, mut on_line: impl FnMut(&str)) {
    let mut lines = BufReader::new(stderr).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        on_line(&line);
        if let Ok(mut tail) = tail.lock() {
            if tail.len() == 40 {
                tail.remove(0);
            }
            tail.push(line);
        }
    }
}

async fn why_it_ended(status: ExitStatus, tail: &Tail) -> anyhow::Error {
    // Its last words may still be on their way.
    sleep(Duration::from_millis(100)).await;
    let words = tail.lock().map(|tail| tail.join("\n")).unwrap_or_default();
    anyhow!("evcxr did not start ({status}). It said:\n{words}")
}

/// Ports that nobody uses at this moment: shell, control, stdin, iopub, heartbeat.
fn free_ports() -> Result<[u16; 5]> {
    // All are held until all are known, or the system might give one twice.
    let mut listeners = Vec::with_capacity(5);
    let mut ports = [0; 5];
    for port in &mut ports {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .context("no free port on 127.0.0.1 for evcxr")?;
        *port = listener.local_addr()?.port();
        listeners.push(listener);
    }
    Ok(ports)
}

fn write_connection_file(path: &Path, ports: [u16; 5], key: &str) -> Result<()> {
    let [shell_port, control_port, stdin_port, iopub_port, hb_port] = ports;
    let connection = json!({
        "transport": "tcp", "ip": "127.0.0.1", "key": key, "signature_scheme": "hmac-sha256",
        "shell_port": shell_port, "control_port": control_port, "stdin_port": stdin_port,
        "iopub_port": iopub_port, "hb_port": hb_port,
    });
    let write = || -> std::io::Result<()> {
        // Who can read the key can run code here.
        let mut file: File =
            File::options().create(true).truncate(true).write(true).mode(0o600).open(path)?;
        file.write_all(connection.to_string().as_bytes())
    };
    write().with_context(|| format!("can't write {}", path.display()))
}

/// Lets the system kill evcxr when we are killed and can't do it ourselves.
#[cfg(target_os = "linux")]
#[allow(unsafe_code, reason = "what runs between fork and exec")]
fn die_with_parent(command: &mut Command) {
    use nix::sys::{prctl, signal::Signal};
    use nix::unistd::{Pid, getppid};

    let parent = Pid::this();
    // SAFETY: between fork and exec, only async-signal-safe calls are made: prctl and getppid.
    unsafe {
        command.pre_exec(move || {
            prctl::set_pdeathsig(Signal::SIGKILL)?;
            if getppid() == parent {
                Ok(())
            } else {
                // The parent died before it could be watched.
                Err(nix::errno::Errno::ESRCH.into())
            }
        });
    }
}

#[cfg(not(target_os = "linux"))]
fn die_with_parent(_command: &mut Command) {}
