//! The HTTP client, against a web server with real TLS: what it asks for, what it takes, and what it does not.

use crate::support::authority::{Authority, Certificate};
use crate::support::peer::End;
use crate::support::web::{Reply, Request, Web};
use postie::net::http::{FieldValue, HttpAnswer, HttpProxy};
use postie::net::{Direction, Http, Limits, NameOverrides, Stop, Tap, Tls, TlsSettings};
use postie::words::{Failure, Kind, Secret, Stage};
use std::io::Write as _;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Long enough for a busy machine, where nothing hangs.
const PATIENT: Duration = Duration::from_secs(30);

fn client(limits: Limits) -> Http {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(&Authority::shared().pem()).unwrap();
    let settings = TlsSettings { ca_file: Some(file.path().into()), ..TlsSettings::default() };
    Http::new(Tls::prepare(&settings, &limits).unwrap(), limits)
}

fn patient() -> Limits {
    Limits { timeout: PATIENT, ..Limits::default() }
}

fn web(handler: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Web {
    Web::start(Authority::shared().identity(Certificate::Good), handler)
}

fn get(url: &str) -> Result<HttpAnswer, Failure> {
    client(patient()).get(url, "text/xml", 3, 1000)
}

#[derive(Clone, Default)]
struct Notes(Arc<Mutex<Vec<String>>>);

impl Tap for Notes {
    fn line(&mut self, direction: Direction, text: &str) {
        self.0.lock().unwrap().push(format!("{direction:?} {text}"));
    }
}

#[test]
fn a_document_comes_with_its_status_its_type_and_where_it_came_from() {
    let web = web(|request| match request.path.as_str() {
        "/a" => Reply::ok("<x/>"),
        "/moved" => Reply::to("/a?b=c"),
        "/chunked" => Reply::Raw(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n".to_vec(),
            End::Close,
        ),
        "/to-the-end" => Reply::Raw(b"HTTP/1.0 200 OK\r\n\r\nall of it".to_vec(), End::Close),
        _ => Reply::missing(),
    });
    let answer = get(&web.url("/a?q=1")).unwrap();
    assert_eq!(
        (answer.status, answer.content_type.as_str(), &answer.body[..]),
        (200, "application/xml", &b"<x/>"[..])
    );
    assert_eq!(answer.final_url, web.url("/a?q=1"));
    let moved = get(&web.url("/moved")).unwrap();
    assert_eq!((moved.final_url, moved.status), (web.url("/a?b=c"), 200));
    assert_eq!(&get(&web.url("/chunked")).unwrap().body[..], b"abcde");
    assert_eq!(&get(&web.url("/to-the-end")).unwrap().body[..], b"all of it");
    let missing = get(&web.url("/other")).unwrap();
    assert!(missing.status == 404 && !missing.is_success());
    assert_eq!(&get(&web.http_url("/a")).unwrap().body[..], b"<x/>", "http is for loopback addresses");
    let first = &web.requests()[0];
    assert_eq!((first.method.as_str(), first.query.as_str()), ("GET", "q=1"));
    assert_eq!(first.field("accept"), "text/xml");
    assert_eq!(first.field("user-agent"), concat!("postie/", env!("CARGO_PKG_VERSION")));
    for name in ["cookie", "authorization", "referer", "accept-encoding"] {
        assert_eq!(first.field(name), "", "{name}");
    }
}

#[test]
fn a_form_is_posted_once_and_its_secrets_are_not_in_the_transcript() {
    let web = web(|request| match request.path.as_str() {
        "/token" => Reply::Answer(
            400,
            vec![("Content-Type", "application/json".into())],
            b"{\"error\":\"x\"}".to_vec(),
        ),
        _ => Reply::to("/token"),
    });
    let notes = Notes::default();
    let http = client(patient()).with_tap(Some(Box::new(notes.clone())));
    let secret = Secret::new("s3cret &?");
    let fields =
        [("grant_type", FieldValue::Text("refresh_token")), ("refresh_token", FieldValue::Secret(&secret))];
    let basic = Secret::new("Basic czNjcmV0");
    let headers = [("Authorization", FieldValue::Secret(&basic))];
    let answer = http.post_form(&web.url("/token"), &fields, &headers).unwrap();
    assert_eq!((answer.status, &answer.body[..]), (400, &b"{\"error\":\"x\"}"[..]));
    let moved = http.post_form(&web.url("/elsewhere"), &fields, &[]).unwrap();
    assert_eq!(moved.status, 302, "a redirect is the answer");
    let requests = web.requests();
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[0].body, b"grant_type=refresh_token&refresh_token=s3cret%20%26%3F");
    assert_eq!(requests[0].field("content-type"), "application/x-www-form-urlencoded");
    assert_eq!(requests[0].field("authorization"), "Basic czNjcmV0");
    assert_eq!(requests[0].field("accept"), "application/json");
    let notes = notes.0.lock().unwrap().join("\n");
    assert!(
        notes.contains(&format!("Client POST {}", web.url("/token"))) && notes.contains("Server 400"),
        "{notes}"
    );
    assert!(!notes.contains("s3cret") && !notes.contains("czNjcmV0"), "{notes}");
    assert!(!format!("{answer:?}").contains("error"), "{answer:?}");
}

