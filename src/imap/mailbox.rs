//! The selected state (`RFC 3501 §3.3`): one mailbox, opened by EXAMINE.

use super::Connection;
use crate::codec::imap::{
    Capabilities, Command, Criterion, Mailbox as Name, Response, ResponseCode, Status, Tag,
};
use crate::mailbox::Setback;
use crate::net::TlsInfo;
use crate::words::{Failure, Kind, Stage};

/// A mailbox that is open.
#[derive(Debug)]
pub struct Mailbox {
    pub(super) connection: Connection,
    pub(super) name: Name,
    pub(super) opening: Opening,
    /// The search for all UIDs, on its way since the mailbox was opened.
    pub(super) search: Option<Tag>,
    /// The UIDs as they were listed: a message's number in this session is its place here, from 1.
    pub(super) uids: Vec<u32>,
    /// Whether it is open for changes.
    pub(super) is_selected: bool,
    /// Where the server keeps what was deleted, once that was asked for.
    pub(super) trash: Option<Option<Name>>,
    /// How the last command failed.
    pub(super) setback: Option<Setback>,
    /// Whether that was this side's failure.
    pub(super) local: bool,
}

impl Mailbox {
    /// Opens a mailbox and asks for its UIDs in one flight: should it be refused, the search is refused too.
    pub(super) fn examine(
        mut connection: Connection,
        name: &Name,
    ) -> Result<Mailbox, (Failure, Box<Connection>)> {
        let mut opening = Opening::default();
        match open(&mut connection, name, &mut opening) {
            Ok(search) => Ok(Mailbox {
                connection,
                name: name.clone(),
                opening,
                search: Some(search),
                uids: Vec::new(),
                is_selected: false,
                trash: None,
                setback: None,
                local: false,
            }),
            Err(failure) => Err((failure, Box::new(connection))),
        }
    }

    /// What the server can do.
    pub fn capabilities(&self) -> &Capabilities {
        &self.connection.capabilities
    }

    /// What TLS agreed on, if it is up.
    pub fn tls(&self) -> Option<&TlsInfo> {
        self.connection.wire.tls()
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

fn open(connection: &mut Connection, name: &Name, opening: &mut Opening) -> Result<Tag, Failure> {
    const STAGE: Stage = Stage::Examine;
    let esearch = connection.capabilities.esearch;
    let tag = connection.command(STAGE, &Command::examine(name))?;
    let search = connection.command(STAGE, &Command::uid_search(&[Criterion::All], esearch))?;
    connection.flush(STAGE)?;
    match connection.complete(STAGE, tag, |response| opening.take(response))? {
        Status::Ok => {
            if let Response::Tagged { code: Some(code), .. } = connection.response(STAGE)? {
                opening.code(&code);
            }
            Ok(search)
        }
        Status::No | Status::Bad => {
            let failure = connection.refused(STAGE).more(&format!(" (folder {name})"));
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
pub(super) struct Opening {
    pub exists: u32,
    pub uidvalidity: Option<u64>,
    pub uids_do_not_stick: bool,
    /// Whether it was opened for reading alone.
    pub read_only: bool,
    /// Whether messages can be marked as deleted for good, as far as the server says.
    pub can_delete: Option<bool>,
}

impl Opening {
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
            ResponseCode::UidNotSticky => self.uids_do_not_stick = true,
            ResponseCode::PermanentFlags(flags) => self.can_delete = Some(flags.contains("\\Deleted")),
            ResponseCode::ReadOnly => self.read_only = true,
            ResponseCode::ReadWrite => self.read_only = false,
            _ => {}
        }
    }

    /// The UIDVALIDITY under which UIDs mean something; none where they do not.
    pub fn validity(&self) -> Option<u64> {
        self.uidvalidity.filter(|number| *number > 0 && !self.uids_do_not_stick)
    }
}
