//! The process that runs the cells, which is a child of evcxr's: its standard streams are pipes, and
//! Linux lets us write there too.

#[cfg(target_os = "linux")]
use std::fs;
use std::io;

#[cfg(target_os = "linux")]
use nix::sys::signal::{Signal, kill};
#[cfg(target_os = "linux")]
use nix::unistd::Pid;

/// A pipe of the process that runs the cells.
#[derive(Clone, Copy)]
pub(crate) enum Pipe {
    Stdout = 1,
    Stderr = 2,
}

/// Writes a line behind everything that cells have written there.
#[cfg(target_os = "linux")]
pub(crate) fn write_line(evcxr: u32, pipe: Pipe, line: &str) -> io::Result<()> {
    use std::fs::OpenOptions;
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;

    let runtime = find(evcxr).ok_or(io::ErrorKind::NotFound)?;
    let path = format!("/proc/{runtime}/fd/{}", pipe as u8);
    let mut pipe = OpenOptions::new()
        .write(true)
        .custom_flags(nix::fcntl::OFlag::O_NONBLOCK.bits())
        .open(path)?;
    // Short lines get into a pipe whole or not at all.
    pipe.write_all(format!("{line}\n").as_bytes())
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn write_line(_evcxr: u32, _pipe: Pipe, _line: &str) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Its number. evcxr runs itself once more for the cells; its other children are compilers.
#[cfg(target_os = "linux")]
pub(crate) fn find(evcxr: u32) -> Option<u32> {
    let program = |pid: u32| fs::read_link(format!("/proc/{pid}/exe")).ok();
    let ours = program(evcxr)?;
    children(evcxr).into_iter().find(|&child| program(child).as_ref() == Some(&ours))
}

#[cfg(target_os = "linux")]
fn children(process: u32) -> Vec<u32> {
    let threads = fs::read_dir(format!("/proc/{process}/task"));
    threads
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok())
        .flat_map(|children| {
            children.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<u32>>()
        })
        .collect()
}

/// Whether it waits for evcxr's orders on its standard input, and so runs no cell's code. A cell that
/// asks its reader waits there too.
#[cfg(target_os = "linux")]
pub(crate) fn waits_for_orders(evcxr: u32) -> bool {
    // The number of the system call that its first thread is in, and that call's arguments.
    let call = find(evcxr).and_then(|pid| fs::read_to_string(format!("/proc/{pid}/syscall")).ok());
    let call = call.unwrap_or_default();
    let mut words = call.split(' ');
    words.next() == Some(nix::libc::SYS_read.to_string().as_str()) && words.next() == Some("0x0")
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn waits_for_orders(_evcxr: u32) -> bool {
    false
}

/// Ends the cargo that compiles a cell, with the compilers below it.
#[cfg(target_os = "linux")]
pub(crate) fn end_compilers(evcxr: u32) {
    let name = |pid: u32| fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    let mut found: Vec<u32> =
        children(evcxr).into_iter().filter(|&child| name(child).trim() == "cargo").collect();
    let mut at = 0;
    while let Some(&process) = found.get(at) {
        found.extend(children(process));
        at += 1;
    }
    for process in found {
        // It may have ended by itself.
        let _ = kill(Pid::from_raw(process.cast_signed()), Signal::SIGTERM);
    }
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn end_compilers(_evcxr: u32) {}

#[cfg(not(target_os = "linux"))]
pub(crate) fn find(_evcxr: u32) -> Option<u32> {
    None
}
