//! An mbox as a destination. Messages are appended as mboxrd, under every lock that other programs use.
//!
//! A commit takes the locks, records durably in the ledger what it is about to append and where (the intent),
//! appends, syncs, and releases the locks; they are not held during waits for the network. If anything fails,
//! the mbox gets its old length back. What a killed run leaves, the next run settles with the help of the
//! intent (`recover`).
//!
//! Messages are staged in memory, up to [`BUDGET`]. A message larger than [`LARGE`] goes straight to the
//! mbox, under the locks, after an intent without length; only for such a message are the locks held while it
//! arrives.
//!
//! The mbox is opened again for each commit, since another program may have replaced it. A file that is not a
//! regular file of the user, or has a second name, is refused.

mod append;
mod lock;
mod open;
mod recover;
mod stream;

use super::delivered::{Delivered, Label, Place, Subject};
use super::error::StoreError;
use super::ledger::Ledger;
use super::ledger::record::IntentPart;
use super::mboxrd::{HEAD, Quoter, from_line};
use super::sink::{Recovery, Sink, Staged, WaitLimits};
use append::Append;
use sha2::{Digest, Sha256};
use std::path::PathBuf;
use stream::{MboxStream, Own};

/// How many octets are staged in memory at most.
const BUDGET: usize = 5 * 1024 * 1024;
/// The size from which a message goes straight to the mbox.
const LARGE: usize = 2 * 1024 * 1024;
/// How many octets, and how many messages, are worth the three barriers of a commit. The octets leave room
/// for the next message, so that a large draft normally finds nothing staged.
const DUE: usize = BUDGET - LARGE;
const COUNT: usize = 1000;
/// How many octets of the message an intent holds besides the From_ line, to recognise it.
const SAMPLE: usize = 64;

/// An mbox as a destination.
#[derive(Debug)]
pub struct Mbox {
    path: PathBuf,
    waits: WaitLimits,
    /// The message that is arriving, quoted.
    draft: Option<MboxDraft>,
    /// The staged messages in the form that they will have in the mbox.
    octets: Vec<u8>,
    staged: Vec<MboxMessage>,
    /// The message that goes straight to the mbox.
    stream: Option<MboxStream>,
    /// Messages that a call before the commit stored; the next commit returns them.
    stored: Vec<Delivered>,
    /// An intent that will not be carried out.
    void: Option<u64>,
    broken: bool,
}

#[derive(Debug)]
struct MboxDraft {
    label: Label,
    quoter: Quoter,
    /// The size of the message without quotes, as far as it has come.
    size: u64,
    octets: Vec<u8>,
}

/// A whole message in the form that it has in the mbox.
#[derive(Debug)]
struct MboxMessage {
    label: Label,
    from_line: u64,
    /// Its octets in the mbox between From_ line and blank line.
    size: u64,
    sha256: [u8; 32],
    /// Size and SHA-256 of the message as it came.
    own: (u64, [u8; 32]),
    head: Vec<u8>,
}

impl MboxMessage {
    fn part(&self) -> IntentPart<'_> {
        IntentPart {
            uid: self.label.identity.uid().into(),
            copy: self.label.identity.copy(),
            wire_size: self.label.wire_size,
            from_line: self.from_line,
            body: Some(self.size),
            sha256: Some(self.sha256),
            head: (&self.head[..]).into(),
        }
    }

    /// Its octets in the mbox, From_ line and blank line included.
    fn span(&self) -> u64 {
        self.from_line + self.size + 1
    }
}

impl MboxDraft {
    /// Makes the From_ line, and describes the message as it will be in the mbox. Its hash is not computed
    /// yet.
    fn stand(&self, body: &[u8]) -> (Vec<u8>, MboxMessage) {
        let from = from_line(&body[..body.len().min(HEAD)], self.label.received());
        let head = [&from[..], &body[..body.len().min(SAMPLE)]].concat();
        let message = MboxMessage {
            label: self.label.clone(),
            from_line: from.len() as u64,
            size: body.len() as u64,
            sha256: [0; 32],
            own: (0, [0; 32]),
            head,
        };
        (from, message)
    }
}

impl Mbox {
    fn key(&self) -> &[u8] {
        use std::os::unix::ffi::OsStrExt;
        self.path.as_os_str().as_bytes()
    }

