//! How much a connection announces, read from its bytes before the zeromq crate makes room for it.

use std::sync::atomic::{AtomicU64, Ordering};

/// What messages of all connections together may hold before they are whole and can be judged.
const MOST_UNFINISHED: u64 = 512 << 20;

/// What may come in on one port.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    /// Bytes of one message.
    pub(crate) message: u64,
    /// Bytes of all messages of one connection.
    pub(crate) connection: u64,
}

impl Limits {
    /// Requests, of which some carry the buffers of widgets.
    pub(crate) const REQUESTS: Limits = Limits { message: 256 << 20, connection: u64::MAX };
    /// A ping may be anything, but is a few bytes.
    pub(crate) const HEARTBEATS: Limits = Limits { message: 4 << 10, connection: u64::MAX };
    /// Subscriptions are kept as long as the connection is.
    pub(crate) const SUBSCRIPTIONS: Limits = Limits { message: 4 << 10, connection: 64 << 10 };
}

/// Where a stream of ZMTP frames is, and what it has announced so far.
///
/// <https://rfc.zeromq.org/spec/23/>
pub(crate) struct Frames<'a> {
    limits: Limits,
    /// Of all connections; holds `message` of this one.
    unfinished: &'a AtomicU64,
    next: Next,
    /// Bytes announced for the message under way.
    message: u64,
    connection: u64,
}

enum Next {
    /// Bytes that need no look.
    Skip {
        left: u64,
        what: What,
    },
    Flags,
    Length {
        digits_left: u8,
        length: u64,
        what: What,
    },
}

#[derive(Clone, Copy, PartialEq)]
enum What {
    /// The greeting or a command, which stand between messages or, sent by no good client, in them.
    Aside,
    Frame,
    LastFrame,
}

const GREETING: u64 = 64;
const MORE: u8 = 1;
const LONG: u8 = 2;
const COMMAND: u8 = 4;
/// Bytes of a command: a connection says what it is, in less than a hundred.
const LONGEST_COMMAND: u64 = 4 << 10;

impl<'a> Frames<'a> {
    pub(crate) fn new(limits: Limits, unfinished: &'a AtomicU64) -> Frames<'a> {
        let next = Next::Skip { left: GREETING, what: What::Aside };
        Frames { limits, unfinished, next, message: 0, connection: 0 }
    }

    /// Looks at the next bytes, and says what they announce that is too much.
    pub(crate) fn check(&mut self, mut bytes: &[u8]) -> Result<(), &'static str> {
        while let Some((&first, rest)) = bytes.split_first() {
            self.next = match self.next {
                Next::Skip { left, what } => {
                    let now = left.min(bytes.len() as u64);
                    bytes = &bytes[now as usize..];
                    self.after(left - now, what)
                }
                Next::Flags => {
                    bytes = rest;
                    let digits_left = if first & LONG == 0 { 1 } else { 8 };
                    let what = match (first & COMMAND == 0, first & MORE == 0) {
                        (false, _) => What::Aside,
                        (true, false) => What::Frame,
                        (true, true) => What::LastFrame,
                    };
                    Next::Length { digits_left, length: 0, what }
                }
                Next::Length { digits_left, length, what } => {
                    bytes = rest;
                    let length = (length << 8) | u64::from(first);
                    if digits_left > 1 {
                        Next::Length { digits_left: digits_left - 1, length, what }
                    } else {
                        self.announce(length, what)?;
                        self.after(length, what)
                    }
                }
            };
        }
        Ok(())
    }

    fn after(&mut self, left: u64, what: What) -> Next {
        if left > 0 {
            return Next::Skip { left, what };
        }
        if what == What::LastFrame {
            self.unfinished.fetch_sub(self.message, Ordering::Relaxed);
            self.message = 0;
        }
        Next::Flags
    }

