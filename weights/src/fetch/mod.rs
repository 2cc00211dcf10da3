//! Fetching a file: by one process at a time, going on after a break, verified as a whole, and put
//! into place at once.

#[cfg(test)]
mod server;
#[cfg(test)]
mod tests;
mod transfer;

use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use crate::{Error, Listener, Result};
use transfer::{Break, Transfer};

/// What the name of a file ends in of which not all has come.
const PART: &str = ".part";
/// How often a wait looks whether it is over.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// How long to wait for what.
pub(crate) struct Patience {
    /// For the name's address, and for the connection.
    pub(crate) connect: Duration,
    /// For the next byte, from a server that has fallen silent.
    pub(crate) silence: Duration,
    /// Without a single byte of the file, over all attempts.
    pub(crate) standstill: Duration,
    /// Before each further attempt after a break: as many attempts as there are pauses.
    pub(crate) pauses: &'static [Duration],
}

impl Patience {
    pub(crate) const USUAL: Patience = Patience {
        connect: Duration::from_secs(15),
        silence: Duration::from_secs(15),
        standstill: Duration::from_secs(40),
        pauses: &[
            Duration::from_secs(1),
            Duration::from_secs(2),
            Duration::from_secs(4),
            Duration::from_secs(8),
        ],
    };
}

/// One file to be fetched.
pub(crate) struct Download<'a> {
    pub(crate) url: &'a str,
    /// How the file's SHA-256 begins, in hexadecimal.
    pub(crate) sha256: &'a str,
    /// A server that sends more bytes than this sends another file, or never ends.
    pub(crate) limit: u64,
    pub(crate) target: &'a Path,
    pub(crate) patience: &'a Patience,
    pub(crate) listener: &'a dyn Listener,
}

impl Download<'_> {
    /// Afterwards `target` is there, whole and verified. After an error it is not, and what came lies
    /// in `target.part`, from where the next attempt goes on.
    pub(crate) fn run(&self) -> Result<()> {
        let folder = self.target.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder).map_err(Error::io("create the folder", folder))?;
        let lock_path = beside(self.target, ".lock");
        let _lock = self.lock(&lock_path)?;
        let fetched = self.fetch();
        // While it is held: whoever waits for it is going to see that it is gone.
        let _ = fs::remove_file(&lock_path);
        fetched
    }

    fn fetch(&self) -> Result<()> {
        // Another process may have been faster.
        if self.target.is_file() {
            return Ok(());
        }
        let part = beside(self.target, PART);
        self.transfer(&part)?;
        self.verify(&part)?;
        fs::rename(&part, self.target).map_err(Error::io("rename into place", self.target))
    }

    /// The lock at `path`, and not one that its holder has removed in the meantime: another process
    /// could have made a new one.
    fn lock(&self, path: &Path) -> Result<File> {
        loop {
            let file = self.locked(path)?;
            if is_at(&file, path).map_err(Error::io("lock", path))? {
                return Ok(file);
            }
        }
    }

    /// The system drops the lock when its holder dies, however it dies.
    fn locked(&self, path: &Path) -> Result<File> {
        let file = File::options().create(true).truncate(false).write(true).open(path);
        let file = file.map_err(Error::io("write", path))?;
        let mut waited = false;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                // Some network file systems have none. The checksum is there all the same.
                Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Unsupported => {
                    return Ok(file);
                }
                Err(TryLockError::Error(error)) => return Err(Error::io("lock", path)(error)),
                Err(TryLockError::WouldBlock) if waited => {}
                Err(TryLockError::WouldBlock) => {
                    let name = self.target.file_name().unwrap_or_default().to_string_lossy();
                    let word = format!("  another process is fetching {name}; waiting for it");
                    self.listener.say(&word);
                    waited = true;
                }
            }
            self.wait(LOOK_AGAIN)?;
        }
    }

    /// Waits, unless the download is to end.
    fn wait(&self, time: Duration) -> Result<()> {
        let began = Instant::now();
        loop {
            if self.listener.is_stopped() {
                return Err(self.stopped());
            }
            match time.saturating_sub(began.elapsed()) {
                Duration::ZERO => return Ok(()),
                left => std::thread::sleep(left.min(LOOK_AGAIN)),
            }
        }
    }

    fn stopped(&self) -> Error {
        Error::Stopped { url: shown(self.url), kept: self.kept() }
    }

    /// What is said of the part that is there, to end a sentence with.
    fn kept(&self) -> String {
        match fs::metadata(beside(self.target, PART)) {
            Ok(part) if part.len() > 0 => {
                let megabytes = part.len() as f64 / 1e6;
                format!(
                    ". The {megabytes:.1} MB that came are kept; the next attempt goes on from there"
                )
            }
            _ => String::new(),
        }
    }

    /// Attempts until the whole body lies in `part`.
    fn transfer(&self, part: &Path) -> Result<()> {
        let mut transfer = Transfer::new(self, part);
        let mut pauses = self.patience.pauses.iter();
        loop {
            let problem = match transfer.attempt() {
                Ok(()) => return Ok(()),
                Err(Break::Disk(error)) => return Err(error),
                Err(Break::Stopped) => return Err(self.stopped()),
                Err(Break::Final(problem)) => problem,
                Err(Break::Passing(problem)) => match pauses.next() {
                    Some(pause) if transfer.heard.elapsed() < self.patience.standstill => {
                        self.listener.say(&format!("  {problem}; trying again in {pause:?}"));
                        self.wait(*pause)?;
                        continue;
                    }
                    _ => problem,
                },
            };
            return Err(Error::Fetch { url: shown(self.url), problem: problem + &self.kept() });
        }
    }

    /// A part that is not the official file is of no use to a later attempt.
    fn verify(&self, part: &Path) -> Result<()> {
        let digest = digest(part).map_err(Error::io("read", part))?;
        if digest.starts_with(self.sha256) {
            return Ok(());
        }
        fs::remove_file(part).map_err(Error::io("remove", part))?;
        Err(Error::Checksum { url: shown(self.url), digest, expected: self.sha256.to_owned() })
    }
}

/// An address without the name and the password that may stand in it: `http://teacher:8000/`.
pub(crate) fn shown(url: &str) -> String {
    let begin = url.find("://").map_or(0, |scheme| scheme + 3);
    let end = url[begin..].find(['/', '?', '#']).map_or(url.len(), |length| begin + length);
    let host = url[begin..end].rfind('@').map_or(begin, |at| begin + at + 1);
    [&url[..begin], &url[host..]].concat()
}

/// Whether an open file is the one that lies at `path` now.
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let there = match fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        there => there?,
    };
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let open = file.metadata()?;
        Ok((open.dev(), open.ino()) == (there.dev(), there.ino()))
    }
    // Elsewhere a file that is open can't make room for another of its name.
    #[cfg(not(unix))]
    Ok(file.metadata()?.is_file() && there.is_file())
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// A file's SHA-256 in hexadecimal.
pub(crate) fn digest(path: &Path) -> io::Result<String> {
    let mut hash = Sha256::new();
    io::copy(&mut File::open(path)?, &mut hash)?;
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}
