//! RETR and TOP (`RFC 1939 §5, §7`), pipelined with a sliding window.
//!
//! A message is whole only if its terminator was seen *and* a reply follows. If a server forgets to stuff a dot,
//! the message ends too early and its rest comes instead of a reply: then it is not stored. To check the last
//! message the same way, a NOOP follows it in the same flight. If nothing follows, because the line is lost or
//! the server falls silent at the next message, the message is whole if its size is exactly that of LIST.
//!
//! If a server puts the terminator right after a last line without a line end ("glued"), the message never ends:
//! silence follows, or the replies to the next commands, which look like content. Both are noticed, and the
//! message is not stored.
//!
//! Some servers end the lines of a message in a bare LF and those of their replies in CRLF. Then the final
//! `.` is not recognised and the read would hang: the message is fetched again in a session that takes a bare
//! LF for a line end.
//!
//! A server that announces PIPELINING and works on several commands at once may answer them in another
//! order. While LIST's sizes are exact, a message whose size is that of another row shows that the replies were
//! reordered.

use super::terminator::TerminatorWatch;
use super::{Connection, StatusAnswer, Transaction};
use crate::codec::dot::{LineEnd, Unstuffer};
use crate::mailbox::{Receiver, Remedy, Setback, Wanted};
use crate::net::NetError;
use crate::words::{Failure, Kind, Stage};

/// How much of each message to get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// The whole message, by RETR.
    Message,
    /// The header, by TOP n 0.
    Header,
}

impl What {
    fn command(self, number: u32) -> String {
        match self {
            What::Message => format!("RETR {number}"),
            What::Header => format!("TOP {number} 0"),
        }
    }
}

/// The most octets of commands that wait for a reply. They fit into the buffers on the way, so neither side can
/// block the other. With messages of 4 KiB, 5,000 commands keep a near server busy for 100 ms.
const WINDOW_COMMANDS: usize = 64 * 1024;
/// The most octets of messages asked for and not received yet.
const WINDOW_OCTETS: u64 = 32 * 1024 * 1024;
/// The size that some servers list for a message without a single octet.
const BLANK_LINE: u64 = 2;
/// The size assumed for a message whose size is unknown.
const UNKNOWN_SIZE: u64 = 64 * 1024;
/// How many commands are sent in one write once the window has been filled: many enough for few writes, few
/// enough that the server never has to wait.
const REFILL: usize = 64;

/// The sliding window: the commands of one retrieval that were sent, and what came back.
struct Window<'a> {
    wanted: &'a [Wanted],
    what: What,
    pipelined: bool,
    /// The most commands that wait for a reply.
    commands: usize,
    sent: usize,
    done: usize,
    octets: u64,
    noop_sent: bool,
    /// Whether every message so far had the size it was listed with.
    sizes_hold: bool,
    /// The message that is coming, or has come and is not confirmed yet.
    unconfirmed: Option<usize>,
    /// The size of that message, once its terminator was seen.
    came: Option<u64>,
    /// Whether it seemed to end as a message with bare LF line ends does.
    bare_end: bool,
    /// Whether no octet of it has come.
    empty: bool,
}

impl<'a> Window<'a> {
    fn new(wanted: &'a [Wanted], what: What, pipelined: bool) -> Self {
        let highest = wanted.iter().map(|wanted| wanted.number).max().unwrap_or(0);
        let longest = what.command(highest).len() + "\r\n".len();
        Window {
            wanted,
            what,
            pipelined,
            commands: WINDOW_COMMANDS / longest,
            sent: 0,
            done: 0,
            octets: 0,
            noop_sent: false,
            sizes_hold: true,
            unconfirmed: None,
            came: None,
            bare_end: false,
            empty: false,
        }
    }

    /// How many octets of the window a message takes. A listed size is a hint: it is never more than the window.
    fn size(&self, index: usize) -> u64 {
        match self.what {
            What::Message => self.wanted[index].size.unwrap_or(UNKNOWN_SIZE).min(WINDOW_OCTETS),
            What::Header => 4096,
        }
    }

    /// Whether one more command may be sent now.
    fn open(&self) -> bool {
        let ahead = self.sent - self.done;
        if !self.pipelined || self.wanted[self.sent].alone || self.last_is_alone() {
            return ahead == 0;
        }
        ahead < self.commands && (ahead == 0 || self.octets + self.size(self.sent) <= WINDOW_OCTETS)
    }

    /// Whether the last command sent must have no other in flight.
    fn last_is_alone(&self) -> bool {
        self.sent > 0 && self.wanted[self.sent - 1].alone
    }