    fn announce(&mut self, length: u64, what: What) -> Result<(), &'static str> {
        if what == What::Aside {
            let fits = length <= LONGEST_COMMAND;
            return fits.then_some(()).ok_or("it announced a command that is larger than any");
        }
        // An empty frame costs memory too.
        const OVERHEAD: u64 = 64;
        let bytes = length.saturating_add(OVERHEAD);
        if bytes > self.limits.message.saturating_sub(self.message) {
            return Err("it announced a message that is larger than any that Jupyter sends");
        }
        self.connection = self.connection.saturating_add(bytes);
        if self.connection > self.limits.connection {
            return Err("it subscribed to more than Jupyter does");
        }
        self.message += bytes;
        if self.unfinished.fetch_add(bytes, Ordering::Relaxed) + bytes > MOST_UNFINISHED {
            return Err("too many large messages at once");
        }
        Ok(())
    }
}

impl Drop for Frames<'_> {
    fn drop(&mut self) {
        self.unfinished.fetch_sub(self.message, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GREETED: [u8; GREETING as usize] = [0xff; GREETING as usize];

    fn frame(flags: u8, length: u64) -> Vec<u8> {
        let mut bytes = vec![flags | LONG];
        bytes.extend(length.to_be_bytes());
        bytes
    }

    /// What comes of these bytes, however they are cut.
    fn check(limits: Limits, bytes: &[u8]) -> Result<(), &'static str> {
        let results = [1, 7, bytes.len()].map(|piece| {
            let unfinished = AtomicU64::new(0);
            let mut frames = Frames::new(limits, &unfinished);
            let result = bytes.chunks(piece).try_for_each(|bytes| frames.check(bytes));
            drop(frames);
            assert_eq!(unfinished.into_inner(), 0, "a closed connection holds nothing");
            result
        });
        assert!(results.iter().all(|result| *result == results[0]));
        results[0]
    }

    #[test]
    fn sizes_beyond_any_message_are_refused_as_soon_as_they_are_announced() {
        for length in [u64::MAX, 1 << 62, 8 << 30, 257 << 20] {
            for flags in [0, MORE, COMMAND] {
                let bytes = [&GREETED[..], &frame(flags, length)].concat();
                assert!(check(Limits::REQUESTS, &bytes).is_err(), "{flags} {length}");
            }
        }
        let in_parts = [frame(MORE, 1), vec![0]].concat().repeat(70);
        let bytes = [&GREETED[..], &in_parts].concat();
        assert!(check(Limits::HEARTBEATS, &bytes).is_err());
        // A command in between ends no message.
        let in_parts = [frame(MORE, 1), vec![0], frame(COMMAND, 0)].concat().repeat(70);
        let bytes = [&GREETED[..], &in_parts].concat();
        assert!(check(Limits::HEARTBEATS, &bytes).is_err());
    }

    #[test]
    fn messages_of_any_number_pass_and_subscriptions_of_few() {
        let message = [vec![MORE, 3, 1, 2, 3], frame(0, 1000), vec![0; 1000]].concat();
        let bytes = [&GREETED[..], &[COMMAND, 2, 0, 0], &message.repeat(100)].concat();
        assert_eq!(check(Limits::HEARTBEATS, &bytes), Ok(()));
        assert!(check(Limits::SUBSCRIPTIONS, &bytes).is_err());
        let bytes = [&GREETED[..], &[0, 1, 1], &[0, 6, 1, b'e', b'r', b'r', b'o', b'r']].concat();
        assert_eq!(check(Limits::SUBSCRIPTIONS, &bytes), Ok(()));
        let large = [&GREETED[..], &frame(0, 150 << 20), &vec![0; 150 << 20]].concat();
        let unfinished = AtomicU64::new(0);
        assert_eq!(Frames::new(Limits::REQUESTS, &unfinished).check(&large), Ok(()));
    }

    #[test]
    fn connections_share_what_unfinished_messages_may_hold() {
        let unfinished = AtomicU64::new(0);
        let begun = [&GREETED[..], &frame(MORE, 200 << 20)].concat();
        let mut open = [(); 3].map(|()| Frames::new(Limits::REQUESTS, &unfinished));
        let results = open.each_mut().map(|frames| frames.check(&begun).is_ok());
        assert_eq!(results, [true, true, false]);
        drop(open);
        assert!(Frames::new(Limits::REQUESTS, &unfinished).check(&begun).is_ok());
    }
}