    /// Takes the locks and records the intent.
    fn announce(
        &mut self,
        ledger: &mut Ledger,
        parts: Vec<IntentPart<'_>>,
    ) -> Result<(Append, u64), StoreError> {
        if self.broken {
            return Err(StoreError::Broken { path: self.path.clone() });
        }
        let append = Append::begin(&self.path, &self.waits)?;
        let intent = ledger.intend(self.key(), append.place(), parts, self.void)?;
        self.void = None;
        Ok((append, intent))
    }

    /// Appends everything that is staged in memory. After an error none of it is staged any more.
    fn store(&mut self, ledger: &mut Ledger) -> Result<(), StoreError> {
        if self.staged.is_empty() {
            return Ok(());
        }
        let (staged, mut octets) = (std::mem::take(&mut self.staged), std::mem::take(&mut self.octets));
        let (mut append, intent) = self.announce(ledger, staged.iter().map(MboxMessage::part).collect())?;
        if let Err(error) = append.write(&octets).and_then(|()| append.sync()) {
            self.undo(append, intent);
            return Err(error);
        }
        octets.clear();
        self.octets = octets;
        let mut offset = append.start();
        ledger.stored(staged.len());
        for message in staged {
            let span = message.span();
            self.stored.push(delivered(message, self.path.clone(), offset, intent));
            offset += span;
        }
        Ok(())
    }

    /// Restores the old length of the mbox.
    fn undo(&mut self, append: Append, intent: u64) {
        match append.undo() {
            // Nothing is left, so the intent is void; the next write records that, or the next run finds out.
            Ok(()) => self.void = Some(intent),
            Err(_) => self.broken = true,
        }
    }

    /// From now on, the open draft goes straight to the mbox.
    fn start_stream(&mut self, ledger: &mut Ledger) -> Result<(), StoreError> {
        let Some(draft) = &self.draft else { return Err(StoreError::Misused("no draft is open")) };
        let (from, message) = draft.stand(&draft.octets);
        let part = IntentPart { body: None, sha256: None, ..message.part() };
        let (append, intent) = self.announce(ledger, vec![part])?;
        self.void = Some(intent);
        let message = MboxMessage { size: 0, ..message };
        let mut stream = MboxStream::new(append, message);
        let begun = stream.append.write(&from);
        if let Some(draft) = self.draft.as_ref().filter(|draft| draft.quoter.has_quoted()) {
            stream.begin_own(&draft.octets, draft.quoter.held());
        }
        self.stream = Some(stream);
        begun?;
        self.feed()
    }

    /// Moves the draft's octets to the mbox.
    fn feed(&mut self) -> Result<(), StoreError> {
        let (Some(draft), Some(stream)) = (&mut self.draft, &mut self.stream) else { return Ok(()) };
        stream.message.size += draft.octets.len() as u64;
        let written = stream.append.write(&draft.octets);
        stream.hash.update(&draft.octets);
        draft.octets.clear();
        written
    }

    /// Makes the message durable that went straight to the mbox; its intent gets length and hash before the
    /// locks are released.
    fn end_stream(&mut self, ledger: &mut Ledger) -> Result<(), StoreError> {
        let Some(MboxStream { mut append, hash, own, mut message, whole: true }) = self.stream.take() else {
            return Ok(());
        };
        message.sha256 = hash.finalize().into();
        message.own.1 = own.map_or(message.sha256, |own| own.finalize().into());
        if let Err(error) = append.sync() {
            self.broken = append.undo().is_err();
            return Err(error);
        }
        let intent = match ledger.intend(self.key(), append.place(), vec![message.part()], self.void) {
            Ok(intent) => intent,
            Err(error) => {
                self.broken = append.undo().is_err();
                return Err(error);
            }
        };
        self.void = None;
        ledger.stored(1);
        self.stored.push(delivered(message, self.path.clone(), append.start(), intent));
        Ok(())
    }

    fn drop_stream(&mut self) {
        if let Some(stream) = self.stream.take() {
            self.broken |= stream.append.undo().is_err();
        }
    }
}

fn delivered(message: MboxMessage, path: PathBuf, offset: u64, intent: u64) -> Delivered {
    let delivered = message.label.delivered(Place::Mbox { path, offset }, message.own);
    Delivered { intent: Some(intent), ..delivered }
}

