//! Moving messages to another folder: UID MOVE (`RFC 6851`), or UID COPY and then removing what was copied.
//!
//! A message is removed here only once the server has said that it is there. A copy is announced in the ledger before
//! it is asked for and noted when it is made, so that a run which ends in between is not followed by a second copy;
//! see `copying`.

use super::deletion::Removed;
use super::listing::MAX_SET;
use super::mailboxes::in_own_form;
use super::{Connection, OpenMailbox};
use crate::codec::imap::{Command, MailboxName, Response, ResponseCode, Status, StatusItem, UidSet};
use crate::store::{AtStage, Ledger};
use crate::words::{Failure, Kind, Stage};

/// How many messages are moved by one command: a server may be silent until it has moved them all.
const AT_ONCE: u64 = 500;

/// How often a refused set is divided to find the messages because of which it is.
const MOST_REFUSALS: usize = 40;

/// What the other folder is asked for before anything is copied there.
const BEFORE: [StatusItem; 2] = [StatusItem::UidValidity, StatusItem::UidNext];

/// How a command for several messages ended.
enum MoveVerdict {
    Done,
    Refused(Failure),
    /// The server does not know the command.
    Unknown(Failure),
}

impl OpenMailbox {
    /// From now on removed messages go to this folder.
    pub(super) fn set_target(&mut self, folder: &str) -> Result<(), Failure> {
        const STAGE: Stage = Stage::List;
        let name = MailboxName::named(folder);
        let name =
            name.ok_or_else(|| Failure::usage(format!("move-to {folder}: not the name of a folder")))?;
        if name == self.name {
            let message = format!("move-to {name}: it is the folder that mail is fetched from");
            return Err(Failure::usage(message));
        }
        // What is on its way is listed once more.
        if let Some(tag) = self.search.take() {
            self.connection.found(Stage::Search, tag)?;
        }
        let tag = self.connection.send(STAGE, &Command::list(&name, false, &[]))?;
        let (mut is_there, in_utf8) = (false, self.connection.utf8);
        let status = self.connection.complete(STAGE, tag, |response| {
            if let Response::List(row) = response {
                let gone = row.attributes.contains("\\Noselect") || row.attributes.contains("\\NonExistent");
                let is_same = name.is_inbox() && row.name.eq_ignore_ascii_case(b"INBOX");
                is_there |= (is_same || in_own_form(&row.name, in_utf8) == name.octets()) && !gone;
            }
        })?;
        if status != Status::Ok {
            return Err(self.connection.refused(STAGE));
        }
        if !is_there {
            let message = format!("{STAGE}: there is no folder {name} to move messages to");
            let failure = Failure::new(Kind::Missing, STAGE, message).at(self.connection.wire.place());
            return Err(failure.hint(WHERE_FOLDERS_ARE));
        }
        self.target = Some(name);
        Ok(())
    }

    /// Moves messages to another folder.
    pub(super) fn relocate(
        &mut self,
        uids: &UidSet,
        to: &MailboxName,
        ledger: &mut Ledger,
    ) -> Result<Removed, Failure> {
        let copied = self.copied_before(uids, to, ledger)?;
        if let Some(why) = self.select()? {
            return Ok(Removed { left: uids.clone(), why: Some(why) });
        }
        let mut removed = Removed::default();
        let mut fresh = uids.without(&copied);
        if self.connection.capabilities.moves {
            fresh = self.move_all(&fresh, to, &mut removed)?;
        }
        let copied = match fresh.is_empty() {
            true => copied,
            false => {
                if !self.connection.capabilities.uidplus {
                    // If it could not be removed afterwards, it is not copied either. An earlier run may have marked
                    // what it copied.
                    self.marked_but(uids)?;
                }
                copied.with(&self.copy_all(&fresh, to, ledger, &mut removed)?)
            }
        };
        if !copied.is_empty() {
            removed.join(self.expunge(&copied)?);
        }
        Ok(removed)
    }

    /// UID MOVE. Returns those of which the server did not know what to do with them: it has no MOVE after all.
    fn move_all(
        &mut self,
        uids: &UidSet,
        to: &MailboxName,
        removed: &mut Removed,
    ) -> Result<UidSet, Failure> {
        const STAGE: Stage = Stage::UidMove;
        let mut todo = pieces(uids);
        let mut refusals = 0;
        while let Some(piece) = todo.pop() {
            let tag = self.connection.send(STAGE, &Command::uid_move(&piece, to))?;
            let status = self.connection.complete(STAGE, tag, |_| {})?;
            let why = match self.verdict(STAGE, status)? {
                MoveVerdict::Done => {
                    if self.connection.is_limited(STAGE)? {
                        let left = piece.without(&self.gone(&piece)?);
                        match left.is_empty() || left == piece {
                            true => removed.stay(&left, self.connection.part_alone(STAGE)),
                            false => todo.push(left),
                        }
                    }
                    continue;
                }
                MoveVerdict::Unknown(_) => {
                    self.connection.capabilities.moves = false;
                    return Ok(todo.iter().fold(piece, |all, piece| all.with(piece)));
                }
                MoveVerdict::Refused(why) => why,
            };
            // A part may have been moved all the same.
            let left = piece.without(&self.gone(&piece)?);
            refusals += 1;
            divide(&mut todo, left, why, refusals, removed);
        }
        Ok(UidSet::new())
    }

