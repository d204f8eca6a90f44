//! APPEND (`RFC 3501 §6.3.11`): files a message in a mailbox; and a look into the mailbox first, whether the message
//! is there already.
//!
//! The message is sent as it is: CRLF line ends, 8-bit octets too, which a literal may hold. A header in UTF-8 goes into
//! a plain literal as well; a server with `UTF8=ONLY` may refuse that (`RFC 9755 §4`). Not done: CREATE, MULTIAPPEND,
//! CATENATE, BINARY.

use super::mailboxes::Authenticated;
use crate::codec::imap::{
    Command, Criterion, InternalDate, Literals, MailboxName, Response, ResponseCode, Status, Tag,
};
use crate::store::{Spooled, each_block};
use crate::words::{Failure, Kind, Stage};
use std::io;
use std::time::Duration;

const STAGE: Stage = Stage::Append;

/// How long a server that has ended the connection may still say why.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// The name of a message in a mailbox (`RFC 4315 §3`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AppendUid {
    /// The mailbox's.
    pub uidvalidity: u64,
    /// The message's.
    pub uid: u32,
}

/// Whether a mailbox is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Presence {
    /// It was opened.
    There,
    /// The server says that it is not.
    Missing,
    /// It was refused for another reason.
    #[default]
    NotTold,
}

/// What a look into a mailbox showed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MailboxLook {
    /// Whether the mailbox is there.
    pub presence: Presence,
    /// Its UIDVALIDITY.
    pub uidvalidity: Option<u64>,
    /// The last message with the Message-ID that was looked for, if there is one; `None` where the server does not
    /// search.
    pub found: Option<Option<u32>>,
    exists: u32,
    uidnext: Option<u64>,
}

impl MailboxLook {
    /// Whether certainly nothing was filed in the mailbox since `before`.
    pub fn is_unchanged_since(&self, before: &MailboxLook) -> bool {
        self.presence == Presence::There
            && before.presence == Presence::There
            && (self.uidvalidity, self.exists) == (before.uidvalidity, before.exists)
            && self.uidnext == before.uidnext
    }

    fn take(&mut self, response: &Response<'_>) {
        match response {
            Response::Exists(count) => self.exists = *count,
            Response::Untagged { code: Some(code), .. } | Response::Tagged { code: Some(code), .. } => {
                match code {
                    ResponseCode::UidValidity(number) => self.uidvalidity = Some(*number),
                    ResponseCode::UidNext(number) => self.uidnext = Some(*number),
                    _ => {}
                }
            }
            _ => {}
        }
    }
}

/// Why a message was not filed, as far as that is known.
#[derive(Debug)]
pub struct NotFiled {
    /// What happened.
    pub failure: Failure,
    /// Whether the server may have it all the same: octets of it may have left, and no answer came.
    pub perhaps_filed: bool,
    /// Whether the server announces that it takes literals unasked, and does not: it may have read the message as
    /// commands.
    pub wants_to_be_asked: bool,
    /// Whether the server does not know the form of the command; nothing of the message has gone out.
    pub wants_another_form: bool,
}

impl From<Failure> for NotFiled {
    fn from(failure: Failure) -> Self {
        NotFiled { failure, perhaps_filed: false, wants_to_be_asked: false, wants_another_form: false }
    }
}

impl Authenticated {
    /// Opens a mailbox for reading and looks for a message by its Message-ID (without angles), in one flight. A
    /// mailbox that is not there, or cannot be searched, is no failure.
    pub fn look(&mut self, name: &MailboxName, message_id: Option<&str>) -> Result<MailboxLook, Failure> {
        let connection = &mut self.connection;
        let mut look = MailboxLook::default();
        let examine = connection.command(Stage::Examine, &Command::examine(name))?;
        // A search for other octets would have to name a charset.
        let plain = |id: &&str| !id.is_empty() && id.bytes().all(|octet| matches!(octet, b' '..=b'~'));
        let search = match message_id.filter(plain).map(|id| format!("<{id}>")) {
            // Without ESEARCH: some announce it and find nothing.
            Some(id) => {
                let command = Command::uid_search(&[Criterion::Header("Message-ID", &id)], false);
                Some(connection.command(Stage::Search, &command)?)
            }
            None => None,
        };
        connection.flush(Stage::Examine)?;
        let status = connection.complete(Stage::Examine, examine, |response| look.take(response))?;
        let tagged = connection.response(Stage::Examine)?;
        look.presence = match (status, &tagged) {
            (Status::Ok, _) => Presence::There,
            (_, Response::Tagged { code: Some(code), .. }) if is_absence(code) => Presence::Missing,
            _ => Presence::NotTold,
        };
        look.take(&tagged);
        if let Some(search) = search {
            let found = connection.found(Stage::Search, search)?;
            // With no mailbox open, an answer is about another one.
            let found = found.filter(|_| look.presence == Presence::There);
            look.found = found.map(|uids| uids.iter().last());
        }
        Ok(look)
    }

