//! `convscope doctor`: one line a check, and below each fault how to mend it.

use std::env;
use std::fs;
use std::io::IsTerminal;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Error, Result};
use nix::sys::statvfs::statvfs;
use walkdir::WalkDir;

use crate::fingerprint::Present;
use crate::installation::{Installation, State};
use crate::kept;
use crate::kernelspec;
use crate::libtorch::{self, Libtorch};
use crate::location::Place;
use crate::session;
use crate::threads;
use crate::tools::{self, first_line};
use crate::warm::{self, Status};
use crate::with;

const GIB: u64 = 1 << 30;

/// A warm build takes about 1 GiB, and a second one while it is renewed.
const DISK_NEEDED: u64 = 2 * GIB;

/// Prints checks and counts faults.
struct Report {
    color: bool,
    faults: usize,
}

impl Report {
    fn line(&self, color: &str, mark: &str, what: &str, text: &str) {
        let (on, off) = if self.color { (color, "\x1b[0m") } else { ("", "") };
        println!("{on}{mark}{off} {what:<13} {text}");
    }

    fn good(&self, what: &str, text: &str) {
        self.line("\x1b[32m", "✓", what, text);
    }

    /// Neither good nor bad.
    fn note(&self, what: &str, text: &str) {
        self.line("\x1b[2m", "–", what, text);
    }

    fn bad(&mut self, what: &str, fault: &str, remedy: &str) {
        self.line("\x1b[31m", "✗", what, fault);
        println!("  → {remedy}");
        self.faults += 1;
    }

    /// An error whose message ends in its remedy, after the last ": ".
    fn error(&mut self, what: &str, error: &Error) {
        let text = error.to_string();
        match text.rsplit_once(": ") {
            Some((fault, remedy)) => self.bad(what, fault, remedy),
            None => self.bad(what, &text, "run `convscope install` again"),
        }
    }
}

pub(crate) fn doctor(place: &Place) -> Result<ExitCode> {
    let mut report = Report { color: std::io::stdout().is_terminal(), faults: 0 };
    check_toolchain(&mut report);
    let installation = Installation::load(&place.state);
    check_libtorch(&mut report, installation.as_ref().ok());
    check_devices(&report);
    check_threads(&report);
    check_evcxr(&mut report, installation.as_ref().ok());
    check_kernelspec(&mut report, &place.kernelspec);
    match &installation {
        Ok(installation) => {
            check_warm_build(&mut report, installation, &place.state);
            check_crates(&report, installation, &place.state);
        }
        Err(error) => report.error("warm build", error),
    }
    check_weights(&report);
    check_leftovers(&report, &place.state)?;
    check_disk(&mut report, place.state.root());

    match report.faults {
        0 => println!("all is well"),
        1 => println!("1 fault"),
        many => println!("{many} faults"),
    }
    Ok(ExitCode::from(u8::from(report.faults > 0)))
}

fn check_toolchain(report: &mut Report) {
    let rust = "install Rust from https://rustup.rs and open a new terminal";
    let compiler = "install a C++ compiler (Debian, Ubuntu: `apt install g++`; macOS: `xcode-select --install`)";
    let cxx = env::var("CXX").unwrap_or_else(|_| "c++".to_owned());
    for (what, program, remedy) in [
        ("cargo", "cargo", rust),
        ("rustc", "rustc", rust),
        ("C++ compiler", cxx.as_str(), compiler),
    ] {
        match first_line(program, &["--version"]) {
            Ok(version) => report.good(what, &version),
            Err(error) => report.bad(what, &error.to_string(), remedy),
        }
    }
    match tools::has_rust_source() {
        true => report.good("rust-src", "the standard library's source"),
        false => report.bad(
            "rust-src",
            "missing: evcxr can't tell the type of `let x = …` without it",
            "rustup component add rust-src",
        ),
    }
}

fn check_libtorch(report: &mut Report, installation: Option<&Installation>) {
    let dir = match installation {
        Some(installation) => Ok(installation.libtorch.clone()),
        None => libtorch::find(),
    };
    let found = dir.and_then(|dir| Ok((Libtorch::inspect(&dir)?, dir)));
    match found {
        Ok((libtorch, dir)) => report.good(
            "libtorch",
            &format!("{}, {}, {}", libtorch.version, libtorch.flavour(), dir.display()),
        ),
        Err(error) => report.error("libtorch", &error),
    }
}

fn check_devices(report: &Report) {
    match first_line("nvidia-smi", &["-L"]) {
        Ok(device) if !device.is_empty() => {
            // The rest of the line is a serial number.
            report.good("device", device.split(" (UUID").next().unwrap_or(&device));
        }
        _ => report.note("device", "CPU (no NVIDIA GPU found)"),
    }
}

