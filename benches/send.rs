//! Times `postie send` and the other installed senders: in clear into Postfix's `smtp-sink`, under TLS
//! with a login into a Postfix of its own, all on loopback. How to run it and how to read it:
//! `benches/README.md`.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a measurement that cannot go on has failed, and its output is what it is for"
)]

mod shared;
#[path = "../tests/support/mod.rs"]
#[allow(dead_code, reason = "the integration tests use the other parts")]
mod support;

use shared::{Took, median, report, time};
use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use support::authority::Authority;
use support::pop3d::{SECRET, USER};
use support::real::{Real, program};

const FROM: &str = "ana@mail.test";
const TO: &str = "bob@mail.test";

/// What to measure.
struct Options {
    messages: usize,
    rounds: usize,
}

impl Options {
    fn read() -> Options {
        let mut options = Options { messages: 1000, rounds: 5 };
        let mut args = std::env::args().skip(1);
        let number = |text: Option<String>| text.and_then(|text| text.parse().ok()).expect("a number");
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--messages" => options.messages = number(args.next()),
                "--rounds" => options.rounds = number(args.next()),
                // Given by cargo itself.
                "--bench" => {}
                other => panic!("{other}: the options are --messages, --rounds"),
            }
        }
        options
    }
}

/// A server, and what is sent to it.
struct Target {
    host: String,
    port: u16,
    /// The authorities, where there is TLS and a login.
    ca: Option<PathBuf>,
    /// A directory for configurations.
    dir: PathBuf,
    /// One message, and the same many times over as the lines of a batch.
    message: PathBuf,
    batch: PathBuf,
    many: usize,
}

/// A program that is measured: what it is called, what it needs, its command for one message.
struct Peer {
    name: &'static str,
    needs: &'static str,
    send: fn(&Target) -> Command,
}

const ONE: [Peer; 3] = [
    Peer { name: "postie", needs: "", send: postie },
    Peer { name: "curl", needs: "curl", send: curl },
    Peer { name: "msmtp", needs: "msmtp", send: msmtp },
];

const MANY: [Peer; 2] = [
    Peer { name: "postie", needs: "", send: postie_batch },
    Peer { name: "curl", needs: "curl", send: curl_many },
];

fn postie_with(target: &Target) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_postie"));
    command.args(["send", "-q", "--from", FROM]).env("HOME", &target.dir);
    match &target.ca {
        Some(ca) => {
            let server = format!("smtps://{USER}@{}:{}", target.host, target.port);
            command.args(["--server", &server, "--password-env", "BENCH_SECRET", "--ca-file"]).arg(ca);
            command.env("BENCH_SECRET", SECRET);
        }
        None => {
            command.args(["--server", &format!("smtp+insecure://{}:{}", target.host, target.port)]);
        }
    }
    command
}

fn postie(target: &Target) -> Command {
    let mut command = postie_with(target);
    command.args(["--raw", "-", TO]).stdin(File::open(&target.message).unwrap());
    command
}

fn postie_batch(target: &Target) -> Command {
    let mut command = postie_with(target);
    command.arg("--batch").stdin(File::open(&target.batch).unwrap());
    command
}

fn curl_url(target: &Target) -> String {
    let scheme = if target.ca.is_some() { "smtps" } else { "smtp" };
    format!("{scheme}://{}:{}/localhost", target.host, target.port)
}

fn curl(target: &Target) -> Command {
    let mut command = Command::new(program("curl").unwrap());
    command.args(["-sS", "--crlf", "--mail-from", FROM, "--mail-rcpt", TO, &curl_url(target), "-T"]);
    command.arg(&target.message).stdin(Stdio::null());
    if let Some(ca) = &target.ca {
        command.args(["-u", &format!("{USER}:{SECRET}"), "--login-options", "AUTH=PLAIN", "--sasl-ir"]);
        command.arg("--cacert").arg(ca);
    }
    command
}

/// One connection, one transfer after the other.
fn curl_many(target: &Target) -> Command {
    let login = target.ca.as_ref().map_or_else(String::new, |ca| {
        let ca = ca.display();
        format!("user = \"{USER}:{SECRET}\"\nlogin-options = \"AUTH=PLAIN\"\nsasl-ir\ncacert = \"{ca}\"\n")
    });
    let (url, message) = (curl_url(target), target.message.display());
    let one = format!(
        "url = \"{url}\"\nsilent\nshow-error\ncrlf\nmail-from = \"{FROM}\"\nmail-rcpt = \"{TO}\"\nupload-file = \"{message}\"\n{login}"
    );
    let path = target.dir.join("curl-many");
    fs::write(&path, vec![one; target.many].join("next\n")).unwrap();
    let mut command = Command::new(program("curl").unwrap());
    command.arg("-K").arg(path).stdin(Stdio::null());
    command
}

fn msmtp(target: &Target) -> Command {
    use std::os::unix::fs::PermissionsExt as _;
    let security = match &target.ca {
        Some(ca) => format!(
            "auth plain\nuser {USER}\npassword {SECRET}\ntls on\ntls_starttls off\ntls_trust_file {}\n",
            ca.display()
        ),
        None => "auth off\ntls off\n".to_owned(),
    };
    let text =
        format!("account default\nhost {}\nport {}\nfrom {FROM}\n{security}", target.host, target.port);
    let path = target.dir.join("msmtprc");
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let mut command = Command::new(program("msmtp").unwrap());
    command.arg("-C").arg(path).arg(TO).stdin(File::open(&target.message).unwrap());
    command
}

