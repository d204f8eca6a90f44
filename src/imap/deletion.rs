//! Removing messages for good: `UID STORE +FLAGS.SILENT (\Deleted)` and UID EXPUNGE (`RFC 4315`); where they go to
//! another folder instead, see `moving`.
//!
//! The flag `\Deleted` is shared with every other client of the mailbox, and a plain EXPUNGE removes whatever
//! carries it. So without UIDPLUS it is sent only where no other message is marked, and where EXPUNGE merely
//! archives (Gmail) messages go to the trash instead.

use super::listing::MAX_SET;
use super::mailbox::{OpenMailbox, OpeningAnswers};
use super::mailboxes::Authenticated;
use crate::codec::imap::{Command, Criterion, FetchItem, MailboxName, Response, Status, UidSet};
use crate::store::{Ledger, Recorded};
use crate::words::{Failure, Kind, Stage};

/// How messages are removed here.
enum DeletionWay {
    Expunge,
    /// To that folder.
    Move(MailboxName),
}

/// What became of messages that were to go.
#[derive(Default)]
pub(super) struct Removed {
    /// Those that are still there.
    pub left: UidSet,
    /// Why the first of them is.
    pub why: Option<Failure>,
}

impl Removed {
    /// These stay, because of this.
    pub fn stay(&mut self, uids: &UidSet, why: Failure) {
        if !uids.is_empty() {
            self.left = self.left.with(uids);
            self.why.get_or_insert(why);
        }
    }

    pub fn join(&mut self, other: Removed) {
        self.left = self.left.with(&other.left);
        self.why = self.why.take().or(other.why);
    }
}

impl OpenMailbox {
    /// Removes messages. The result has a failure, or none, for each.
    pub(super) fn remove(
        &mut self,
        messages: &[(u32, &Recorded)],
        ledger: &mut Ledger,
    ) -> Result<Vec<Option<Failure>>, Failure> {
        let uids: UidSet = messages.iter().filter_map(|(number, _)| self.uid(*number)).collect();
        self.come_back()?;
        let Removed { left, why } = match self.select()? {
            Some(why) => Removed { left: uids, why: Some(why) },
            None => match self.way()? {
                DeletionWay::Expunge => self.expunge(&uids)?,
                DeletionWay::Move(folder) => self.relocate(&uids, &folder, ledger)?,
            },
        };
        let failed = |number: u32| self.uid(number).is_none_or(|uid| left.contains(uid));
        Ok(messages.iter().map(|(number, _)| why.clone().filter(|_| failed(*number))).collect())
    }

    /// Removes them for good.
    pub(super) fn expunge(&mut self, uids: &UidSet) -> Result<Removed, Failure> {
        let mut removed = Removed::default();
        let by_name = self.connection.capabilities.uidplus;
        if !by_name {
            self.marked_but(uids)?;
        }
        let mut pieces = uids.split_for_lines(MAX_SET).into_iter();
        for piece in pieces.by_ref() {
            let then = by_name.then(|| Command::uid_expunge(&piece));
            if let Some(why) = self.mark_and(&piece, then.as_ref())? {
                removed.stay(&piece, why);
                break;
            }
        }
        if let Some(why) = removed.why.clone() {
            pieces.for_each(|piece| removed.stay(&piece, why.clone()));
        }
        if !by_name {
            self.expunge_marked(uids, &mut removed)?;
        }
        Ok(removed)
    }

    /// Expunges all that is marked, if it is these and no others.
    fn expunge_marked(&mut self, uids: &UidSet, removed: &mut Removed) -> Result<(), Failure> {
        let marked = uids.without(&removed.left);
        if marked.is_empty() {
            return Ok(());
        }
        // A search that does not find these does not find those of others either.
        let missed = marked.without(&self.marked_but(uids)?);
        if !missed.is_empty() && self.are_there(&missed)? {
            let message = "UID SEARCH: it does not find the messages that were just marked as deleted: nothing is expunged";
            let failure = Failure::new(Kind::Missing, Stage::Search, message);
            return Err(failure.at(self.connection.wire.place()));
        }
        if let Some(why) = self.run(Stage::Expunge, &Command::expunge_all_marked())? {
            removed.stay(&marked, why);
        }
        Ok(())
    }

    /// Whether any of these is still there, however little a search finds: another client may have removed them.
    fn are_there(&mut self, uids: &UidSet) -> Result<bool, Failure> {
        const STAGE: Stage = Stage::UidFetch;
        let mut there = false;
        for piece in uids.split_for_lines(MAX_SET) {
            let tag = self.connection.send(STAGE, &Command::uid_fetch(&piece, &[FetchItem::Uid]))?;
            self.connection.expect_ok(STAGE, tag, |response| {
                if let Response::Fetch(items) = response
                    && let Some(uid) = items.uid
                {
                    there |= piece.contains(uid);
                }
            })?;
        }
        Ok(there)
    }

