//! File operations that survive a power cut and follow no symbolic link that somebody else may have put
//! there.
//!
//! Rules for the whole store:
//! - A file that must last is fsynced, then its directory; of a new directory its parent, too.
//! - After an fsync has failed, it is never repeated on the same file: the kernel has marked the lost pages
//!   clean and would report success. What the fsync was for counts as not stored.
//! - Nothing is opened if its last path component is a symbolic link. Files are private (0600, 0700).
//! - Closing a file reports no error that its fsync did not report. So no file counts as stored unless it was
//!   fsynced before it was closed.

use super::error::StoreError;
use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::{Errno, retry_on_intr};
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// The mode of every file that the store makes.
pub(super) const PRIVATE_FILE: Mode = Mode::RUSR.union(Mode::WUSR);
/// The mode of every directory that the store makes.
pub(super) const PRIVATE_DIR: Mode = Mode::RWXU;

/// Opens a directory, for operations relative to it and for its fsync.
pub(super) fn open_dir(path: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(retry_on_intr(|| rustix::fs::open(path, flags, Mode::empty()))?)
}

/// Opens a directory inside `parent`; refuses a symbolic link.
pub(super) fn open_dir_at(parent: impl AsFd, name: impl AsRef<Path>) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let name = name.as_ref();
    Ok(retry_on_intr(|| rustix::fs::openat(parent.as_fd(), name, flags, Mode::empty()))?)
}

/// Makes a file's content and length durable.
pub(super) fn sync_data(file: impl AsFd) -> io::Result<()> {
    Ok(retry_on_intr(|| rustix::fs::fdatasync(file.as_fd()))?)
}

/// Makes a file or directory durable.
pub(super) fn sync(file: impl AsFd) -> io::Result<()> {
    match retry_on_intr(|| rustix::fs::fsync(file.as_fd())) {
        // Some file systems cannot sync a directory and answer EINVAL; then there is nothing to make durable.
        Err(Errno::INVAL) => Ok(()),
        other => Ok(other?),
    }
}

/// Makes the entries of the directory that holds `path` durable.
pub(super) fn sync_parent(path: &Path) -> io::Result<()> {
    sync(open_dir(parent(path))?)
}

/// The directory that holds `path`.
pub(super) fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// `path` made absolute; symbolic links stay.
pub(super) fn absolute(path: &Path) -> Result<PathBuf, StoreError> {
    std::path::absolute(path).map_err(|error| StoreError::cannot_create(path, "find the path", error))
}

/// The same for a directory: without a slash at its end, which names the same, but with which a system call follows a
/// symbolic link.
pub(super) fn absolute_dir(path: &Path) -> Result<PathBuf, StoreError> {
    Ok(absolute(path)?.components().collect())
}

/// Makes a directory and all missing ones above it, each private and each durable in its parent.
pub(super) fn make_dirs(path: &Path) -> io::Result<()> {
    match std::fs::metadata(path) {
        Ok(meta) if meta.is_dir() => return Ok(()),
        Ok(_) => return Err(Errno::NOTDIR.into()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        make_dirs(parent)?;
    }
    match retry_on_intr(|| rustix::fs::mkdir(path, PRIVATE_DIR)) {
        Ok(()) => sync_parent(path),
        // Another run has made it in the meantime.
        Err(Errno::EXIST) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Seconds since 1970; 0 if the clock is before that.
pub(super) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// A part of a name that no other thread, process or run on this host uses at the same time.
pub(super) fn unique() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    // Asked for once: it is a system call, and a fetch wants a name for each message.
    static PROCESS: LazyLock<u32> = LazyLock::new(std::process::id);
    let time = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("{:x}.{time:x}.{count:x}", *PROCESS)
}

/// Makes a file that must not exist yet.
pub(super) fn create_new(dir: impl AsFd, name: impl AsRef<OsStr>) -> io::Result<File> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let name = name.as_ref();
    Ok(retry_on_intr(|| rustix::fs::openat(dir.as_fd(), name, flags, PRIVATE_FILE))?.into())
}

/// Removes a file if it is there.
pub(super) fn remove(dir: impl AsFd, name: impl AsRef<OsStr>) -> io::Result<()> {
    let name = name.as_ref();
    match retry_on_intr(|| rustix::fs::unlinkat(dir.as_fd(), name, AtFlags::empty())) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Replaces the file at `path` by one with the content `octets` and the permissions `mode`, all of it or
/// nothing. When it returns, first the content and then the directory entry are durable. A symbolic link is
/// replaced, not followed: a caller that wants to edit its target resolves it first.
pub fn atomic_replace(path: &Path, octets: &[u8], mode: u32) -> Result<(), StoreError> {
    replace_with(path, mode, |file| file.write_all(octets))
}

/// The same, with the content written piece by piece.
pub(super) fn replace_with(
    path: &Path,
    mode: u32,
    fill: impl FnOnce(&mut io::BufWriter<&File>) -> io::Result<()>,
) -> Result<(), StoreError> {
    if path.file_name().is_none() {
        return Err(StoreError::refused(path, "not the name of a file"));
    }
    let dir = open_dir(parent(path)).map_err(|error| StoreError::io(parent(path), "open", error))?;
    let temporary = temporary_beside(path);
    let file =
        create_new(&dir, &temporary).map_err(|error| StoreError::io(path, "create beside it", error))?;
    fill_and_move((&dir, &temporary, &file), path, mode, fill)
}

/// The same for a private file that nobody else can be replacing at the same time, since it is locked. Its temporary
/// file always has the same name, and is put in the place of one that a killed run has left: with thousands of files
/// in the directory nobody has to look for leftovers.
pub(super) fn replace_locked(
    path: &Path,
    fill: impl FnOnce(&mut io::BufWriter<&File>) -> io::Result<()>,
) -> Result<(), StoreError> {
    let dir = open_dir(parent(path)).map_err(|error| StoreError::io(parent(path), "open", error))?;
    let mut temporary = beside(path.file_name().unwrap_or_default());
    temporary.push("new");
    let file = match create_new(&dir, &temporary) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            remove(&dir, &temporary).and_then(|()| create_new(&dir, &temporary))
        }
        created => created,
    };
    let file = file.map_err(|error| StoreError::io(path, "create beside it", error))?;
    fill_and_move((&dir, &temporary, &file), path, 0o600, fill)
}

