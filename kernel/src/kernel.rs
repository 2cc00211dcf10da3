//! What Jupyter starts: a launcher that prepares a session, and stays as a relay.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result};
use nix::sys::signal::{SigHandler, Signal, killpg, signal};
use nix::unistd::{getpgrp, getpid};
use tokio::signal::unix::{SignalKind, signal as listen};
use tokio::sync::mpsc;

use crate::compile::Say;
use crate::evcxr::Evcxr;
use crate::frontend::Front;
use crate::installation::State;
use crate::output::PRINT_MACROS;
use crate::relay::relay;
use crate::reports;
use crate::session::Session;
use crate::startup::{Outcome, hold};
use crate::warm;

/// A cell that runs before the first of the notebook. evcxr learns that cells may use `?` only when
/// one fails to compile for it, and then shows that cell's last value by its `Debug` instead of
/// drawing it: the first figure of a notebook would be a wall of numbers. It also loads the standard
/// library for rust-analyzer while the user is still reading.
const PRIMER: &str = r#""0".parse::<u8>()?;"#;

/// What evcxr runs before the cells of a notebook.
pub(crate) fn first_cell() -> String {
    format!("{PRINT_MACROS}{}{PRIMER}", reports::MACROS)
}

#[allow(unsafe_code, reason = "signals")]
pub(crate) fn run(state: PathBuf, connection_file: &Path) -> Result<ExitCode> {
    // Interrupts come as messages; a Ctrl-C in the terminal that Jupyter runs in is not for us.
    // SAFETY: ignoring a signal installs no handler.
    unsafe { signal(Signal::SIGINT, SigHandler::SigIgn) }.context("can't ignore SIGINT")?;

    // One thread, the main one: evcxr dies with the thread that started it, see `Evcxr::start`.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let code = runtime.block_on(serve(State::at(state), connection_file));
    // Without waiting for a copy that nobody needs any more.
    runtime.shutdown_background();
    Ok(ExitCode::from(code?))
}

async fn serve(state: State, connection_file: &Path) -> Result<u8> {
    let mut terminated = listen(SignalKind::terminate())?;
    let mut front = Front::bind(connection_file).await?;
    let (sender, mut notices) = mpsc::unbounded_channel();
    let say: Say = Arc::new(move |notice| {
        // Fails when nobody listens any more, and then nobody minds.
        let _ = sender.send(notice);
    });
    let key = front.key.clone();
    let outcome = tokio::select! {
        outcome = hold(&mut front, &mut notices, || prepare(&state, &key, &say)) => outcome?,
        _ = terminated.recv() => Outcome::ShutDown,
    };
    let (code, session) = match outcome {
        Outcome::Ready((mut evcxr, session), held) => {
            let code = relay(&mut front, &mut evcxr, session.dir(), held, &mut terminated).await?;
            (code, Some(session))
        }
        Outcome::ShutDown => (0, None),
    };
    end_descendants();
    drop(session);
    Ok(code)
}

/// Everything from a look at the warm build to an evcxr that is ready for the first cell.
async fn prepare(state: &State, key: &str, say: &Say) -> Result<(Evcxr, Session)> {
    let (installation, warm) = warm::ensure(state, say).await?;
    let session = {
        let (state, dir) = (state.clone(), warm.dir.clone());
        tokio::task::spawn_blocking(move || Session::create(&state, &dir)).await??
    };
    drop(warm);
    let on_line = |line: &str| eprintln!("{line}");
    let mut evcxr = Evcxr::start(&installation, session.dir(), key, on_line).await?;
    if let Err(error) = evcxr.execute(&first_cell()).await {
        eprintln!("convscope: {error:#}");
    }
    Ok((evcxr, session))
}

/// Ends what evcxr may leave behind: a cell in an endless loop, a compiler. Jupyter starts each
/// kernel as the leader of a process group of its own, and our own SIGTERM is caught.
fn end_descendants() {
    if getpgrp() == getpid() {
        let _ = killpg(getpgrp(), Signal::SIGTERM);
    }
}
