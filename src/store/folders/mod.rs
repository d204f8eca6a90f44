//! Where the folders of an account are on disk. Each has a Maildir or an mbox of its own below one root, and
//! the same one in every run.
//!
//! Which folder has which path is written down once, in a file beside the ledgers, and is not computed again.
//! So a folder keeps its path when other folders appear, and two folders whose names are the same to a file
//! system (`Work`, `work`) get two paths.

mod map;
mod name;

pub(crate) use name::{FolderName, Layout};

use super::durable;
use super::error::StoreError;
use super::identity::AccountKey;
use super::maildir::Maildir;
use super::mbox::Mbox;
use map::FolderMap;
use rustix::fs::{Access, AtFlags};
use rustix::io::{Errno, retry_on_intr};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long to wait for another run that is assigning paths too.
const WAIT: Duration = Duration::from_secs(30);

/// The places of an account's folders below `root`.
#[derive(Clone, Debug)]
pub struct FolderPlaces<'a> {
    /// The directory of the ledgers.
    pub ledgers: &'a Path,
    /// The account; a folder in this key is ignored.
    pub account: &'a AccountKey,
    /// The directory that holds all folders.
    pub root: &'a Path,
    /// How they are arranged in it.
    pub layout: Layout,
}

impl FolderPlaces<'_> {
    /// Makes each folder's Maildir or mbox if it is missing, and returns the paths. The outer error affects
    /// all folders: cannot create, storage, locked, config; an inner one affects one folder.
    pub fn make(
        &self,
        names: &[FolderName],
        stop: &dyn Fn() -> bool,
    ) -> Result<Vec<Result<PathBuf, StoreError>>, StoreError> {
        let root = self.made_root()?;
        let mut map = FolderMap::open(self, &root, WAIT, stop)?;
        let mut paths = Vec::with_capacity(names.len());
        let mut rest = names;
        while !rest.is_empty() {
            // As many as have paths that do not depend on what is made for those before them: with ten thousand folders
            // the file is not to be written ten thousand times.
            let mut placed = Vec::new();
            while let Some((name, behind)) = rest.split_first()
                && (placed.is_empty() || !map.asks_the_disk(name))
            {
                placed.push((name, root.join(map.place(name))));
                rest = behind;
            }
            if map.is_changed() {
                // Saved before anything is made on disk: if this run is killed now, the next one finds the
                // same paths.
                map.save()?;
            }
            for (name, path) in placed {
                if stop() {
                    return Err(StoreError::Stopped);
                }
                paths.push(self.make_one(&root, &path, name).map(|()| path));
            }
        }
        Ok(paths)
    }

    /// The paths that the folders have or would get; makes nothing.
    pub fn look(&self, names: &[FolderName]) -> Result<Vec<PathBuf>, StoreError> {
        let root = durable::absolute_dir(self.root)?;
        let mut map = FolderMap::peek(self, &root)?;
        Ok(names.iter().map(|name| root.join(map.place(name))).collect())
    }

    /// The root, which is made if its parent exists.
    fn made_root(&self) -> Result<PathBuf, StoreError> {
        let root = durable::absolute_dir(self.root)?;
        match self.layout {
            Layout::Subfolders | Layout::Nested => Maildir::make(&root)?,
            Layout::Mboxes => make_dir(&root)?,
        }
        Ok(root)
    }

    fn make_one(&self, root: &Path, path: &Path, name: &FolderName) -> Result<(), StoreError> {
        let below = path.strip_prefix(root).unwrap_or(Path::new(""));
        let mut at = root.to_owned();
        for part in below.parent().into_iter().flat_map(Path::iter) {
            at.push(part);
            make_dir(&at)?;
        }
        match self.layout {
            Layout::Mboxes => Mbox::make(path),
            Layout::Nested => Maildir::make(path),
            Layout::Subfolders => {
                Maildir::make(path)?;
                if name.parts.is_empty() { Ok(()) } else { mark(path) }
            }
        }
    }
}

/// Checks that mboxes could be made in a directory, or the directory in its parent; makes nothing. Kinds:
/// cannot create.
pub fn check_mbox_dir(path: &Path) -> Result<(), StoreError> {
    let path = durable::absolute_dir(path)?;
    let dir = match std::fs::symlink_metadata(&path) {
        Ok(meta) if meta.is_dir() => path.as_path(),
        Ok(_) => return Err(StoreError::refused(&path, "not a directory, so no place for mboxes")),
        Err(_) => durable::parent(&path),
    };
    let access = Access::WRITE_OK | Access::EXEC_OK;
    retry_on_intr(|| rustix::fs::accessat(rustix::fs::CWD, dir, access, AtFlags::EACCESS))
        .map_err(|error| StoreError::unwritable(dir, error))
}

/// Makes a directory if it is missing; refuses anything else there, a symbolic link included.
fn make_dir(path: &Path) -> Result<(), StoreError> {
    let made = retry_on_intr(|| rustix::fs::mkdir(path, durable::PRIVATE_DIR));
    match made {
        Ok(()) => {
            durable::sync_parent(path).map_err(|error| StoreError::cannot_create(path, "make durable", error))
        }
        Err(Errno::EXIST) => match std::fs::symlink_metadata(path) {
            Ok(meta) if meta.is_dir() => Ok(()),
            Ok(meta) if meta.is_symlink() => {
                Err(StoreError::refused(path, "a directory of mail cannot be a symbolic link"))
            }
            Ok(_) => Err(StoreError::refused(path, "not a directory, so no place for mail")),
            Err(error) => Err(StoreError::cannot_create(path, "look at it", error)),
        },
        Err(Errno::NOENT) => Err(StoreError::NoDirectory { path: durable::parent(path).to_owned() }),
        Err(error) => Err(StoreError::cannot_create(path, "make the directory", error)),
    }
}

/// Makes the file by which readers recognise a subfolder (Maildir++).
fn mark(path: &Path) -> Result<(), StoreError> {
    let failed = |error| StoreError::cannot_create(path, "mark it as a subfolder", error);
    let dir = durable::open_dir_at(rustix::fs::CWD, path).map_err(failed)?;
    match durable::create_new(&dir, "maildirfolder") {
        Ok(_) => durable::sync(&dir).map_err(failed),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(failed(error)),
    }
}

#[cfg(test)]
mod tests;