#[test]
fn what_a_server_does_wrong_is_a_failure_of_its_kind() {
    let web = web(|request| match request.path.as_str() {
        "/loop" => Reply::to("/loop"),
        "/clear" => Reply::to("http://example.org/a"),
        "/nowhere" => Reply::to("ftp://example.org/a"),
        "/large" => Reply::ok(vec![b'x'; 1001]),
        "/just" => Reply::ok(vec![b'x'; 1000]),
        "/header" => Reply::Raw(
            format!("HTTP/1.1 200 OK\r\n{}\r\n", "X: y\r\n".repeat(10_000)).into_bytes(),
            End::Close,
        ),
        "/junk" => Reply::Raw(b"SSH-2.0-x\r\n\r\n".to_vec(), End::Close),
        "/short" => Reply::Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc".to_vec(), End::Close),
        "/empty" => Reply::Raw(Vec::new(), End::Close),
        "/flood" => Reply::Flood(b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), vec![b'x'; 64 * 1024]),
        "/flood-of-fields" => Reply::Flood(b"HTTP/1.1 200 OK\r\n".to_vec(), b"A: b\r\n".repeat(1000)),
        "/flood-in-a-redirect" => Reply::Flood(
            b"HTTP/1.1 302 No\r\nLocation: /just\r\nContent-Length: 99999999999\r\n\r\n".to_vec(),
            vec![b'x'; 64 * 1024],
        ),
        "/early" => Reply::Flood(Vec::new(), b"HTTP/1.1 100 Continue\r\n\r\n".repeat(1000)),
        _ => Reply::missing(),
    });
    assert_eq!(get(&web.url("/just")).unwrap().body.len(), 1000);
    for (path, kind) in [
        ("/loop", Kind::Protocol),
        ("/clear", Kind::Protocol),
        ("/nowhere", Kind::Protocol),
        ("/large", Kind::Protocol),
        ("/header", Kind::Protocol),
        ("/junk", Kind::Protocol),
        ("/short", Kind::Network),
        ("/empty", Kind::Network),
        ("/flood", Kind::Protocol),
        ("/flood-of-fields", Kind::Protocol),
        ("/flood-in-a-redirect", Kind::Protocol),
        ("/early", Kind::Protocol),
    ] {
        let failure = get(&web.url(path)).unwrap_err();
        assert_eq!(failure.kind(), kind, "{path}: {failure}");
        assert!(
            failure.message.starts_with(&format!("localhost:{}: ", web.https.port())),
            "{path}: {failure}"
        );
    }
    let loops = web.requests().iter().filter(|request| request.path == "/loop").count();
    assert_eq!(loops, 4, "three redirects are followed");
}

#[test]
fn a_certificate_that_is_not_for_the_host_ends_it_before_anything_is_asked() {
    for bad in Certificate::BAD {
        let web = Web::start(Authority::shared().identity(bad), |_| Reply::ok("x"));
        let failure = get(&web.url("/")).unwrap_err();
        assert_eq!(
            (failure.kind(), failure.stage),
            (Kind::Certificate, Stage::TlsHandshake),
            "{bad:?}: {failure}"
        );
        assert!(web.requests().is_empty());
    }
    let web = web(|_| Reply::ok("x"));
    let plain = format!("https://localhost:{}/", web.http.port());
    assert_eq!(get(&plain).unwrap_err().kind(), Kind::Protocol, "http where https should be");
}

#[test]
fn a_name_that_is_not_there_and_a_port_that_is_closed_are_told_apart() {
    let unknown = get("https://nobody.invalid/").unwrap_err();
    assert_eq!((unknown.kind(), unknown.stage), (Kind::NoHost, Stage::LookUp));
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let closed = get(&format!("https://127.0.0.1:{port}/")).unwrap_err();
    assert_eq!((closed.kind(), closed.stage), (Kind::Network, Stage::Connect));
    assert!(closed.message.starts_with(&format!("127.0.0.1:{port}: ")), "{closed}");
}

#[test]
fn silence_a_trickle_and_the_end_of_the_run_bound_a_request() {
    let web = web(|request| match request.path.as_str() {
        "/stall" => Reply::Stall,
        // It is fast, and has no end: only the time of the request ends it, as its octets are few.
        _ => Reply::Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc".to_vec(), End::Stall),
    });
    for path in ["/stall", "/half"] {
        let short = Limits { timeout: Duration::from_millis(300), ..Limits::default() };
        let failure = client(short).get(&web.url(path), "*/*", 0, 100).unwrap_err();
        assert_eq!(failure.kind(), Kind::Timeout, "{path}: {failure}");
        assert!(!failure.message.contains("--max-time"), "{failure}");
        let over = Limits { end: Some(Instant::now() + Duration::from_millis(300)), ..patient() };
        let failure = client(over).get(&web.url(path), "*/*", 0, 100).unwrap_err();
        assert!(
            failure.kind() == Kind::Timeout && failure.message.contains("--max-time"),
            "{path}: {failure}"
        );
    }
}

