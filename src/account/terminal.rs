//! Asks for secrets on the terminal, without echo.
//!
//! The terminal keeps its line editing and its signals; only the echo is off, and it is always restored, also while
//! the user has stopped postie (Ctrl-Z). By itself rpassword would switch the signals off, and neither SIGTERM nor a
//! SIGINT from another process would end the wait; so it reads from a [`Keyboard`], which ends at a signal. What is
//! typed counts octet for octet: a password in another character set than UTF-8 is one, too.

use super::drain;
use super::job_control::JobControl;
use crate::net::Limits;
use crate::streams::{self, Halt};
use crate::words::{Failure, Kind, Secret};
use rpassword::ConfigBuilder;
use rustix::event::{PollFd, PollFlags};
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{Mode, OFlags, open};
use rustix::io::Errno;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use std::io::{self, Read};
use std::sync::Arc;
use zeroize::Zeroizing;

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
    let keyboard =
        Keyboard { silence, question: question.to_owned(), limits: limits.clone(), jobs, rest: None };
    let config = ConfigBuilder::new().input_reader(keyboard).output_discard().build();
    match rpassword::read_password_with_config(config).map(Zeroizing::new) {
        Ok(answer) => drain::secret(&octets_of(&answer), "the answer"),
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
    /// The second octet of a character of which there was room for the first alone.
    rest: Option<u8>,
}

/// The octets that a [`Keyboard`] has read as characters.
fn octets_of(answer: &str) -> Zeroizing<Vec<u8>> {
    // The keyboard gives no other characters.
    Zeroizing::new(answer.chars().map(|character| u8::try_from(character).unwrap_or(b'?')).collect())
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

/// rpassword makes a text of what it reads, and loses what is no UTF-8. So each octet becomes the character of that number
/// (ISO 8859-1), and [`octets_of`] gives the octets back.
impl Read for Keyboard {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let Some((first, _)) = into.split_first_mut() else { return Ok(0) };
        if let Some(rest) = self.rest.take() {
            *first = rest;
            return Ok(1);
        }
        let mut typed = Zeroizing::new([0; 512]);
        // Each may become two.
        let most = (into.len() / 2).clamp(1, typed.len());
        let got = self.read_typed(&mut typed[..most])?;
        let mut filled = 0;
        for octet in &typed[..got] {
            let mut room = Zeroizing::new([0; 2]);
            for octet in char::from(*octet).encode_utf8(&mut room[..]).bytes() {
                match into.get_mut(filled) {
                    Some(place) => {
                        *place = octet;
                        filled += 1;
                    }
                    None => self.rest = Some(octet),
                }
            }
        }
        Ok(filled)
    }
}

impl Keyboard {
    fn read_typed(&self, into: &mut [u8]) -> io::Result<usize> {
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
