//! A secret in a file, or behind an open descriptor.
//!
//! A file must belong to the user (or root) and be closed to everybody else, judged on the open descriptor
//! and thus on the target of a symbolic link. Pipes are read only through `/dev/fd` (a shell's `<(…)`) or by
//! their number: a FIFO by name could be anybody's.

use super::drain::{self, Drain, DrainError};
use crate::net::Limits;
use crate::words::{Failure, Kind, Secret};
use rustix::fd::AsFd;
use rustix::fs::{FileType, Mode, OFlags, Stat, fstat, open};
use rustix::io::retry_on_intr;
use std::path::Path;

/// Reads the secret in the file at `path`. `place` says who named it.
///
/// Fails with [`Kind::Config`], [`Kind::Interrupted`] or [`Kind::Timeout`].
pub fn from_file(path: &Path, place: &str, limits: &Limits) -> Result<Secret, Failure> {
    let place = format!("{place}: {}", path.display());
    // Non-blocking, so that opening a FIFO does not wait for a writer.
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let opened = retry_on_intr(|| open(path, flags, Mode::empty()));
    let file = opened.map_err(|errno| DrainError::Io(errno).failure(&place))?;
    let stat = fstat(&file).map_err(|errno| DrainError::Io(errno).failure(&place))?;
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => check_private(&stat, path, Owner::UserOrRoot)
            .map_err(|exposed| refuse(&place, &exposed.what).hint(exposed.remedy))?,
        FileType::Fifo if path.starts_with("/dev/fd") || path.starts_with("/proc/self/fd") => {}
        _ => return Err(refuse(&place, "not a regular file")),
    }
    read(file.as_fd(), &place, limits)
}

/// Reads the secret behind descriptor `number`, to its end.
pub fn from_descriptor(number: u32, place: &str, limits: &Limits) -> Result<Secret, Failure> {
    let place = format!("{place}: descriptor {number}");
    if number == 0 {
        return read(std::io::stdin().as_fd(), &place, limits);
    }
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let opened = retry_on_intr(|| open(format!("/dev/fd/{number}"), flags, Mode::empty()));
    let file = opened.map_err(|errno| DrainError::Io(errno).failure(&place))?;
    read(file.as_fd(), &place, limits)
}

fn read(from: rustix::fd::BorrowedFd<'_>, place: &str, limits: &Limits) -> Result<Secret, Failure> {
    let until = limits.until(limits.timeout);
    let octets = Drain { from, done: None, until, limits }.read().map_err(|error| error.failure(place))?;
    drain::secret(&octets, place)
}

/// Who may own a file that holds a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The user postie runs as.
    User,
    /// That user, or root: secrets are often handed to services that way.
    UserOrRoot,
}

/// A file that holds a secret and that others get at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exposed {
    /// What is wrong with it.
    pub what: String,
    /// The command that mends it.
    pub remedy: String,
}

/// Refuses a file with a secret that others may read or write, or that is somebody else's.
pub fn check_private(stat: &Stat, path: &Path, owner: Owner) -> Result<(), Exposed> {
    let user = rustix::process::geteuid().as_raw();
    if stat.st_uid != user && !(owner == Owner::UserOrRoot && stat.st_uid == 0) {
        return Err(Exposed {
            what: "it holds a secret, and belongs to another user".into(),
            remedy: format!("chown {user} {}", quoted(path)),
        });
    }
    if stat.st_mode & 0o077 != 0 {
        return Err(Exposed {
            what: format!("it holds a secret, and others may use it (mode {:04o})", stat.st_mode & 0o777),
            remedy: format!("chmod 600 {}", quoted(path)),
        });
    }
    Ok(())
}

fn refuse(place: &str, what: &str) -> Failure {
    drain::failure(Kind::Config, format!("{place}: getting the secret: {what}"))
}

/// A path as a shell takes it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+@,".contains(c);
    if text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::fd::AsRawFd;
    use std::os::unix::fs::PermissionsExt;
    use std::time::Duration;

    fn limits() -> Limits {
        Limits { timeout: Duration::from_secs(20), ..Limits::default() }
    }

    fn file(dir: &Path, mode: u32, content: &[u8]) -> std::path::PathBuf {
        let path = dir.join(format!("pw {mode:o}"));
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    #[test]
    fn a_private_file_gives_its_secret_also_through_a_link() {
        let dir = tempfile::tempdir().unwrap();
        for mode in [0o600, 0o400] {
            let path = file(dir.path(), mode, b"pw\n");
            assert_eq!(from_file(&path, "x", &limits()).unwrap().expose(), b"pw");
        }
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(file(dir.path(), 0o600, b"pw"), &link).unwrap();
        assert_eq!(from_file(&link, "x", &limits()).unwrap().expose(), b"pw");
    }

    #[test]
    fn a_file_others_may_read_is_refused_with_the_command_that_mends_it() {
        let dir = tempfile::tempdir().unwrap();
        for mode in [0o644, 0o640, 0o604, 0o620, 0o666] {
            let path = file(dir.path(), mode, b"S3CRET\n");
            let failure = from_file(&path, "x", &limits()).unwrap_err();
            assert_eq!(failure.kind, Kind::Config);
            assert!(!failure.message.contains("S3CRET"));
            assert_eq!(failure.hint.unwrap(), format!("chmod 600 '{}'", path.display()));
        }
    }

    #[test]
    fn directories_fifos_and_missing_files_are_refused_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let fifo = dir.path().join("fifo");
        rustix::fs::mknodat(rustix::fs::CWD, &fifo, FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
        for path in [dir.path().to_owned(), dir.path().join("none"), fifo, "/dev/null".into()] {
            assert_eq!(from_file(&path, "x", &limits()).unwrap_err().kind, Kind::Config, "{path:?}");
        }
    }

    #[test]
    fn an_empty_or_huge_file_holds_no_secret() {
        let dir = tempfile::tempdir().unwrap();
        for content in [vec![], b"\n".to_vec(), vec![b'x'; 100_000]] {
            let path = file(dir.path(), 0o600, &content);
            assert_eq!(from_file(&path, "x", &limits()).unwrap_err().kind, Kind::Config);
        }
    }

    #[test]
    fn a_pipe_is_read_by_its_number_and_by_its_name_under_dev_fd() {
        for by_name in [true, false] {
            let (from, to) = rustix::pipe::pipe().unwrap();
            rustix::io::write(&to, b"pw\n").unwrap();
            drop(to);
            let number = u32::try_from(from.as_raw_fd()).unwrap();
            let secret = if by_name {
                from_file(Path::new(&format!("/dev/fd/{number}")), "x", &limits())
            } else {
                from_descriptor(number, "x", &limits())
            };
            assert_eq!(secret.unwrap().expose(), b"pw");
        }
        assert_eq!(from_descriptor(987_654, "x", &limits()).unwrap_err().kind, Kind::Config);
    }
}