impl Sink for Mbox {
    fn recover(&mut self, ledger: &mut Ledger) -> Result<Recovery, StoreError> {
        self.settle(ledger)
    }

    /// `recover` has recorded already what a killed run stored.
    fn adopt(&mut self, _: &mut Ledger, _: &Subject) -> Result<Option<Delivered>, StoreError> {
        Ok(None)
    }

    fn begin(&mut self, subject: &Subject) -> Result<(), StoreError> {
        if self.draft.is_some() || self.stream.is_some() {
            return Err(StoreError::Misused("a draft is open, or a large message waits for its commit"));
        }
        let (label, quoter, octets) = (Label::of(subject), Quoter::new(), Vec::new());
        self.draft = Some(MboxDraft { label, quoter, size: 0, octets });
        Ok(())
    }

    fn write(&mut self, ledger: &mut Ledger, octets: &[u8]) -> Result<(), StoreError> {
        // In small pieces, so that the budget bounds the memory and not the caller's pieces.
        for piece in octets.chunks(64 * 1024) {
            let Some(draft) = &mut self.draft else { return Err(StoreError::Misused("no draft is open")) };
            draft.size += piece.len() as u64;
            let held_back = draft.quoter.held();
            draft.quoter.push(piece, &mut draft.octets);
            let (size, held) = (draft.octets.len(), self.octets.len() + draft.octets.len());
            if let Some(stream) = &mut self.stream {
                stream.follow(held_back, piece, draft.quoter.has_quoted());
                self.feed()?;
            } else if size > LARGE || held > BUDGET {
                self.store(ledger)?;
                if size > LARGE {
                    self.start_stream(ledger)?;
                }
            }
        }
        Ok(())
    }

    fn discard(&mut self) {
        self.draft = None;
        if self.stream.as_ref().is_some_and(|stream| !stream.whole) {
            self.drop_stream();
        }
    }

    fn finish(&mut self) -> Result<(), StoreError> {
        let Some(mut draft) = self.draft.take() else { return Err(StoreError::Misused("no draft is open")) };
        let quoter = std::mem::replace(&mut draft.quoter, Quoter::new());
        if let Some(stream) = &mut self.stream {
            stream.end(draft.size, quoter.lacks_line_end());
        }
        quoter.end(&mut draft.octets);
        if self.stream.is_some() {
            self.draft = Some(draft);
            self.feed()?;
            self.draft = None;
            if let Some(stream) = &mut self.stream {
                stream.append.write(b"\n")?;
                stream.whole = true;
            }
            return Ok(());
        }
        let (from, mut message) = draft.stand(&draft.octets);
        message.sha256 = Sha256::digest(&draft.octets).into();
        message.own = match draft.size {
            // Quoting only adds octets: the same size means the same content.
            same if same == message.size => (same, message.sha256),
            _ => {
                let mut own = Own::default();
                own.push(&draft.octets);
                own.finish()
            }
        };
        for part in [&from[..], &draft.octets, b"\n"] {
            self.octets.extend_from_slice(part);
        }
        self.staged.push(message);
        Ok(())
    }

    fn staged(&self) -> Staged {
        let streamed = self.stream.as_ref().filter(|stream| stream.whole);
        let waiting: u64 = self.stored.iter().map(Delivered::size).sum();
        Staged {
            count: self.staged.len() + self.stored.len() + usize::from(streamed.is_some()),
            octets: self.octets.len() as u64 + waiting + streamed.map_or(0, |stream| stream.message.size),
        }
    }

    fn due(&self) -> bool {
        self.octets.len() >= DUE
            || !self.stored.is_empty()
            || self.staged.len() >= COUNT
            || self.stream.as_ref().is_some_and(|stream| stream.whole)
    }

    fn commit(&mut self, ledger: &mut Ledger) -> Result<Vec<Delivered>, StoreError> {
        let done = self.store(ledger).and_then(|()| self.end_stream(ledger));
        if let Err(error) = done {
            self.rollback();
            return Err(error);
        }
        Ok(std::mem::take(&mut self.stored))
    }

    fn rollback(&mut self) {
        self.draft = None;
        self.drop_stream();
        self.staged.clear();
        self.octets.clear();
    }
}

impl Drop for Mbox {
    fn drop(&mut self) {
        self.rollback();
    }
}

#[cfg(test)]
mod tests;
