//! Fetching an official weights file: with progress, verified, and put into place atomically.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use crate::{Error, Result, whole};

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

    whole::write(target, |part| {
        let digest = copy_hashing(&mut response.body_mut().as_reader(), part, length)
            .map_err(|error| refuse(format!("fetching {url} broke off: {error}")))?;
        match digest.starts_with(sha256) {
            true => Ok(()),
            false => Err(refuse(format!(
                "what {url} sent has SHA-256 {digest}, expected {sha256}… (a proxy's page?)"
            ))),
        }
    })
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

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::path::PathBuf;

    use super::*;

    /// A server that gives one answer, and its address.
    fn serve(answer: Vec<u8>) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        std::thread::spawn(move || {
            if let Ok((mut stream, _)) = listener.accept() {
                let _ = stream.read(&mut [0; 4096]);
                let _ = stream.write_all(&answer);
            }
        });
        format!("http://{address}/w.pth")
    }

    fn answer(length: usize, body: &[u8]) -> Vec<u8> {
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n");
        [head.as_bytes(), body].concat()
    }

    fn target(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("convscope-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        folder.join("weights").join("w.pth")
    }

    /// What lies in the target's folder afterwards; and the folder is removed.
    fn left(target: &Path) -> Vec<String> {
        let folder = target.parent().expect("a folder");
        let entries = fs::read_dir(folder).expect("the folder");
        let names = entries.map(|e| e.expect("an entry").file_name().to_string_lossy().into());
        let names = names.collect();
        let _ = fs::remove_dir_all(folder.parent().expect("a folder"));
        names
    }

    #[test]
    fn a_sound_file_is_put_into_place() {
        let target = target("sound");
        let url = serve(answer(5, b"hello"));
        // sha256("hello")
        fetch_from(&url, "2cf24dba", &target).expect("fetched");
        assert_eq!(fs::read(&target).expect("the file"), b"hello");
        assert_eq!(left(&target), ["w.pth"]);
    }

    #[test]
    fn what_is_broken_or_another_file_leaves_nothing() {
        for (name, answer, word) in [
            ("wrong", answer(5, b"hullo"), "expected 2cf24dba"),
            ("short", answer(50, b"hello"), "broke off"),
            ("absent", b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_vec(), "404"),
            ("silent", Vec::new(), "failed"),
        ] {
            let target = target(name);
            let error =
                fetch_from(&serve(answer), "2cf24dba", &target).expect_err(name).to_string();
            assert!(error.contains(word), "{name}: {error}");
            assert!(left(&target).is_empty(), "{name} left something behind");
        }
    }

    #[test]
    fn a_server_that_is_not_there_is_named() {
        let target = target("nobody");
        let error = fetch_from("http://127.0.0.1:1/w.pth", "", &target).expect_err("nobody");
        assert!(error.to_string().contains("127.0.0.1:1"), "{error}");
        let _ = left(&target);
    }
}
