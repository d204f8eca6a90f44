//! What an account's ledger remembers besides its messages: those at which the line was lost, and what the
//! server was seen to be able or not able to do.

use super::Ledger;
use super::record::Record;
use super::writing::Sync;
use crate::store::durable;
use crate::store::error::StoreError;
use std::borrow::Cow;
use std::collections::HashMap;
use std::io;

/// For how many seconds a loss is remembered of a message that is not asked for any more: 30 days.
const LOSS_MEMORY: u64 = 30 * super::DAY;
/// For how many seconds a trait is believed: 7 days. Then it is tried anew, so that a server that was mended
/// is fast again.
const TRAIT_MEMORY: u64 = 7 * super::DAY;
/// The most messages whose losses are remembered.
const MOST_LOSSES: usize = 10_000;

/// What a server was seen not to be able to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trait {
    /// It breaks under the PIPELINING that it announces.
    BreaksPipelining,
    /// It ends the lines of messages in a bare LF, and those of its replies in CRLF.
    BareLines,
    /// It loses what comes in one flight with the login, or does not answer it at once.
    LosesBehindLogin,
}

impl Trait {
    const ALL: [Trait; 3] = [Trait::BreaksPipelining, Trait::BareLines, Trait::LosesBehindLogin];

    /// The word for it in the ledger.
    fn word(self) -> &'static [u8] {
        match self {
            Trait::BreaksPipelining => b"breaks-pipelining",
            Trait::BareLines => b"bare-lines",
            Trait::LosesBehindLogin => b"loses-behind-login",
        }
    }
}

/// The notes, as the lines of a ledger add up to them.
#[derive(Debug, Default)]
pub(super) struct Notes {
    /// By UID: how often the line was lost at it, and when it was for the last time.
    losses: HashMap<Box<[u8]>, (u64, u64)>,
    /// When each trait was seen.
    traits: Vec<(Trait, u64)>,
}

impl Notes {
    /// Lets a note of losses count; none of them takes the note back.
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

    /// Lets a trait count. One that this version does not know is passed over.
    pub fn seen(&mut self, word: &[u8], time: u64) {
        let Some(one) = Trait::ALL.into_iter().find(|one| one.word() == word) else { return };
        self.traits.retain(|(other, _)| *other != one);
        self.traits.push((one, time));
    }

    /// Calls `take` with the records that the notes need, those that are still of interest.
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

    /// The message has come, or is gone.
    pub fn settled(&mut self, uid: &[u8]) {
        if !self.losses.is_empty() {
            self.losses.remove(uid);
        }
    }
}

/// Whether a trait seen at `time` is believed at `now`.
fn is_believed(time: u64, now: u64) -> bool {
    // A clock that was set back must not make it last.
    time <= now && now - time < TRAIT_MEMORY
}

impl Ledger {
    /// How often the line was lost at a message since it was last settled.
    pub fn losses(&self, uid: &[u8]) -> u64 {
        self.facts.notes.losses.get(uid).map_or(0, |(times, _)| *times)
    }

    /// Notes that the line was lost at a message; returns how often that was by now. Not synced: should it be
    /// lost, it is seen again.
    pub fn note_loss(&mut self, uid: &[u8]) -> Result<u64, StoreError> {
        let times = self.losses(uid).saturating_add(1);
        let record = Record::Lost { uid: Cow::Borrowed(uid), times, time: durable::now() };
        self.write(vec![record], Sync::Later)?;
        Ok(times)
    }

    /// Whether the server was lately seen to be so.
    pub fn has_trait(&self, one: Trait) -> bool {
        let now = durable::now();
        self.facts.notes.traits.iter().any(|(other, time)| *other == one && is_believed(*time, now))
    }

    /// Notes what the server was seen to be. Not synced, likewise; what is known already writes nothing.
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
    fn losses_add_up_until_the_message_is_settled() {
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
