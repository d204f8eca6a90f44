//! What became of copies that an earlier run announced: some were made, and of others nobody knows.
//!
//! Those are looked for in the other folder. A message is the same as one there if its whole header and its size are,
//! and if that one came after the copy was announced; where the server did not tell what came after (UIDNEXT), those
//! with the same Message-ID are looked at.

use super::OpenMailbox;
use super::listing::MAX_SET;
use super::mailbox::OpeningAnswers;
use crate::codec::imap::{Command, Criterion, FetchItem, FetchItems, MailboxName, Response, Status, UidSet};
use crate::store::{AtStage, Copying, Ledger};
use crate::words::{Failure, Stage};
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;

/// What tells messages apart: the hash of the header, and the size.
type Print = ([u8; 32], Option<u64>);

/// A message of which nobody knows whether it was copied.
struct Doubtful {
    uid: u32,
    print: Print,
    message_id: Option<String>,
}

impl OpenMailbox {
    /// Those of these messages that are in the other folder already, because an earlier run copied them there. It may
    /// have to look there: then no mailbox is selected afterwards.
    pub(super) fn copied_before(
        &mut self,
        uids: &UidSet,
        to: &MailboxName,
        ledger: &mut Ledger,
    ) -> Result<UidSet, Failure> {
        let mut copied = UidSet::new();
        if self.opening.validity().is_none() {
            return Ok(copied);
        }
        let listed: UidSet = self.uids.iter().copied().collect();
        for note in ledger.copies().to_vec() {
            let there = UidSet::parse(&note.uids).unwrap_or_default().within(&listed);
            if there.is_empty() {
                // They have left this folder.
                ledger.end_copy(note.id).at(Stage::Ledger)?;
                continue;
            }
            let asked = there.within(uids);
            if note.folder != to.octets() || asked.is_empty() {
                continue;
            }
            if note.is_made {
                copied = copied.with(&asked);
                continue;
            }
            let found = self.find_copies(&note, &there, to)?;
            match found.is_empty() {
                true => ledger.end_copy(note.id),
                false => ledger.copy_made(note.id, &found.to_string()),
            }
            .at(Stage::Ledger)?;
            copied = copied.with(&found.within(uids));
        }
        Ok(copied)
    }

    /// Those of these messages that a copy has put into the other folder.
    fn find_copies(&mut self, note: &Copying, uids: &UidSet, to: &MailboxName) -> Result<UidSet, Failure> {
        let doubtful = self.doubtful(uids)?;
        if doubtful.is_empty() {
            return Ok(UidSet::new());
        }
        let opening = self.look_into(to)?;
        let next = note.before.filter(|(validity, _)| opening.uidvalidity == Some(*validity));
        let next = next.and_then(|(_, next)| u32::try_from(next).ok()).filter(|next| *next > 0);
        let candidates = match next {
            Some(next) => UidSet::range(next, u32::MAX),
            None => self.with_message_ids(&doubtful)?,
        };
        let mut there: HashMap<Print, usize> = doubtful.iter().map(|message| (message.print, 0)).collect();
        self.prints(&candidates, |_, print, _| {
            if let Some(count) = there.get_mut(&print) {
                *count += 1;
            }
        })?;
        let mut found = UidSet::new();
        for message in &doubtful {
            if let Some(count) = there.get_mut(&message.print).filter(|count| **count > 0) {
                *count -= 1;
                found.add(message.uid, message.uid);
            }
        }
        Ok(found)
    }

    fn doubtful(&mut self, uids: &UidSet) -> Result<Vec<Doubtful>, Failure> {
        let mut doubtful = Vec::new();
        self.prints(uids, |uid, print, header| {
            doubtful.push(Doubtful { uid, print, message_id: message_id(header) });
        })?;
        doubtful.sort_by_key(|message| message.uid);
        doubtful.dedup_by_key(|message| message.uid);
        Ok(doubtful)
    }

