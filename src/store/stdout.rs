//! Standard output as a destination. A message counts as delivered once it is written and flushed; postie
//! cannot know what happens to it then. A message is kept until it is whole, so no half message is written
//! unless writing itself fails.

use super::delivered::{Delivered, Details, Place};
use super::error::StoreError;
use super::identity::Identity;
use super::mboxrd::{HEAD, Quoter, from_line};
use super::queue::{Queue, Taker, WholeMessage};
use super::spool::{Spooled, each_block};
use std::io::{self, Write};
use std::path::Path;

/// The form in which messages are written to standard output.
pub trait PrintForm {
    /// Writes one whole message.
    fn put(&mut self, message: Printable, out: &mut dyn Write) -> io::Result<()>;
}

/// A message to be written to standard output.
#[derive(Debug)]
pub struct Printable {
    pub identity: Identity,
    /// Its number in the session.
    pub number: u32,
    /// Its size as the server lists it.
    pub wire_size: Option<u64>,
    /// What the server knows of it, if the protocol has such data.
    pub details: Option<Details>,
    /// When the server got it; if that is not known, now. In seconds since 1970.
    pub received: u64,
    pub size: u64,
    pub sha256: [u8; 32],
    octets: Spooled,
}

impl Printable {
    /// The first octets, at most `limit`.
    pub fn head(&mut self, limit: usize) -> io::Result<Vec<u8>> {
        self.octets.head(limit)
    }

    /// Calls `take` with all octets, block by block.
    pub fn read(mut self, take: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
        each_block(&mut self.octets, take)
    }
}

/// Messages as in an mbox: mboxrd.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mboxrd;

impl PrintForm for Mboxrd {
    fn put(&mut self, mut message: Printable, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(&from_line(&message.head(HEAD)?, message.received))?;
        let (mut quoter, mut quoted) = (Quoter::new(), Vec::new());
        message.read(|block| {
            quoted.clear();
            quoter.push(block, &mut quoted);
            out.write_all(&quoted)
        })?;
        quoted.clear();
        quoter.end(&mut quoted);
        quoted.push(b'\n');
        out.write_all(&quoted)
    }
}

/// Standard output, or whatever stands for it.
pub type Stdout = Queue<Printer>;

/// Writes messages.
pub struct Printer {
    out: Box<dyn Write>,
    form: Box<dyn PrintForm>,
    broken: bool,
}

impl Stdout {
    /// Writes messages to `out` in that form.
    pub fn new(out: Box<dyn Write>, form: Box<dyn PrintForm>) -> Self {
        Queue::of(Printer { out, form, broken: false })
    }
}

impl Printer {
    fn put(&mut self, message: WholeMessage) -> io::Result<Delivered> {
        let (size, sha256) = message.sum();
        let WholeMessage { label, spool, .. } = message;
        let (identity, number, wire_size) = (label.identity.clone(), label.number, label.wire_size);
        let (details, received) = (label.details.clone(), label.received());
        let octets = spool.finish()?;
        let message = Printable { identity, number, wire_size, details, received, size, sha256, octets };
        self.form.put(message, &mut self.out)?;
        self.out.flush()?;
        Ok(label.delivered(Place::Stdout, (size, sha256)))
    }
}

impl Taker for Printer {
    fn check(&self) -> Result<(), StoreError> {
        match self.broken {
            true => Err(StoreError::Broken { path: "standard output".into() }),
            false => Ok(()),
        }
    }

    fn take(&mut self, message: WholeMessage) -> Result<Delivered, StoreError> {
        self.check()?;
        self.put(message).map_err(|error| {
            // What was written before counts; nothing more is written behind half a message.
            self.broken = true;
            StoreError::io(Path::new("standard output"), "write a message", error)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::delivered::Subject;
    use crate::store::identity::AccountKey;
    use crate::store::ledger::Ledger;
    use crate::store::sink::Sink as _;
    use sha2::{Digest, Sha256};
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    /// Takes so many octets, then no more.
    #[derive(Clone)]
    struct Pipe(Arc<Mutex<Vec<u8>>>, usize);

    impl Write for Pipe {
        fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
            let mut taken = self.0.lock().unwrap();
            match octets.len().min(self.1 - taken.len()) {
                0 => Err(io::ErrorKind::BrokenPipe.into()),
                count => {
                    taken.extend_from_slice(&octets[..count]);
                    Ok(count)
                }
            }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn messages_are_written_whole_and_quoted_and_dropped_ones_not_at_all() {
        let dir = tempfile::tempdir().unwrap();
        let key = AccountKey::new("pop3", "h", 1, "u");
        let mut ledger = Ledger::open(dir.path(), &key, Duration::ZERO, &|| false).unwrap();
        let text = "Return-Path: <a@b>\n\nFrom x";
        for (room, whole) in [(10_000, 1), (20, 0)] {
            let pipe = Pipe(Arc::default(), room);
            let mut stdout = Stdout::new(Box::new(pipe.clone()), Box::new(Mboxrd));
            let identity = key.identity(b"1", 0);
            let subject = Subject { identity: &identity, tag: 1, wire_size: None, number: 1, details: None };
            stdout.begin(&subject).unwrap();
            stdout.write(&mut ledger, b"half").unwrap();
            stdout.discard();
            stdout.begin(&subject).unwrap();
            stdout.write(&mut ledger, text.as_bytes()).unwrap();
            assert!(!stdout.due());
            stdout.finish().unwrap();
            assert!(stdout.due() && pipe.0.lock().unwrap().is_empty());
            let delivered = stdout.commit(&mut ledger).unwrap_or_default();
            assert_eq!(delivered.len(), whole);
            let written = String::from_utf8(pipe.0.lock().unwrap().clone()).unwrap();
            assert!(written.starts_with("From a@b "));
            if whole == 1 {
                assert!(written.ends_with("\nReturn-Path: <a@b>\n\n>From x\n\n"));
                // What is told of a message is of the message, not of its form.
                assert_eq!(delivered[0].size(), text.len() as u64);
                assert_eq!(*delivered[0].sha256(), <[u8; 32]>::from(Sha256::digest(text)));
            } else {
                assert!(stdout.commit(&mut ledger).is_err(), "a broken pipe stays broken");
            }
        }
    }
}
