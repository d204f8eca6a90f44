//! Opening and making an mbox, and what is refused as one.
//!
//! An existing mbox is examined without opening it: closing a file would release the fcntl locks that another
//! thread of this process holds on it.

use super::Mbox;
use crate::store::durable;
use crate::store::error::StoreError;
use crate::store::sink::WaitLimits;
use rustix::fs::{Access, AtFlags, FileType, Stat};
use rustix::io::{Errno, retry_on_intr};
use std::path::Path;

impl Mbox {
    /// Opens an mbox. One that does not exist is made, durably, if its directory exists. If it is locked,
    /// waits as `waits` says. Kinds: cannot create.
    pub fn open(path: &Path, waits: WaitLimits) -> Result<Mbox, StoreError> {
        let path = durable::absolute(path)?;
        Mbox::make(&path)?;
        Ok(Mbox {
            path,
            waits,
            draft: None,
            octets: Vec::new(),
            staged: Vec::new(),
            stream: None,
            stored: Vec::new(),
            void: None,
            broken: false,
        })
    }

    /// Makes an mbox if it is missing, durably. Kinds: cannot create.
    pub fn make(path: &Path) -> Result<(), StoreError> {
        Mbox::check(path)?;
        if look(path)?.is_none() { make(path) } else { Ok(()) }
    }

    /// Checks that [`Mbox::open`] can succeed, and makes nothing. Kinds: cannot create.
    pub fn check(path: &Path) -> Result<(), StoreError> {
        let path = durable::absolute(path)?;
        if path.file_name().is_none() {
            return Err(StoreError::refused(&path, "not the name of a file"));
        }
        // The directory must be writable, too: the dotlock is a file beside the mbox.
        let mut places = vec![(durable::parent(&path), Access::WRITE_OK | Access::EXEC_OK)];
        if let Some(stat) = look(&path)? {
            suits(&stat, &path)?;
            places.push((&path, Access::READ_OK | Access::WRITE_OK));
        }
        for (place, access) in places {
            retry_on_intr(|| rustix::fs::accessat(rustix::fs::CWD, place, access, AtFlags::EACCESS))
                .map_err(|error| StoreError::unwritable(place, error))?;
        }
        Ok(())
    }
}

/// Makes an empty mbox.
fn make(path: &Path) -> Result<(), StoreError> {
    match durable::create_new(rustix::fs::CWD, path) {
        Ok(file) => durable::sync(&file).and_then(|()| durable::sync_parent(path)),
        // Another run has made it in the meantime.
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
    .map_err(|error| StoreError::cannot_create(path, "make the mbox", error))
}

/// The file at `path`, if there is one; a symbolic link is not followed.
pub(super) fn look(path: &Path) -> Result<Option<Stat>, StoreError> {
    match retry_on_intr(|| rustix::fs::lstat(path)) {
        Ok(stat) => Ok(Some(stat)),
        Err(Errno::NOENT) => Ok(None),
        Err(error) => Err(StoreError::cannot_create(path, "look at it", error)),
    }
}

/// Refuses a file that cannot be a user's mbox: somebody else might have mail put into it, or have it cut
/// off.
pub(super) fn suits(stat: &Stat, path: &Path) -> Result<(), StoreError> {
    let why = match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile if stat.st_nlink > 1 => "it has a second name (a hard link), so no mbox",
        FileType::RegularFile if stat.st_uid != rustix::process::geteuid().as_raw() => {
            "it belongs to another user"
        }
        FileType::RegularFile => return Ok(()),
        FileType::Directory => "a directory, so no mbox",
        FileType::Symlink => "an mbox cannot be a symbolic link",
        _ => "not a regular file, so no mbox",
    };
    Err(StoreError::refused(path, why))
}