/// Fills a temporary file and moves it to `path`; durable when it returns.
fn fill_and_move(
    (dir, temporary, file): (&OwnedFd, &OsStr, &File),
    path: &Path,
    mode: u32,
    fill: impl FnOnce(&mut io::BufWriter<&File>) -> io::Result<()>,
) -> Result<(), StoreError> {
    let Some(name) = path.file_name() else {
        return Err(StoreError::refused(path, "not the name of a file"));
    };
    let written = write_and_move(file, mode, fill)
        .and_then(|()| Ok(retry_on_intr(|| rustix::fs::renameat(dir, temporary, dir, name))?));
    if let Err(error) = written {
        // If this fails too, the first error is the one that matters.
        let _ = remove(dir, temporary);
        return Err(StoreError::io(path, "replace", error));
    }
    sync(dir).map_err(|error| StoreError::io(path, "make durable", error))
}

/// A name, which nothing has, for a file that is to replace the one at `path`.
pub(super) fn temporary_beside(path: &Path) -> std::ffi::OsString {
    let mut temporary = beside(path.file_name().unwrap_or_default());
    temporary.push(unique());
    temporary
}

/// How the names of the temporary files begin that are to replace `name`.
fn beside(name: &OsStr) -> std::ffi::OsString {
    let mut begin = std::ffi::OsString::from(".");
    begin.push(name);
    begin.push(".");
    begin
}

/// Removes temporary files that killed replacements of the file at `path` have left. Only for a file that
/// nobody else can be replacing at the same time. What postie cannot have made, an editor's swap file for example, stays.
pub fn sweep_beside(path: &Path) -> io::Result<()> {
    let Some(begin) = path.file_name().map(beside) else { return Ok(()) };
    let dir = open_dir(parent(path))?;
    for entry in retry_on_intr(|| rustix::fs::Dir::read_from(&dir))? {
        let entry = entry?;
        let name = OsStr::from_bytes(entry.file_name().to_bytes());
        let rest = name.as_bytes().strip_prefix(begin.as_bytes());
        if rest.is_some_and(is_unique) && is_own(&dir, name)? {
            remove(&dir, name)?;
        }
    }
    Ok(())
}

/// Whether [`unique`] may have made this.
fn is_unique(part: &[u8]) -> bool {
    let is_hex = |number: &[u8]| {
        !number.is_empty() && number.iter().all(|octet| matches!(octet, b'0'..=b'9' | b'a'..=b'f'))
    };
    part.split(|octet| *octet == b'.').map(is_hex).eq([true; 3])
}

/// Whether it is a file as [`create_new`] makes it: a regular one of this user, for nobody else.
fn is_own(dir: impl AsFd, name: &OsStr) -> io::Result<bool> {
    let stat = match retry_on_intr(|| rustix::fs::statat(dir.as_fd(), name, AtFlags::SYMLINK_NOFOLLOW)) {
        Ok(stat) => stat,
        Err(Errno::NOENT) => return Ok(false),
        Err(error) => return Err(error.into()),
    };
    Ok(rustix::fs::FileType::from_raw_mode(stat.st_mode) == rustix::fs::FileType::RegularFile
        && stat.st_uid == rustix::process::geteuid().as_raw()
        && stat.st_mode & 0o177 == 0)
}

