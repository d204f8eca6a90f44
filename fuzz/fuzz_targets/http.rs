//! What a web server says, and what visits the listener for the browser's redirect: an answer or a failure, in time and
//! in bounds.
#![no_main]

use libfuzzer_sys::fuzz_target;
use postie::net::{Http, Limits, LoopbackListener, LoopbackName, Tls, TlsSettings, RequestVerdict};
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

const MOST: usize = 64 * 1024;

static HTTP: LazyLock<Http> = LazyLock::new(|| {
    let limits = Limits { timeout: Duration::from_secs(5), ..Limits::default() };
    Http::new(Tls::prepare(&TlsSettings::default(), &limits).unwrap(), limits)
});
static LISTENER: LazyLock<TcpListener> = LazyLock::new(|| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());

fuzz_target!(|data: &[u8]| {
    let port = LISTENER.local_addr().unwrap().port();
    let begun = Instant::now();
    std::thread::scope(|scope| {
        // The same for every request, so that redirects to itself end by their number.
        let server = scope.spawn(|| {
            for stream in LISTENER.incoming() {
                let mut stream = stream.unwrap();
                let mut request = [0; 4096];
                let got = stream.read(&mut request).unwrap_or(0);
                if request[..got].starts_with(b"END") {
                    break;
                }
                let _ = stream.write_all(data);
                let _ = stream.shutdown(Shutdown::Both);
            }
        });
        if let Ok(answer) = HTTP.get(&format!("http://127.0.0.1:{port}/x"), "*/*", 3, MOST) {
            assert!(answer.body.len() <= MOST && !answer.content_type.contains(char::is_control));
            assert!(!answer.final_url.contains(char::is_control));
        }
        if let Ok(answer) = HTTP.post_form(&format!("http://127.0.0.1:{port}/x"), &[], &[]) {
            assert!(answer.body.len() <= MOST);
        }
        TcpStream::connect((Ipv4Addr::LOCALHOST, port)).and_then(|mut it| it.write_all(b"END")).unwrap();
        server.join().unwrap();
    });
    assert!(begun.elapsed() < Duration::from_secs(12));
    visit(data);
});

fn visit(data: &[u8]) {
    let mut listener = LoopbackListener::bind(LoopbackName::Address, 0).unwrap();
    let mut visitor = TcpStream::connect((Ipv4Addr::LOCALHOST, listener.port())).unwrap();
    let _ = visitor.write_all(data);
    let _ = visitor.shutdown(Shutdown::Write);
    for _ in 0..3 {
        let judge = |target: &str| {
            assert!(!target.contains(char::is_control) && target.len() <= 8 * 1024);
            RequestVerdict::<()>::Unrelated
        };
        listener.serve(Instant::now(), judge).unwrap();
    }
}
