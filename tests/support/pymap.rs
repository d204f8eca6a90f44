//! pymap, an IMAP server in Python that nobody here wrote, with a mailbox in memory and with any of its extensions
//! taken away. `.ci/run` installs it into `target/pymap`. It ends with the test process.

use super::pop3d::{SECRET, USER};
use super::real::{Server, free_port, have, program};
use std::net::{Ipv4Addr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

/// Where it is installed.
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/pymap");
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/pymap/serve.py");

/// The one that it was installed for.
const PYTHON: &str = "/usr/bin/python3";

/// How long it may take to start.
const PATIENCE: Duration = Duration::from_secs(300);

/// A running server; it ends when dropped.
pub struct Pymap {
    _server: Server,
    dir: tempfile::TempDir,
    port: u16,
}

impl Pymap {
    /// Starts it without these extensions, or skips the test.
    #[track_caller]
    pub fn start(test: &str, without: &[&str]) -> Option<Pymap> {
        if !have(test, &[PYTHON, &format!("{ROOT}/pymap/main.py")]) {
            return None;
        }
        let dir = tempfile::Builder::new().prefix("postie-pymap-").tempdir().unwrap();
        let port = free_port();
        let (path, number) = (format!("PYTHONPATH={ROOT}"), port.to_string());
        let fixed = [&path, "PYTHONDONTWRITEBYTECODE=1", PYTHON, SCRIPT, &number];
        let args: Vec<&str> =
            fixed.into_iter().chain([USER, SECRET]).chain(without.iter().copied()).collect();
        let server = Server::start(&program("env").unwrap(), &args, &dir.path().join("log"));
        let pymap = Pymap { _server: server, dir, port };
        let begun = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            assert!(begun.elapsed() < PATIENCE, "pymap does not start:\n{}", pymap.commands().join("\n"));
            // Nothing signals this event: check again soon.
            thread::park_timeout(Duration::from_millis(20));
        }
        Some(pymap)
    }

    /// The `--server` URL.
    pub fn url(&self) -> String {
        format!("imap+insecure://{USER}@localhost:{}", self.port)
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The names of the commands that came, `?` before those that it does not know; and its errors.
    pub fn commands(&self) -> Vec<String> {
        super::process::read_or_empty(&self.dir.path().join("log")).lines().map(str::to_owned).collect()
    }
}
