//! `convscope`: the Jupyter side of the convscope library.
//!
//! A plain evcxr kernel compiles tch, and with it a huge C++ file, anew at every start. This command
//! compiles it once (`install`) and gives each kernel a hard-linked copy of that warm build
//! (`kernel`). It never links libtorch itself.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};
use location::PlaceArgs;

#[cfg(not(unix))]
compile_error!("convscope runs on Linux and macOS; on Windows, use it inside WSL");

mod answers;
mod cell;
mod code;
mod compile;
mod compiler_errors;
mod complaints;
mod copy;
mod crate_source;
mod displays;
mod doctor;
mod env;
mod errors;
mod evcxr;
mod fingerprint;
mod frames;
mod frontend;
mod gathered;
mod guard;
mod install;
mod installation;
mod kept;
mod kernel;
mod kernelspec;
mod libtorch;
mod live;
mod location;
mod lock;
mod output;
mod package;
mod panic;
mod prebuild;
mod relay;
mod reports;
mod runs;
mod runtime;
mod session;
mod stand_in;
mod startup;
mod stop;
mod threads;
mod tools;
mod versions;
mod warm;
mod weights;
mod wire;
mod with;

/// Look inside convolutional networks from a Rust Jupyter notebook.
#[derive(Parser)]
#[command(name = "convscope", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make the kernel "Rust (convscope)" known to Jupyter, and compile once what notebooks need.
    Install {
        #[command(flatten)]
        place: PlaceArgs,
        #[command(flatten)]
        sources: install::Sources,
    },
    /// Remove what `install` made.
    Uninstall {
        #[command(flatten)]
        place: PlaceArgs,
    },
    /// Check everything a notebook needs, and say how to mend what is broken.
    Doctor {
        #[command(flatten)]
        place: PlaceArgs,
    },
    /// Print what a shell needs to build and run Rust programs that use libtorch: `eval "$(convscope env)"`.
    Env {
        #[command(flatten)]
        place: PlaceArgs,
    },
    /// List and fetch the official weights of the library's networks.
    #[command(subcommand)]
    Weights(weights::Weights),
    /// Compile ahead what `install` would, as far as that goes without evcxr.
    #[command(hide = true)]
    Prebuild {
        #[command(flatten)]
        place: PlaceArgs,
        #[command(flatten)]
        sources: install::Sources,
    },
    /// What Jupyter starts.
    #[command(hide = true)]
    Kernel {
        #[arg(long)]
        state: PathBuf,
        #[arg(long)]
        connection_file: PathBuf,
    },
}

fn main() -> ExitCode {
    if let Some(code) = stand_in::run() {
        return code;
    }
    let command = Cli::parse().command;
    if !matches!(command, Command::Kernel { .. }) {
        end_with_the_pipe();
    }
    match dispatch(command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("convscope: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// `convscope doctor | head` ends when head does, as other programs do; Rust ignores the signal and
/// panics at the next line.
#[allow(unsafe_code, reason = "signals")]
fn end_with_the_pipe() {
    use nix::sys::signal::{SigHandler, Signal, signal};
    // SAFETY: the default installs no handler.
    let _ = unsafe { signal(Signal::SIGPIPE, SigHandler::SigDfl) };
}

fn dispatch(command: Command) -> Result<ExitCode> {
    match command {
        Command::Install { place, sources } => install::install(&place.resolve()?, sources),
        Command::Uninstall { place } => install::uninstall(&place.resolve()?),
        Command::Doctor { place } => doctor::doctor(&place.resolve()?),
        Command::Env { place } => env::env(&place.resolve()?),
        Command::Prebuild { place, sources } => {
            let place = place.resolve()?;
            prebuild::prebuild(&place, &sources.resolve(&place)?)
        }
        Command::Weights(command) => weights::weights(command),
        Command::Kernel { state, connection_file } => kernel::run(state, &connection_file),
    }
}
