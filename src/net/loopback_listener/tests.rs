use super::*;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

fn judge(target: &str) -> RequestVerdict<String> {
    match target.strip_prefix("/?code=") {
        Some("no") => RequestVerdict::Refused("no".into()),
        Some(code) => RequestVerdict::Taken(code.into()),
        None => RequestVerdict::Unrelated,
    }
}

fn listener() -> LoopbackListener {
    LoopbackListener::bind(LoopbackName::Address, 0).unwrap()
}

/// Waits once for the listener's descriptors, and serves.
fn turn(listener: &mut LoopbackListener, now: Instant) -> Option<String> {
    let mut waits: Vec<_> =
        listener.descriptors().map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)).collect();
    let ready = poll(&mut waits, Some(&Timespec { tv_sec: 10, tv_nsec: 0 })).unwrap();
    assert!(ready > 0, "nothing comes");
    listener.serve(now, judge).unwrap()
}

fn visit(listener: &LoopbackListener, octets: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, listener.port())).unwrap();
    stream.write_all(octets).unwrap();
    stream
}

fn answer(mut stream: TcpStream) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

/// What a request gets, and what the listener took.
fn asked(octets: &[u8]) -> (String, Option<String>) {
    let mut listener = listener();
    let stream = visit(&listener, octets);
    // The octets may come later than the connection.
    let taken = loop {
        let taken = turn(&mut listener, Instant::now());
        if taken.is_some() || listener.visitors.is_empty() {
            break taken;
        }
    };
    (answer(stream), taken)
}

#[test]
fn the_answer_of_the_browser_is_taken_and_no_page_repeats_what_was_asked() {
    for (target, status, taken, words) in [
        ("/?code=S3CRET", "200 OK", Some("S3CRET"), "postie has the answer"),
        ("/?code=no", "200 OK", Some("no"), "no access"),
        ("/favicon.ico", "404 Not Found", None, "Nothing here"),
        ("/", "404 Not Found", None, "Nothing here"),
        ("/<script>alert(1)</script>?S3CRET", "404 Not Found", None, "Nothing here"),
    ] {
        let request = format!("GET {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: a=b\r\n\r\n");
        let (page, found) = asked(request.as_bytes());
        assert!(page.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{target}: {page}");
        assert!(page.contains(words) && page.contains("Cache-Control: no-store\r\n"), "{target}: {page}");
        assert!(!page.contains("S3CRET") && !page.contains("script>"), "{target}: {page}");
        assert_eq!(found.as_deref(), taken, "{target}");
        let body = page.split_once("\r\n\r\n").unwrap().1;
        assert!(page.contains(&format!("Content-Length: {}\r\n", body.len())), "{page}");
    }
}

#[test]
fn other_methods_other_protocols_and_long_requests_are_refused() {
    let long = format!("GET /?code=x HTTP/1.1\r\nCookie: {}\r\n\r\n", "x".repeat(MAX_REQUEST));
    let many = format!("GET /?code=x HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(MOST_FIELDS + 1));
    for (request, status) in [
        ("POST /?code=x HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", "405 "),
        ("HEAD /?code=x HTTP/1.1\r\n\r\n", "405 "),
        ("\u{16}\u{3}\u{1}\u{2}\0\u{1}\0", "400 "),
        ("EHLO localhost\r\n\r\n", "400 "),
        (long.as_str(), "431 "),
        (many.as_str(), "431 "),
    ] {
        let (page, taken) = asked(request.as_bytes());
        assert!(page.starts_with(&format!("HTTP/1.1 {status}")), "{request:.40}: {page}");
        assert_eq!(taken, None, "{request:.40}");
    }
}

#[test]
fn connections_that_say_nothing_or_half_hold_up_nobody() {
    let mut listener = listener();
    let silent: Vec<_> = (0..5).map(|_| visit(&listener, b"")).collect();
    let half: Vec<_> = (0..5).map(|_| visit(&listener, b"GET /?code=half HTTP/1.1\r\nHost: ")).collect();
    let last = visit(&listener, b"GET /?code=whole HTTP/1.1\r\n\r\n");
    let taken = loop {
        if let Some(taken) = turn(&mut listener, Instant::now()) {
            break taken;
        }
    };
    assert_eq!(taken, "whole");
    assert!(answer(last).contains("200 OK"));
    drop((silent, half));
}

#[test]
fn a_request_may_come_octet_by_octet() {
    let mut listener = listener();
    let request = b"GET /?code=slow HTTP/1.1\r\nHost: h\r\n\r\n";
    let mut stream = visit(&listener, b"");
    let mut taken = None;
    for (at, octet) in request.iter().enumerate() {
        assert_eq!(taken, None, "{at}");
        stream.write_all(&[*octet]).unwrap();
        taken = turn(&mut listener, Instant::now());
        // The first turn may have been for the connection alone.
        if at == 0 {
            assert_eq!(listener.visitors.len(), 1);
        }
    }
    while taken.is_none() {
        taken = turn(&mut listener, Instant::now());
    }
    assert_eq!(taken.as_deref(), Some("slow"));
}

#[test]
fn who_asks_and_then_says_no_more_gets_an_answer() {
    let mut listener = listener();
    let stream = visit(&listener, b"GET /?code=x HTTP/1.1\r\n\r\n");
    stream.shutdown(Shutdown::Write).unwrap();
    while turn(&mut listener, Instant::now()).is_none() {}
    assert!(answer(stream).contains("200 OK"));
}

#[test]
fn the_oldest_connection_makes_room_and_each_has_its_time() {
    let mut listener = listener();
    let now = Instant::now();
    let streams: Vec<_> = (0..MOST + 3).map(|_| visit(&listener, b"")).collect();
    while listener.visitors.len() < MOST {
        turn(&mut listener, now);
    }
    listener.serve(now, judge).unwrap();
    assert_eq!(listener.visitors.len(), MOST);
    assert_eq!(listener.due(), Some(now + PATIENCE));
    listener.serve(now + PATIENCE, judge).unwrap();
    assert_eq!((listener.visitors.len(), listener.due()), (0, None));
    drop(streams);
}

#[test]
fn who_goes_away_is_forgotten_and_a_port_can_be_asked_for() {
    let mut listener = listener();
    drop(visit(&listener, b"GET / "));
    turn(&mut listener, Instant::now());
    if !listener.visitors.is_empty() {
        turn(&mut listener, Instant::now());
    }
    assert!(listener.visitors.is_empty());
    let port = listener.port();
    assert_eq!(LoopbackListener::bind(LoopbackName::Address, port).unwrap_err().kind(), ErrorKind::AddrInUse);
    drop(listener);
    assert_eq!(LoopbackListener::bind(LoopbackName::Name, port).unwrap().port(), port);
}
