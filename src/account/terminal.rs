//! Asks for secrets on the terminal, without echo.
//!
//! The terminal keeps its line editing and its signals; only the echo is off, and it is always restored, also while
//! the user has stopped postie (Ctrl-Z). SIGINT and SIGTERM end the wait. What is typed counts octet for octet: a
//! password in another character set than UTF-8 is one, too.

use super::drain;
use super::job_control::JobControl;
use crate::net::Limits;
use crate::streams::{self, Halt};
use crate::words::{Failure, Kind, Secret};
use rustix::event::{PollFd, PollFlags};
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{Mode, OFlags, open};
use rustix::io::Errno;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use std::io;
use std::sync::Arc;
use zeroize::Zeroizing;

/// The longest answer, in octets; the line of a terminal is not longer.
const MOST: usize = 64 * 1024;

/// The controlling terminal, if there is one.
pub fn terminal() -> Option<OwnedFd> {
    open("/dev/tty", OFlags::RDWR | OFlags::CLOEXEC | OFlags::NOCTTY, Mode::empty()).ok()
}

/// Asks on the terminal, never on standard input. Fails with [`Kind::Config`] if nothing is typed or there is no
/// terminal, and [`Kind::Interrupted`].
pub fn ask(question: &str, limits: &Limits) -> Result<Secret, Failure> {
    let failed = |error: io::Error| {
        let message = format!("getting the secret: asking on the terminal: {error}");
        drain::failure(Kind::Config, message)
    };
    let tty = Arc::new(terminal().ok_or_else(|| failed(Errno::NXIO.into()))?);
    let jobs = JobControl::watch();
    let silence = Silence::over(Arc::clone(&tty)).map_err(|errno| failed(errno.into()))?;
    rustix::io::write(&tty, question.as_bytes()).map_err(|errno| failed(errno.into()))?;
    let keyboard = Keyboard { silence, question: question.to_owned(), limits: limits.clone(), jobs };
    match keyboard.line() {
        Ok(answer) => drain::secret(&answer, "the answer"),
        Err(error) => match Halt::due(limits) {
            Some(halt) => {
                // So that the next output begins a line; best effort.
                let _ = rustix::io::write(&tty, b"\n");
                Err(drain::failure(halt.kind(), format!("getting the secret: {halt}")))
            }
            None => Err(failed(error)),
        },
    }
}

/// A terminal without echo, as long as this lives.
struct Silence {
    tty: Arc<OwnedFd>,
    before: Termios,
    silent: Termios,
}

impl Silence {
    fn over(tty: Arc<OwnedFd>) -> rustix::io::Result<Self> {
        let before = tcgetattr(&tty)?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        silent.local_modes.insert(LocalModes::ICANON | LocalModes::ISIG | LocalModes::ECHONL);
        let silence = Silence { tty, before, silent };
        silence.begin()?;
        Ok(silence)
    }

    /// Switches the echo off. A process in the background is stopped here until it is in the foreground.
    fn begin(&self) -> rustix::io::Result<()> {
        tcsetattr(&self.tty, OptionalActions::Now, &self.silent)
    }

    /// Restores the terminal.
    fn end(&self) {
        // Fails only if the terminal is gone.
        let _ = tcsetattr(&self.tty, OptionalActions::Now, &self.before);
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        self.end();
    }
}

/// Reads the terminal's input, until a signal asks to stop.
struct Keyboard {
    silence: Silence,
    question: String,
    limits: Limits,
    jobs: Option<JobControl>,
}

impl Keyboard {
    /// Stops the process at Ctrl-Z. When it is continued, another program may have switched the echo on, and the
    /// question is out of sight: both are set again.
    fn follow_jobs(&self) -> rustix::io::Result<()> {
        let Some(jobs) = &self.jobs else { return Ok(()) };
        if jobs.is_to_stop() {
            self.silence.end();
            jobs.stop();
        } else if !jobs.was_continued() {
            return Ok(());
        }
        self.silence.begin()?;
        rustix::io::write(&self.silence.tty, self.question.as_bytes()).map(drop)
    }
}

impl Keyboard {
    /// What is typed up to the end of a line, or of the input.
    fn line(&self) -> io::Result<Zeroizing<Vec<u8>>> {
        let mut line = Zeroizing::new(Vec::with_capacity(MOST));
        let mut block = Zeroizing::new([0; 4096]);
        loop {
            let got = self.read(&mut block[..])?;
            if line.len() + got > MOST {
                return Err(io::Error::other("what was typed is too long"));
            }
            line.extend_from_slice(&block[..got]);
            if got == 0 || line.ends_with(b"\n") {
                return Ok(line);
            }
        }
    }

    fn read(&self, into: &mut [u8]) -> io::Result<usize> {
        let tty = Arc::clone(&self.silence.tty);
        loop {
            self.follow_jobs()?;
            let mut waits = vec![PollFd::from_borrowed_fd(tty.as_fd(), PollFlags::IN)];
            let news = self.jobs.as_ref().map(JobControl::news);
            waits.extend(news.map(|news| PollFd::from_borrowed_fd(news, PollFlags::IN)));
            streams::wait(&mut waits, None, &self.limits)?;
            // A signal comes before typed input.
            if waits[1..].iter().all(|wait| wait.revents().is_empty()) {
                return Ok(rustix::io::read(&tty, into)?);
            }
        }
    }
}