    /// Marks messages and, in the same flight, sends what removes them.
    fn mark_and(&mut self, uids: &UidSet, then: Option<&Command>) -> Result<Option<Failure>, Failure> {
        let connection = &mut self.connection;
        let store = connection.command(Stage::UidStore, &Command::mark_deleted(uids))?;
        let then = then.map(|then| connection.command(Stage::UidExpunge, then)).transpose()?;
        connection.flush(Stage::UidStore)?;
        let marked = connection.complete(Stage::UidStore, store, |_| {})?;
        let mut failed = (marked != Status::Ok).then(|| connection.refused(Stage::UidStore));
        if let Some(then) = then
            && connection.complete(Stage::UidExpunge, then, |_| {})? != Status::Ok
        {
            failed = failed.or_else(|| Some(connection.refused(Stage::UidExpunge)));
        }
        Ok(failed)
    }

    fn run(&mut self, stage: Stage, command: &Command) -> Result<Option<Failure>, Failure> {
        let tag = self.connection.send(stage, command)?;
        let status = self.connection.complete(stage, tag, |_| {})?;
        Ok((status != Status::Ok).then(|| self.connection.refused(stage)))
    }

    /// Opens the mailbox for changes. It was examined, and may be another by now.
    pub(super) fn select(&mut self) -> Result<Option<Failure>, Failure> {
        const STAGE: Stage = Stage::Select;
        if self.is_selected {
            return Ok(None);
        }
        let mut opening = OpeningAnswers::default();
        let tag = self.connection.send(STAGE, &Command::select(&self.name))?;
        if self.connection.complete(STAGE, tag, |response| opening.take(response))? != Status::Ok {
            let failure = self.connection.refused(STAGE);
            // No mailbox is open now.
            self.connection.wire.mark_broken();
            return Err(failure);
        }
        if let Response::Tagged { code: Some(code), .. } = self.connection.response(STAGE)? {
            opening.code(&code);
        }
        let place = self.connection.wire.place();
        if opening.uidvalidity != self.opening.uidvalidity {
            let message =
                "SELECT: the UIDVALIDITY changed since the messages were listed: nothing is deleted";
            let failure = Failure::new(Kind::Deferred, STAGE, message).at(place);
            self.connection.wire.mark_broken();
            return Err(failure);
        }
        if opening.is_read_only() {
            let message = "SELECT: the mailbox is read-only: nothing can be deleted";
            return Ok(Some(Failure::new(Kind::Rejected, STAGE, message).at(place)));
        }
        self.is_selected = true;
        Ok(None)
    }

    /// How messages are removed here, or why they cannot be.
    fn way(&mut self) -> Result<DeletionWay, Failure> {
        if let Some(folder) = &self.target {
            return Ok(DeletionWay::Move(folder.clone()));
        }
        if !self.connection.capabilities.gmail {
            return Ok(DeletionWay::Expunge);
        }
        let listed = Authenticated::list_in(&mut self.connection)?;
        match listed.into_iter().find(|folder| folder.uses.trash).map(|folder| folder.name) {
            // In the trash, EXPUNGE is what it is elsewhere.
            Some(trash) if trash == self.name => Ok(DeletionWay::Expunge),
            Some(trash) => {
                self.target = Some(trash.clone());
                Ok(DeletionWay::Move(trash))
            }
            None => {
                let message = "EXPUNGE: on this server it would only archive, and no folder is its trash";
                Err(Failure::new(Kind::Missing, Stage::Expunge, message)
                    .at(self.connection.wire.place())
                    .hint("switch on \"Show in IMAP\" for the trash in the provider's settings"))
            }
        }
    }

    /// Which messages are marked as deleted. Fails where others are than these.
    pub(super) fn marked_but(&mut self, uids: &UidSet) -> Result<UidSet, Failure> {
        const STAGE: Stage = Stage::Search;
        let esearch = self.connection.capabilities.esearch;
        let tag = self.connection.send(STAGE, &Command::uid_search(&[Criterion::Deleted], esearch))?;
        let Some(marked) = self.connection.found(STAGE, tag)? else {
            return Err(self.connection.refused(STAGE));
        };
        let others = marked.without(uids).len();
        if others == 0 {
            return Ok(marked);
        }
        let message = format!(
            "EXPUNGE: {others} other message(s) are marked as deleted, and this server cannot remove some and leave the others: nothing is deleted"
        );
        let failure = Failure::new(Kind::Missing, Stage::Expunge, message).at(self.connection.wire.place());
        // A server without MOVE moves by deleting, too.
        let moves = self.connection.capabilities.moves;
        Err(if moves { failure.hint("--move-to FOLDER moves messages away instead") } else { failure })
    }
}
