//! What a ledger remembers of an account besides its messages: messages at which the connection was lost, and
//! what the server was seen not to be able to do.

use super::Ledger;
use super::record::Record;
use super::writing::Sync;
use crate::store::durable;
use crate::store::error::StoreError;
use std::borrow::Cow;
use std::collections::HashMap;
use std::io;

/// How long a loss is remembered if its message is not asked for any more, in seconds: 30 days.
const LOSS_MEMORY: u64 = 30 * super::DAY;
/// How long a trait is believed, in seconds: 7 days. Then the fast way is tried again, in case the server was
/// repaired.
const TRAIT_MEMORY: u64 = 7 * super::DAY;
/// How many messages with losses are remembered at most.
const MOST_LOSSES: usize = 10_000;

/// Something that a server was seen not to be able to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trait {
    /// It announces PIPELINING and cannot do it.
    BreaksPipelining,
    /// It ends the lines of messages with a bare LF, but those of its replies with CRLF.
    BareLines,
    /// It loses commands that are sent together with the login, or does not answer them at once.
    LosesBehindLogin,
}

impl Trait {
    const ALL: [Trait; 3] = [Trait::BreaksPipelining, Trait::BareLines, Trait::LosesBehindLogin];

    /// Its name in the ledger.
    fn word(self) -> &'static [u8] {
        match self {
            Trait::BreaksPipelining => b"breaks-pipelining",
            Trait::BareLines => b"bare-lines",
            Trait::LosesBehindLogin => b"loses-behind-login",
        }
    }
}

/// The notes in a ledger.
#[derive(Debug, Default)]
pub(super) struct Notes {
    /// By UID: how often the connection was lost at the message, and when last.
    losses: HashMap<Box<[u8]>, (u64, u64)>,
    /// The traits, and when each was seen.
    traits: Vec<(Trait, u64)>,
}

impl Notes {
    /// Applies a record of losses; 0 removes the note.
    pub fn lost(&mut self, uid: &[u8], times: u64, time: u64) {
        if times == 0 {
            self.losses.remove(uid);
        } else if self.losses.len() < MOST_LOSSES || self.losses.contains_key(uid) {
            self.losses.insert(uid.into(), (times, time));
        }
    }

    /// Forgets every loss.
    pub fn forget_losses(&mut self) {
        self.losses.clear();
    }

    /// Applies a record of a trait. A trait that this version does not know is ignored.
    pub fn seen(&mut self, word: &[u8], time: u64) {
        let Some(one) = Trait::ALL.into_iter().find(|one| one.word() == word) else { return };
        self.traits.retain(|(other, _)| *other != one);
        self.traits.push((one, time));
    }

    /// Calls `take` with the records for the notes that still count.
    pub fn live(&self, now: u64, take: &mut impl FnMut(Record<'_>) -> io::Result<()>) -> io::Result<()> {
        for (uid, (times, time)) in &self.losses {
            if time.saturating_add(LOSS_MEMORY) > now {
                take(Record::Lost { uid: Cow::Borrowed(uid), times: *times, time: *time })?;
            }
        }
        for (one, time) in self.traits.iter().filter(|(_, time)| is_believed(*time, now)) {
            take(Record::Trait { word: Cow::Borrowed(one.word()), time: *time })?;
        }
        Ok(())
    }

    /// The message was fetched, or is gone.
    pub fn settled(&mut self, uid: &[u8]) {
        if !self.losses.is_empty() {
            self.losses.remove(uid);
        }
    }
}

/// Whether a trait that was seen at `time` is still believed at `now`.
fn is_believed(time: u64, now: u64) -> bool {
    // If the clock was set back, the trait must not last longer.
    time <= now && now - time < TRAIT_MEMORY
}

impl Ledger {
    /// How often the connection was lost at a message since it was last fetched.
    pub fn losses(&self, uid: &[u8]) -> u64 {
        self.facts.notes.losses.get(uid).map_or(0, |(times, _)| *times)
    }

    /// Records that the connection was lost at a message; returns how often so far. Not synced: if the record
    /// is lost, it happens and is recorded again.
    pub fn note_loss(&mut self, uid: &[u8]) -> Result<u64, StoreError> {
        let times = self.losses(uid).saturating_add(1);
        let record = Record::Lost { uid: Cow::Borrowed(uid), times, time: durable::now() };
        self.write(vec![record], Sync::Later)?;
        Ok(times)
    }

    /// Whether the server was recently seen to have this trait.
    pub fn has_trait(&self, one: Trait) -> bool {
        let now = durable::now();
        self.facts.notes.traits.iter().any(|(other, time)| *other == one && is_believed(*time, now))
    }

    /// Records a trait of the server. Not synced, for the same reason; a trait that is known already writes
    /// nothing.
    pub fn note_trait(&mut self, one: Trait) -> Result<(), StoreError> {
        if self.has_trait(one) {
            return Ok(());
        }
        let record = Record::Trait { word: Cow::Borrowed(one.word()), time: durable::now() };
        self.write(vec![record], Sync::Later)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trait_is_believed_for_a_week_whatever_the_clock_does() {
        let now = 1_800_000_000;
        assert!(is_believed(now, now));
        assert!(is_believed(now - TRAIT_MEMORY + 1, now));
        assert!(!is_believed(now - TRAIT_MEMORY, now));
        assert!(!is_believed(now + 1, now), "seen in the future");
    }

    #[test]
    fn losses_are_counted_until_the_message_is_fetched() {
        let mut notes = Notes::default();
        notes.lost(b"a", 1, 5);
        notes.lost(b"a", 2, 6);
        notes.lost(b"b", 1, 6);
        assert_eq!(notes.losses.get(&b"a"[..]), Some(&(2, 6)));
        notes.settled(b"a");
        assert_eq!(notes.losses.len(), 1);
        notes.seen(b"bare-lines", 1);
        notes.seen(b"bare-lines", 9);
        notes.seen(b"of-a-later-version", 9);
        assert_eq!(notes.traits, [(Trait::BareLines, 9)]);
    }
}
