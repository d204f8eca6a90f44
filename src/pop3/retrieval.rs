//! RETR and TOP (`RFC 1939 §5, §7`), pipelined with a sliding window.
//!
//! A message is whole only when its terminator was seen *and* what follows is a reply. A server that
//! forgets to stuff a dot ends a message too early; the rest of it then stands where a reply should, and
//! the message is given up instead of stored torn. So that the last message is judged like any other, a
//! NOOP follows it in the same flight.

use super::{Answer, Dialogue, Transaction};
use crate::codec::dot::{LineEnd, Unstuffer};
use crate::words::{Failure, Kind};

/// A message to get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Its number in this session.
    pub number: u32,
    /// Its size as far as it is known: bounds the window.
    pub size: Option<u64>,
}

/// How much of each message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// RETR: all of it.
    Message,
    /// TOP n 0: its header.
    Header,
}

/// Takes what a retrieval brings, in the order of the messages wanted. `index` counts in that order.
/// An error of `chunk`, `begin` or `confirm` ends the session where it stands.
pub trait Receiver {
    /// The message follows.
    fn begin(&mut self, index: usize) -> Result<(), Failure>;
    /// A piece of it, with LF line ends.
    fn chunk(&mut self, octets: &[u8]) -> Result<(), Failure>;
    /// It is whole: its end was seen, and what followed was a reply.
    fn confirm(&mut self, index: usize) -> Result<(), Failure>;
    /// The server refused this one; the rest goes on.
    fn refused(&mut self, index: usize, failure: Failure) -> Result<(), Failure>;
}

/// The most commands ahead of their replies. 4,096 of them are under 64 KiB, which fits the buffers on
/// the way: neither side can block the other.
const WINDOW_COMMANDS: usize = 4096;
/// The most octets of messages ahead.
const WINDOW_OCTETS: u64 = 32 * 1024 * 1024;
/// What a message of unknown size counts for.
const UNKNOWN_SIZE: u64 = 64 * 1024;
/// Commands of one write once the window has been filled: few writes, and the pipe never runs dry.
const REFILL: usize = 64;

/// The commands of one retrieval, on their way.
struct Window<'a> {
    wanted: &'a [Wanted],
    what: What,
    pipelined: bool,
    sent: usize,
    done: usize,
    octets: u64,
    noop_sent: bool,
}

impl Window<'_> {
    fn size(&self, index: usize) -> u64 {
        match self.what {
            What::Message => self.wanted[index].size.unwrap_or(UNKNOWN_SIZE),
            What::Header => 4096,
        }
    }

    /// Whether one more command may go out now.
    fn open(&self) -> bool {
        let ahead = self.sent - self.done;
        if !self.pipelined {
            return ahead == 0;
        }
        ahead < WINDOW_COMMANDS && (ahead == 0 || self.octets + self.size(self.sent) <= WINDOW_OCTETS)
    }

    /// Sends what the window has room for, in one write, when enough has room.
    fn refill(&mut self, dialogue: &mut Dialogue) -> Result<(), Failure> {
        let ahead = self.sent - self.done;
        let room = if self.pipelined { WINDOW_COMMANDS - ahead } else { 1 - ahead.min(1) };
        let worth_it = ahead < REFILL || (room >= REFILL && self.octets <= WINDOW_OCTETS / 8 * 7);
        if !worth_it || (self.sent == self.wanted.len() && (self.noop_sent || !self.wants_noop())) {
            return Ok(());
        }
        let before = (self.sent, self.noop_sent);
        while self.sent < self.wanted.len() && self.open() {
            let number = self.wanted[self.sent].number;
            match self.what {
                What::Message => dialogue.command(&format!("RETR {number}"))?,
                What::Header => dialogue.command(&format!("TOP {number} 0"))?,
            }
            self.octets += self.size(self.sent);
            self.sent += 1;
        }
        if self.sent == self.wanted.len()
            && self.wants_noop()
            && !self.noop_sent
            && (self.pipelined || self.done == self.sent)
        {
            dialogue.command("NOOP")?;
            self.noop_sent = true;
        }
        if (self.sent, self.noop_sent) != before { dialogue.flush(self.stage()) } else { Ok(()) }
    }

    fn wants_noop(&self) -> bool {
        self.what == What::Message
    }

    fn stage(&self) -> &'static str {
        match self.what {
            What::Message => "RETR",
            What::Header => "TOP",
        }
    }
}

