//! Files that hold the tokens of accounts, one each, for the user alone. What is in them is no concern of the store.
//!
//! New tokens must never be lost: with many servers the old ones hold no more from the moment the new ones were made.
//! So whoever asks for them holds the lock from reading the old ones on until the new ones are durable, and takes the
//! room for them on the disk before asking ([`LockedTokens::prepare`]).

use super::custody::check_secret;
use super::durable;
use super::error::StoreError;
use super::ledger::disk::{check_directories, lock_of};
use rustix::fs::{Mode, OFlags};
use rustix::io::{Errno, retry_on_intr};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::Duration;
use zeroize::Zeroizing;

/// The most octets of a file.
pub const MAX_TOKENS: usize = 64 * 1024;

/// The longest readable part of a file's name, in octets.
const NAME_LIMIT: usize = 100;

/// The file with the tokens of one user, client and server.
#[derive(Clone, Debug)]
pub struct TokenFile {
    path: PathBuf,
}

impl TokenFile {
    /// The file below the state directory. `parts`: what the tokens belong to; `readable` begins its name.
    pub fn of(state: &Path, readable: &str, parts: &[&str]) -> Self {
        TokenFile::within(&state.join("tokens"), readable, parts)
    }

    /// The file with a client that was registered for these parts, which is kept in the same way.
    pub fn of_client(state: &Path, readable: &str, parts: &[&str]) -> Self {
        TokenFile::within(&state.join("clients"), readable, parts)
    }

    fn within(dir: &Path, readable: &str, parts: &[&str]) -> Self {
        let mut digest = Sha256::new();
        for part in parts {
            digest.update(part.as_bytes());
            digest.update(b"\0");
        }
        let hash: String = digest.finalize().iter().take(8).map(|octet| format!("{octet:02x}")).collect();
        let plain = |c: char| if c.is_ascii_alphanumeric() || "@.-_+".contains(c) { c } else { '_' };
        let readable: String = readable.trim_start_matches('.').chars().take(NAME_LIMIT).map(plain).collect();
        TokenFile { path: dir.join(format!("{readable}-{hash}.json")) }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What it holds; `None` if it does not exist.
    pub fn read(&self) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        let io = |tried| move |error: io::Error| StoreError::io(&self.path, tried, error);
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let mut file: File = match retry_on_intr(|| rustix::fs::open(&self.path, flags, Mode::empty())) {
            Ok(file) => file.into(),
            Err(Errno::NOENT | Errno::NOTDIR) => return Ok(None),
            Err(Errno::LOOP) => {
                return Err(StoreError::refused(&self.path, "tokens are not kept behind a symbolic link"));
            }
            Err(errno) => return Err(io("open")(errno.into())),
        };
        check_directories(durable::parent(&self.path))?;
        let stat = rustix::fs::fstat(&file).map_err(|errno| io("look at it")(errno.into()))?;
        check_secret(&stat, &self.path)
            .map_err(|hands| StoreError::OtherHands { path: self.path.clone(), hands })?;
        if rustix::fs::FileType::from_raw_mode(stat.st_mode) != rustix::fs::FileType::RegularFile {
            return Err(StoreError::refused(&self.path, "tokens are kept in a regular file"));
        }
        // It has its full size from the start, because growing it would leave copies behind.
        let mut octets = Zeroizing::new(vec![0; MAX_TOKENS + 1]);
        let mut filled = 0;
        loop {
            match file.read(&mut octets[filled..]) {
                Ok(0) => break,
                Ok(got) => filled += got,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(io("read")(error)),
            }
            if filled > MAX_TOKENS {
                return Err(StoreError::refused(&self.path, "it is too large to hold tokens"));
            }
        }
        octets.truncate(filled);
        Ok(Some(octets))
    }

    /// Locks it for this process alone, and makes its directory where that is missing. Fails with
    /// [`StoreError::Locked`] after `wait`, and where nothing can be written.
    pub fn lock(&self, wait: Duration, stop: &dyn Fn() -> bool) -> Result<LockedTokens, StoreError> {
        let dir = durable::parent(&self.path);
        durable::make_dirs(dir)
            .map_err(|error| StoreError::cannot_create(dir, "make the directory", error))?;
        check_directories(dir)?;
        let lock = lock_of(&self.path, wait, stop)?;
        Ok(LockedTokens { file: self.clone(), _lock: lock })
    }
}