    /// From now on every literal is announced, and the server's consent awaited.
    pub fn await_consent(&mut self) {
        let capabilities = &mut self.connection.capabilities;
        (capabilities.literal_plus, capabilities.literal_minus) = (false, false);
    }

    /// Files a message with `\Seen`. The UID is `None` where the server does not tell it. Above 4,096 octets the
    /// server's consent is always awaited: one that refuses what comes unasked may read it as commands.
    ///
    /// Fails with [`Kind::Input`] for a message that no literal can hold (NUL), [`Kind::Rejected`],
    /// [`Kind::Deferred`] (over quota), [`Kind::Missing`] (no such mailbox), [`Kind::Storage`] and those of the wire.
    pub fn append(
        &mut self,
        name: &MailboxName,
        message: &mut Spooled,
        date: InternalDate,
    ) -> Result<Option<AppendUid>, NotFiled> {
        let has_utf8 = self.check(message)?.is_8bit && self.connection.utf8;
        if has_utf8 {
            // Whether the server knows this form is seen before the message goes out.
            self.await_consent();
        }
        match self.append_as(name, message, date, has_utf8) {
            // `RFC 9755` has that form no more: there such a message is one like any other.
            Err(refused) if has_utf8 && refused.wants_another_form => {
                self.append_as(name, message, date, false)
            }
            filed => filed,
        }
    }

    /// The same, `has_utf8` in the form for a header with UTF-8 in it (`RFC 6855 §4`).
    fn append_as(
        &mut self,
        name: &MailboxName,
        message: &mut Spooled,
        date: InternalDate,
        has_utf8: bool,
    ) -> Result<Option<AppendUid>, NotFiled> {
        let octets = message.len();
        let connection = &mut self.connection;
        let unasked = Literals::of(&connection.capabilities).unasked(octets);
        let command = Command::append(name, &["\\Seen"], Some(date), octets, has_utf8);
        let tag = match connection.command(STAGE, &command) {
            Ok(tag) => tag,
            Err(failure) => {
                let is_bad = matches!(
                    self.connection.response(STAGE),
                    Ok(Response::Tagged { status: Status::Bad, .. })
                );
                let wants_another_form = is_bad && !self.connection.wire.is_broken();
                return Err(NotFiled { wants_another_form, ..self.explained(failure).into() });
            }
        };
        let end: &[u8] = if has_utf8 { b")\r\n" } else { b"\r\n" };
        if let Err(failure) = self.pour(message, end) {
            return Err(self.parted(failure, tag, unasked));
        }
        self.filed(tag, unasked)
    }

    /// Refuses what the server cannot take; says what its header is.
    fn check(&self, message: &mut Spooled) -> Result<HeaderLook, Failure> {
        let place = self.connection.wire.place();
        let octets = message.len();
        if let Some(most) = self.connection.capabilities.append_limit.filter(|most| octets > *most) {
            let message =
                format!("{STAGE}: the message has {octets} octets, and the server takes {most} at most");
            return Err(Failure::new(Kind::Rejected, STAGE, message).at(place));
        }
        message.rewind().map_err(|error| unreadable(&error))?;
        let (mut has_nul, mut header) = (false, HeaderLook::default());
        let read = each_block(message, |block| {
            has_nul |= memchr::memchr(0, block).is_some();
            header.push(block);
            Ok(())
        });
        read.map_err(|error| unreadable(&error))?;
        if has_nul {
            let message =
                format!("{STAGE}: the message has a NUL in it, which no literal can hold: it is not filed");
            return Err(Failure::new(Kind::Input, STAGE, message).at(place));
        }
        message.rewind().map_err(|error| unreadable(&error))?;
        Ok(header)
    }

    /// Sends the message, and the end of the command.
    fn pour(&mut self, message: &mut Spooled, end: &[u8]) -> Result<(), Failure> {
        let octets = message.len();
        let connection = &mut self.connection;
        let (mut left, mut lost) = (octets, None);
        let read = each_block(message, |block| {
            left = left.wrapping_sub(block.len() as u64);
            connection.wire.data(block).map_err(|error| {
                lost = Some(error);
                io::ErrorKind::BrokenPipe.into()
            })
        });
        if let Some(error) = lost {
            return Err(connection.lost(STAGE, &error));
        }
        if read.is_err() || left != 0 {
            // The server waits for octets that do not come: the end of the connection tells it so.
            connection.wire.mark_broken();
        }
        read.map_err(|error| unreadable(&error))?;
        if left != 0 {
            let message = format!("{STAGE}: the message has another size than was announced");
            return Err(Failure::new(Kind::Internal, STAGE, message));
        }
        connection.wire.note(&format!("{octets} octets of a message"));
        let sent = connection.wire.data(end).and_then(|()| connection.wire.flush());
        sent.map_err(|error| connection.lost(STAGE, &error))
    }

