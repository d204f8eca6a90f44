//! Courier's IMAP server. Its package and Dovecot's exclude each other, so it is not installed but unpacked, by `.ci/run`:
//! a process for each connection, behind a small listener that does the login, which with Courier is other programs' work.

use super::disk::names;
use super::pop3d::{SECRET, USER};
use super::real::have;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Where it is unpacked.
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/courier");

/// What Courier announces as it comes, and without what it need not have.
pub const ALL: &str =
    "IMAP4rev1 UIDPLUS CHILDREN NAMESPACE THREAD=ORDEREDSUBJECT THREAD=REFERENCES SORT QUOTA IDLE";

/// A client that sends nothing for so long has hung.
const PATIENCE: Duration = Duration::from_secs(300);

/// A running server for one Maildir; it ends when dropped.
pub struct Courier {
    port: u16,
    dir: tempfile::TempDir,
    stop: Arc<AtomicBool>,
    acceptor: Option<JoinHandle<()>>,
}

impl Courier {
    /// Starts it, or skips the test.
    pub fn start(test: &str, capabilities: &'static str) -> Option<Courier> {
        let program = format!("{ROOT}/usr/bin/imapd");
        if !have(test, &[&program]) {
            return None;
        }
        let dir = tempfile::Builder::new().prefix("postie-courier-").tempdir().unwrap();
        let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let (port, stop) = (socket.local_addr().unwrap().port(), Arc::<AtomicBool>::default());
        let mut courier = Courier { port, dir, stop: Arc::clone(&stop), acceptor: None };
        ["tmp", "new", "cur"]
            .iter()
            .for_each(|part| fs::create_dir_all(courier.maildir().join(part)).unwrap());
        let home = courier.dir.path().to_owned();
        courier.acceptor = Some(thread::spawn(move || {
            let serve = |client: TcpStream| {
                let home = home.clone();
                thread::spawn(move || serve(client, &home, capabilities))
            };
            let clients = socket.incoming().take_while(|_| !stop.load(Ordering::SeqCst));
            let sessions: Vec<_> = clients.flatten().map(serve).collect();
            sessions.into_iter().for_each(|session| drop(session.join()));
        }));
        Some(courier)
    }

    /// The `--server` URL.
    pub fn url(&self) -> String {
        format!("imap+insecure://{USER}@localhost:{}", self.port)
    }

    /// The Maildir of the user.
    pub fn maildir(&self) -> PathBuf {
        self.dir.path().join("Maildir")
    }

    /// Puts a message there, as another program does; `name` begins with the directory.
    pub fn put(&self, name: &str, octets: impl AsRef<[u8]>) {
        fs::write(self.maildir().join(name), octets).unwrap();
    }

    /// The messages, by the names of their files without sizes and flags, with the letters of the flags.
    pub fn flags(&self) -> Vec<(String, String)> {
        let all = ["new", "cur"].map(|part| names(&self.maildir().join(part))).concat();
        let parted = |name: String| match name.split_once(":2,") {
            Some((base, flags)) => (base.to_owned(), flags.to_owned()),
            None => (name, String::new()),
        };
        let mut all: Vec<_> = all.into_iter().map(parted).collect();
        all.sort();
        all
    }
}

impl Drop for Courier {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // Wakes the acceptor.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
    }
}

/// Serves one connection to its end.
fn serve(client: TcpStream, home: &Path, capabilities: &str) {
    let _ = client.set_read_timeout(Some(PATIENCE));
    let Some(tag) = log_in(&client) else { return };
    let input = OwnedFd::from(client.try_clone().unwrap());
    let mut command = Command::new(format!("{ROOT}/usr/bin/imapd"));
    command.arg("Maildir").current_dir(home).stdin(Stdio::from(input)).stderr(Stdio::null());
    command.stdout(Stdio::from(OwnedFd::from(client)));
    command.env_clear().env("PATH", "/usr/bin:/bin").env("IMAP_CAPABILITY", capabilities);
    command.env(
        "LD_LIBRARY_PATH",
        format!("{ROOT}/usr/lib:{ROOT}/usr/lib/x86_64-linux-gnu:{ROOT}/lib/x86_64-linux-gnu"),
    );
    command.env("AUTHENTICATED", USER).env("AUTHADDR", USER);
    // What it is told where another program has done the login: it answers that instead of greeting.
    command.env("IMAPLOGINTAG", tag).env("TCPREMOTEIP", "127.0.0.1").env("TCPREMOTEPORT", "1");
    let _ = command.status();
}

/// Greets, and lets the user in; gives the tag of LOGIN, which is not answered yet.
fn log_in(mut client: &TcpStream) -> Option<String> {
    client.write_all(b"* OK [CAPABILITY IMAP4rev1] Courier-IMAP ready.\r\n").ok()?;
    loop {
        let line = line(client)?;
        let (tag, command) = line.split_once(' ')?;
        let words: Vec<&str> = command.split(' ').map(|word| word.trim_matches('"')).collect();
        match words[..] {
            ["LOGIN", USER, SECRET] => return Some(tag.to_owned()),
            ["CAPABILITY"] => {
                let answer = format!("* CAPABILITY IMAP4rev1\r\n{tag} OK CAPABILITY completed\r\n");
                client.write_all(answer.as_bytes()).ok()?;
            }
            ["LOGOUT"] => {
                let _ = client.write_all(format!("* BYE\r\n{tag} OK LOGOUT completed\r\n").as_bytes());
                return None;
            }
            _ => client.write_all(format!("{tag} NO Login failed.\r\n").as_bytes()).ok()?,
        }
    }
}

/// A line, and not an octet more: the other program reads what follows.
fn line(mut client: &TcpStream) -> Option<String> {
    let (mut line, mut octet) = (Vec::new(), [0]);
    while !line.ends_with(b"\r\n") {
        client.read_exact(&mut octet).ok()?;
        line.push(octet[0]);
    }
    line.truncate(line.len() - 2);
    String::from_utf8(line).ok()
}
