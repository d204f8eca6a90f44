//! IDLE: news goes out as it comes, until the client has done.

use super::Wrong;
use super::quirks::Quirk;
use super::session::{Answer, Session, bad, ok};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::io::{self, Read as _};

/// A client that idles longer has hung: no test waits longer.
const PATIENCE: Timespec = Timespec { tv_sec: 300, tv_nsec: 0 };

impl Session<'_> {
    /// Idles.
    pub(super) fn idle(&mut self) -> io::Result<Answer> {
        // Watches before it looks, so that nothing falls between the two.
        let mut watch = self.setup.store.watch();
        self.go_on("idling");
        let said = self.quirk(|quirk| match quirk {
            Quirk::InIdle(said) => Some(*said),
            _ => None,
        });
        self.send(said.unwrap_or_default().as_bytes());
        loop {
            self.tell_news(true)?;
            self.flush()?;
            if self.peer.has_input() || self.await_octets(&mut watch)? {
                break;
            }
        }
        let line = self.peer.read_command()?;
        match line.eq_ignore_ascii_case("DONE") {
            true => ok("done"),
            false => {
                self.wrong(Wrong::State, &format!("not DONE, while it idles: {line:?}"));
                bad("DONE, please")
            }
        }
    }

    /// Waits for the client or for news; whether it was the client.
    fn await_octets(&mut self, watch: &mut io::PipeReader) -> io::Result<bool> {
        let Some(socket) = self.peer.socket() else { return Err(io::ErrorKind::NotConnected.into()) };
        let mut both = [PollFd::new(socket, PollFlags::IN), PollFd::new(watch, PollFlags::IN)];
        if poll(&mut both, Some(&PATIENCE))? == 0 {
            return Err(io::ErrorKind::TimedOut.into());
        }
        let (client, news) = (!both[0].revents().is_empty(), !both[1].revents().is_empty());
        if client {
            return Ok(true);
        }
        if news {
            watch.read_exact(&mut [0])?;
        }
        Ok(false)
    }
}