    /// The message did not go out whole: perhaps the server has said why.
    fn parted(&mut self, failure: Failure, tag: Tag, unasked: bool) -> NotFiled {
        if failure.kind() != Kind::Network {
            // It was silence or a signal, perhaps at the last octets; else this side failed inside the literal, and
            // ends the connection.
            let perhaps_filed = matches!(failure.kind(), Kind::Timeout | Kind::Interrupted);
            return NotFiled { perhaps_filed, ..failure.into() };
        }
        self.connection.wire.hear_out(LAST_WORDS);
        match self.filed(tag, unasked) {
            Err(refused) if !refused.perhaps_filed => refused,
            _ => NotFiled { perhaps_filed: true, ..failure.into() },
        }
    }

    /// Reads what became of it.
    fn filed(&mut self, tag: Tag, unasked: bool) -> Result<Option<AppendUid>, NotFiled> {
        let unknown = |failure| NotFiled { perhaps_filed: true, ..NotFiled::from(failure) };
        // A server may announce LITERAL+ and ask all the same.
        let mut may_ask = unasked;
        loop {
            let connection = &mut self.connection;
            connection.wire.begin();
            connection.skip_to_response(STAGE).map_err(unknown)?;
            let status = match connection.response(STAGE).map_err(unknown)? {
                Response::Continue(_) if std::mem::take(&mut may_ask) => continue,
                Response::Continue(_) => return Err(unknown(connection.out_of_turn(STAGE))),
                Response::Tagged { status, tag: own, .. } if tag.is(own) => status,
                // That of a command ahead of this one.
                Response::Tagged { .. } => {
                    connection.done(STAGE).map_err(unknown)?;
                    continue;
                }
                _ => continue,
            };
            connection.done(STAGE).map_err(unknown)?;
            if status != Status::Ok {
                let failure = connection.refused(STAGE);
                let wants_to_be_asked = unasked && status == Status::Bad;
                if wants_to_be_asked {
                    connection.wire.mark_broken();
                }
                return Err(NotFiled { wants_to_be_asked, ..self.explained(failure).into() });
            }
            return Ok(match connection.response(STAGE).map_err(unknown)? {
                Response::Tagged { code: Some(ResponseCode::AppendUid { uidvalidity, uids }), .. } => {
                    uids.iter().next().map(|uid| AppendUid { uidvalidity, uid })
                }
                _ => None,
            });
        }
    }

    /// A refusal of APPEND: a mailbox that is not there is something else than a message that is not taken.
    fn explained(&self, failure: Failure) -> Failure {
        match self.connection.response(STAGE) {
            Ok(Response::Tagged { code: Some(code), .. })
                if is_absence(&code) && failure.kind() == Kind::Rejected =>
            {
                failure.as_kind(Kind::Missing)
            }
            _ => failure,
        }
    }
}

/// What a header is, from pieces of the message.
#[derive(Debug, Default)]
struct HeaderLook {
    /// Whether it has octets beyond US-ASCII.
    is_8bit: bool,
    has_ended: bool,
    /// The last octets so far: those of a blank line may come in two pieces.
    tail: Vec<u8>,
}

impl HeaderLook {
    fn push(&mut self, octets: &[u8]) {
        const BLANK: &[u8] = b"\r\n\r\n";
        if self.has_ended {
            return;
        }
        let begin = octets.len().min(BLANK.len() - 1);
        self.tail.extend_from_slice(&octets[..begin]);
        let in_two = memchr::memmem::find(&self.tail, BLANK).map(|_| 0);
        let end = in_two.or_else(|| memchr::memmem::find(octets, BLANK));
        self.has_ended = end.is_some();
        self.is_8bit |= !octets[..end.unwrap_or(octets.len())].is_ascii();
        self.tail.extend_from_slice(&octets[octets.len().saturating_sub(BLANK.len() - 1).max(begin)..]);
        let keep = self.tail.len().saturating_sub(BLANK.len() - 1);
        self.tail.drain(..keep);
    }
}

/// Whether it says that there is no such mailbox.
fn is_absence(code: &ResponseCode<'_>) -> bool {
    matches!(code, ResponseCode::TryCreate | ResponseCode::NonExistent)
}

fn unreadable(error: &io::Error) -> Failure {
    Failure::new(Kind::Storage, STAGE, format!("{STAGE}: reading the message: {error}"))
}
