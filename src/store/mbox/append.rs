//! One append to an mbox, under its locks.

use super::lock::{Locks, lock};
use crate::store::durable;
use crate::store::error::StoreError;
use crate::store::sink::WaitLimits;
use rustix::fs::OFlags;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// An append in progress. If it is dropped without [`Append::undo`], what was written stays.
#[derive(Debug)]
pub(super) struct Append {
    locks: Locks,
    path: PathBuf,
    /// The length of the mbox before the append.
    old: u64,
    /// How many line ends are needed to complete what was there before.
    lead: u64,
    written: u64,
}

impl Append {
    /// Locks the mbox and finds where to append.
    pub fn begin(path: &Path, waits: &WaitLimits) -> Result<Self, StoreError> {
        let mut locks = lock(path, waits)?;
        let ended = end(&mut locks).and_then(|end| {
            // In this mode a write can only lengthen the file, whatever other programs do.
            rustix::fs::fcntl_setfl(&locks.file, OFlags::APPEND)?;
            Ok(end)
        });
        let (old, lead) = ended.map_err(|error| StoreError::io(path, "read its end", error))?;
        Ok(Append { locks, path: path.to_owned(), old, lead, written: 0 })
    }

    /// The length of the mbox before the append, and how many line ends come first.
    pub fn place(&self) -> (u64, u64) {
        (self.old, self.lead)
    }

    /// The offset of the first message.
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

    /// Like `write_all`, but counts what was written before an error.
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

    /// Restores the old length of the mbox, unless another program has appended something since.
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

/// The length of the mbox, and how many line ends are needed before a From_ line.
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
