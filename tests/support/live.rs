//! A program that is talked with while it runs.

use super::process::{Outcome, Run};
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, ChildStdin};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

/// How long it may take for a line, or to its end.
const PATIENCE: Duration = Duration::from_secs(300);

/// It, running.
pub struct Live {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
    stderr: Receiver<Vec<u8>>,
    stdout: Vec<u8>,
    begun: Instant,
}

impl Run {
    /// Starts it; its standard input stays open.
    #[track_caller]
    pub fn live(self) -> Live {
        let (mut child, begun) = (self.spawn(), Instant::now());
        let out = BufReader::new(File::from(OwnedFd::from(child.stdout.take().unwrap())));
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            let lines = out.split(b'\n').map_while(Result::ok);
            let _ = lines
                .map(|line| String::from_utf8_lossy(&line).into_owned())
                .try_for_each(|line| sender.send(line));
        });
        let mut err = child.stderr.take().unwrap();
        let (sender, stderr) = mpsc::channel();
        thread::spawn(move || {
            let mut octets = Vec::new();
            let _ = (err.read_to_end(&mut octets), sender.send(octets));
        });
        let stdin = child.stdin.take();
        Live { child, stdin, lines, stderr, stdout: Vec::new(), begun }
    }
}

impl Live {
    /// The next line of its standard output.
    #[track_caller]
    pub fn line(&mut self) -> String {
        match self.lines.recv_timeout(PATIENCE) {
            Ok(line) => {
                self.stdout.extend_from_slice(line.as_bytes());
                self.stdout.push(b'\n');
                line
            }
            Err(_) => {
                let _ = self.child.kill();
                let err = self.stderr.recv_timeout(PATIENCE).unwrap_or_default();
                panic!("no line comes; on stderr:\n{}", String::from_utf8_lossy(&err));
            }
        }
    }

    /// Writes a line to its standard input.
    pub fn say(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().unwrap();
        stdin.write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    /// Ends its standard input.
    pub fn say_no_more(&mut self) {
        self.stdin = None;
    }

    pub fn signal(&self, signal: rustix::process::Signal) {
        rustix::process::kill_process(rustix::process::Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits for its end, its standard input still open.
    #[track_caller]
    pub fn end(mut self) -> Outcome {
        let stdin = self.stdin.take();
        let until = Instant::now() + PATIENCE;
        let status = loop {
            // It ends when all its output was read: nothing else tells of it.
            while let Ok(line) = self.lines.recv_timeout(Duration::from_millis(5)) {
                self.stdout.extend_from_slice(line.as_bytes());
                self.stdout.push(b'\n');
            }
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            if Instant::now() > until {
                let _ = self.child.kill();
                panic!("it does not end");
            }
        };
        drop(stdin);
        for line in self.lines.iter() {
            self.stdout.extend_from_slice(line.as_bytes());
            self.stdout.push(b'\n');
        }
        Outcome {
            code: status.code(),
            signal: status.signal(),
            stdout: std::mem::take(&mut self.stdout),
            stderr: self.stderr.recv_timeout(PATIENCE).unwrap(),
            elapsed: self.begun.elapsed(),
            processor: Duration::ZERO,
        }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        // After a test that failed half-way.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
