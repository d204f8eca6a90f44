//! Layer 4: IMAP sessions (`RFC 3501`; `RFC 9051` servers speak it too), linear blocking code over one [`Wire`].
//!
//! The states are types: [`NotAuthenticated`] (greeting, CAPABILITY, STARTTLS, login) turns into
//! [`Authenticated`] (LIST, NAMESPACE, APPEND), and that into an [`OpenMailbox`], which is examined, read by `UID FETCH` and
//! may be left for another. Only UIDs name messages here, never sequence numbers, so that commands may go out
//! behind each other (`RFC 3501 §5.5`), and so that what another client does meanwhile misleads nobody.
//!
//! A message is there only when its literal came whole, its response ended as it should, and its UID is one
//! that was asked for. After an error in the dialogue nothing more is sent.
//!
//! Not done, on purpose: CLOSE (it expunges), STORE of anything but `+FLAGS.SILENT (\Deleted)`, partial FETCH,
//! COMPRESS, ENABLE of anything but `UTF8=ACCEPT`, and of that only where the server is `UTF8=ONLY`.

mod ahead;
mod answer;
mod apart;
mod append;
mod authentication;
mod content;
mod copying;
mod deletion;
mod headers;
mod idle;
mod listing;
mod mailbox;
pub(crate) mod mailboxes;
mod maildrop;
mod moving;
mod not_authenticated;
mod parking;
mod retrieval;
mod window;

pub(crate) use append::{MailboxLook, NotFiled, Presence};
pub use authentication::{ImapLogin, Method};
pub(crate) use idle::{Heard, News, NotIdling};
pub use mailbox::OpenMailbox;
pub use mailboxes::Authenticated;
pub use mailboxes::{Counts, Folder};
pub use not_authenticated::NotAuthenticated;
pub(crate) use parking::Parking;

use crate::codec::imap::{
    Assembly, Capabilities, Command, Condition, Literals, MAX_LINE, MailboxName, NextRead, Response,
    ResponseCode, Status, Tag, Tags,
};
use crate::net::{NetError, Wire};
use crate::words::{Failure, Kind, Stage};
use ahead::Ahead;
use answer::shorten;
use idle::Extent;
use std::collections::{HashMap, VecDeque};

/// What all states share: the wire, and what is known of the server.
#[derive(Debug)]
struct Connection {
    wire: Wire,
    capabilities: Capabilities,
    tags: Tags,
    /// Commands whose tagged response is not in yet, oldest first.
    in_flight: VecDeque<Tag>,
    /// The response that came last, or is coming.
    assembly: Assembly,
    /// What the server wants shown to the user (`RFC 3501 §7.1`, ALERT).
    alerts: Vec<String>,
    /// Whether the server may end the connection now.
    leaving: bool,
    /// Responses since a command has ended.
    untagged: usize,
    /// Octets of bodies that were passed over since then.
    passed_over: u64,
    /// Whether the server has told of messages since that was last looked at.
    grown: bool,
    /// Whether names of mailboxes are written in UTF-8 on the wire (`RFC 9755`). Everywhere else they are in modified
    /// UTF-7, so that the same mailbox has the same name whatever a server wants.
    utf8: bool,
    /// What was listed of each mailbox.
    listed: HashMap<MailboxName, Extent>,
    /// The mailbox that was opened ahead of its time.
    ahead: Option<Ahead>,
    /// Whether the server has another mailbox open than whoever has this connection believes.
    is_astray: bool,
}

/// What was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// A response, which [`Connection::response`] has.
    Response,
    /// So many octets of a message follow; what stands before them is in the assembly.
    Body(u64),
}

/// The most alerts that are kept of one session.
const MOST_ALERTS: usize = 10;
/// Untagged responses between the ends of two commands before the server is taken for hostile.
const MOST_UNTAGGED: usize = 2_000_000;
/// Octets of bodies that nobody asked for, likewise.
const MOST_PASSED_OVER: u64 = 64 * 1024 * 1024;

