//! Opening the mailbox that comes next behind the last messages of this one (`RFC 3501 §5.5`): so that of thousands of
//! mailboxes each costs one round trip less.
//!
//! The server carries out EXAMINE when all before it is done, so it does no harm to what was asked for. But from then
//! on a UID names a message of the other mailbox. So a connection that has gone ahead is astray: it refuses to send
//! any command about messages, until a mailbox is opened on it. Where more is wanted of this one after all, it is opened
//! again.

use super::mailbox::{OpeningAnswers, open};
use super::mailboxes::Authenticated;
use super::{Connection, OpenMailbox};
use crate::codec::imap::{Command, Criterion, MailboxName, Tag};
use crate::words::{Failure, Kind, Stage};

/// A mailbox that was opened ahead of its time; the answers are on their way.
#[derive(Debug)]
pub(super) struct Ahead {
    name: MailboxName,
    /// EXAMINE, and the search for all UIDs behind it.
    tags: (Tag, Tag),
}

impl Connection {
    /// Adds the opening of a mailbox to the next flight.
    pub(super) fn go_ahead(&mut self, name: MailboxName) -> Result<(), Failure> {
        let examine = self.command(Stage::Examine, &Command::examine(&name))?;
        let esearch = self.capabilities.esearch;
        let search = self.command(Stage::Examine, &Command::uid_search(&[Criterion::All], esearch))?;
        (self.ahead, self.is_astray) = (Some(Ahead { name, tags: (examine, search) }), true);
        Ok(())
    }

    /// The commands that open this mailbox, if they are on their way.
    pub(super) fn sent_ahead(&mut self, name: &MailboxName) -> Option<(Tag, Tag)> {
        self.ahead.take_if(|ahead| ahead.name == *name).map(|ahead| ahead.tags)
    }

    /// Takes the answers about a mailbox that nobody wants any more.
    pub(super) fn forget_ahead(&mut self) -> Result<(), Failure> {
        let Some(Ahead { tags: (examine, search), .. }) = self.ahead.take() else { return Ok(()) };
        self.complete(Stage::Examine, examine, |_| {})?;
        self.found(Stage::Search, search).map(drop)
    }

    /// Refuses a command about messages while they would be those of another mailbox.
    pub(super) fn stays_here(&mut self, stage: Stage, command: &Command) -> Result<(), Failure> {
        self.is_astray &= !command.opens_mailbox();
        if !(self.is_astray && command.is_about_messages()) {
            return Ok(());
        }
        let message = format!("{stage}: another mailbox is open by now");
        Err(Failure::new(Kind::Internal, stage, message).at(self.wire.place()))
    }
}

impl Authenticated {
    /// Whether the opening of a mailbox is on its way.
    pub fn has_gone_ahead(&self) -> bool {
        self.connection.ahead.is_some()
    }
}

impl OpenMailbox {
    /// Opens the mailbox that comes next, if one does and nothing has gone wrong with that before.
    pub(super) fn go_ahead(&mut self) -> Result<(), Failure> {
        let goes = self.parking.as_ref().is_some_and(|parking| parking.goes_ahead());
        match self.next.take().filter(|_| goes && !self.connection.is_astray) {
            Some(next) => self.connection.go_ahead(next),
            None => Ok(()),
        }
    }

    /// Opens this mailbox again if another one was opened ahead of its time.
    pub(super) fn come_back(&mut self) -> Result<(), Failure> {
        if !self.connection.is_astray {
            return Ok(());
        }
        self.connection.forget_ahead()?;
        let mut opening = OpeningAnswers::default();
        let (search, is_selected) = open(&mut self.connection, &self.name, &mut opening)?;
        self.connection.found(Stage::Search, search)?;
        if opening.validity() != self.opening.validity() {
            self.connection.wire.mark_broken();
            let message = "EXAMINE: the UIDVALIDITY changed since the messages were listed";
            return Err(
                Failure::new(Kind::Deferred, Stage::Examine, message).at(self.connection.wire.place())
            );
        }
        self.is_selected = is_selected;
        Ok(())
    }
}