/// A file with tokens that no other process changes meanwhile.
#[derive(Debug)]
pub struct LockedTokens {
    file: TokenFile,
    _lock: File,
}

impl LockedTokens {
    /// What it holds now.
    pub fn read(&self) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        self.file.read()
    }

    /// Takes the room on the disk that new content needs at most.
    pub fn prepare(&self) -> Result<NextTokens<'_>, StoreError> {
        let path = &self.file.path;
        // Left by runs that were killed.
        durable::sweep_beside(path).map_err(|error| StoreError::io(path, "clean up beside it", error))?;
        let dir =
            durable::open_dir(durable::parent(path)).map_err(|error| StoreError::io(path, "open", error))?;
        let temporary = durable::temporary_beside(path);
        let file = durable::create_new(&dir, &temporary)
            .map_err(|error| StoreError::cannot_create(path, "create beside it", error))?;
        let next = NextTokens { path, dir, file, temporary, placed: false };
        // Written, because not every file system can reserve room.
        (&next.file)
            .write_all(&[0; ROOM])
            .and_then(|()| durable::sync(&next.file))
            .map_err(|error| StoreError::io(path, "take the room for new tokens", error))?;
        Ok(next)
    }

    /// Removes the file; durable when it returns.
    pub fn remove(&self) -> Result<(), StoreError> {
        let path = &self.file.path;
        let failed = |error: io::Error| StoreError::io(path, "remove", error);
        // What a killed run has left may hold tokens, too.
        durable::sweep_beside(path).map_err(failed)?;
        let dir = durable::open_dir(durable::parent(path)).map_err(failed)?;
        if let Some(name) = path.file_name() {
            durable::remove(&dir, name).map_err(failed)?;
        }
        durable::sync(&dir).map_err(failed)
    }
}

/// What new content takes at most where its tokens are of the usual length.
const ROOM: usize = 16 * 1024;

/// Room for new content.
#[derive(Debug)]
pub struct NextTokens<'a> {
    path: &'a Path,
    dir: OwnedFd,
    file: File,
    temporary: std::ffi::OsString,
    placed: bool,
}

impl NextTokens<'_> {
    /// Puts the octets in the place of what the file holds, whole or not at all; durable when it returns.
    pub fn put(mut self, octets: &[u8]) -> Result<(), StoreError> {
        let failed = |error: io::Error| StoreError::io(self.path, "keep new tokens", error);
        self.write(octets).map_err(failed)?;
        let name = self.path.file_name().unwrap_or_default();
        let moved = retry_on_intr(|| rustix::fs::renameat(&self.dir, &self.temporary, &self.dir, name));
        moved.map_err(|errno| failed(errno.into()))?;
        let synced = durable::sync(&self.dir).map_err(failed);
        self.placed = true;
        synced
    }

    fn write(&self, octets: &[u8]) -> io::Result<()> {
        let mut file = &self.file;
        file.seek(SeekFrom::Start(0))?;
        file.write_all(octets)?;
        file.set_len(octets.len() as u64)?;
        durable::sync(file)
    }
}

