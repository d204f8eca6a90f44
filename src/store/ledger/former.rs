//! What was stored under an earlier UIDVALIDITY (`RFC 3501 §2.3.1.1`), and is found again by its content.
//!
//! When the UIDVALIDITY changes, the old UIDs mean nothing any more, but most messages are still the same. So
//! messages that are fetched under the new one are compared with what is stored, and are not stored twice.
//! Each record stands for one message. The records stay until a run has seen every message; see
//! [`Ledger::end_former`].

use super::Ledger;
use super::known::{ContentHashes, Known, ServerState};
use super::record::{Delivery, Record};
use super::writing::Sync;
use crate::store::durable;
use crate::store::error::StoreError;
use crate::store::fingerprint::Hashes;
use std::collections::HashMap;

/// What was stored under an earlier UIDVALIDITY, and what was found again.
#[derive(Debug, Default)]
pub(super) struct Former {
    known: Vec<Known>,
    /// The hashes of messages that were found again.
    found: Vec<[u8; 32]>,
    /// The messages that were not found yet, by hash; made when it is first needed.
    index: Option<HashMap<[u8; 32], Vec<Known>>>,
}

impl Former {
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// Makes room for so many more.
    pub fn expect(&mut self, count: usize) {
        self.known.reserve_exact(count);
    }

    /// Adds messages whose UIDs mean nothing any more.
    pub fn add(&mut self, known: impl Iterator<Item = Known>) {
        self.known.extend(known.filter(|known| known.is_stored() && known.is_there()));
        self.index = None;
    }

    /// Notes that a message with this hash was found again.
    pub fn found(&mut self, sha256: [u8; 32]) {
        if !self.is_empty() {
            self.found.push(sha256);
        }
    }
}

impl Ledger {
    /// The messages that were stored under an earlier UIDVALIDITY and not found again: the hash of each
    /// header, if no other has the same, and a place for [`Ledger::former`]. In ascending order.
    pub fn former_prints(&mut self) -> Result<Vec<(u64, u32)>, StoreError> {
        const FOUND: u32 = u32::MAX;
        self.facts.former.found.sort_unstable();
        let former = &self.facts.former;
        let mut all = Vec::with_capacity(former.known.len());
        for (place, known) in (0..FOUND).zip(&former.known) {
            let Some(ContentHashes { sha256, print: Some(print) }) = self.content(known)? else { continue };
            let is_found = former.found.binary_search(&sha256).is_ok();
            all.push((print, if is_found { FOUND } else { place }));
        }
        all.sort_unstable();
        let mut before = None;
        let mut kept = 0;
        for at in 0..all.len() {
            let (print, place) = all[at];
            let is_alone = before != Some(print) && all.get(at + 1).is_none_or(|next| next.0 != print);
            before = Some(print);
            if is_alone && place != FOUND {
                all[kept] = (print, place);
                kept += 1;
            }
        }
        all.truncate(kept);
        Ok(all)
    }

    /// A message that was stored under an earlier UIDVALIDITY; see [`Ledger::former_prints`].
    pub fn former(&self, place: u32) -> Option<&Known> {
        self.facts.former.known.get(place as usize)
    }

    /// Records durably that messages (UID, place of what is known) were found again by their headers alone.
    /// Before their contents are compared, nothing may be done on the server because of that.
    pub fn found_by_header<'a>(
        &mut self,
        messages: impl ExactSizeIterator<Item = (&'a [u8], u32)>,
    ) -> Result<usize, StoreError> {
        self.facts.former.index = None;
        self.facts.former.found.reserve_exact(messages.len());
        self.write_each(messages, Sync::Now, |ledger, (uid, place)| {
            let Some(known) = ledger.former(place) else { return Ok(None) };
            let Some(ContentHashes { sha256, print }) = ledger.content(known)? else { return Ok(None) };
            Ok(Some(Record::Likely(Delivery {
                uid: uid.into(),
                copy: known.copy,
                size: known.size,
                time: known.time,
                sha256,
                pending: known.state() == Some(ServerState::Pending),
                intent: None,
                print,
            })))
        })
    }

    /// Whether something was stored under an earlier UIDVALIDITY, so that a message with a new UID may not be
    /// new.
    pub fn has_former(&self) -> bool {
        !self.facts.former.is_empty()
    }

    /// A message that was stored under an earlier UIDVALIDITY and has this content; each is returned once.
    pub fn take_former(&mut self, hashes: &Hashes) -> Result<Option<Known>, StoreError> {
        let mut index = match self.facts.former.index.take() {
            Some(index) => index,
            None => self.index_former()?,
        };
        let found = hashes.each().iter().find_map(|hash| index.get_mut(hash)?.pop());
        self.facts.former.index = Some(index);
        Ok(found)
    }

    fn index_former(&self) -> Result<HashMap<[u8; 32], Vec<Known>>, StoreError> {
        let mut index: HashMap<[u8; 32], Vec<Known>> = HashMap::new();
        for known in &self.facts.former.known {
            if let Some(hash) = self.hash(known)? {
                index.entry(hash).or_default().push(*known);
            }
        }
        // What an interrupted run found stays found.
        for hash in &self.facts.former.found {
            if let Some(known) = index.get_mut(hash) {
                known.pop();
            }
        }
        Ok(index)
    }

    /// Records durably, by file name and hash, what the killed `runs` have stored without recording it. The
    /// UIDVALIDITY of their UIDs is about to end, and after that they cannot be found by name. Afterwards
    /// nothing of these runs is unrecorded, nor of this run so far.
    pub(in crate::store) fn record_nameless(
        &mut self,
        runs: impl IntoIterator<Item = u64>,
        messages: &[(String, [u8; 32])],
    ) -> Result<(), StoreError> {
        let mut records = Vec::with_capacity(messages.len());
        for (name, sha256) in messages {
            // No server lists such a UID.
            let uid = format!("?{name}").into_bytes();
            // An earlier run may have recorded it and been killed here.
            if !self.knows(&uid) {
                let delivery = Delivery {
                    uid: uid.into(),
                    copy: 0,
                    size: None,
                    time: durable::now(),
                    sha256: *sha256,
                    pending: false,
                    intent: None,
                    print: None,
                };
                records.push(Record::Delivered(delivery));
            }
        }
        records.extend(runs.into_iter().map(|run| Record::Closed { run }));
        let renews = !self.announced.is_empty() && self.unrecorded == 0 && !self.suspect;
        records.extend(renews.then_some(Record::Closed { run: self.run }));
        self.write(records, Sync::Now)?;
        if renews {
            self.announced.clear();
            self.run += 1;
        }
        Ok(())
    }

    /// A run has seen every message of the folder: whatever was not found again under the new UIDVALIDITY is
    /// not there any more.
    pub fn end_former(&mut self) -> Result<(), StoreError> {
        match self.facts.validity {
            Some(number) if self.has_former() => self.write(vec![Record::Validity { number }], Sync::Later),
            _ => Ok(()),
        }
    }
}
