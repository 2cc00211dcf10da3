//! The process that runs the cells, which is a child of evcxr's: its standard streams are pipes, and
//! Linux lets us write there too.

use std::io;

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
    use std::fs;

    let program = |pid: u32| fs::read_link(format!("/proc/{pid}/exe")).ok();
    let ours = program(evcxr)?;
    let threads = fs::read_dir(format!("/proc/{evcxr}/task")).ok()?;
    threads
        .flatten()
        .filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok())
        .flat_map(|children| {
            children.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<u32>>()
        })
        .find(|&child| program(child).as_ref() == Some(&ours))
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn find(_evcxr: u32) -> Option<u32> {
    None
}
