//! Servers that send too much or nothing, and what must not be shown.

use super::*;

#[test]
fn a_server_that_never_ends_is_stopped_and_what_came_is_removed() {
    let place = Place::new("endless");
    // With and without a length that says so, and when a part was there already.
    for length in [Some(u64::MAX), None] {
        fs::write(place.part(), b"hel").expect("a part");
        let server = Server::start(move |_, _| {
            let length = length.map(|length| format!("Content-Length: {length}"));
            let headers: Vec<&str> = length.iter().map(String::as_str).collect();
            let mut reply = answer("200 OK", &headers, b"");
            reply.extend((0..100).map(|_| (Duration::ZERO, vec![7; 1 << 16])));
            reply
        });
        let error = place.refused(&server.url);
        assert!(error.contains("more than 1.0 MB") && error.contains("removed"), "{error}");
        assert!(!place.part().exists());
        assert_eq!(server.requests().len(), 1, "asking again would bring the same");
    }
}

#[test]
fn a_silent_server_is_left_however_many_attempts_are_left() {
    const IMPATIENT: Patience = Patience { standstill: Duration::from_millis(200), ..SHORT };
    let mut place = Place::new("standstill");
    place.patience = &IMPATIENT;
    let server = Server::start(|_, _| vec![(Duration::from_secs(30), Vec::new())]);
    let error = place.refused(&server.url);
    assert!(error.contains("nothing came in time"), "{error}");
    assert_eq!(server.requests().len(), 1);
    let usual = Patience::USUAL;
    assert!(usual.standstill + usual.silence < Duration::from_secs(60));
}

#[test]
fn passwords_are_sent_but_not_shown() {
    let place = Place::new("password");
    let server = Server::start(|number, _| match number {
        0 => answer("403 Forbidden", &["Content-Length: 0"], b""),
        _ => body(5, b"<html"),
    });
    let url = server.url.replace("http://", "http://teacher:s3cret@");
    for _ in 0..2 {
        let error = place.refused(&url);
        assert!(error.contains(&server.url) && !error.contains("s3cret"), "{error}");
    }
    assert!(server.requests()[0].contains("authorization: basic"), "{:?}", server.requests());
    for url in ["teacher:s3cret@host/w.pth", "http://teacher:s3cret@", "http://a:s3cret@/w.pth"] {
        let error = place.refused(url);
        assert!(!error.contains("s3cret"), "{error}");
    }
    assert!(!place.said().contains("s3cret"), "{}", place.said());
}

#[test]
fn addresses_are_shown_without_names_and_passwords() {
    for (url, expected) in [
        ("https://host/a@b/w.pth", "https://host/a@b/w.pth"),
        ("http://user:p@ss@host:80/w.pth", "http://host:80/w.pth"),
        ("user:pass@host", "host"),
        ("http://", "http://"),
        ("", ""),
    ] {
        assert_eq!(shown(url), expected);
    }
}