impl Transaction {
    /// Gets messages, or their headers, one after the other. A refusal is passed to `receiver` and the
    /// rest goes on; an error ends the session, and whatever was begun and not confirmed is worth nothing.
    pub fn retrieve(
        &mut self,
        wanted: &[Wanted],
        what: What,
        receiver: &mut dyn Receiver,
    ) -> Result<(), Failure> {
        if wanted.is_empty() {
            return Ok(());
        }
        let pipelined = self.pipelines();
        let mut window = Window { wanted, what, pipelined, sent: 0, done: 0, octets: 0, noop_sent: false };
        let mut unconfirmed = None;
        let mut content = Vec::with_capacity(64 * 1024);
        self.dialogue.wire.lock_step(!pipelined);
        while window.done < wanted.len() {
            window.refill(&mut self.dialogue)?;
            let index = window.done;
            let (answer, line_end) = match self.dialogue.answer(window.stage()) {
                Ok(answered) => answered,
                Err(failure) => {
                    let hung_up = failure.kind == Kind::Network && index == 0 && window.sent > 1;
                    self.failed_in_flight = pipelined && (hung_up || failure.kind == Kind::Protocol);
                    return Err(failure);
                }
            };
            if let Some(previous) = unconfirmed.take() {
                self.passing(receiver.confirm(previous))?;
            }
            match answer {
                Answer::Ok(_) => {
                    self.passing(receiver.begin(index))?;
                    self.body(window.stage(), line_end, &mut content, receiver)?;
                    unconfirmed = Some(index);
                }
                Answer::Err(text) => {
                    let failure = self.dialogue.refused(window.stage(), &text);
                    self.passing(receiver.refused(index, failure))?;
                }
                Answer::Continue(text) => return Err(self.dialogue.out_of_step(window.stage(), &text)),
            }
            window.octets = window.octets.saturating_sub(window.size(index));
            window.done += 1;
        }
        window.refill(&mut self.dialogue)?;
        self.dialogue.wire.lock_step(true);
        if window.noop_sent {
            // Some servers do not know NOOP: a refusal is a reply all the same.
            if let (Answer::Continue(text), _) = self.dialogue.answer("NOOP")? {
                return Err(self.dialogue.out_of_step("NOOP", &text));
            }
        }
        match unconfirmed {
            Some(last) => self.passing(receiver.confirm(last)),
            None => Ok(()),
        }
    }

    /// Streams one body to the receiver, up to and with its terminator.
    fn body(
        &mut self,
        stage: &str,
        line_end: LineEnd,
        content: &mut Vec<u8>,
        receiver: &mut dyn Receiver,
    ) -> Result<(), Failure> {
        let mut unstuffer = Unstuffer::new(line_end);
        self.dialogue.wire.begin();
        while !unstuffer.ended() {
            if self.dialogue.wire.ahead().is_empty() {
                let filled = self.dialogue.wire.fill();
                filled.map_err(|error| self.dialogue.lost(stage, &error))?;
            }
            content.clear();
            let taken = unstuffer.push(self.dialogue.wire.ahead(), content);
            self.dialogue.wire.consume(taken);
            if !content.is_empty() {
                self.passing(receiver.chunk(content))?;
            }
        }
        Ok(())
    }

    /// Passes an error of the receiver on; the dialogue stops where it is.
    fn passing(&mut self, result: Result<(), Failure>) -> Result<(), Failure> {
        if result.is_err() {
            self.dialogue.wire.mark_broken();
        }
        result
    }
}