/// The floor in clear: one connection, each flight in one write, each message with the next envelope.
fn floor(target: &Target, count: usize) -> Duration {
    let begun = Instant::now();
    let mut link = TcpStream::connect((target.host.as_str(), target.port)).unwrap();
    link.set_nodelay(true).unwrap();
    let content = fs::read_to_string(&target.message).unwrap().replace('\n', "\r\n");
    let content = content.replace("\r\n.", "\r\n..");
    let envelope = format!("MAIL FROM:<{FROM}>\r\nRCPT TO:<{TO}>\r\nDATA\r\n");
    let mut replies = Replies { link: link.try_clone().unwrap(), held: Vec::new() };
    replies.take(1);
    link.write_all(b"EHLO localhost\r\n").unwrap();
    replies.take(1);
    link.write_all(envelope.as_bytes()).unwrap();
    for number in 1..=count {
        replies.take(3);
        let next = if number == count { "QUIT\r\n" } else { &envelope };
        link.write_all(format!("{content}.\r\n{next}").as_bytes()).unwrap();
        replies.take(1);
    }
    begun.elapsed()
}

struct Replies {
    link: TcpStream,
    held: Vec<u8>,
}

impl Replies {
    /// Reads `count` whole replies, none of them a refusal.
    fn take(&mut self, count: usize) {
        let mut seen = 0;
        while seen < count {
            while let Some(end) = self.held.iter().position(|octet| *octet == b'\n') {
                let line: Vec<u8> = self.held.drain(..=end).collect();
                assert!(matches!(line[0], b'2' | b'3'), "{}", String::from_utf8_lossy(&line));
                seen += usize::from(line[3] == b' ');
                if seen == count {
                    return;
                }
            }
            let mut piece = [0; 4096];
            let got = self.link.read(&mut piece).unwrap();
            assert!(got > 0, "the server went away");
            self.held.extend_from_slice(&piece[..got]);
        }
    }
}

/// Postfix's `smtp-sink`: takes any mail and forgets it.
struct Sink(Child);

impl Sink {
    fn start(port: u16) -> Sink {
        let mut command = Command::new(program("smtp-sink").unwrap());
        command.args(["-u", "nobody", &format!("127.0.0.1:{port}"), "256"]);
        let sink = Sink(command.stdin(Stdio::null()).spawn().unwrap());
        let until = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            assert!(Instant::now() < until, "smtp-sink does not listen");
            std::thread::yield_now();
        }
        sink
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn ended_well(code: Option<i32>) -> bool {
    code == Some(0)
}

/// Runs every peer that is installed `rounds` times, in turns.
fn rounds(peers: &'static [Peer], target: &Target, rounds: usize) -> Vec<(&'static str, Vec<Took>)> {
    let there = |peer: &&Peer| peer.needs.is_empty() || program(peer.needs).is_some();
    let peers: Vec<&Peer> = peers.iter().filter(there).collect();
    let mut rows: Vec<_> = peers.iter().map(|peer| (peer.name, Vec::new())).collect();
    for round in 0..rounds {
        for turn in 0..peers.len() {
            let which = (turn + round) % peers.len();
            rows[which].1.push(time((peers[which].send)(target), ended_well));
        }
    }
    rows
}

/// The messages: one of about `octets`, and a batch of `many` that are the same.
fn prepare(dir: &Path, octets: usize, many: usize) -> (PathBuf, PathBuf) {
    let lines = "What is sent here is of no interest to anybody but the clock.\n".repeat(octets / 62 + 1);
    let text =
        format!("From: {FROM}\nTo: {TO}\nSubject: A measurement\nMessage-ID: <1@mail.test>\n\n{lines}");
    let (message, batch) = (dir.join(format!("{octets}.eml")), dir.join(format!("{octets}.jsonl")));
    fs::write(&message, &text).unwrap();
    let line = serde_json::json!({ "to": TO, "raw": text }).to_string() + "\n";
    fs::write(&batch, line.repeat(many)).unwrap();
    (message, batch)
}

fn main() {
    let options = Options::read();
    let Some(real) = Real::start("the send benchmark") else { return };
    let work = tempfile::Builder::new().prefix("postie-bench-").tempdir().unwrap();
    let ca = work.path().join("ca.pem");
    fs::write(&ca, Authority::shared().pem()).unwrap();
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
    let _sink = Sink::start(port);
    let target = |port: u16, tls: bool, octets: usize, many: usize| {
        let (message, batch) = prepare(work.path(), octets, many);
        let ca = tls.then(|| ca.clone());
        Target { host: "localhost".into(), port, ca, dir: work.path().to_owned(), message, batch, many }
    };
    let clear = |target: &Target, count: usize| {
        let mut times: Vec<_> = (0..options.rounds).map(|_| floor(target, count)).collect();
        Some(median(&mut times))
    };
    let few = options.rounds * 4;
    let small = target(port, false, 4096, options.messages);
    report("One message of 4 KiB in clear, start to exit", clear(&small, 1), rounds(&ONE, &small, few));
    report(
        &format!("{} messages over one connection, in clear", options.messages),
        clear(&small, options.messages),
        rounds(&MANY, &small, options.rounds),
    );
    let large = target(port, false, 25 << 20, 1);
    report("One message of 25 MiB in clear", clear(&large, 1), rounds(&ONE, &large, options.rounds));
    let secure = target(real.smtp_port(), true, 4096, 100);
    report("One message of 4 KiB, TLS and AUTH, into Postfix", None, rounds(&ONE, &secure, few));
    report(
        "100 messages over one connection, TLS, into Postfix",
        None,
        rounds(&MANY, &secure, options.rounds),
    );
}