    /// Sends the commands that the window has room for, in one write, if there are enough of them.
    fn refill(&mut self, dialogue: &mut Connection) -> Result<(), Failure> {
        let ahead = self.sent - self.done;
        let room = if self.pipelined { self.commands - ahead } else { 1 - ahead.min(1) };
        let worth_it = ahead < REFILL || (room >= REFILL && self.octets <= WINDOW_OCTETS / 8 * 7);
        if !worth_it || (self.sent == self.wanted.len() && (self.noop_sent || !self.wants_noop())) {
            return Ok(());
        }
        let before = (self.sent, self.noop_sent);
        while self.sent < self.wanted.len() && self.open() {
            let number = self.wanted[self.sent].number;
            dialogue.command(self.stage(), &self.what.command(number))?;
            self.octets += self.size(self.sent);
            self.sent += 1;
        }
        if self.sent == self.wanted.len()
            && self.wants_noop()
            && !self.noop_sent
            && (self.pipelined && !self.last_is_alone() || self.done == self.sent)
        {
            dialogue.command(Stage::Noop, "NOOP")?;
            self.noop_sent = true;
        }
        if (self.sent, self.noop_sent) != before { dialogue.flush(self.stage()) } else { Ok(()) }
    }

    /// Whether more than one command went out together.
    fn is_together(&self) -> bool {
        let alone = self.wanted.get(self.done).is_some_and(|wanted| wanted.alone);
        self.pipelined && !alone && self.sent + usize::from(self.noop_sent) > 1
    }

    /// Whether a reply is due, with several commands in flight. A server that cannot pipeline fails there; inside
    /// a message the connection itself failed.
    fn awaits_reply(&self) -> bool {
        self.is_together() && self.unconfirmed != Some(self.done)
    }

    /// Whether nothing followed a reply that begins a message: it may be the reply to another command, and all
    /// before it may be mixed up too.
    fn is_reply_alone(&self) -> bool {
        self.is_together() && self.unconfirmed == Some(self.done) && self.empty
    }

    /// What may help in another session, after a failure of this kind.
    fn setback(&self, kind: Kind) -> Option<Setback> {
        let lost = self.done.min(self.wanted.len() - 1);
        let broken = match kind {
            Kind::Protocol => self.pipelined,
            // No reply: the command may be lost, or its reply may have been taken for an earlier one.
            Kind::Timeout => self.awaits_reply() || self.is_reply_alone(),
            Kind::Network => (self.awaits_reply() && self.done <= 1) || self.is_reply_alone(),
            _ => return None,
        };
        let (remedy, at) = match kind {
            Kind::Protocol if self.bare_end => (Remedy::WithBareLines, self.unconfirmed),
            _ if broken => (Remedy::WithoutPipelining, Some(lost)),
            Kind::Protocol => (Remedy::WithoutMessage, Some(self.unconfirmed?)),
            _ => (Remedy::Again, Some(lost)),
        };
        Some(Setback { remedy, at })
    }

    /// The unconfirmed message, if its terminator has come and its size is exactly that of LIST.
    fn whole_by_size(&self) -> Option<usize> {
        let index = self.unconfirmed?;
        let size = self.wanted[index].size?;
        (self.what == What::Message && self.came == Some(size)).then_some(index)
    }

    /// Notes the size of a message that came; returns whether it is that of another message near it.
    fn is_anothers(&mut self, index: usize, octets: u64) -> bool {
        /// How far away a swapped reply is looked for.
        const NEAR: usize = 8;
        if !self.sizes_hold || self.what != What::Message || self.wanted[index].size == Some(octets) {
            return false;
        }
        self.sizes_hold = false;
        let near = &self.wanted[index.saturating_sub(NEAR)..self.sent.min(index + 1 + NEAR)];
        self.wanted[index].size.is_some() && near.iter().any(|other| other.size == Some(octets))
    }

    /// The most octets that an answer to TOP is read to. Some servers send the whole message, and sizes may be wrong.
    fn most_of_header(&self) -> u64 {
        const LARGEST: u64 = 16 * 1024 * 1024;
        self.wanted[self.done].size.unwrap_or(0).saturating_mul(2).max(LARGEST)
    }

    fn wants_noop(&self) -> bool {
        self.what == What::Message
    }

    fn stage(&self) -> Stage {
        match self.what {
            What::Message => Stage::Retr,
            What::Header => Stage::Top,
        }
    }
}

