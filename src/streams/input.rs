//! Reads what another program writes, or a person types.

use super::wait;
use crate::net::Limits;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::{AsFd, BorrowedFd};
use rustix::io::Errno;
use std::io::{self, Read};

/// Reads from a descriptor. A signal and the end of the run's time are errors ([`super::Halt`]), even if octets
/// keep coming.
#[derive(Debug)]
pub struct Input<F = BorrowedFd<'static>> {
    from: F,
    limits: Limits,
}

impl Input {
    pub fn stdin(limits: &Limits) -> Self {
        Input::new(rustix::stdio::stdin(), limits)
    }
}

impl<F: AsFd> Input<F> {
    pub fn new(from: F, limits: &Limits) -> Self {
        Input { from, limits: limits.clone() }
    }

    /// Whether octets, or the end of input, can be read without waiting.
    pub fn is_ready(&self) -> bool {
        let mut wanted = [PollFd::new(&self.from, PollFlags::IN)];
        poll(&mut wanted, Some(&Timespec::default())).is_ok_and(|ready| ready > 0)
    }
}

impl<F: AsFd> Read for Input<F> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            let mut wanted = vec![PollFd::new(&self.from, PollFlags::IN)];
            wait(&mut wanted, None, &self.limits)?;
            match rustix::io::read(&self.from, &mut *into) {
                // EAGAIN: another reader of the same pipe was faster.
                Err(Errno::AGAIN | Errno::INTR) => {}
                read => return Ok(read?),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::Stop;
    use crate::streams::Halt;
    use rustix::pipe::pipe;
    use std::thread;
    use std::time::{Duration, Instant};

    #[test]
    fn a_pipe_is_read_to_its_end_whether_it_blocks_or_not() {
        for nonblocking in [false, true] {
            let (from, to) = pipe().unwrap();
            rustix::io::ioctl_fionbio(&from, nonblocking).unwrap();
            let writer = thread::spawn(move || {
                for piece in [&b"first"[..], b" ", b"second"] {
                    rustix::io::write(&to, piece).unwrap();
                    thread::yield_now();
                }
            });
            let limits = Limits::default();
            let mut text = String::new();
            Input::new(&from, &limits).read_to_string(&mut text).unwrap();
            writer.join().unwrap();
            assert_eq!(text, "first second");
        }
    }

    #[test]
    fn the_end_of_the_run_ends_reading_with_and_without_octets() {
        for octets in [&b""[..], b"octets"] {
            let (from, to) = pipe().unwrap();
            rustix::io::write(&to, octets).unwrap();
            let limits = Limits { end: Some(Instant::now()), ..Limits::default() };
            let error = Input::new(&from, &limits).read(&mut [0; 8]).unwrap_err();
            assert_eq!(Halt::of(&error), Some(Halt::TimeOver));
            let soon = Limits { end: Some(Instant::now() + Duration::from_millis(20)), ..Limits::default() };
            let mut input = Input::new(&from, &soon);
            let error = input.read_to_end(&mut Vec::new()).unwrap_err();
            assert_eq!(Halt::of(&error), Some(Halt::TimeOver));
        }
    }

    #[test]
    fn a_signal_ends_reading() {
        // A signal whose default action is to be ignored: other tests of this process do not use it.
        let stop = Stop::on_signals(&[signal_hook::consts::SIGURG]).unwrap();
        let (from, _to) = pipe().unwrap();
        let limits = Limits { stop, ..Limits::default() };
        let reader = thread::spawn(move || Input::new(&from, &limits).read(&mut [0; 8]).unwrap_err());
        signal_hook::low_level::raise(signal_hook::consts::SIGURG).unwrap();
        assert_eq!(Halt::of(&reader.join().unwrap()), Some(Halt::Stopped));
    }
}
