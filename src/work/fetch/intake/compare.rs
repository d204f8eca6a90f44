//! Messages that are to be deleted and were fetched by an earlier session: are they still the same?
//!
//! Some servers have given UIDs to other messages under the same UIDVALIDITY. So before a message is deleted by its UID
//! alone, what tells its header from others is compared with what came when it was fetched.

use crate::mailbox::{Listing, Maildrop, Row};
use crate::store::{AtStage, HeaderPrint, Ledger};
use crate::words::{Failure, Kind, Scope, Stage};
use std::collections::HashMap;

/// Those of some messages that are not to be deleted now.
#[derive(Default)]
pub(super) struct Others(HashMap<u32, Why>);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Why {
    /// It is another message.
    IsOther,
    /// The server does not show its header.
    NotShown,
    /// It is not there any more.
    Gone,
}

impl Others {
    /// Compares messages of which the ledger has the proof. Those of which nothing was noted that could be compared are
    /// none of these; nor is any where UIDs have no UIDVALIDITY.
    pub fn among(
        maildrop: &mut dyn Maildrop,
        listing: &Listing,
        ledger: &Ledger,
        rows: &[u32],
    ) -> Result<Others, Failure> {
        let mut prints: HashMap<u32, u64> = HashMap::new();
        for row in rows.iter().filter(|_| listing.validity.is_some()) {
            let (uid, size) = listing.named(*row as usize);
            prints.extend(ledger.print(uid, size).at(Stage::Ledger)?.map(|print| (*row, print)));
        }
        if prints.is_empty() {
            return Ok(Others::default());
        }
        let mut places: Vec<u32> = prints.keys().copied().collect();
        places.sort_unstable();
        let mut others: HashMap<u32, Why> = places.iter().map(|place| (*place, Why::Gone)).collect();
        maildrop.identify(&places, &mut |place, header| {
            let now = header.map(|header| {
                let mut print = HeaderPrint::default();
                print.push(header);
                print.finish()
            });
            match now {
                Some(now) if now == prints.get(&place).copied() => others.remove(&place),
                Some(_) => others.insert(place, Why::IsOther),
                None => others.insert(place, Why::NotShown),
            };
        })?;
        Ok(Others(others))
    }

    pub fn have(&self, row: u32) -> bool {
        self.0.contains_key(&row)
    }

    /// The UIDs that name other messages.
    pub fn uids<'a>(&self, listing: &'a Listing) -> impl Iterator<Item = &'a [u8]> {
        self.rows(Why::IsOther).into_iter().filter_map(|row| listing.uid(row as usize))
    }

    /// Why they are not deleted. One that is gone is no failure.
    pub fn failures(&self, listing: &Listing) -> impl Iterator<Item = (Row, Failure)> {
        const STAGE: Stage = Stage::UidFetch;
        let other = |row: u32| {
            let uid = String::from_utf8_lossy(listing.uid(row as usize).unwrap_or_default()).into_owned();
            let message = format!(
                "{STAGE}: UID {uid}: the server gave it to another message than the one that is stored: it is not deleted"
            );
            let hint = "the next run fetches it as a new message";
            (row, Failure::new(Kind::Protocol, STAGE, message).scoped(Scope::Message).hint(hint))
        };
        let hidden = |row: u32| {
            let uid = String::from_utf8_lossy(listing.uid(row as usize).unwrap_or_default()).into_owned();
            let message = format!(
                "{STAGE}: UID {uid}: the server does not show its header, so it cannot be compared with the message that is stored: it is not deleted"
            );
            (row, Failure::new(Kind::Rejected, STAGE, message).scoped(Scope::Message))
        };
        let others = self.rows(Why::IsOther).into_iter().map(other);
        let all: Vec<_> = others.chain(self.rows(Why::NotShown).into_iter().map(hidden)).collect();
        all.into_iter().map(|(row, failure)| (listing.row(row as usize), failure))
    }

    fn rows(&self, why: Why) -> Vec<u32> {
        let mut rows: Vec<u32> =
            self.0.iter().filter(|(_, other)| **other == why).map(|(row, _)| *row).collect();
        rows.sort_unstable();
        rows
    }
}
