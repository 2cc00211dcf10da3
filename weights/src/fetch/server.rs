//! A small HTTP server for the tests, which answers as each test tells it to.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

pub(super) struct Server {
    pub(super) url: String,
    requests: Arc<Mutex<Vec<String>>>,
}

/// What a connection is sent, piece by piece with a pause before each, before it is closed.
pub(super) type Reply = Vec<(Duration, Vec<u8>)>;

impl Server {
    /// `reply` is given the number of the request, from 0, and its head.
    pub(super) fn start(reply: impl Fn(usize, &str) -> Reply + Send + Sync + 'static) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}/w.pth", listener.local_addr().expect("an address"));
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (reply, seen) = (Arc::new(reply), requests.clone());
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (reply, seen) = (reply.clone(), seen.clone());
                thread::spawn(move || serve(stream, &*reply, &seen));
            }
        });
        Server { url, requests }
    }

    /// The heads of all requests that came, in lower case.
    pub(super) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn serve(mut stream: TcpStream, reply: &impl Fn(usize, &str) -> Reply, seen: &Mutex<Vec<String>>) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && stream.read_exact(&mut byte).is_ok() {
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).to_lowercase();
    let number = {
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.push(head.clone());
        seen.len() - 1
    };
    for (pause, piece) in reply(number, &head) {
        thread::sleep(pause);
        // A client that has seen enough closes the connection.
        if stream.write_all(&piece).is_err() {
            return;
        }
    }
}

/// An answer in one piece.
pub(super) fn answer(status: &str, headers: &[&str], body: &[u8]) -> Reply {
    let mut bytes = format!("HTTP/1.1 {status}\r\nConnection: close\r\n").into_bytes();
    for header in headers {
        bytes.extend(format!("{header}\r\n").bytes());
    }
    bytes.extend(b"\r\n");
    bytes.extend(body);
    vec![(Duration::ZERO, bytes)]
}

/// A good answer whose `Content-Length` may be a lie.
pub(super) fn body(length: usize, body: &[u8]) -> Reply {
    answer("200 OK", &[&format!("Content-Length: {length}")], body)
}