impl Connection {
    fn new(wire: Wire) -> Self {
        Connection {
            wire,
            capabilities: Capabilities::default(),
            tags: Tags::default(),
            in_flight: VecDeque::new(),
            assembly: Assembly::new(),
            alerts: Vec::new(),
            leaving: false,
            untagged: 0,
            passed_over: 0,
            grown: false,
            utf8: false,
            listed: HashMap::new(),
            ahead: None,
            is_astray: false,
        }
    }

    /// Adds a command to the next flight. Where a literal has to wait for the server's consent, what stands
    /// before it goes out here, and the consent is taken.
    fn command(&mut self, stage: Stage, command: &Command) -> Result<Tag, Failure> {
        self.forget_ahead()?;
        self.stays_here(stage, command)?;
        let in_utf8 = self.utf8.then(|| command.in_utf8());
        let (command, tag) = (in_utf8.as_ref().unwrap_or(command), self.tags.fresh());
        for part in command.parts(tag, Literals::of(&self.capabilities)) {
            let sent = match part.literal.is_empty() {
                true => Ok(()),
                false => self.wire.data(part.literal.expose()),
            };
            let sent = sent.and_then(|()| self.wire.secret_line(&part.line, &part.shown));
            sent.map_err(|error| self.lost(stage, &error))?;
            if part.awaits {
                self.flush(stage)?;
                self.consent(stage, tag)?;
            }
        }
        self.in_flight.push_back(tag);
        Ok(tag)
    }

    /// Waits for `+` (`RFC 3501 §7.5`): the server takes the literal that was announced.
    fn consent(&mut self, stage: Stage, tag: Tag) -> Result<(), Failure> {
        self.wire.begin();
        loop {
            self.skip_to_response(stage)?;
            match self.response(stage)? {
                Response::Continue(_) => return Ok(()),
                Response::Tagged { tag: own, .. } if tag.is(own) => {
                    return Err(self.refused(stage));
                }
                // That of a command ahead of this one.
                Response::Tagged { .. } => drop(self.done(stage)?),
                _ => {}
            }
        }
    }

    fn flush(&mut self, stage: Stage) -> Result<(), Failure> {
        self.wire.flush().map_err(|error| self.lost(stage, &error))
    }

    /// Sends a command by itself.
    fn send(&mut self, stage: Stage, command: &Command) -> Result<Tag, Failure> {
        let tag = self.command(stage, command)?;
        self.flush(stage)?;
        Ok(tag)
    }

    /// Reads on, up to the end of a response or to the body of a message in one.
    fn step(&mut self, stage: Stage) -> Result<Step, Failure> {
        loop {
            let line = self.wire.read_line(MAX_LINE).map_err(|error| self.lost(stage, &error))?;
            match self.assembly.line(self.wire.text(&line)) {
                Ok(NextRead::Done) => {
                    self.untagged += 1;
                    if self.untagged > MOST_UNTAGGED {
                        self.wire.mark_broken();
                        return Err(self.lost(stage, &NetError::TooMuch(MOST_UNTAGGED)));
                    }
                    self.heed(stage)?;
                    return Ok(Step::Response);
                }
                Ok(NextRead::Literal { octets }) => self.literal(stage, octets)?,
                Ok(NextRead::Body { octets }) => return Ok(Step::Body(octets)),
                Err(malformed) => {
                    let text = self.wire.text(&line).to_vec();
                    return Err(self.malformed(stage, malformed, &text));
                }
            }
        }
    }

    /// Reads on to the end of a response; a message that nobody asked for is passed over.
    fn skip_to_response(&mut self, stage: Stage) -> Result<(), Failure> {
        while let Step::Body(octets) = self.step(stage)? {
            self.passed_over = self.passed_over.saturating_add(octets);
            if self.passed_over > MOST_PASSED_OVER {
                return Err(self.out_of_turn(stage));
            }
            self.octets(stage, octets, |_| Ok(()))?;
        }
        Ok(())
    }

    /// Takes a small literal.
    fn literal(&mut self, stage: Stage, octets: u64) -> Result<(), Failure> {
        let mut left = octets;
        while left > 0 {
            self.more(stage)?;
            let ahead = self.wire.ahead();
            let taken = usize::try_from(left).map_or(ahead.len(), |left| left.min(ahead.len()));
            self.assembly.literal(&ahead[..taken]);
            self.wire.consume(taken);
            left -= taken as u64;
        }
        Ok(())
    }