impl Drop for NextTokens<'_> {
    fn drop(&mut self) {
        if !self.placed {
            // Best effort: the next one that has the lock sweeps it away.
            let _ = durable::remove(&self.dir, &self.temporary);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn never() -> bool {
        false
    }

    fn file(dir: &Path) -> TokenFile {
        let state = dir.join("postie");
        TokenFile::of(&state, "ana@example.org", &["https://as.example", "id", "ana@example.org"])
    }

    fn put(file: &TokenFile, octets: &[u8]) {
        file.lock(Duration::ZERO, &never).unwrap().prepare().unwrap().put(octets).unwrap();
    }

    #[test]
    fn what_was_put_last_is_read_back_and_is_for_the_user_alone() {
        let dir = tempfile::tempdir().unwrap();
        let file = file(dir.path());
        assert!(file.read().unwrap().is_none());
        for octets in [&b"first, long"[..], b"2nd", &[b'x'; ROOM + 99], b""] {
            put(&file, octets);
            assert_eq!(*file.read().unwrap().unwrap(), octets);
            assert_eq!(fs::metadata(file.path()).unwrap().permissions().mode() & 0o7777, 0o600);
        }
        let parent = file.path().parent().unwrap();
        assert_eq!(fs::metadata(parent).unwrap().permissions().mode() & 0o7777, 0o700);
        // The file and its lock.
        assert_eq!(fs::read_dir(parent).unwrap().count(), 2);
    }

    #[test]
    fn what_was_prepared_and_not_put_leaves_nothing_and_so_does_a_run_that_was_killed() {
        let dir = tempfile::tempdir().unwrap();
        let file = file(dir.path());
        put(&file, b"old");
        let lock = file.lock(Duration::ZERO, &never).unwrap();
        drop(lock.prepare().unwrap());
        let name = file.path().file_name().unwrap().to_str().unwrap();
        let left = file.path().with_file_name(format!(".{name}.1.2.3"));
        let sweeps: [fn(&LockedTokens); 2] =
            [|lock| drop(lock.prepare().unwrap()), |lock| lock.remove().unwrap()];
        for sweep in sweeps {
            fs::write(&left, "S3CRET").unwrap();
            fs::set_permissions(&left, fs::Permissions::from_mode(0o600)).unwrap();
            sweep(&lock);
            assert!(!left.exists());
            drop(lock.prepare().map(|next| next.put(b"old")).unwrap());
        }
        assert_eq!(*file.read().unwrap().unwrap(), b"old");
        assert_eq!(fs::read_dir(file.path().parent().unwrap()).unwrap().count(), 2);
    }

    #[test]
    fn one_process_alone_holds_the_lock() {
        let dir = tempfile::tempdir().unwrap();
        let file = file(dir.path());
        let held = file.lock(Duration::ZERO, &never).unwrap();
        assert!(matches!(file.lock(Duration::ZERO, &never), Err(StoreError::Locked { .. })));
        assert!(matches!(file.lock(Duration::from_secs(60), &|| true), Err(StoreError::Stopped)));
        drop(held);
        assert!(file.lock(Duration::ZERO, &never).is_ok());
    }

    #[test]
    fn a_file_in_other_hands_or_of_another_sort_is_not_believed() {
        let dir = tempfile::tempdir().unwrap();
        let file = file(dir.path());
        put(&file, b"x");
        for mode in [0o640, 0o604, 0o620, 0o602, 0o660] {
            fs::set_permissions(file.path(), fs::Permissions::from_mode(mode)).unwrap();
            assert!(matches!(file.read(), Err(StoreError::OtherHands { .. })), "{mode:o}");
        }
        fs::set_permissions(file.path(), fs::Permissions::from_mode(0o600)).unwrap();
        let parent = file.path().parent().unwrap();
        fs::set_permissions(parent, fs::Permissions::from_mode(0o770)).unwrap();
        assert!(matches!(file.read(), Err(StoreError::OtherHands { .. })));
        assert!(matches!(file.lock(Duration::ZERO, &never), Err(StoreError::OtherHands { .. })));
        fs::set_permissions(parent, fs::Permissions::from_mode(0o700)).unwrap();
        fs::rename(file.path(), dir.path().join("elsewhere")).unwrap();
        symlink(dir.path().join("elsewhere"), file.path()).unwrap();
        assert!(matches!(file.read(), Err(StoreError::Refused { .. })));
        fs::remove_file(file.path()).unwrap();
        fs::write(file.path(), vec![b'x'; MAX_TOKENS + 1]).unwrap();
        fs::set_permissions(file.path(), fs::Permissions::from_mode(0o600)).unwrap();
        assert!(matches!(file.read(), Err(StoreError::Refused { .. })));
    }

    #[test]
    fn removing_is_no_error_where_there_is_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let file = file(dir.path());
        put(&file, b"x");
        let lock = file.lock(Duration::ZERO, &never).unwrap();
        lock.remove().unwrap();
        lock.remove().unwrap();
        assert!(file.read().unwrap().is_none());
    }

    #[test]
    fn files_are_told_apart_by_all_that_the_tokens_belong_to() {
        let name = |readable: &str, parts: &[&str]| {
            TokenFile::of(Path::new("/s"), readable, parts).path().to_str().unwrap().to_owned()
        };
        let one = name("a/b c..\u{e9}", &["x", "y", "z"]);
        assert!(one.starts_with("/s/tokens/a_b_c.._-"), "{one}");
        assert_ne!(one, name("a/b c..\u{e9}", &["x", "yz", ""]));
        assert!(name("..x", &[]).starts_with("/s/tokens/x-"));
        assert!(name(&"x".repeat(999), &[]).len() < 200);
    }
}
