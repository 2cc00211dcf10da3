mod limits;

use std::sync::Mutex;
use std::time::Instant;

use super::server::{Reply, Server, answer, body};
use super::*;
use crate::{Came, Lines};

const CONTENT: &[u8] = b"hello weights";
/// Of CONTENT.
const SHA256: &str = "75838fd7";

const SHORT: Patience = Patience {
    connect: Duration::from_secs(5),
    silence: Duration::from_millis(300),
    standstill: Duration::from_secs(5),
    pauses: &[Duration::from_millis(1), Duration::from_millis(1)],
};

/// More than enough for CONTENT.
const LIMIT: u64 = 1 << 20;

/// A folder of the test's own, and what was said.
struct Place {
    folder: PathBuf,
    lines: Mutex<Vec<String>>,
    patience: &'static Patience,
}

impl Place {
    fn new(test: &str) -> Place {
        let folder = std::env::temp_dir().join(format!("convscope-{}-{test}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).expect("a folder");
        Place { folder, lines: Mutex::default(), patience: &SHORT }
    }

    fn target(&self) -> PathBuf {
        self.folder.join("w.pth")
    }

    fn part(&self) -> PathBuf {
        self.folder.join("w.pth.part")
    }

    fn fetch(&self, url: &str) -> Result<()> {
        let say = |line: &str| self.lines.lock().expect("the lines").push(line.to_owned());
        self.fetch_for(url, &Lines::new(say).every(Duration::from_millis(50)))
    }

    fn fetch_for(&self, url: &str, listener: &dyn Listener) -> Result<()> {
        let target = self.target();
        let (sha256, limit, patience) = (SHA256, LIMIT, self.patience);
        Download { url, sha256, limit, target: &target, patience, listener }.run()
    }

    fn refused(&self, url: &str) -> String {
        let error = self.fetch(url).expect_err("an error").to_string();
        assert!(!self.target().exists() && !self.folder.join("w.pth.lock").exists(), "{error}");
        error
    }

    fn said(&self) -> String {
        self.lines.lock().expect("the lines").join("\n")
    }

    /// The target is there, and nothing beside it.
    fn assert_done(&self) {
        assert_eq!(fs::read(self.target()).expect("the file"), CONTENT);
        let names: Vec<_> = fs::read_dir(&self.folder).expect("the folder").flatten().collect();
        assert_eq!(names.len(), 1, "{names:?}");
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// The rest from `first`, as an honest server sends it.
fn rest(first: usize) -> Reply {
    let (last, length) = (CONTENT.len() - 1, CONTENT.len());
    let range = format!("Content-Range: bytes {first}-{last}/{length}");
    let left = format!("Content-Length: {}", length - first);
    answer("206 Partial Content", &[&range, &left], &CONTENT[first..])
}

#[test]
fn a_whole_file() {
    let place = Place::new("whole");
    let server = Server::start(|_, _| body(CONTENT.len(), CONTENT));
    place.fetch(&server.url).expect("fetched");
    place.assert_done();
    assert_eq!(server.requests().len(), 1);
    assert!(!server.requests()[0].contains("range:"), "{:?}", server.requests());
}

#[test]
fn what_breaks_off_goes_on_where_it_ended() {
    let place = Place::new("resumed");
    let server = Server::start(|number, _| match number {
        0 => answer("200 OK", &["Content-Length: 13", "ETag: \"v1\""], &CONTENT[..5]),
        _ => rest(5),
    });
    place.fetch(&server.url).expect("fetched");
    place.assert_done();
    let requests = server.requests();
    assert_eq!(requests.len(), 2);
    assert!(requests[1].contains("range: bytes=5-\r\n"), "{}", requests[1]);
    assert!(requests[1].contains("if-range: \"v1\"\r\n"), "{}", requests[1]);
    assert!(place.said().contains("trying again"), "{}", place.said());
    assert!(place.said().contains("going on after"), "{}", place.said());
}

#[test]
fn a_weak_etag_is_not_asked_for() {
    let place = Place::new("weak");
    let server = Server::start(|number, _| match number {
        0 => answer("200 OK", &["Content-Length: 13", "ETag: W/\"v1\""], &CONTENT[..5]),
        _ => rest(5),
    });
    place.fetch(&server.url).expect("fetched");
    assert!(!server.requests()[1].contains("if-range"), "{:?}", server.requests());
}

#[test]
fn what_an_earlier_process_left_is_used() {
    let place = Place::new("earlier");
    fs::write(place.part(), &CONTENT[..7]).expect("a part");
    let server = Server::start(|_, _| rest(7));
    place.fetch(&server.url).expect("fetched");
    place.assert_done();
    assert!(server.requests()[0].contains("range: bytes=7-\r\n"));
}

#[test]
fn a_part_that_is_whole_already_is_used() {
    let place = Place::new("complete");
    fs::write(place.part(), CONTENT).expect("a part");
    let server = Server::start(|_, _| answer("416 Range Not Satisfiable", &[], b""));
    place.fetch(&server.url).expect("fetched");
    place.assert_done();
}

#[test]
fn a_server_that_ignores_the_range_is_followed_from_the_start() {
    let place = Place::new("ignores");
    fs::write(place.part(), b"hel").expect("a part");
    let server = Server::start(|_, _| body(CONTENT.len(), CONTENT));
    place.fetch(&server.url).expect("fetched");
    place.assert_done();
    assert!(place.said().contains("starting afresh"), "{}", place.said());
}

#[test]
fn another_part_than_asked_for_is_not_taken() {
    let place = Place::new("other_part");
    fs::write(place.part(), b"hel").expect("a part");
    let server = Server::start(|number, _| match number {
        0 => rest(9),
        _ => body(CONTENT.len(), CONTENT),
    });
    place.fetch(&server.url).expect("fetched");
    place.assert_done();
    assert!(!server.requests()[1].contains("range:"), "{:?}", server.requests());
}

#[test]
fn a_length_that_is_too_long_is_a_break_and_what_came_is_kept() {
    let place = Place::new("too_long");
    let server = Server::start(|number, _| match number {
        0 => body(5000, &CONTENT[..5]),
        _ => answer("500 Internal Server Error", &["Content-Length: 0"], b""),
    });
    let error = place.refused(&server.url);
    assert!(error.contains("500") && error.contains("are kept"), "{error}");
    assert_eq!(server.requests().len(), 3, "an attempt, and one after each pause");
    assert_eq!(fs::read(place.part()).expect("the part"), &CONTENT[..5]);
}

#[test]
fn a_length_that_is_too_short_is_another_file() {
    let place = Place::new("too_short");
    let server = Server::start(|_, _| body(5, CONTENT));
    let error = place.refused(&server.url);
    assert!(error.contains("SHA-256") && error.contains(SHA256), "{error}");
    assert!(!place.part().exists());
}

#[test]
fn another_body_is_refused_and_leaves_nothing() {
    let place = Place::new("wrong");
    let server = Server::start(|_, _| body(5, b"<html"));
    let error = place.refused(&server.url);
    assert!(error.contains(&server.url) && error.contains("expected"), "{error}");
    assert!(!place.part().exists());
    assert_eq!(server.requests().len(), 1, "asking again would bring the same");
}

#[test]
fn redirects_are_followed_with_the_range() {
    let place = Place::new("redirect");
    fs::write(place.part(), &CONTENT[..7]).expect("a part");
    let server = Server::start(|_, head| match head.starts_with("get /elsewhere ") {
        false => answer("302 Found", &["Location: /elsewhere", "Content-Length: 0"], b""),
        true => rest(7),
    });
    place.fetch(&server.url).expect("fetched");
    place.assert_done();
    assert!(server.requests()[1].contains("range: bytes=7-\r\n"), "{:?}", server.requests());
}

#[test]
fn a_redirect_loop_ends() {
    let place = Place::new("loop");
    let server =
        Server::start(|_, _| answer("302 Found", &["Location: /w.pth", "Content-Length: 0"], b""));
    let error = place.refused(&server.url);
    assert!(error.contains("redirects"), "{error}");
}

#[test]
fn a_slow_server_is_reported_in_whole_lines() {
    let place = Place::new("slow");
    let server = Server::start(|_, _| {
        let mut reply = answer("200 OK", &["Content-Length: 13"], b"");
        reply.extend(CONTENT.iter().map(|&byte| (Duration::from_millis(20), vec![byte])));
        reply
    });
    place.fetch(&server.url).expect("fetched");
    let lines = place.lines.lock().expect("the lines");
    // 260 ms with a line at most every 50 ms.
    assert!((1..=5).contains(&lines.len()), "{lines:?}");
    for line in lines.iter() {
        assert!(line.contains(" of 0.0 MB, ") && line.ends_with(" s left"), "{line}");
        assert!(!line.contains('\n') && !line.contains('\r'), "{line}");
    }
}

#[test]
fn a_silent_server_is_left_in_bounded_time() {
    for (name, first) in [("mute", Vec::new()), ("stuck", body(13, b"hel"))] {
        let place = Place::new(name);
        let server = Server::start(move |_, _| {
            let mut reply = first.clone();
            reply.push((Duration::from_secs(30), b"too late".to_vec()));
            reply
        });
        let began = Instant::now();
        let error = place.refused(&server.url);
        assert!(error.contains("nothing came in time"), "{name}: {error}");
        assert!(began.elapsed() < Duration::from_secs(5), "{name}: {:?}", began.elapsed());
        assert_eq!(server.requests().len(), 3, "{name}");
    }
}

#[test]
fn a_server_in_trouble_is_asked_again() {
    let place = Place::new("trouble");
    let server = Server::start(|number, _| match number {
        0 => answer("503 Service Unavailable", &["Content-Length: 0"], b""),
        _ => body(CONTENT.len(), CONTENT),
    });
    place.fetch(&server.url).expect("fetched");
    assert!(place.said().contains("503"), "{}", place.said());
}

#[test]
fn a_connection_that_breaks_before_the_answer_is_tried_again() {
    let place = Place::new("broken");
    let server = Server::start(|number, _| match number {
        0 => Reply::new(),
        _ => body(CONTENT.len(), CONTENT),
    });
    place.fetch(&server.url).expect("fetched");
    assert!(place.said().contains("trying again"), "{}", place.said());
}

#[test]
fn an_absent_file_is_said_to_be_absent_at_once() {
    let place = Place::new("absent");
    let server = Server::start(|_, _| answer("404 Not Found", &["Content-Length: 0"], b""));
    let error = place.refused(&server.url);
    assert!(error.contains("404") && error.contains(&server.url), "{error}");
    assert!(!place.part().exists());
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn nobody_there_and_no_address_are_named() {
    let place = Place::new("nobody");
    for url in ["http://127.0.0.1:1/w.pth", "classroom/w.pth"] {
        let error = place.refused(url);
        assert!(error.contains(url), "{error}");
        assert_eq!(place.said(), "", "no second attempt");
    }
}

#[test]
fn of_two_at_once_one_fetches_and_the_other_waits() {
    let place = Place::new("two");
    let server = Server::start(|_, _| {
        let mut reply = body(CONTENT.len(), &CONTENT[..5]);
        reply.push((Duration::from_millis(200), CONTENT[5..].to_vec()));
        reply
    });
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| place.fetch(&server.url).expect("fetched"));
        }
    });
    place.assert_done();
    assert_eq!(server.requests().len(), 1);
    assert!(place.said().contains("another process is fetching w.pth"), "{}", place.said());
}

#[test]
fn a_folder_that_cannot_be_is_named() {
    let place = Place::new("no_folder");
    fs::write(place.folder.join("file"), b"").expect("a file");
    let target = place.folder.join("file").join("w.pth");
    let (sha256, limit, patience) = (SHA256, LIMIT, &SHORT);
    let listener = &Lines::new(|_: &str| {});
    let error = Download { url: "", sha256, limit, target: &target, patience, listener }
        .run()
        .expect_err("no folder below a file");
    assert!(error.to_string().contains("create the folder"), "{error}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_said_to_be_full() {
    let place = Place::new("full");
    std::os::unix::fs::symlink("/dev/full", place.part()).expect("a link");
    let server = Server::start(|_, _| body(CONTENT.len(), CONTENT));
    let error = place.refused(&server.url);
    assert!(error.contains("No space left") && error.contains("w.pth.part"), "{error}");
    assert_eq!(server.requests().len(), 1);
}

/// Stops a download once so many bytes are there.
struct Stop {
    after: u64,
    heard: Mutex<Vec<Came>>,
}

impl Listener for Stop {
    fn say(&self, _line: &str) {}

    fn came(&self, came: Came) {
        self.heard.lock().expect("what came").push(came);
    }

    fn is_stopped(&self) -> bool {
        self.heard.lock().expect("what came").last().map_or(0, |came| came.done) >= self.after
    }
}

#[test]
fn a_download_that_is_stopped_keeps_what_came_and_goes_on_later() {
    let place = Place::new("stopped");
    let server = Server::start(|number, _| match number {
        0 => {
            let mut reply = body(CONTENT.len(), &CONTENT[..5]);
            reply.push((Duration::from_millis(200), CONTENT[5..].to_vec()));
            reply
        }
        _ => rest(5),
    });
    let stop = Stop { after: 5, heard: Mutex::default() };
    let error = place.fetch_for(&server.url, &stop).expect_err("stopped").to_string();
    assert!(error.contains("stopped. The 0.0 MB that came are kept"), "{error}");
    assert_eq!(fs::read(place.part()).expect("the part"), &CONTENT[..5]);
    let heard = Stop { after: u64::MAX, heard: Mutex::default() };
    place.fetch_for(&server.url, &heard).expect("fetched");
    place.assert_done();
    let heard = heard.heard.into_inner().expect("what came");
    let came = |done| Came { done, before: 5, total: Some(13) };
    assert_eq!(heard, [came(5), came(13)]);
}

#[test]
fn waiting_for_a_server_or_another_process_can_be_stopped() {
    const PATIENT: Patience = Patience { pauses: &[Duration::from_secs(60)], ..SHORT };
    let mut place = Place::new("stopped_waiting");
    place.patience = &PATIENT;
    let server = Server::start(|_, _| answer("503 Service Unavailable", &[], b""));
    let lock = File::create(place.folder.join("w.pth.lock")).expect("a file");
    let began = Instant::now();
    for held in [false, true] {
        if held {
            lock.lock().expect("the lock");
        }
        let stop = Stop { after: 0, heard: Mutex::default() };
        let error = place.fetch_for(&server.url, &stop).expect_err("stopped");
        assert!(matches!(error, Error::Stopped { .. }), "{error}");
    }
    assert!(began.elapsed() < Duration::from_secs(30));
}
