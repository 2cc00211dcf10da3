//! The bytes' way from the server to the disk, in as many attempts as it takes.

use std::fs::{self, File};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::Instant;

use ureq::http::{HeaderMap, Response, StatusCode, header};
use ureq::{Agent, Body};

use super::Download;
use crate::{Came, Error};

/// Why an attempt ended before the file did.
pub(super) enum Break {
    /// Another attempt may fare better.
    Passing(String),
    /// The server's last word.
    Final(String),
    /// The fault is on this side.
    Disk(Error),
    /// Somebody wants no more of it.
    Stopped,
}

pub(super) struct Transfer<'a> {
    download: &'a Download<'a>,
    part: &'a Path,
    agent: Agent,
    /// Whether the server has answered before: then its absence is a break, and passes.
    reached: bool,
    /// When the last byte of the file came, or else when it was first asked for.
    pub(super) heard: Instant,
    /// The server's name for this very content, once it has told one.
    etag: Option<String>,
}

impl<'a> Transfer<'a> {
    pub(super) fn new(download: &'a Download<'a>, part: &'a Path) -> Self {
        let patience = download.patience;
        let agent = Agent::config_builder()
            .timeout_resolve(Some(patience.connect))
            .timeout_connect(Some(patience.connect))
            .timeout_per_read(Some(patience.silence))
            // A header that comes byte by byte.
            .timeout_recv_response(Some(2 * patience.silence))
            .http_status_as_error(false)
            .build()
            .into();
        Transfer { download, part, agent, reached: false, heard: Instant::now(), etag: None }
    }

    /// Asks for what `part` lacks and appends it. The body is then complete as far as the server
    /// says, though perhaps not the right one.
    pub(super) fn attempt(&mut self) -> Result<(), Break> {
        let disk = |error| Break::Disk(Error::io("write", self.part)(error));
        let limit = self.download.limit;
        let have = fs::metadata(self.part).map_or(0, |part| part.len());
        let mut request = self.agent.get(self.download.url);
        if have > 0 {
            request = request.header(header::RANGE, format!("bytes={have}-"));
            if let Some(etag) = &self.etag {
                request = request.header(header::IF_RANGE, etag);
            }
        }
        let mut response = request.call().map_err(|error| self.unanswered(error))?;
        self.reached = true;

        let begin = match response.status() {
            StatusCode::OK => 0,
            StatusCode::PARTIAL_CONTENT if first_byte(response.headers()) == Some(have) => have,
            StatusCode::PARTIAL_CONTENT if have > 0 => {
                fs::remove_file(self.part).map_err(disk)?;
                return Err(Break::Passing("the server sends another part than asked for".into()));
            }
            // There is nothing after what is there: it is whole, or not a part of this file.
            StatusCode::RANGE_NOT_SATISFIABLE if have > 0 => return Ok(()),
            status => return Err(answered(status)),
        };
        if begin > 0 {
            self.download.listener.say(&format!("  going on after {:.1} MB", begin as f64 / 1e6));
        } else if have > 0 {
            self.download.listener.say("  the server can't go on in the middle; starting afresh");
        }
        let mut file = File::options()
            .create(true)
            .write(true)
            .truncate(begin == 0)
            .open(self.part)
            .map_err(disk)?;
        file.seek(SeekFrom::Start(begin)).map_err(disk)?;
        self.etag = strong_etag(response.headers());
        if !self.copy(&mut response, &mut file, begin)? {
            drop(file);
            fs::remove_file(self.part).map_err(disk)?;
            return Err(Break::Final(format!(
                "the server sends more than {:.1} MB, twice the file's size. What came was removed",
                limit as f64 / 1e6
            )));
        }
        file.sync_all().map_err(disk)
    }

    /// A machine that is offline, and a server that isn't there, are said to be so at once.
    fn unanswered(&self, error: ureq::Error) -> Break {
        use ureq::Timeout::{Connect, Resolve};
        let broken = match &error {
            ureq::Error::Timeout(phase) => !matches!(phase, Connect | Resolve),
            ureq::Error::Io(error) => matches!(
                error.kind(),
                ErrorKind::ConnectionReset
                    | ErrorKind::ConnectionAborted
                    | ErrorKind::UnexpectedEof
            ),
            _ => false,
        };
        let network = matches!(error, ureq::Error::Io(_) | ureq::Error::Timeout(_));
        match broken || network && self.reached {
            true => Break::Passing(text(&error)),
            false => Break::Final(text(&error)),
        }
    }

    /// Whether the body's end came before the limit did.
    fn copy(
        &mut self,
        response: &mut Response<Body>,
        file: &mut File,
        begin: u64,
    ) -> Result<bool, Break> {
        let total = response.body().content_length().map(|length| begin.saturating_add(length));
        let mut left = self.download.limit.saturating_sub(begin);
        let listener = self.download.listener;
        let mut came = Came { done: begin, before: begin, total };
        listener.came(came);
        let mut body = response.body_mut().as_reader();
        let mut buffer = vec![0; 1 << 16];
        loop {
            if listener.is_stopped() {
                return Err(Break::Stopped);
            }
            match body.read(&mut buffer) {
                Ok(0) => return Ok(true),
                Ok(read) if read as u64 > left => return Ok(false),
                Ok(read) => {
                    left -= read as u64;
                    self.heard = Instant::now();
                    file.write_all(&buffer[..read])
                        .map_err(|error| Break::Disk(Error::io("write", self.part)(error)))?;
                    came.done += read as u64;
                    listener.came(came);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    let text = text(&ureq::Error::from(error));
                    return Err(Break::Passing(format!("the connection broke: {text}")));
                }
            }
        }
    }
}

/// What happened, in words.
fn text(error: &ureq::Error) -> String {
    match error {
        ureq::Error::Timeout(_) => format!("nothing came in time ({error})"),
        ureq::Error::ConnectProxyFailed(problem) => format!(
            "the proxy refuses the connection ({problem}). To a server that needs no proxy, such as a \
             mirror in the same network: name it in NO_PROXY"
        ),
        // Its text holds the whole address, password and all.
        ureq::Error::BadUri(_) | ureq::Error::Http(_) => "it is no address".to_owned(),
        other => other.to_string(),
    }
}

/// An answer that is not the file.
fn answered(status: StatusCode) -> Break {
    let text = format!("the server answered {status}");
    let passing = [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS].contains(&status);
    match passing || status.is_server_error() {
        true => Break::Passing(text),
        false => Break::Final(text),
    }
}

/// Where a partial answer begins: `Content-Range: bytes 5-9/10`.
fn first_byte(headers: &HeaderMap) -> Option<u64> {
    let range = headers.get(header::CONTENT_RANGE)?.to_str().ok()?;
    range.trim().strip_prefix("bytes ")?.split('-').next()?.trim().parse().ok()
}

/// A weak one doesn't promise the same bytes, and is not allowed in If-Range.
fn strong_etag(headers: &HeaderMap) -> Option<String> {
    let etag = headers.get(header::ETAG)?.to_str().ok()?;
    (!etag.starts_with("W/")).then(|| etag.to_owned())
}
