//! Opens and reads a file of another program: bounded, and only a regular file that nobody else could have written.

use crate::store::custody::check_trusted;
use crate::words::{Failure, Kind, Stage};
use rustix::fs::{FileType, Mode, OFlags, fstat, open};
use rustix::io::{Errno, retry_on_intr};
use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use zeroize::Zeroizing;

/// The most octets of a file of settings; that of Thunderbird has some hundred thousand.
pub const MAX_SETTINGS: u64 = 16 * 1024 * 1024;

/// The most octets of a list of UIDs: half a million of some length.
pub const MAX_LIST: u64 = 64 * 1024 * 1024;

/// The octets of a file; none where there is no such file. They may be secrets.
///
/// Fails with [`Kind::NoInput`] where it cannot be read, [`Kind::Config`] where it is no regular file, is too large,
/// or somebody else may write to it: it names commands and servers.
pub fn read(path: &Path, most: u64) -> Result<Option<Zeroizing<Vec<u8>>>, Failure> {
    // Non-blocking, so that a FIFO does not wait for a writer.
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = match retry_on_intr(|| open(path, flags, Mode::empty())) {
        Ok(descriptor) => File::from(descriptor),
        Err(Errno::NOENT | Errno::NOTDIR) => return Ok(None),
        Err(errno) => return Err(unreadable(path, errno.into())),
    };
    let stat = fstat(&file).map_err(|errno| unreadable(path, errno.into()))?;
    let refuse =
        |what: &str| Failure::config(format!("{}: reading it for an import: {what}", path.display()));
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(refuse("not a regular file"));
    }
    check_trusted(&stat, path).map_err(|hands| refuse(&hands.what).hint(hands.remedy))?;
    // The whole size at once: growing would leave copies behind.
    let size = u64::try_from(stat.st_size).unwrap_or(0).min(most);
    let mut octets = Zeroizing::new(Vec::with_capacity(usize::try_from(size).unwrap_or(0) + 1));
    let read = (&file).take(most + 1).read_to_end(&mut octets);
    read.map_err(|error| unreadable(path, error))?;
    match octets.len() as u64 > most {
        true => Err(refuse(&format!("it has more than {most} octets"))),
        false => Ok(Some(octets)),
    }
}

fn unreadable(path: &Path, error: std::io::Error) -> Failure {
    missing(path, &error.to_string())
}

/// The failure for a file that is not there or cannot be read.
pub fn missing(path: &Path, what: &str) -> Failure {
    none(format!("{}: reading it for an import: {what}", path.display()))
}

/// The failure for settings that are nowhere.
pub fn none(message: String) -> Failure {
    Failure::new(Kind::NoInput, Stage::Input, message)
}
