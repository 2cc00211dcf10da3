//! Fetching an official weights file: with progress, verified, and put into place atomically.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use crate::{Error, Result};

/// An official file. torchvision's names end in the first eight digits of the SHA-256.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Official {
    pub url: &'static str,
    /// The beginning of the SHA-256, in hexadecimal.
    pub sha256: &'static str,
}

/// Fetches `official` to `target`. What a broken-off attempt left is overwritten; `target` itself
/// appears only when it is whole and verified.
pub(crate) fn fetch(official: Official, target: &Path) -> Result<()> {
    fetch_from(official.url, official.sha256, target)
}

fn fetch_from(url: &str, sha256: &str, target: &Path) -> Result<()> {
    let refuse = |problem: String| Error::weights_file(target, problem);
    let folder = target.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(Error::io("create the folder", folder))?;
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_connect(Some(Duration::from_secs(15)))
        .timeout_recv_response(Some(Duration::from_secs(30)))
        .build()
        .into();
    let mut response =
        agent.get(url).call().map_err(|error| refuse(format!("fetching {url} failed: {error}")))?;
    let length = response.body().content_length();

    // A name of this process's own: two that fetch at once don't write into one another's file.
    let part = target.with_extension(format!("part{}", std::process::id()));
    let result = copy_hashing(&mut response.body_mut().as_reader(), &part, length)
        .map_err(|error| refuse(format!("fetching {url} broke off: {error}")))
        .and_then(|digest| match digest.starts_with(sha256) {
            true => fs::rename(&part, target).map_err(Error::io("rename into place", target)),
            false => Err(refuse(format!(
                "what {url} sent has SHA-256 {digest}, expected {sha256}… (a proxy's page?)"
            ))),
        });
    if result.is_err() {
        let _ = fs::remove_file(&part);
    }
    result
}

fn copy_hashing(body: &mut impl Read, part: &Path, length: Option<u64>) -> std::io::Result<String> {
    let mut file = File::create(part)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    let mut progress = Progress::new(length);
    loop {
        let read = body.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        hash.update(&buffer[..read]);
        file.write_all(&buffer[..read])?;
        progress.add(read as u64);
    }
    if length.is_some_and(|length| length != progress.done) {
        return Err(std::io::Error::other(format!("only {} bytes came", progress.done)));
    }
    file.sync_all()?;
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// A line every two seconds: a notebook shows whole lines only.
struct Progress {
    done: u64,
    length: Option<u64>,
    start: Instant,
    spoken: Instant,
}

impl Progress {
    fn new(length: Option<u64>) -> Self {
        let now = Instant::now();
        Progress { done: 0, length, start: now, spoken: now }
    }

    fn add(&mut self, bytes: u64) {
        self.done += bytes;
        if self.spoken.elapsed() < Duration::from_secs(2) {
            return;
        }
        self.spoken = Instant::now();
        let speed = self.done as f64 / self.start.elapsed().as_secs_f64();
        let megabytes = |bytes: u64| bytes as f64 / 1e6;
        match self.length {
            Some(length) => crate::view::say(&format!(
                "  {:.1} of {:.1} MB, {:.1} MB/s, {:.0} s left",
                megabytes(self.done),
                megabytes(length),
                speed / 1e6,
                length.saturating_sub(self.done) as f64 / speed
            )),
            None => crate::view::say(&format!(
                "  {:.1} MB, {:.1} MB/s",
                megabytes(self.done),
                speed / 1e6
            )),
        }
    }
}