#[test]
fn a_signal_ends_a_request_that_waits() {
    let stop = Stop::on_signals(&[rustix::process::Signal::WINCH.as_raw()]).unwrap();
    let web = web(|_| {
        let own = rustix::process::getpid();
        rustix::process::kill_process(own, rustix::process::Signal::WINCH).unwrap();
        Reply::Stall
    });
    let failure = client(Limits { stop, ..patient() }).get(&web.url("/"), "*/*", 0, 100).unwrap_err();
    assert_eq!(failure.kind(), Kind::Interrupted, "{failure}");
}

/// Carries octets between a client and a port of this machine, until both have ended.
fn pump(peer: &crate::support::peer::Peer, port: u16) {
    let here = peer.socket().unwrap().try_clone().unwrap();
    let there = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
    let (mut from, mut to) = (here.try_clone().unwrap(), there.try_clone().unwrap());
    let other = std::thread::spawn(move || {
        let _ = std::io::copy(&mut from, &mut to);
        let _ = to.shutdown(std::net::Shutdown::Write);
    });
    let _ = std::io::copy(&mut &there, &mut &here);
    let _ = here.shutdown(std::net::Shutdown::Both);
    other.join().unwrap();
}

#[test]
fn a_socks_proxy_gets_the_name_and_no_look_up_is_made() {
    let target = Web::start(&Authority::shared().named(&["own.test"]), |_| Reply::ok("through it"));
    let port = target.https.port();
    let proxy = crate::support::embedded::Listener::start(move |mut peer, _| {
        let ways = peer.read_exactly(2).unwrap();
        peer.read_exactly(usize::from(ways[1])).unwrap();
        peer.send([5, 0]);
        peer.flush().unwrap();
        let head = peer.read_exactly(5).unwrap();
        let name = peer.read_exactly(usize::from(head[4]) + 2).unwrap();
        let refused = name.starts_with(b"other.test");
        if head[..4] != [5, 1, 0, 3] || !(refused || name == *b"own.test\x01\xbb") {
            peer.violation(format!("{head:?} {name:?}"));
        }
        peer.send([5, if refused { 5 } else { 0 }, 0, 1, 0, 0, 0, 0, 0, 0]);
        peer.flush().unwrap();
        if !refused {
            pump(&peer, port);
        }
    });
    let url = format!("socks5://127.0.0.1:{}", proxy.port());
    let http = client(patient()).with_proxy(Some(HttpProxy::of("HTTPS_PROXY", &url, "")));
    assert_eq!(&http.get("https://own.test/a", "*/*", 0, 100).unwrap().body[..], b"through it");
    let refused = http.get("https://other.test/", "*/*", 0, 100).unwrap_err();
    assert_eq!((refused.kind(), refused.stage), (Kind::Network, Stage::Proxy), "{refused}");
    // This machine is reached without it.
    let here = client(patient()).with_proxy(Some(HttpProxy::of("HTTPS_PROXY", &url, "")));
    let own = web(|_| Reply::ok("x"));
    assert!(here.get(&own.url("/"), "*/*", 0, 100).is_ok());
    assert_eq!(proxy.journals().len(), 2);
    proxy.assert_clean();
}

#[test]
fn a_proxy_is_told_where_to_go_and_sees_only_tls_behind_it() {
    let identity = Authority::shared().named(&["own.test"]);
    let target = Web::start(&identity, |_| Reply::ok("through it"));
    let port = target.https.port();
    let proxy = crate::support::embedded::Listener::start(move |mut peer, _| {
        let mut asked = String::new();
        while let Ok(line) = peer.read_line() {
            let line = String::from_utf8_lossy(&line).into_owned();
            if line.trim().is_empty() {
                break;
            }
            asked.push_str(&line);
        }
        if !asked.starts_with("CONNECT own.test:443 HTTP/1.1") {
            peer.violation(asked);
            return;
        }
        peer.send("HTTP/1.1 200 Go\r\n\r\n");
        peer.flush().unwrap();
        pump(&peer, port);
    });
    let url = format!("http://ana:s3cret@localhost:{}", proxy.port());
    let http = client(patient()).with_proxy(Some(HttpProxy::of("HTTPS_PROXY", &url, "direct.test")));
    assert_eq!(&http.get("https://own.test/a", "*/*", 0, 100).unwrap().body[..], b"through it");
    // Another name than the certificate's, and a host that the proxy is not for.
    let names = NameOverrides::read(None, Some(&format!("direct.test:443:127.0.0.1:{port}"))).unwrap();
    let direct = http.within(Limits { names, ..patient() }).get("https://direct.test/", "*/*", 0, 100);
    assert_eq!(direct.unwrap_err().kind(), Kind::Certificate);
    assert_eq!(proxy.journals().len(), 1);
    proxy.assert_clean();
    let refused = http.get("https://other.test/", "*/*", 0, 100).unwrap_err();
    assert_eq!(refused.kind(), Kind::Network, "{refused}");
}