impl Transaction {
    /// Gets messages or their headers, in order. If one is refused, `receiver` hears of it and the rest goes on.
    /// An error ends the session; a message that was begun and not confirmed must not be stored.
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
        let mut window = Window::new(wanted, what, pipelined);
        self.dialogue.wire.lock_step(!pipelined);
        let Err(failure) = self.run(&mut window, receiver) else { return Ok(()) };
        if self.local {
            return Err(failure);
        }
        self.setback = window.setback(failure.kind());
        let ended = self.setback.is_some_and(|setback| setback.remedy == Remedy::Again);
        let quiet = ended && self.dialogue.wire.ahead().is_empty();
        if let Some(index) = window.whole_by_size().filter(|_| quiet) {
            self.passing(receiver.confirm(index))?;
            self.setback =
                self.setback.map(|setback| Setback { at: setback.at.filter(|at| *at != index), ..setback });
        }
        Err(failure)
    }

    fn run(&mut self, window: &mut Window<'_>, receiver: &mut dyn Receiver) -> Result<(), Failure> {
        let mut content = Vec::with_capacity(64 * 1024);
        while window.done < window.wanted.len() {
            window.refill(&mut self.dialogue)?;
            let index = window.done;
            let (answer, line_end) = self.dialogue.answer(window.stage())?;
            if let StatusAnswer::Continue(text) = answer {
                return Err(self.dialogue.out_of_step(window.stage(), &text));
            }
            self.settle(window, receiver)?;
            match answer {
                StatusAnswer::Ok(_) => {
                    window.unconfirmed = Some(index);
                    self.passing(receiver.begin(index))?;
                    self.body(window, line_end, &mut content, receiver)?;
                }
                StatusAnswer::Err(text) | StatusAnswer::Continue(text) => {
                    let failure = self.dialogue.refused(window.stage(), &text);
                    self.passing(receiver.refused(index, failure))?;
                }
            }
            window.octets = window.octets.saturating_sub(window.size(index));
            window.done += 1;
        }
        window.refill(&mut self.dialogue)?;
        self.dialogue.wire.lock_step(true);
        if window.noop_sent {
            // Some servers do not know NOOP; a refusal is a reply, too.
            if let (StatusAnswer::Continue(text), _) = self.dialogue.answer(Stage::Noop)? {
                return Err(self.dialogue.out_of_step(Stage::Noop, &text));
            }
            self.dialogue.expect_silence(Stage::Noop)?;
        }
        self.settle(window, receiver)
    }

    /// A reply stands behind the message that came: it is whole. But if nothing at all came of a message that has
    /// content by LIST, the server could not read it: it is not stored, and stays.
    fn settle(&mut self, window: &mut Window<'_>, receiver: &mut dyn Receiver) -> Result<(), Failure> {
        let Some(index) = window.unconfirmed.take() else { return Ok(()) };
        let came = window.came.take();
        let listed = window.wanted[index].size.filter(|_| window.what == What::Message);
        let result = match listed.filter(|size| came == Some(0) && *size > BLANK_LINE) {
            None => receiver.confirm(index),
            Some(size) => {
                let message =
                    format!("{}: the server sent nothing of a message of {size} octets", window.stage());
                let failure = Failure::new(Kind::Protocol, window.stage(), message);
                let failure = failure
                    .hint("it stays on the server, which may have lost its content; each run asks again");
                receiver.refused(index, failure.at(self.dialogue.wire.place()))
            }
        };
        self.passing(result)
    }

    /// Streams one message to the receiver, and takes its terminator.
    fn body(
        &mut self,
        window: &mut Window<'_>,
        line_end: LineEnd,
        content: &mut Vec<u8>,
        receiver: &mut dyn Receiver,
    ) -> Result<(), Failure> {
        let stage = window.stage();
        let line_end = if self.dialogue.bare_lines { LineEnd::Lf } else { line_end };
        let mut unstuffer = Unstuffer::new(line_end);
        let mut watch = TerminatorWatch::new();
        let mut octets = 0;
        window.empty = true;
        self.dialogue.wire.begin();
        while !unstuffer.ended() {
            if self.dialogue.wire.ahead().is_empty() {
                match self.dialogue.wire.fill() {
                    Err(NetError::Timeout) if watch.at_dot() => {
                        window.bare_end = !self.dialogue.bare_lines && watch.at_lone_dot();
                        return Err(self.no_end(stage));
                    }
                    filled => filled.map_err(|error| self.dialogue.lost(stage, &error))?,
                }
            }
            content.clear();
            let taken = unstuffer.push(self.dialogue.wire.ahead(), content);
            self.dialogue.wire.consume(taken);
            octets += taken as u64;
            if window.what == What::Header && octets > window.most_of_header() {
                return Err(self.without_end(stage));
            }
            window.empty &= octets == 0;
            if !content.is_empty() {
                self.passing(receiver.chunk(content, octets - unstuffer.framing()))?;
            }
            // Without pipelining no other reply can be on its way, so what looks like one is content.
            if watch.push(content) && window.pipelined {
                return Err(self.no_end(stage));
            }
        }
        let came = octets - unstuffer.framing();
        window.came = Some(came);
        if window.pipelined && window.is_anothers(window.done, came) {
            return Err(self.dialogue.out_of_order(stage));
        }
        Ok(())
    }

    /// The failure for a header that has become longer than any.
    fn without_end(&mut self, stage: Stage) -> Failure {
        self.dialogue.wire.mark_broken();
        let message = format!("{stage}: an answer without end");
        Failure::new(Kind::Protocol, stage, message).at(self.dialogue.wire.place())
    }

    /// The failure for a message with a glued terminator.
    fn no_end(&mut self, stage: Stage) -> Failure {
        self.dialogue.wire.mark_broken();
        let message = format!("{stage}: the dot that ends the message is not on a line of its own");
        Failure::new(Kind::Protocol, stage, message).at(self.dialogue.wire.place())
    }

    /// Passes an error of the receiver on, and breaks the session off.
    fn passing(&mut self, result: Result<(), Failure>) -> Result<(), Failure> {
        if result.is_err() {
            self.local = true;
            self.dialogue.wire.mark_broken();
        }
        result
    }
}
