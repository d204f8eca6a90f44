//! Destinations that take whole messages, one after the other. A message is kept in memory, or in a temporary
//! file, until all of it has come.

use super::delivered::{Delivered, Label, Subject};
use super::error::StoreError;
use super::ledger::Ledger;
use super::sink::{Recovery, Sink, Staged};
use super::spool::Spool;
use sha2::{Digest, Sha256};
use std::collections::VecDeque;
use std::io;

/// What takes the messages.
pub trait Taker {
    /// Fails if no more messages can be taken.
    fn check(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// Takes one message. After an error, the next one may still be given.
    fn take(&mut self, message: WholeMessage) -> Result<Delivered, StoreError>;
}

/// A message that is being collected, or is whole.
#[derive(Debug)]
pub struct WholeMessage {
    pub(super) label: Label,
    pub(super) spool: Spool,
    hash: Sha256,
}

impl WholeMessage {
    /// Its size in octets, and its SHA-256.
    pub(super) fn sum(&self) -> (u64, [u8; 32]) {
        (self.spool.len(), self.hash.clone().finalize().into())
    }
}

/// The error of the temporary file for a message.
pub(super) fn cannot_keep(error: io::Error) -> StoreError {
    StoreError::io(&std::env::temp_dir(), "keep a message in a temporary file", error)
}

/// A destination that gives whole messages to a [`Taker`].
#[derive(Debug)]
pub struct Queue<T> {
    pub(super) taker: T,
    draft: Option<WholeMessage>,
    staged: VecDeque<WholeMessage>,
    /// An error that came after messages were taken; the next call returns it.
    owed: Option<StoreError>,
}

impl<T: Taker> Queue<T> {
    pub(super) fn of(taker: T) -> Self {
        Queue { taker, draft: None, staged: VecDeque::new(), owed: None }
    }
}

impl<T: Taker> Sink for Queue<T> {
    fn recover(&mut self, _: &mut Ledger) -> Result<Recovery, StoreError> {
        Ok(Recovery::default())
    }

    fn adopt(&mut self, _: &mut Ledger, _: &Subject) -> Result<Option<Delivered>, StoreError> {
        Ok(None)
    }

    fn begin(&mut self, subject: &Subject) -> Result<(), StoreError> {
        if self.draft.is_some() {
            return Err(StoreError::Misused("a draft is open already"));
        }
        let (label, spool, hash) = (Label::of(subject), Spool::default(), Sha256::new());
        self.draft = Some(WholeMessage { label, spool, hash });
        Ok(())
    }

    fn write(&mut self, _: &mut Ledger, octets: &[u8]) -> Result<(), StoreError> {
        let Some(draft) = &mut self.draft else { return Err(StoreError::Misused("no draft is open")) };
        draft.hash.update(octets);
        draft.spool.push(octets).map_err(cannot_keep)
    }

    fn discard(&mut self) {
        self.draft = None;
    }

    fn finish(&mut self) -> Result<(), StoreError> {
        let draft = self.draft.take().ok_or(StoreError::Misused("no draft is open"))?;
        self.staged.push_back(draft);
        Ok(())
    }

    fn staged(&self) -> Staged {
        let octets = self.staged.iter().map(|message| message.spool.len()).sum();
        Staged { count: self.staged.len() + usize::from(self.owed.is_some()), octets }
    }

    fn due(&self) -> bool {
        !self.staged.is_empty()
    }

    fn commit(&mut self, _: &mut Ledger) -> Result<Vec<Delivered>, StoreError> {
        self.taker.check()?;
        if let Some(error) = self.owed.take() {
            return Err(error);
        }
        let mut delivered = Vec::new();
        while let Some(message) = self.staged.pop_front() {
            match self.taker.take(message) {
                Ok(one) => delivered.push(one),
                Err(error) if delivered.is_empty() => return Err(error),
                Err(error) => {
                    self.owed = Some(error);
                    break;
                }
            }
        }
        Ok(delivered)
    }

    fn rollback(&mut self) {
        (self.draft, self.owed) = (None, None);
        self.staged.clear();
    }
}
