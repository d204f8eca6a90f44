//! Opening and making a Maildir.

use super::{Barrier, Maildir, Unrecorded};
use crate::store::durable;
use crate::store::error::StoreError;
use crate::store::identity::AccountKey;
use rustix::fs::{Access, AtFlags, FileType};
use rustix::io::{Errno, retry_on_intr};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

/// The three directories of a Maildir.
const PARTS: [&str; 3] = ["tmp", "new", "cur"];

impl Maildir {
    /// Opens a Maildir for an account's messages. If it does not exist it is made, provided that its parent
    /// exists; missing parts of it are made, too. All of that is durable. Kinds: cannot create.
    pub fn open(path: &Path, key: &AccountKey) -> Result<Maildir, StoreError> {
        let path = durable::absolute_dir(path)?;
        let root = made(&path)?;
        let [tmp, new, cur] = PARTS.map(|part| open(Some(&root), &path.join(part)));
        let (tmp, new, cur) = (tmp?, new?, cur?);
        if device(&tmp, &path)? != device(&new, &path)? {
            return Err(StoreError::refused(&path, "tmp and new are on different file systems"));
        }
        let parts = ["new", "cur"].map(|part| path.join(part));
        let again = |dir: &OwnedFd| {
            dir.try_clone().map_err(|error| StoreError::cannot_create(&path, "open it", error))
        };
        let unrecorded = Unrecorded::of(&path, parts.into_iter().zip([again(&new)?, again(&cur)?]).collect());
        let host = host();
        Ok(Maildir {
            prefix: format!("postie.{}.{host}.", key.token()),
            barrier: Barrier::of(&tmp),
            host,
            unrecorded,
            path,
            tmp,
            new,
            cur,
            buffer: Vec::with_capacity(super::BUFFER),
            count: 0,
            draft: None,
            staged: Vec::new(),
            octets: 0,
            flushed: false,
        })
    }

    /// Makes a Maildir, or what is missing of it, durably. Kinds: cannot create.
    pub fn make(path: &Path) -> Result<(), StoreError> {
        made(&durable::absolute_dir(path)?).map(drop)
    }

    /// Checks that [`Maildir::open`] can succeed, and makes nothing. Kinds: cannot create.
    pub fn check(path: &Path) -> Result<(), StoreError> {
        let path = durable::absolute_dir(path)?;
        match is_dir(&path)? {
            false => may_write(durable::parent(&path)),
            true => {
                for part in PARTS {
                    let part = path.join(part);
                    may_write(if is_dir(&part)? { &part } else { &path })?;
                }
                Ok(())
            }
        }
    }
}

impl Unrecorded {
    /// A Maildir that is only read: nothing is made or changed. One that does not exist is empty.
    pub fn peek(path: &Path) -> Result<Self, StoreError> {
        let path = durable::absolute_dir(path)?;
        let mut dirs = Vec::new();
        for part in ["new", "cur"].map(|part| path.join(part)) {
            if is_dir(&path)? && is_dir(&part)? {
                let dir = durable::open_dir(&part).map_err(|error| StoreError::io(&part, "open", error))?;
                dirs.push((part, dir));
            }
        }
        Ok(Unrecorded::of(&path, dirs))
    }
}

/// Whether there is a directory; anything else there is refused.
fn is_dir(path: &Path) -> Result<bool, StoreError> {
    let why = match std::fs::symlink_metadata(path) {
        Ok(meta) if meta.is_dir() => return Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(StoreError::cannot_create(path, "look at it", error)),
        Ok(meta) if meta.is_symlink() => "a Maildir cannot be a symbolic link",
        Ok(_) => "not a directory, so no Maildir",
    };
    Err(StoreError::refused(path, why))
}

fn may_write(dir: &Path) -> Result<(), StoreError> {
    let access = Access::WRITE_OK | Access::EXEC_OK;
    let allowed = retry_on_intr(|| rustix::fs::accessat(rustix::fs::CWD, dir, access, AtFlags::EACCESS));
    allowed.map_err(|error| StoreError::unwritable(dir, error))
}

/// Opens the directory of a Maildir, and makes what is missing of it.
fn made(path: &Path) -> Result<OwnedFd, StoreError> {
    Maildir::check(path)?;
    if make(None, path)? {
        durable::sync_parent(path).map_err(|error| StoreError::cannot_create(path, "make durable", error))?;
    }
    let root = open(None, &path.to_owned())?;
    let mut made = false;
    for part in PARTS {
        made |= make(Some(&root), &path.join(part))?;
    }
    if made {
        durable::sync(&root).map_err(|error| StoreError::cannot_create(path, "make durable", error))?;
    }
    Ok(root)
}

/// Makes a directory if it is missing; returns whether it was.
fn make(root: Option<&OwnedFd>, path: &Path) -> Result<bool, StoreError> {
    let made = retry_on_intr(|| match (root, path.file_name()) {
        (Some(root), Some(name)) => rustix::fs::mkdirat(root, name, durable::PRIVATE_DIR),
        _ => rustix::fs::mkdir(path, durable::PRIVATE_DIR),
    });
    match made {
        Ok(()) => Ok(true),
        Err(Errno::EXIST) => Ok(false),
        Err(error) => Err(StoreError::cannot_create(path, "make the directory", error)),
    }
}

fn open(root: Option<&OwnedFd>, path: &PathBuf) -> Result<OwnedFd, StoreError> {
    let opened = match (root, path.file_name().and_then(|name| name.to_str())) {
        (Some(root), Some(name)) => durable::open_dir_at(root, name),
        _ => durable::open_dir_at(rustix::fs::CWD, path),
    };
    opened.map_err(|error| StoreError::cannot_create(path, "open the directory", error))
}

fn device(dir: impl AsFd, path: &Path) -> Result<u64, StoreError> {
    let stat =
        rustix::fs::fstat(dir).map_err(|error| StoreError::cannot_create(path, "look at it", error))?;
    debug_assert_eq!(FileType::from_raw_mode(stat.st_mode), FileType::Directory);
    Ok(stat.st_dev)
}

/// The name of this host, for a file name.
fn host() -> String {
    spelt(&rustix::system::uname().nodename().to_string_lossy())
}

/// The longest host name in a file name, in octets; the whole name may have 255.
const HOST_LIMIT: usize = 64;

/// A host name without the characters that would end a path component or begin a message's flags.
fn spelt(name: &str) -> String {
    let mut out = String::new();
    for character in name.chars().filter(|character| !character.is_control()) {
        let mut octets = [0; 4];
        let piece = match character {
            '/' => "\\057",
            ':' => "\\072",
            _ => character.encode_utf8(&mut octets),
        };
        if out.len() + piece.len() > HOST_LIMIT {
            break;
        }
        out.push_str(piece);
    }
    if out.is_empty() { "localhost".to_owned() } else { out }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_host_name_gives_a_file_name_without_slash_or_flags() {
        for (name, wanted) in [
            ("box", "box"),
            ("box.example.org", "box.example.org"),
            ("a/b:2,S", "a\\057b\\0722,S"),
            ("../../etc", "..\\057..\\057etc"),
            ("a\nb\0", "ab"),
            ("", "localhost"),
            ("\u{7f}", "localhost"),
        ] {
            assert_eq!(spelt(name), wanted, "{name:?}");
        }
        for name in ["/", "é", "x"] {
            assert!(spelt(&name.repeat(300)).len() <= HOST_LIMIT, "{name:?}");
        }
    }
}
