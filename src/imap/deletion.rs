//! Removing messages for good: `UID STORE +FLAGS.SILENT (\Deleted)` and UID EXPUNGE (`RFC 4315`).
//!
//! The flag `\Deleted` is shared with every other client of the mailbox, and a plain EXPUNGE removes whatever
//! carries it. So without UIDPLUS it is sent only where no other message is marked, and where EXPUNGE merely
//! archives (Gmail) messages go to the trash instead.

use super::listing::MAX_SET;
use super::mailbox::{Mailbox, Opening};
use super::mailboxes::Authenticated;
use crate::codec::imap::{Command, Criterion, Mailbox as Name, Response, Status, UidSet};
use crate::store::Recorded;
use crate::words::{Failure, Kind, Stage};

/// How messages can be removed here.
enum Way {
    /// By name, and no other.
    Expunge,
    /// Together with everything that is marked.
    ExpungeMarked,
    /// To the trash.
    Move(Name),
}

impl Mailbox {
    /// Removes messages. The result has a failure, or none, for each.
    pub(super) fn remove(&mut self, messages: &[(u32, &Recorded)]) -> Result<Vec<Option<Failure>>, Failure> {
        let uids: UidSet = messages.iter().filter_map(|(number, _)| self.uid(*number)).collect();
        let removed = self.remove_all(&uids)?;
        Ok(messages.iter().map(|_| removed.clone()).collect())
    }

    /// Removes them; a failure that concerns them alone is the inner one.
    fn remove_all(&mut self, uids: &UidSet) -> Result<Option<Failure>, Failure> {
        if let Some(failure) = self.select()? {
            return Ok(Some(failure));
        }
        let way = self.way()?;
        if matches!(way, Way::ExpungeMarked) {
            self.marked_but(uids)?;
        }
        for piece in uids.split_for_lines(MAX_SET) {
            let failed = match &way {
                Way::Move(trash) => self.run(Stage::UidMove, &Command::uid_move(&piece, trash))?,
                Way::Expunge => {
                    self.mark_and(&piece, Stage::UidExpunge, Some(&Command::uid_expunge(&piece)))?
                }
                Way::ExpungeMarked => self.mark_and(&piece, Stage::UidStore, None)?,
            };
            if failed.is_some() {
                return Ok(failed);
            }
        }
        match way {
            Way::ExpungeMarked => {
                // A search that does not find these does not find those of others either.
                let found = self.marked_but(uids)?;
                if !uids.without(&found).is_empty() {
                    let message = "UID SEARCH: it does not find the messages that were just marked as deleted: nothing is expunged";
                    let failure = Failure::new(Kind::Missing, Stage::Search, message);
                    return Err(failure.at(self.connection.wire.place()));
                }
                self.run(Stage::Expunge, &Command::expunge_all_marked())
            }
            Way::Expunge | Way::Move(_) => Ok(None),
        }
    }

    /// Marks messages and, in the same flight, sends what removes them.
    fn mark_and(
        &mut self,
        uids: &UidSet,
        stage: Stage,
        then: Option<&Command>,
    ) -> Result<Option<Failure>, Failure> {
        let connection = &mut self.connection;
        let store = connection.command(Stage::UidStore, &Command::mark_deleted(uids))?;
        let then = then.map(|then| connection.command(stage, then)).transpose()?;
        connection.flush(Stage::UidStore)?;
        let marked = connection.complete(Stage::UidStore, store, |_| {})?;
        let mut failed = (marked != Status::Ok).then(|| connection.refused(Stage::UidStore));
        if let Some(then) = then
            && connection.complete(stage, then, |_| {})? != Status::Ok
        {
            failed = failed.or_else(|| Some(connection.refused(stage)));
        }
        Ok(failed)
    }

    fn run(&mut self, stage: Stage, command: &Command) -> Result<Option<Failure>, Failure> {
        let tag = self.connection.send(stage, command)?;
        let status = self.connection.complete(stage, tag, |_| {})?;
        Ok((status != Status::Ok).then(|| self.connection.refused(stage)))
    }

    /// Opens the mailbox for changes. It was examined, and may be another by now.
    fn select(&mut self) -> Result<Option<Failure>, Failure> {
        const STAGE: Stage = Stage::Select;
        if self.is_selected {
            return Ok(None);
        }
        let mut opening = Opening::default();
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
        if opening.read_only || opening.can_delete == Some(false) {
            let message = "SELECT: the mailbox is read-only: nothing can be deleted";
            return Ok(Some(Failure::new(Kind::Rejected, STAGE, message).at(place)));
        }
        self.is_selected = true;
        Ok(None)
    }

    /// How messages can be removed here, or why they cannot.
    fn way(&mut self) -> Result<Way, Failure> {
        if self.connection.capabilities.gmail {
            return match self.trash()? {
                // In the trash, EXPUNGE is what it is elsewhere.
                Some(trash) if trash == self.name => Ok(Way::Expunge),
                Some(trash) => Ok(Way::Move(trash)),
                None => {
                    let message = "EXPUNGE: on this server it would only archive, and no folder is its trash";
                    Err(Failure::new(Kind::Missing, Stage::Expunge, message)
                        .at(self.connection.wire.place())
                        .hint("switch on \"Show in IMAP\" for the trash in the provider's settings"))
                }
            };
        }
        match self.connection.capabilities.uidplus {
            true => Ok(Way::Expunge),
            false => Ok(Way::ExpungeMarked),
        }
    }

    /// The folder that is the server's trash.
    fn trash(&mut self) -> Result<Option<Name>, Failure> {
        if let Some(trash) = &self.trash {
            return Ok(trash.clone());
        }
        let listed = Authenticated::list_in(&mut self.connection)?;
        let trash = listed.into_iter().find(|folder| folder.uses.trash).map(|folder| folder.name);
        self.trash = Some(trash.clone());
        Ok(trash)
    }

    /// Which messages are marked as deleted. Fails where others are than these.
    fn marked_but(&mut self, uids: &UidSet) -> Result<UidSet, Failure> {
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
        Err(failure.hint("--move-to FOLDER moves messages away instead"))
    }
}
