//! The selected state (`RFC 3501 §3.3`): one mailbox, opened by EXAMINE, or SELECT where that has to be.

use super::{Connection, Parking};
use crate::codec::imap::{Command, Criterion, MailboxName, Response, ResponseCode, Status, Tag};
use crate::mailbox::Setback;
use crate::words::{Failure, Kind, Stage};

/// A mailbox that is open.
#[derive(Debug)]
pub struct OpenMailbox {
    pub(super) connection: Connection,
    pub(super) name: MailboxName,
    pub(super) opening: OpeningAnswers,
    /// The search for all UIDs, on its way since the mailbox was opened.
    pub(super) search: Option<Tag>,
    /// The UIDs as they were listed: a message's number in this session is its place here, from 1.
    pub(super) uids: Vec<u32>,
    /// Whether it is open for changes.
    pub(super) is_selected: bool,
    /// Where deleted messages go instead of being removed for good.
    pub(super) target: Option<MailboxName>,
    /// Where the session goes when the mailbox is left; none: it ends.
    pub(super) parking: Option<Parking>,
    /// The mailbox that is opened after this one, as far as that is known.
    pub(super) next: Option<MailboxName>,
    /// How the last command failed.
    pub(super) setback: Option<Setback>,
    /// Whether that was this side's failure.
    pub(super) local: bool,
}

impl OpenMailbox {
    /// Opens a mailbox and asks for its UIDs in one flight: should it be refused, the search is refused too.
    pub(super) fn examine(
        mut connection: Connection,
        name: &MailboxName,
    ) -> Result<OpenMailbox, (Failure, Box<Connection>)> {
        let mut opening = OpeningAnswers::default();
        match open(&mut connection, name, &mut opening) {
            Ok((search, is_selected)) => Ok(OpenMailbox {
                connection,
                name: name.clone(),
                opening,
                search: Some(search),
                uids: Vec::new(),
                is_selected,
                target: None,
                parking: None,
                next: None,
                setback: None,
                local: false,
            }),
            Err(failure) => Err((failure, Box::new(connection))),
        }
    }

    /// Has the session go there when the mailbox is left, instead of ending.
    pub fn park_at(&mut self, parking: Option<Parking>) {
        self.parking = parking;
    }

    /// Says which mailbox is to be opened after this one, so that this can begin while messages are still coming. Not
    /// where messages are to be deleted or moved, or asked for in several turns: then this one would have to be opened
    /// again.
    pub fn followed_by(&mut self, next: Option<MailboxName>) {
        self.next = next;
    }

    /// How many messages there are, as the server said last.
    pub fn exists(&self) -> u32 {
        self.opening.exists
    }

    /// The UIDVALIDITY, as the server said it.
    pub fn uidvalidity(&self) -> Option<u64> {
        self.opening.uidvalidity
    }

    /// How many messages are not `\Seen`; `None` where the server does not search.
    pub fn unseen(&mut self) -> Result<Option<u64>, Failure> {
        self.come_back()?;
        if let Some(tag) = self.search.take() {
            self.connection.found(Stage::Search, tag)?;
        }
        let esearch = self.connection.capabilities.esearch;
        let tag = self.connection.send(Stage::Search, &Command::uid_search(&[Criterion::Unseen], esearch))?;
        Ok(self.connection.found(Stage::Search, tag)?.map(|found| found.len()))
    }

    /// The UID of the message with this number.
    pub(super) fn uid(&self, number: u32) -> Option<u32> {
        self.uids.get(usize::try_from(number).ok()?.checked_sub(1)?).copied()
    }
}

