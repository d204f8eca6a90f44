//! Asking on the terminal for what must not show.
//!
//! The terminal keeps its line editing and its signals; only the echo is off, and it is on again whatever
//! happens: rpassword, left to itself, takes the signals away, and neither SIGTERM nor a SIGINT from elsewhere
//! would end the wait. It reads here from a keyboard that a signal ends.

use super::drain;
use crate::net::Stop;
use crate::words::{Failure, Kind, Secret};
use rpassword::ConfigBuilder;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{Mode, OFlags, open};
use rustix::io::Errno;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use std::io::{self, ErrorKind, Read};
use std::sync::Arc;
use zeroize::Zeroizing;

/// The controlling terminal, if there is one.
pub fn terminal() -> Option<OwnedFd> {
    open("/dev/tty", OFlags::RDWR | OFlags::CLOEXEC | OFlags::NOCTTY, Mode::empty()).ok()
}

/// Asks on the terminal, never on standard input.
///
/// Fails with [`Kind::Config`] where nothing is typed or there is no terminal, and [`Kind::Interrupted`].
pub fn ask(question: &str, stop: &Stop) -> Result<Secret, Failure> {
    let failed = |error: io::Error| {
        let message = format!("getting the secret: asking on the terminal: {error}");
        drain::failure(Kind::Config, message)
    };
    let tty = Arc::new(terminal().ok_or_else(|| failed(Errno::NXIO.into()))?);
    let _silence = Silence::over(Arc::clone(&tty)).map_err(|errno| failed(errno.into()))?;
    rustix::io::write(&tty, question.as_bytes()).map_err(|errno| failed(errno.into()))?;
    let keyboard = Keyboard { tty: Arc::clone(&tty), stop: stop.clone() };
    let config = ConfigBuilder::new().input_reader(keyboard).output_discard().build();
    match rpassword::read_password_with_config(config).map(Zeroizing::new) {
        Ok(answer) => drain::secret(answer.as_bytes(), "the answer"),
        Err(_) if stop.raised() => {
            // So that what follows begins a line; where that fails there is nothing to tidy.
            let _ = rustix::io::write(&tty, b"\n");
            Err(drain::failure(Kind::Interrupted, "getting the secret: stopped by a signal".into()))
        }
        Err(error) => Err(failed(error)),
    }
}

/// A terminal without echo, as long as this lives.
struct Silence {
    tty: Arc<OwnedFd>,
    before: Termios,
}

impl Silence {
    fn over(tty: Arc<OwnedFd>) -> rustix::io::Result<Self> {
        let before = tcgetattr(&tty)?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        silent.local_modes.insert(LocalModes::ICANON | LocalModes::ISIG | LocalModes::ECHONL);
        tcsetattr(&tty, OptionalActions::Now, &silent)?;
        Ok(Silence { tty, before })
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        // A terminal that is gone needs no echo.
        let _ = tcsetattr(&self.tty, OptionalActions::Now, &self.before);
    }
}

/// The terminal's input, until a signal asks to stop.
struct Keyboard {
    tty: Arc<OwnedFd>,
    stop: Stop,
}

impl Read for Keyboard {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            if self.stop.raised() {
                return Err(ErrorKind::Interrupted.into());
            }
            let mut waits = vec![PollFd::from_borrowed_fd(self.tty.as_fd(), PollFlags::IN)];
            waits.extend(self.stop.wake().map(|wake| PollFd::from_borrowed_fd(wake, PollFlags::IN)));
            match poll(&mut waits, None) {
                Ok(_) if !waits[0].revents().is_empty() => return Ok(rustix::io::read(&self.tty, into)?),
                Ok(_) | Err(Errno::INTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
    }
}
