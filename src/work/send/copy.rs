//! `--save-copy`: stores accepted messages, with the same durable code as fetch. The copy has no Bcc, because the message
//! has none.
//!
//! Each destination has a ledger of its own, which records what a killed run was about to append; a stored copy is removed
//! from it at once.

use crate::mail::{Outgoing, stamp};
use crate::net::Limits;
use crate::store::{AccountKey, Afterwards, Ledger, Maildir, Mbox, Place, Sink, Subject, WaitLimits};
use crate::words::{Failure, Kind, Scope, Stage};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const STAGE: Stage = Stage::SaveCopy;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CopyTo {
    Maildir(PathBuf),
    Mbox(PathBuf),
}

impl CopyTo {
    /// Reads `maildir:DIR` or `mbox:FILE`.
    pub fn parse(text: &str) -> Option<Self> {
        match text.split_once(':') {
            Some(("maildir", path)) if !path.is_empty() => Some(CopyTo::Maildir(path.into())),
            Some(("mbox", path)) if !path.is_empty() => Some(CopyTo::Mbox(path.into())),
            _ => None,
        }
    }

    fn path(&self) -> &Path {
        match self {
            CopyTo::Maildir(path) | CopyTo::Mbox(path) => path,
        }
    }

    /// Checks, before anything is sent, whether a copy could be stored. Creates nothing.
    pub fn check(&self) -> Result<(), Failure> {
        match self {
            CopyTo::Maildir(path) => Maildir::check(path),
            CopyTo::Mbox(path) => Mbox::check(path),
        }
        .map_err(|error| error.failure(STAGE))
    }

    /// Stores a copy; `ledgers` is the directory of the ledgers.
    pub fn store(&self, outgoing: &mut Outgoing, ledgers: &Path, limits: &Limits) -> Result<Place, Failure> {
        self.put(outgoing, ledgers, limits).map_err(|failure| without_copy(failure, "there is no copy of it"))
    }

    fn put(&self, outgoing: &mut Outgoing, ledgers: &Path, limits: &Limits) -> Result<Place, Failure> {
        let failed = |error: crate::store::StoreError| error.failure(STAGE);
        let path = std::path::absolute(self.path()).unwrap_or_else(|_| self.path().to_owned());
        let key = AccountKey::new("copy", "localhost", 0, &path.to_string_lossy());
        let stop = limits.stop.clone();
        let mut ledger = Ledger::open(ledgers, &key, limits.timeout, &|| stop.raised()).map_err(failed)?;
        let stop = limits.stop.clone();
        let waits = WaitLimits::new(limits.timeout, Arc::new(move || stop.raised()));
        let mut sink: Box<dyn Sink> = match self {
            CopyTo::Maildir(path) => Box::new(Maildir::open(path, &key).map_err(failed)?),
            CopyTo::Mbox(path) => Box::new(Mbox::open(path, waits).map_err(failed)?),
        };
        sink.recover(&mut ledger).map_err(failed)?;
        let identity = key.identity(stamp::message_id("copy")?.as_bytes(), 0);
        sink.begin(&Subject { identity: &identity, tag: 0, wire_size: None, number: 1, details: None })
            .map_err(failed)?;
        pour(outgoing, |block| sink.write(&mut ledger, block).map_err(failed))?;
        sink.finish().map_err(failed)?;
        let delivered = sink.commit(&mut ledger).map_err(failed)?;
        let place = delivered.first().map(|one| one.place().clone());
        ledger.record(delivered, Afterwards::Keep).map_err(failed)?;
        ledger.forget([identity.uid()]).map_err(failed)?;
        drop(sink);
        ledger.close().map_err(failed)?;
        place.ok_or_else(|| Failure::new(Kind::Internal, STAGE, "storing: nothing was stored"))
    }
}

/// The failure of a copy: the message itself was accepted, and `what` says what that means for the copy.
pub fn without_copy(mut failure: Failure, what: &str) -> Failure {
    failure.message = format!("{STAGE}: the message was accepted, but {what}: {}", failure.message);
    failure.stage = STAGE;
    failure.scoped(Scope::Message)
}

/// Gives the message block by block, with LF line ends.
fn pour(outgoing: &mut Outgoing, mut take: impl FnMut(&[u8]) -> Result<(), Failure>) -> Result<(), Failure> {
    let unreadable =
        |error: std::io::Error| Failure::new(Kind::Storage, STAGE, format!("reading the message: {error}"));
    let reader = outgoing.content.reader().map_err(unreadable)?;
    let mut block = vec![0; 64 * 1024];
    loop {
        let got = reader.read(&mut block).map_err(unreadable)?;
        if got == 0 {
            return Ok(());
        }
        // Every CR in an outgoing message belongs to a CRLF.
        let lines: Vec<u8> = block[..got].iter().copied().filter(|octet| *octet != b'\r').collect();
        take(&lines)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::outgoing::{ContentWriter, Envelope};
    use crate::words::ReversePath;

    fn outgoing() -> Outgoing {
        let mut spool = ContentWriter::default();
        spool.push(b"Subject: x\r\n\r\nFrom here\r\n").unwrap();
        Outgoing {
            envelope: Envelope { from: ReversePath::Null, recipients: Vec::new() },
            content: spool.finish().unwrap(),
            message_id: "m@x.org".into(),
            international: false,
        }
    }

    #[test]
    fn copies_are_stored_with_lf_and_the_same_message_twice_is_two_copies() {
        let dir = tempfile::tempdir().unwrap();
        let (ledgers, mail, mbox) =
            (dir.path().join("ledgers"), dir.path().join("Sent"), dir.path().join("sent"));
        let to = CopyTo::parse(&format!("maildir:{}", mail.display())).unwrap();
        to.check().unwrap();
        assert!(!mail.exists(), "a check creates nothing");
        for _ in 0..2 {
            let Place::Maildir(path) = to.store(&mut outgoing(), &ledgers, &Limits::default()).unwrap()
            else {
                panic!("not in a Maildir");
            };
            assert_eq!(std::fs::read(path).unwrap(), b"Subject: x\n\nFrom here\n");
        }
        assert_eq!(std::fs::read_dir(mail.join("new")).unwrap().count(), 2);
        let to = CopyTo::parse(&format!("mbox:{}", mbox.display())).unwrap();
        for _ in 0..2 {
            to.store(&mut outgoing(), &ledgers, &Limits::default()).unwrap();
        }
        let text = std::fs::read_to_string(&mbox).unwrap();
        assert_eq!(text.matches("\n>From here\n").count(), 2, "{text}");
    }

    #[test]
    fn what_cannot_take_a_copy_is_known_before() {
        assert_eq!(CopyTo::parse("/var/mail"), None);
        assert_eq!(CopyTo::parse("mbox:"), None);
        let dir = tempfile::tempdir().unwrap();
        assert!(CopyTo::Mbox(dir.path().into()).check().is_err());
        assert!(CopyTo::Maildir(dir.path().join("no/such/parent")).check().is_err());
    }
}