/// What a kernel started from here would be given.
fn check_threads(report: &Report) {
    let set = threads::settings(|name| env::var_os(name).is_some());
    let words: Vec<String> = set.iter().map(|(name, value)| format!("{name}={value}")).collect();
    match words.as_slice() {
        [] => report.note("threads", "as your environment says (OMP_NUM_THREADS and the like)"),
        words => report.good("threads", &format!("kernels get {}", words.join(" "))),
    }
}

fn check_evcxr(report: &mut Report, installation: Option<&Installation>) {
    let file = match installation {
        Some(installation) => Ok(installation.evcxr.clone()),
        None => tools::find_evcxr(),
    };
    let found = file.and_then(|file| Ok((tools::evcxr_version(&file)?, file)));
    match found {
        Ok((version, file)) => report.good("evcxr", &format!("{version}, {}", file.display())),
        Err(error) => report.error("evcxr", &error),
    }
}

fn check_kernelspec(report: &mut Report, dir: &Path) {
    let remedy = "run `convscope install`";
    match kernelspec::program(dir) {
        Ok(program) if program.is_file() => {
            report.good("kernelspec", &dir.display().to_string());
        }
        Ok(program) => {
            let fault = format!("starts {}, which is gone", program.display());
            report.bad("kernelspec", &fault, remedy);
        }
        Err(error) => report.bad("kernelspec", &error.to_string(), remedy),
    }
}

fn check_warm_build(report: &mut Report, installation: &Installation, state: &State) {
    let what = "warm build";
    let present = match Present::look(installation) {
        Ok(present) => present,
        // The fault has a line of its own above.
        Err(_) => return report.note(what, "can't be judged before the faults above are mended"),
    };
    match warm::status(state, &present) {
        Status::Fits(dir) => {
            let text = format!("fits, {} in {}", size(folder_bytes(&dir)), dir.display());
            report.good(what, &text);
        }
        Status::Stale { why, .. } => report.bad(
            what,
            &format!("stale: {}", warm::summary(&why)),
            "run `convscope install`, or let the next kernel do it",
        ),
        Status::Absent => report.bad(what, "absent", "run `convscope install`"),
    }
}

/// Those that are compiled beside the library, and those that sessions have compiled.
fn check_crates(report: &Report, installation: &Installation, state: &State) {
    match with::in_words(&installation.with) {
        none if none.is_empty() => {
            report.note(
                "other crates",
                "none compiled ahead (`convscope install --with ndarray=0.16`)",
            );
        }
        crates => report.good("other crates", &crates),
    }
    let (count, bytes) = kept::size(&state.kernels());
    let text = format!(
        "{count} part(s) from notebooks, {} of at most {}",
        size(bytes),
        size(kept::limit())
    );
    report.note("kept crates", &text);
}

fn check_weights(report: &Report) {
    let Ok(dir) = convscope_weights::weights_folder() else {
        return report.note("weights", "no cache folder: set CONVSCOPE_HOME");
    };
    let mut files: Vec<String> = fs::read_dir(&dir)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let bytes = entry.metadata().ok().filter(fs::Metadata::is_file)?.len();
            Some(format!("{} ({})", entry.file_name().to_string_lossy(), size(bytes)))
        })
        .collect();
    files.sort();
    if files.is_empty() {
        report.note("weights", &format!("none yet in {}", dir.display()));
    } else {
        report.good("weights", &format!("{}: {}", dir.display(), files.join(", ")));
    }
}

fn check_leftovers(report: &Report, state: &State) -> Result<()> {
    match session::leftovers(state)?.len() {
        0 => report.good("leftovers", "none"),
        count => report.note(
            "leftovers",
            &format!("{count} folder(s) of crashed kernels; the next kernel removes them"),
        ),
    }
    Ok(())
}

fn check_disk(report: &mut Report, state: &Path) {
    // The folder itself may not exist yet.
    let there = state.ancestors().find(|dir| dir.exists());
    let Some(Ok(stat)) = there.map(statvfs) else {
        return report.note("disk", "free space unknown");
    };
    #[allow(clippy::useless_conversion, reason = "the types differ between systems")]
    let free = u64::from(stat.blocks_available()) * u64::from(stat.fragment_size());
    if free >= DISK_NEEDED {
        report.good("disk", &format!("{} free", size(free)));
    } else {
        let fault = format!("{} free, {} needed", size(free), size(DISK_NEEDED));
        report.bad("disk", &fault, "make room, or choose another folder with --state");
    }
}

fn folder_bytes(dir: &Path) -> u64 {
    WalkDir::new(dir)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.metadata().ok())
        .filter(fs::Metadata::is_file)
        .map(|metadata| metadata.len())
        .sum()
}

fn size(bytes: u64) -> String {
    let mib = bytes as f64 / f64::from(1 << 20);
    if mib < 1024.0 { format!("{mib:.1} MiB") } else { format!("{:.1} GiB", mib / 1024.0) }
}