/// Opens a mailbox for reading. The result is the search for its UIDs, and whether it is open for changes all the same.
///
/// Courier keeps no UID of a mailbox that is only examined: it gives it to another message later, under the same
/// UIDVALIDITY, until a client selects. What tells is that it has no UIDNEXT to say. There it is selected, which
/// changes no message.
pub(super) fn open(
    connection: &mut Connection,
    name: &MailboxName,
    opening: &mut OpeningAnswers,
) -> Result<(Tag, bool), Failure> {
    let search = open_by(connection, name, (Stage::Examine, &Command::examine(name)), opening)?;
    if opening.uidnext.is_some() {
        return Ok((search, false));
    }
    connection.found(Stage::Search, search)?;
    *opening = OpeningAnswers::default();
    match open_by(connection, name, (Stage::Select, &Command::select(name)), opening) {
        Ok(search) => Ok((search, !opening.is_read_only())),
        Err(failure) if failure.kind() == Kind::Rejected => {
            *opening = OpeningAnswers::default();
            Ok((open_by(connection, name, (Stage::Examine, &Command::examine(name)), opening)?, false))
        }
        Err(failure) => Err(failure),
    }
}

/// Sends the command that opens a mailbox, and the search for its UIDs.
fn send_both(
    connection: &mut Connection,
    (stage, command): (Stage, &Command),
) -> Result<(Tag, Tag), Failure> {
    let esearch = connection.capabilities.esearch;
    let tag = connection.command(stage, command)?;
    let search = connection.command(stage, &Command::uid_search(&[Criterion::All], esearch))?;
    connection.flush(stage)?;
    Ok((tag, search))
}

fn open_by(
    connection: &mut Connection,
    name: &MailboxName,
    (stage, command): (Stage, &Command),
    opening: &mut OpeningAnswers,
) -> Result<Tag, Failure> {
    let (tag, search) = match connection.sent_ahead(name).filter(|_| stage == Stage::Examine) {
        Some(sent) => {
            connection.is_astray = false;
            sent
        }
        None => send_both(connection, (stage, command))?,
    };
    match connection.complete(stage, tag, |response| opening.take(response))? {
        Status::Ok => {
            if let Response::Tagged { code: Some(code), .. } = connection.response(stage)? {
                opening.code(&code);
            }
            // What is told from here on is told of messages that may be new.
            connection.grown = false;
            Ok(search)
        }
        Status::No | Status::Bad => {
            let failure = connection.refused(stage);
            let failure = match failure.kind() {
                Kind::Rejected => failure.hint("`postie list --folders` shows the folders there are"),
                _ => failure,
            };
            // With no mailbox open, this one cannot but fail.
            connection.complete(Stage::Search, search, |_| {})?;
            Err(failure)
        }
    }
}

/// What opening a mailbox tells of it (`RFC 3501 §6.3.1`).
#[derive(Clone, Debug, Default)]
pub(super) struct OpeningAnswers {
    pub exists: u32,
    pub uidvalidity: Option<u64>,
    /// The UID that the next message will have, where that was told.
    pub uidnext: Option<u64>,
    pub uids_do_not_stick: bool,
    /// Whether it was opened for reading alone.
    pub read_only: bool,
    /// Whether messages can be marked as deleted for good, as far as the server says.
    pub can_delete: Option<bool>,
}

impl OpeningAnswers {
    /// Takes an untagged response.
    pub fn take(&mut self, response: &Response<'_>) {
        match response {
            Response::Exists(count) => self.exists = *count,
            Response::Untagged { code: Some(code), .. } => self.code(code),
            _ => {}
        }
    }

    pub fn code(&mut self, code: &ResponseCode<'_>) {
        match code {
            ResponseCode::UidValidity(number) => self.uidvalidity = Some(*number),
            ResponseCode::UidNext(number) => self.uidnext = Some(*number),
            ResponseCode::UidNotSticky => self.uids_do_not_stick = true,
            ResponseCode::PermanentFlags(flags) => self.can_delete = Some(flags.contains("\\Deleted")),
            // What came before it is of the mailbox that was open before (`RFC 7162 §3.2.11`).
            ResponseCode::Closed => *self = OpeningAnswers::default(),
            ResponseCode::ReadOnly => self.read_only = true,
            ResponseCode::ReadWrite => self.read_only = false,
            _ => {}
        }
    }

    /// Whether nothing can be deleted.
    pub fn is_read_only(&self) -> bool {
        self.read_only || self.can_delete == Some(false)
    }

    /// The UIDVALIDITY under which UIDs mean something; none where they do not.
    pub fn validity(&self) -> Option<u64> {
        self.uidvalidity.filter(|number| *number > 0 && !self.uids_do_not_stick)
    }
}