fn write_and_move(
    file: &File,
    mode: u32,
    fill: impl FnOnce(&mut io::BufWriter<&File>) -> io::Result<()>,
) -> io::Result<()> {
    let mut writer = io::BufWriter::with_capacity(64 * 1024, file);
    fill(&mut writer)?;
    writer.flush()?;
    drop(writer);
    // On the descriptor: the umask does not apply, and no other file can be hit.
    retry_on_intr(|| rustix::fs::fchmod(file, Mode::from_raw_mode(mode)))?;
    sync(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn a_replaced_file_is_whole_and_private_and_no_other_file_is_left() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.toml");
        for content in ["first", "the second, longer", ""] {
            atomic_replace(&path, content.as_bytes(), 0o600).unwrap();
            assert_eq!(std::fs::read_to_string(&path).unwrap(), content);
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
        }
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn replacing_never_writes_through_a_symbolic_link() {
        let dir = tempfile::tempdir().unwrap();
        let (victim, path) = (dir.path().join("victim"), dir.path().join("file"));
        std::fs::write(&victim, "precious").unwrap();
        symlink(&victim, &path).unwrap();
        atomic_replace(&path, b"new", 0o600).unwrap();
        assert_eq!(std::fs::read(&victim).unwrap(), b"precious");
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
    }

    #[test]
    fn a_replacement_that_fails_leaves_the_old_file_and_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        std::fs::write(&path, "old").unwrap();
        let failed = replace_with(&path, 0o600, |_| Err(Errno::NOSPC.into()));
        assert!(matches!(failed, Err(StoreError::Io { .. })));
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
        assert!(atomic_replace(&dir.path().join("no/such/dir"), b"", 0o600).is_err());
    }

    #[test]
    fn only_what_a_killed_replacement_has_left_is_swept_away() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.toml");
        let make = |name: &str, mode: u32| {
            std::fs::write(dir.path().join(name), "x").unwrap();
            std::fs::set_permissions(dir.path().join(name), std::fs::Permissions::from_mode(mode)).unwrap();
        };
        let left = [temporary_beside(&path).into_string().unwrap(), ".config.toml.1.2.3".into()];
        left.iter().for_each(|name| make(name, 0o600));
        let others = [
            "config.toml",
            ".config.toml",
            ".config.toml.",
            ".config.toml.swp",
            ".config.toml.1.2",
            ".config.toml.1.2.3.4",
            ".config.toml.1..3",
            ".config.toml.1.2.x",
            ".config.toml.A.2.3",
            ".other.toml.1.2.3",
            "config.toml.1.2.3",
        ];
        others.iter().for_each(|name| make(name, 0o600));
        make(".config.toml.4.5.6", 0o644);
        symlink("config.toml", dir.path().join(".config.toml.7.8.9")).unwrap();
        std::fs::create_dir(dir.path().join(".config.toml.a.b.c")).unwrap();
        sweep_beside(&path).unwrap();
        for name in left {
            assert!(!dir.path().join(&name).exists(), "{name}");
        }
        for name in
            others.into_iter().chain([".config.toml.4.5.6", ".config.toml.7.8.9", ".config.toml.a.b.c"])
        {
            assert!(dir.path().join(name).symlink_metadata().is_ok(), "{name}");
        }
    }

    #[test]
    fn what_a_killed_replacement_of_a_locked_file_has_left_is_in_nobodys_way() {
        let dir = tempfile::tempdir().unwrap();
        let (victim, path) = (dir.path().join("victim"), dir.path().join("file"));
        let left = dir.path().join(".file.new");
        std::fs::write(&victim, "precious").unwrap();
        for make in [&(|| std::fs::write(&left, "half")) as &dyn Fn() -> _, &|| symlink(&victim, &left)] {
            make().unwrap();
            replace_locked(&path, |file| file.write_all(b"whole")).unwrap();
            assert_eq!(std::fs::read(&path).unwrap(), b"whole");
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
            assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2, "the victim and the file");
        }
        assert_eq!(std::fs::read(&victim).unwrap(), b"precious");
        assert!(replace_locked(&path, |_| Err(Errno::NOSPC.into())).is_err());
        assert_eq!(std::fs::read(&path).unwrap(), b"whole");
        assert!(!left.exists());
    }

    #[test]
    fn directories_are_made_private_and_a_file_in_the_way_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let deep = dir.path().join("a/b/c");
        make_dirs(&deep).unwrap();
        make_dirs(&deep).unwrap();
        assert_eq!(std::fs::metadata(&deep).unwrap().permissions().mode() & 0o7777, 0o700);
        std::fs::write(deep.join("file"), "").unwrap();
        assert!(make_dirs(&deep.join("file")).is_err());
        assert!(make_dirs(&deep.join("file/below")).is_err());
    }
}
