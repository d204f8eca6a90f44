//! RETR and TOP (`RFC 1939 §5, §7`), pipelined with a sliding window.
//!
//! A message is whole only when its terminator was seen *and* what follows is a reply. A server that
//! forgets to stuff a dot ends a message too early; the rest of it then stands where a reply should, and
//! the message is given up instead of stored torn. So that the last message is judged like any other, a
//! NOOP follows it in the same flight. Where nothing at all follows, because the line is lost or the server
//! falls silent at the next message, it is whole if exactly as many octets came as LIST said.
//!
//! A server that puts the terminator behind a last line without a line end never ends the message: what
//! follows is silence, or the replies to the commands behind it, which would be taken for content. Either
//! is seen, and the message given up.
//!
//! Some servers end the lines of a message in a bare LF and those of their replies in CRLF. Then the final
//! `.` is not recognised and the read would hang: the message is fetched again in a session that takes a bare
//! LF for a line end.
//!
//! A server that announces PIPELINING and works on several commands at once may answer them in another
//! order. While LIST's sizes are exact, a message whose size is that of another row shows that the replies were
//! reordered.

use super::{Answer, Connection, Transaction};
use crate::codec::dot::{LineEnd, Unstuffer};
use crate::mailbox::{Receiver, Remedy, Setback, Wanted};
use crate::net::NetError;
use crate::words::{Failure, Kind, Stage};
use memchr::memmem::Finder;

/// How much of each message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// RETR: all of it.
    Message,
    /// TOP n 0: its header.
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

/// The most octets of commands ahead of their replies, which fit the buffers on the way: neither side can
/// block the other. With messages of 4 KiB a near server needs 5,000 commands to be kept busy for 100 ms.
const WINDOW_COMMANDS: usize = 64 * 1024;
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
    /// The most commands ahead.
    commands: usize,
    sent: usize,
    done: usize,
    octets: u64,
    noop_sent: bool,
    /// Whether every message so far had the size it was listed with.
    sizes_hold: bool,
    /// The message that is coming, or has come and is not confirmed yet.
    unconfirmed: Option<usize>,
    /// The octets of that message, once its terminator was seen.
    came: Option<u64>,
    /// Whether it seemed to end as one with bare line ends does.
    ended_barely: bool,
    /// Whether nothing of it has come.
    barren: bool,
}

/// Watches the content of a message for signs of a terminator that does not stand on a line of its own.
struct TerminatorWatch {
    replies: [Finder<'static>; 2],
    tail: Vec<u8>,
    /// Whether any content came.
    begun: bool,
}

impl TerminatorWatch {
    /// A line that ends in a dot, and behind it what would be the reply to the next command.
    const REPLIES: [&'static str; 2] = [".\n+OK", ".\n-ERR"];

    fn new() -> Self {
        let replies = Self::REPLIES.map(|reply| Finder::new(reply.as_bytes()));
        TerminatorWatch { replies, tail: Vec::new(), begun: false }
    }

    /// Takes more content; whether a reply seems to stand in it, or to begin it: then the one before was
    /// one too many.
    fn push(&mut self, content: &[u8]) -> bool {
        let most = Self::REPLIES[1].len() - 1;
        let first = !self.begun;
        self.begun |= !content.is_empty();
        self.tail.extend_from_slice(&content[..content.len().min(most)]);
        let in_tail = self.replies.iter().any(|reply| reply.find(&self.tail).is_some());
        let found = in_tail
            || self.replies.iter().any(|reply| reply.find(content).is_some())
            || (first && (content.starts_with(b"+OK") || content.starts_with(b"-ERR")));
        if content.len() >= most {
            self.tail.clear();
            self.tail.extend_from_slice(&content[content.len() - most..]);
        } else {
            self.tail.drain(..self.tail.len().saturating_sub(most));
        }
        found
    }

    /// Whether the content so far ends as a message with a glued terminator would.
    fn at_dot(&self) -> bool {
        self.tail.ends_with(b".\n")
    }

    /// Whether the dot stands on a line of its own, were a bare LF a line end.
    fn at_lone_dot(&self) -> bool {
        self.tail.ends_with(b"\n.\n")
    }
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
            ended_barely: false,
            barren: false,
        }
    }

    /// What a message counts for. A listed size is a hint: one alone never counts for more than a window.
    fn size(&self, index: usize) -> u64 {
        match self.what {
            What::Message => self.wanted[index].size.unwrap_or(UNKNOWN_SIZE).min(WINDOW_OCTETS),
            What::Header => 4096,
        }
    }

    /// Whether one more command may go out now.
    fn open(&self) -> bool {
        let ahead = self.sent - self.done;
        if !self.pipelined || self.wanted[self.sent].alone || self.last_is_alone() {
            return ahead == 0;
        }
        ahead < self.commands && (ahead == 0 || self.octets + self.size(self.sent) <= WINDOW_OCTETS)
    }

    /// Whether the last command that went out wants no other beside it.
    fn last_is_alone(&self) -> bool {
        self.sent > 0 && self.wanted[self.sent - 1].alone
    }

    /// Sends what the window has room for, in one write, when enough has room.
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