    /// UID COPY. Returns what is there now, and may go here.
    fn copy_all(
        &mut self,
        uids: &UidSet,
        to: &MailboxName,
        ledger: &mut Ledger,
        removed: &mut Removed,
    ) -> Result<UidSet, Failure> {
        let before = self.before(to)?;
        let (mut todo, mut copied, mut refusals) = (pieces(uids), UidSet::new(), 0);
        while let Some(piece) = todo.pop() {
            let there = match self.copy(&piece, to, before, ledger)? {
                Ok(there) => there,
                Err(why) => {
                    refusals += 1;
                    divide(&mut todo, piece, why, refusals, removed);
                    continue;
                }
            };
            let missing = piece.without(&there);
            if !missing.is_empty() {
                let left = missing.without(&self.gone(&missing)?);
                removed.stay(&left, self.connection.part_alone(Stage::UidCopy));
            }
            copied = copied.with(&there);
        }
        Ok(copied)
    }

    /// Copies some; returns those that were copied, or why none was.
    fn copy(
        &mut self,
        uids: &UidSet,
        to: &MailboxName,
        before: Option<(u64, u64)>,
        ledger: &mut Ledger,
    ) -> Result<Result<UidSet, Failure>, Failure> {
        const STAGE: Stage = Stage::UidCopy;
        // Where UIDs do not last, a note would tell of other messages.
        let noted = self.opening.validity().is_some();
        let note = noted.then(|| ledger.announce_copy(to.octets(), before, &uids.to_string()));
        let note = note.transpose().at(Stage::Ledger)?;
        let mut told: Option<UidSet> = None;
        let mut take = |code: &ResponseCode<'_>| {
            if let ResponseCode::CopyUid(copied) = code {
                told = Some(told.take().unwrap_or_default().with(&copied.sources()));
            }
        };
        let tag = self.connection.send(STAGE, &Command::uid_copy(uids, to))?;
        let status = self.connection.complete(STAGE, tag, |response| {
            if let Response::Untagged { code: Some(code), .. } = response {
                take(code);
            }
        })?;
        if let Response::Tagged { code: Some(code), .. } = self.connection.response(STAGE)? {
            take(&code);
        }
        if told.is_none() && self.connection.is_limited(STAGE)? {
            // Which ones is seen in the other folder, by the next run.
            return Ok(Err(self.connection.part_alone(STAGE).as_kind(Kind::Deferred)));
        }
        match self.verdict(STAGE, status) {
            // The note stays open: a server may have copied a part all the same.
            Ok(MoveVerdict::Refused(why) | MoveVerdict::Unknown(why)) => return Ok(Err(why)),
            Ok(MoveVerdict::Done) => {}
            Err(no_folder) => {
                note.map_or(Ok(()), |note| ledger.end_copy(note)).at(Stage::Ledger)?;
                return Err(no_folder);
            }
        }
        let there = told.map_or_else(|| uids.clone(), |told| uids.within(&told));
        if let Some(note) = note {
            ledger.copy_made(note, &there.to_string()).at(Stage::Ledger)?;
        }
        Ok(Ok(there))
    }

    /// The other folder's UIDVALIDITY and UIDNEXT, if it tells both.
    fn before(&mut self, of: &MailboxName) -> Result<Option<(u64, u64)>, Failure> {
        let tag = self.connection.send(Stage::Status, &Command::status(of, &BEFORE))?;
        let mut told = None;
        self.connection.complete(Stage::Status, tag, |response| {
            if let Response::MailboxStatus(row) = response {
                told = row.uidvalidity.zip(row.uidnext);
            }
        })?;
        Ok(told)
    }

    /// How the command ended whose tagged response came last. Without the other folder nothing can be moved.
    fn verdict(&self, stage: Stage, status: Status) -> Result<MoveVerdict, Failure> {
        let Response::Tagged { code, .. } = self.connection.response(stage)? else {
            return Ok(MoveVerdict::Done);
        };
        let why = || self.connection.refused(stage);
        match (status, code) {
            (Status::Ok, _) => Ok(MoveVerdict::Done),
            (_, Some(ResponseCode::TryCreate | ResponseCode::NonExistent)) => {
                Err(why().hint(WHERE_FOLDERS_ARE))
            }
            (Status::Bad, _) => Ok(MoveVerdict::Unknown(why())),
            (Status::No, _) => Ok(MoveVerdict::Refused(why())),
        }
    }
}

impl Connection {
    /// The server has not done with all what it was asked for, and does not say why.
    fn part_alone(&self, stage: Stage) -> Failure {
        let message = format!("{stage}: the server did it for a part of the messages alone");
        Failure::new(Kind::Protocol, stage, message).at(self.wire.place())
    }
}

const WHERE_FOLDERS_ARE: &str = "`postie list --folders` shows the folders there are";

/// In pieces for one command each, the first one last.
fn pieces(uids: &UidSet) -> Vec<UidSet> {
    let mut pieces = Vec::new();
    for mut rest in uids.split_for_lines(MAX_SET) {
        while !rest.is_empty() {
            let (piece, more) = rest.split_at(AT_ONCE);
            pieces.push(piece);
            rest = more;
        }
    }
    pieces.reverse();
    pieces
}

/// After a refusal: what is left is tried once more in halves, if that may help.
fn divide(todo: &mut Vec<UidSet>, left: UidSet, why: Failure, refusals: usize, removed: &mut Removed) {
    if why.kind() != Kind::Rejected || refusals >= MOST_REFUSALS {
        removed.stay(&left, why.clone());
        for piece in std::mem::take(todo) {
            removed.stay(&piece, why.clone());
        }
    } else if left.len() > 1 {
        let (head, tail) = left.split_at(left.len() / 2);
        todo.extend([tail, head]);
    } else if !left.is_empty() {
        removed.stay(&left, why);
    }
}
