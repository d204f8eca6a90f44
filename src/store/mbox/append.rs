//! One append to an mbox, under its locks.

use super::lock::{Locks, lock};
use crate::store::durable;
use crate::store::error::StoreError;
use crate::store::sink::WaitLimits;
use rustix::fs::OFlags;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// An append that is under way. Dropped without [`Append::undo`], it leaves the mbox as it is then.
#[derive(Debug)]
pub(super) struct Append {
    locks: Locks,
    path: PathBuf,
    /// The length of the mbox before.
    old: u64,
    /// The line ends that end what was there.
    lead: u64,
    written: u64,
}

impl Append {
    /// Locks the mbox and finds where to append.
    pub fn begin(path: &Path, waits: &WaitLimits) -> Result<Self, StoreError> {
        let mut locks = lock(path, waits)?;
        let ended = end(&mut locks).and_then(|end| {
            // In this mode a write can only lengthen the file, whatever others do.
            rustix::fs::fcntl_setfl(&locks.file, OFlags::APPEND)?;
            Ok(end)
        });
        let (old, lead) = ended.map_err(|error| StoreError::io(path, "read its end", error))?;
        Ok(Append { locks, path: path.to_owned(), old, lead, written: 0 })
    }

    /// The length of the mbox before, and how many line ends come first.
    pub fn place(&self) -> (u64, u64) {
        (self.old, self.lead)
    }

    /// Where the first message begins.
    pub fn start(&self) -> u64 {
        self.old + self.lead
    }

    /// Appends octets.
    pub fn write(&mut self, octets: &[u8]) -> Result<(), StoreError> {
        let result = match self.written {
            0 => {
                let lead = &b"\n\n"[..self.lead as usize];
                self.put(lead).and_then(|()| self.put(octets))
            }
            _ => self.put(octets),
        };
        result.map_err(|error| StoreError::io(&self.path, "append a message", error))
    }

    /// As `write_all`, but counting what got through before an error.
    fn put(&mut self, mut octets: &[u8]) -> io::Result<()> {
        while !octets.is_empty() {
            match self.locks.file.write(octets) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => {
                    self.written += count as u64;
                    octets = &octets[count..];
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Makes what was appended durable.
    pub fn sync(&mut self) -> Result<(), StoreError> {
        let failed = |error| StoreError::io(&self.path, "make messages durable", error);
        if self.locks.file.metadata().map_err(failed)?.len() != self.old + self.written {
            let why = "another program wrote to it in spite of the locks";
            return Err(failed(io::Error::other(why)));
        }
        durable::sync_data(&self.locks.file).map_err(failed)
    }

    /// Gives the mbox its old length, unless somebody else has written behind it.
    pub fn undo(self) -> Result<(), StoreError> {
        let failed = |error| StoreError::io(&self.path, "remove a half message", error);
        let len = self.locks.file.metadata().map_err(failed)?.len();
        if len <= self.old {
            return Ok(());
        }
        if len != self.old + self.written {
            return Err(StoreError::Broken { path: self.path.clone() });
        }
        self.locks.file.set_len(self.old).map_err(failed)?;
        durable::sync_data(&self.locks.file).map_err(failed)
    }
}

/// The length of the mbox, and how many line ends it takes until a From_ line can follow.
fn end(locks: &mut Locks) -> io::Result<(u64, u64)> {
    let file = &mut locks.file;
    let len = file.metadata()?.len();
    let mut tail = Vec::new();
    file.seek(SeekFrom::Start(len.saturating_sub(2)))?;
    file.take(2).read_to_end(&mut tail)?;
    let lead = match &tail[..] {
        b"" | b"\n" | b"\n\n" => 0,
        [_, b'\n'] => 1,
        _ => 2,
    };
    Ok((len, lead))
}