    /// Whether it stands between messages, with more than one command gone out together. Whoever cannot
    /// pipeline fails there; a connection that fails inside a message has failed by itself.
    fn is_between(&self) -> bool {
        self.is_together() && self.unconfirmed != Some(self.done)
    }

    /// Whether nothing came behind a reply that a message should have followed: it may be the reply to
    /// another command, one that has none, and then all before it were taken for each other.
    fn is_barren(&self) -> bool {
        self.is_together() && self.unconfirmed == Some(self.done) && self.barren
    }

    /// How it failed, as far as another session may fare better.
    fn setback(&self, kind: Kind) -> Option<Setback> {
        let lost = self.done.min(self.wanted.len() - 1);
        let broken = match kind {
            Kind::Protocol => self.pipelined,
            // Silence where a reply is due: the command may be lost, or the reply have come too early.
            Kind::Timeout => self.is_between() || self.is_barren(),
            Kind::Network => (self.is_between() && self.done <= 1) || self.is_barren(),
            _ => return None,
        };
        let (remedy, at) = match kind {
            Kind::Protocol if self.ended_barely => (Remedy::WithBareLines, self.unconfirmed),
            _ if broken => (Remedy::WithoutPipelining, Some(lost)),
            Kind::Protocol => (Remedy::WithoutMessage, Some(self.unconfirmed?)),
            _ => (Remedy::Again, Some(lost)),
        };
        Some(Setback { remedy, at })
    }

    /// The message that has come with its terminator and exactly the octets that LIST said, where nothing
    /// else speaks for it yet.
    fn whole_by_size(&self) -> Option<usize> {
        let index = self.unconfirmed?;
        let size = self.wanted[index].size?;
        (self.what == What::Message && self.came == Some(size)).then_some(index)
    }

    /// Notes the size of a message that came, and says whether it is the size of another message near it.
    fn is_anothers(&mut self, index: usize, octets: u64) -> bool {
        /// How many replies ahead a swapped reply is looked for.
        const NEAR: usize = 8;
        if !self.sizes_hold || self.what != What::Message || self.wanted[index].size == Some(octets) {
            return false;
        }
        self.sizes_hold = false;
        let near = &self.wanted[index.saturating_sub(NEAR)..self.sent.min(index + 1 + NEAR)];
        self.wanted[index].size.is_some() && near.iter().any(|other| other.size == Some(octets))
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
        let mut window = Window::new(wanted, what, pipelined);
        self.dialogue.wire.lock_step(!pipelined);
        let Err(failure) = self.run(&mut window, receiver) else { return Ok(()) };
        if self.local {
            return Err(failure);
        }
        self.setback = window.setback(failure.kind);
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
            if let Answer::Continue(text) = answer {
                return Err(self.dialogue.out_of_step(window.stage(), &text));
            }
            if let Some(previous) = window.unconfirmed.take() {
                window.came = None;
                self.passing(receiver.confirm(previous))?;
            }
            match answer {
                Answer::Ok(_) => {
                    window.unconfirmed = Some(index);
                    self.passing(receiver.begin(index))?;
                    self.body(window, line_end, &mut content, receiver)?;
                }
                Answer::Err(text) | Answer::Continue(text) => {
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
            // Some servers do not know NOOP: a refusal is a reply, too.
            if let (Answer::Continue(text), _) = self.dialogue.answer(Stage::Noop)? {
                return Err(self.dialogue.out_of_step(Stage::Noop, &text));
            }
            self.dialogue.expect_silence(Stage::Noop)?;
        }
        match window.unconfirmed.take() {
            Some(last) => self.passing(receiver.confirm(last)),
            None => Ok(()),
        }
    }

    /// Streams one body to the receiver, up to and with its terminator.
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
        let mut glued = TerminatorWatch::new();
        let mut octets = 0;
        window.barren = true;
        self.dialogue.wire.begin();
        while !unstuffer.ended() {
            if self.dialogue.wire.ahead().is_empty() {
                match self.dialogue.wire.fill() {
                    Err(NetError::Timeout) if glued.at_dot() => {
                        window.ended_barely = !self.dialogue.bare_lines && glued.at_lone_dot();
                        return Err(self.no_end(stage));
                    }
                    filled => filled.map_err(|error| self.dialogue.lost(stage, &error))?,
                }
            }
            content.clear();
            let taken = unstuffer.push(self.dialogue.wire.ahead(), content);
            self.dialogue.wire.consume(taken);
            octets += taken as u64;
            window.barren &= octets == 0;
            if !content.is_empty() {
                self.passing(receiver.chunk(content, octets - unstuffer.framing()))?;
            }
            // One command at a time, no reply but this one can be on its way: what looks like one is not.
            if glued.push(content) && window.pipelined {
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

    /// The message has no end of its own.
    fn no_end(&mut self, stage: Stage) -> Failure {
        self.dialogue.wire.mark_broken();
        let message = format!(
            "{stage}: the server put the dot that ends a message behind its last line, not on a line of its own"
        );
        Failure::new(Kind::Protocol, stage, message).at(self.dialogue.wire.place())
    }

    /// Passes an error of the receiver on; the dialogue stops where it is.
    fn passing(&mut self, result: Result<(), Failure>) -> Result<(), Failure> {
        if result.is_err() {
            self.local = true;
            self.dialogue.wire.mark_broken();
        }
        result
    }
}