    /// Passes on `octets` octets as they are.
    fn octets(
        &mut self,
        stage: Stage,
        octets: u64,
        mut take: impl FnMut(&[u8]) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mut left = octets;
        self.wire.begin();
        while left > 0 {
            self.more(stage)?;
            let ahead = self.wire.ahead();
            let taken = usize::try_from(left).map_or(ahead.len(), |left| left.min(ahead.len()));
            let result = take(&ahead[..taken]);
            self.wire.consume(taken);
            left -= taken as u64;
            if result.is_err() {
                self.wire.mark_broken();
                return result;
            }
        }
        Ok(())
    }

    fn more(&mut self, stage: Stage) -> Result<(), Failure> {
        if self.wire.ahead().is_empty() {
            self.wire.fill().map_err(|error| self.lost(stage, &error))?;
        }
        Ok(())
    }

    /// The response that was read last.
    fn response(&self, stage: Stage) -> Result<Response<'_>, Failure> {
        self.assembly.response().map_err(|malformed| {
            let place = self.wire.place();
            Failure::new(Kind::Protocol, stage, format!("{stage}: {malformed}")).at(place)
        })
    }

    /// What may come at any time, whatever was asked: alerts, capabilities, the end of the connection.
    fn heed(&mut self, stage: Stage) -> Result<(), Failure> {
        // Most responses are messages: what they say is read where they are wanted, and once.
        if self.assembly.is_of_message() {
            return Ok(());
        }
        let response = match self.assembly.response() {
            Ok(response) => response,
            Err(malformed) => return Err(self.malformed(stage, malformed, b"")),
        };
        let (code, text) = match response {
            Response::Capability(words) => {
                self.capabilities = Capabilities::parse(words);
                return Ok(());
            }
            Response::Exists(_) | Response::Recent(1..) => {
                self.grown = true;
                return Ok(());
            }
            Response::Untagged { condition: Condition::Bye, .. } if !self.leaving => {
                return Err(self.bye(stage));
            }
            Response::Tagged { code, text, .. } | Response::Untagged { code, text, .. } => (code, text),
            _ => return Ok(()),
        };
        match code {
            Some(ResponseCode::Capability(words)) => self.capabilities = Capabilities::parse(words),
            Some(ResponseCode::Alert) if self.alerts.len() < MOST_ALERTS => {
                let text = shorten(&self.wire.redact(text.trim_ascii()));
                if !self.alerts.contains(&text) {
                    self.alerts.push(text);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Reads until the command `tag` has ended; `each` gets every untagged response before that. The tagged one
    /// is what [`Connection::response`] has then.
    fn complete(
        &mut self,
        stage: Stage,
        tag: Tag,
        mut each: impl FnMut(&Response<'_>),
    ) -> Result<Status, Failure> {
        loop {
            self.wire.begin();
            self.skip_to_response(stage)?;
            match self.response(stage)? {
                Response::Tagged { tag: own, status, .. } => {
                    let is_own = tag.is(own);
                    self.done(stage)?;
                    if is_own {
                        return Ok(status);
                    }
                }
                Response::Continue(_) => return Err(self.out_of_turn(stage)),
                response => each(&response),
            }
        }
    }

    /// The same for a command that must succeed.
    fn expect_ok(&mut self, stage: Stage, tag: Tag, each: impl FnMut(&Response<'_>)) -> Result<(), Failure> {
        match self.complete(stage, tag, each)? {
            Status::Ok => Ok(()),
            Status::No | Status::Bad => Err(self.refused(stage)),
        }
    }

    /// Notes that the command has ended which the last response names; says which. Commands end in the order in
    /// which they went out: no server that is known ends them in another.
    fn done(&mut self, stage: Stage) -> Result<Tag, Failure> {
        let Response::Tagged { tag, .. } = self.response(stage)? else { return Err(self.out_of_turn(stage)) };
        match self.in_flight.front().copied() {
            Some(front) if front.is(tag) => {
                self.in_flight.pop_front();
                (self.untagged, self.passed_over) = (0, 0);
                Ok(front)
            }
            _ => Err(self.out_of_turn(stage)),
        }
    }
}