    /// Calls `each` with the UID of each of these messages, what tells it apart, and its header.
    fn prints(&mut self, uids: &UidSet, mut each: impl FnMut(u32, Print, &[u8])) -> Result<(), Failure> {
        const STAGE: Stage = Stage::UidFetch;
        let items = [FetchItem::Uid, FetchItem::Size, FetchItem::Header];
        let mut todo = uids.split_for_lines(MAX_SET);
        while let Some(piece) = todo.pop() {
            let mut came = UidSet::new();
            let tag = self.connection.send(STAGE, &Command::uid_fetch(&piece, &items))?;
            let status = self.connection.complete(STAGE, tag, |response| {
                if let Response::Fetch(FetchItems { uid: Some(uid), size, header: Some(header), .. }) =
                    response
                    && piece.contains(*uid)
                {
                    came.extend([*uid]);
                    each(*uid, (Sha256::digest(header).into(), *size), header);
                }
            })?;
            if self.connection.is_limited(STAGE)? && !came.is_empty() {
                todo.extend([piece.without(&came)].into_iter().filter(|rest| !rest.is_empty()));
            } else if status != Status::Ok {
                return Err(self.connection.refused(STAGE));
            }
        }
        Ok(())
    }

    /// Opens the other folder, in which nothing is changed, in place of this one.
    fn look_into(&mut self, folder: &MailboxName) -> Result<OpeningAnswers, Failure> {
        const STAGE: Stage = Stage::Examine;
        self.is_selected = false;
        let mut opening = OpeningAnswers::default();
        let tag = self.connection.send(STAGE, &Command::examine(folder))?;
        if self.connection.complete(STAGE, tag, |response| opening.take(response))? != Status::Ok {
            return Err(self.connection.refused(STAGE));
        }
        Ok(opening)
    }

    /// The messages of the folder that is open whose Message-ID is that of one of these.
    fn with_message_ids(&mut self, doubtful: &[Doubtful]) -> Result<UidSet, Failure> {
        let esearch = self.connection.capabilities.esearch;
        let mut found = UidSet::new();
        for id in doubtful.iter().filter_map(|message| message.message_id.as_deref()) {
            let criterion = Criterion::Header("MESSAGE-ID", id);
            let tag = self.connection.send(Stage::Search, &Command::uid_search(&[criterion], esearch))?;
            found = found.with(&self.connection.found(Stage::Search, tag)?.unwrap_or_default());
        }
        Ok(found)
    }
}

/// The Message-ID in a header (`RFC 5322 §3.6.4`), if it can be searched for.
fn message_id(header: &[u8]) -> Option<String> {
    const NAME: &[u8] = b"message-id:";
    let begins = |line: &&[u8]| line.get(..NAME.len()).is_some_and(|name| name.eq_ignore_ascii_case(NAME));
    let field = header.split(|octet| *octet == b'\n').position(|line| begins(&line))?;
    let mut lines = header.split(|octet| *octet == b'\n').skip(field);
    let mut value = lines.next()?[NAME.len()..].to_vec();
    lines.take_while(|line| matches!(line.first(), Some(b' ' | b'\t'))).for_each(|line| value.extend(line));
    let start = memchr::memchr(b'<', &value)?;
    let end = start + memchr::memchr(b'>', &value[start..])?;
    let id = std::str::from_utf8(&value[start..=end]).ok()?;
    id.bytes().all(|octet| octet.is_ascii_graphic()).then(|| id.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_id_is_found_in_its_field_folded_or_not() {
        for (header, id) in [
            ("Subject: a\r\nMESSAGE-id: <a@b>\r\nX: <c@d>\r\n\r\n", Some("<a@b>")),
            ("Message-ID:\r\n <a@b>\r\n\r\n", Some("<a@b>")),
            ("Message-ID: (a remark) <a@b> more\n", Some("<a@b>")),
            ("Message-ID: <a b>\r\n", None),
            ("Message-ID: <a@b\r\nX: c>\r\n", None),
            ("Message-ID: none\r\nX-Message-ID: <a@b>\r\n", None),
            ("Message-ID: <a@\u{e4}>\r\n", None),
            ("", None),
        ] {
            assert_eq!(message_id(header.as_bytes()).as_deref(), id, "{header:?}");
        }
    }
}
