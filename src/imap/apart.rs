//! What a server says of a message in a response of its own, before the message or behind it, though it was asked for
//! both together (`RFC 3501 §7.4.2` leaves it free to).
//!
//! What stands in the response with the message counts more. Behind the message only flags still help, and only until
//! the message is stored.

use crate::codec::imap::FetchItems;
use crate::store::Details;
use std::borrow::Cow;
use std::collections::HashMap;

/// The most octets that flags may have that wait for their messages; what is more is lost.
const MOST_OCTETS: usize = 1024 * 1024;
/// What a message counts for besides.
const ENTRY: usize = 128;

/// What was said apart from the messages of one retrieval, by their UIDs.
#[derive(Debug, Default)]
pub(super) struct Apart {
    early: HashMap<u32, Early>,
    octets: usize,
    /// Messages that came without flags, with their place in what was wanted.
    unflagged: HashMap<u32, usize>,
}

#[derive(Debug, Default)]
struct Early {
    flags: Option<Vec<String>>,
    received: Option<i64>,
    size: Option<u64>,
    /// What it counts for.
    octets: usize,
}

impl Apart {
    /// Notes what is said of a message that has not come.
    pub fn note(&mut self, uid: u32, items: &FetchItems<'_>) {
        let said = details(items, None, None);
        let octets = ENTRY + said.flags.iter().map(|flag| flag.len() + size_of::<String>()).sum::<usize>();
        if self.octets + octets > MOST_OCTETS {
            return;
        }
        self.octets += octets;
        let early = self.early.entry(uid).or_default();
        early.octets += octets;
        early.flags = items.flags.is_some().then_some(said.flags).or(early.flags.take());
        early.received = said.received.or(early.received);
        early.size = said.size.or(early.size);
    }

    /// The flags of a message that has come without any: its place in what was wanted, once.
    pub fn late(&mut self, uid: u32, items: &FetchItems<'_>) -> Option<(usize, Vec<String>)> {
        items.flags.as_ref()?;
        let index = self.unflagged.remove(&uid)?;
        Some((index, details(items, None, None).flags))
    }

    /// Whether flags and date of a message are known when its content begins.
    pub fn knows(&self, uid: u32, items: &FetchItems<'_>) -> bool {
        let early = self.early.get(&uid);
        let flags = items.flags.is_some() || early.is_some_and(|early| early.flags.is_some());
        flags && (items.internal_date.is_some() || early.is_some_and(|early| early.received.is_some()))
    }

    /// What is known of a message, with its place in what was wanted, whose response has these items, and so many octets
    /// of content where that is the whole message.
    pub fn details(
        &mut self,
        (uid, index): (u32, usize),
        items: &FetchItems<'_>,
        octets: Option<u64>,
        validity: Option<u64>,
    ) -> Details {
        let mut details = details(items, octets, validity);
        let early = self.early.remove(&uid).unwrap_or_default();
        self.octets -= early.octets;
        match early.flags {
            Some(flags) if items.flags.is_none() => details.flags = flags,
            None if items.flags.is_none() => {
                self.unflagged.insert(uid, index);
            }
            _ => {}
        }
        details.received = details.received.or(early.received);
        if items.size.is_none() {
            details.size = early.size.or(details.size);
        }
        details
    }
}

/// What the server says of a message besides its content.
pub(super) fn details(items: &FetchItems<'_>, size: Option<u64>, validity: Option<u64>) -> Details {
    let flag = |name: Cow<'_, [u8]>| String::from_utf8_lossy(&name).into_owned();
    Details {
        // That one is about the session, not about the message.
        flags: items
            .flags
            .iter()
            .flat_map(|flags| flags.iter())
            .map(flag)
            .filter(|flag| flag != "\\Recent")
            .collect(),
        received: items.internal_date.map(|date| date.seconds),
        size: items.size.or(size),
        validity,
    }
}
