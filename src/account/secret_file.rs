//! Reads a secret from a file or an open descriptor.
//!
//! A file must belong to the user or root, and nobody else may read it, except in the directories where systems deliver
//! secrets. This is checked on the open descriptor, and thus on the target of a symbolic link. Pipes are read only
//! through `/dev/fd` (a shell's `<(…)`) or by their number: a FIFO opened by name may belong to anybody.

use super::Env;
use super::drain::{self, Drain, DrainError};
use crate::net::{Limits, small_file};
use crate::store::custody::{check_secret, check_trusted};
use crate::words::{Failure, Kind, Secret};
use rustix::fd::AsFd;
use rustix::fs::{FileType, Mode, OFlags, Stat, open};
use rustix::io::{Errno, retry_on_intr};
use std::path::{Path, PathBuf};

/// Reads the secret in the file at `path`; `place`: the option or key that named it. Fails with [`Kind::Config`],
/// [`Kind::Interrupted`] or [`Kind::Timeout`].
pub fn from_file(path: &Path, place: &str, env: &Env, limits: &Limits) -> Result<Secret, Failure> {
    let octets = content(path, place, env, limits)?;
    drain::secret(octets.expose(), &format!("{place}: {}", path.display()))
}

/// Reads all that is in the file, which is as secret.
pub fn content(path: &Path, place: &str, env: &Env, limits: &Limits) -> Result<Secret, Failure> {
    let place = format!("{place}: {}", path.display());
    let (file, stat) = small_file::open(path).map_err(|unread| refuse(&place, &unread.to_string()))?;
    if FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile {
        let check = if is_delivered(&stat, path, env) { check_trusted } else { check_secret };
        check(&stat, path).map_err(|hands| {
            let what = format!("it holds a secret, and {}", hands.what.trim_start_matches("it "));
            let other = "where that cannot be done: --password-command 'cat FILE', or --password-fd";
            refuse(&place, &what).hint(format!("{}; {other}", hands.remedy))
        })?;
    }
    octets(file.as_fd(), &place, limits)
}

/// Reads a secret from a descriptor, to its end.
pub fn from_descriptor(number: u32, place: &str, limits: &Limits) -> Result<Secret, Failure> {
    let place = format!("{place}: descriptor {number}");
    if number == 0 {
        return read(std::io::stdin().as_fd(), &place, limits);
    }
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let open_at = |dir: &str| retry_on_intr(|| open(format!("{dir}/{number}"), flags, Mode::empty()));
    // In jails and services one of the two may be missing.
    let opened = match open_at("/dev/fd") {
        Err(Errno::NOENT | Errno::NOTDIR) => open_at("/proc/self/fd"),
        opened => opened,
    };
    let file = opened.map_err(|errno| DrainError::Io(errno).failure(&place))?;
    read(file.as_fd(), &place, limits)
}

fn read(from: rustix::fd::BorrowedFd<'_>, place: &str, limits: &Limits) -> Result<Secret, Failure> {
    drain::secret(octets(from, place, limits)?.expose(), place)
}

fn octets(from: rustix::fd::BorrowedFd<'_>, place: &str, limits: &Limits) -> Result<Secret, Failure> {
    let until = limits.until(limits.timeout);
    let octets = Drain { from, done: None, until, limits }.read().map_err(|error| error.failure(place))?;
    Ok(Secret::new(octets.as_slice()))
}

fn refuse(place: &str, what: &str) -> Failure {
    drain::failure(Kind::Config, format!("{place}: getting the secret: {what}"))
}

/// Where systems put the secrets of services. The reader cannot make these files private: Docker and Kubernetes mount
/// them read-only, systemd gives access by an ACL.
const DELIVERED: [&str; 3] = ["/run/secrets", "/run/credentials", "/var/run/secrets"];

/// Whether the open file is below a directory where secrets are delivered, after following symbolic links: Kubernetes
/// uses two of them.
fn is_delivered(stat: &Stat, path: &Path, env: &Env) -> bool {
    let Ok(real) = std::fs::canonicalize(path) else { return false };
    // The file at that path must be the one that was opened.
    let is_same = |other: &Stat| (other.st_dev, other.st_ino) == (stat.st_dev, stat.st_ino);
    if !rustix::fs::lstat(&real).is_ok_and(|other| is_same(&other)) {
        return false;
    }
    let of_systemd = env.get("CREDENTIALS_DIRECTORY").map(PathBuf::from).filter(|dir| dir.is_absolute());
    let roots = DELIVERED.iter().map(PathBuf::from).chain(of_systemd);
    roots.filter_map(|root| std::fs::canonicalize(root).ok()).any(|root| {
        // Not `/`: everything is below that.
        root.parent().is_some() && real.starts_with(&root)
    })
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
            assert_eq!(from_file(&path, "x", &Env::default(), &limits()).unwrap().expose(), b"pw");
        }
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(file(dir.path(), 0o600, b"pw"), &link).unwrap();
        assert_eq!(from_file(&link, "x", &Env::default(), &limits()).unwrap().expose(), b"pw");
    }

    #[test]
    fn a_file_others_may_read_is_refused_with_the_command_that_mends_it() {
        let dir = tempfile::tempdir().unwrap();
        for mode in [0o644, 0o640, 0o604, 0o620, 0o666] {
            let path = file(dir.path(), mode, b"S3CRET\n");
            let failure = from_file(&path, "x", &Env::default(), &limits()).unwrap_err();
            assert_eq!(failure.kind(), Kind::Config);
            assert!(!failure.message.contains("S3CRET"));
            let hint = failure.hint.unwrap();
            assert!(hint.starts_with(&format!("chmod 600 '{}'; ", path.display())), "{hint}");
            assert!(hint.contains("--password-command") && hint.contains("--password-fd"), "{hint}");
        }
    }

    #[test]
    fn where_secrets_are_delivered_others_may_read_but_not_write_them() {
        let dir = tempfile::tempdir().unwrap();
        let env = |value: &Path| Env::from_iter([("CREDENTIALS_DIRECTORY", value)]);
        for (mode, fine) in
            [(0o444, true), (0o440, true), (0o644, true), (0o400, true), (0o464, false), (0o666, false)]
        {
            let path = file(dir.path(), mode, b"pw\n");
            let got = |env: &Env| from_file(&path, "x", env, &limits());
            assert_eq!(got(&env(dir.path())).is_ok(), fine, "{mode:o}");
            assert_eq!(got(&env(Path::new("/"))).is_ok(), mode == 0o400, "{mode:o}");
            assert_eq!(got(&env(Path::new("relative"))).is_ok(), mode == 0o400, "{mode:o}");
        }
    }

    #[test]
    fn a_delivered_secret_is_known_by_where_it_lies_and_not_by_its_name() {
        use std::os::unix::fs::symlink;
        let dir = tempfile::tempdir().unwrap();
        let (secrets, other) = (dir.path().join("secrets"), dir.path().join("other"));
        // As Kubernetes lays it out.
        fs::create_dir_all(secrets.join("..2026")).unwrap();
        fs::create_dir_all(&other).unwrap();
        fs::rename(file(dir.path(), 0o444, b"pw\n"), secrets.join("..2026/pw")).unwrap();
        symlink("..2026", secrets.join("..data")).unwrap();
        symlink("..data/pw", secrets.join("pw")).unwrap();
        let open = file(&other, 0o444, b"S3CRET");
        symlink(&open, secrets.join("planted")).unwrap();
        symlink(secrets.join("pw"), dir.path().join("mine")).unwrap();
        let env = Env::from_iter([("CREDENTIALS_DIRECTORY", &secrets)]);
        let got = |path: std::path::PathBuf| from_file(&path, "x", &env, &limits());
        assert_eq!(got(secrets.join("pw")).unwrap().expose(), b"pw");
        assert_eq!(got(dir.path().join("mine")).unwrap().expose(), b"pw");
        assert!(got(secrets.join("planted")).is_err());
        assert!(got(secrets.join("../other").join(open.file_name().unwrap())).is_err());
    }

    #[test]
    fn directories_fifos_and_missing_files_are_refused_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let fifo = dir.path().join("fifo");
        rustix::fs::mknodat(rustix::fs::CWD, &fifo, FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
        for path in [dir.path().to_owned(), dir.path().join("none"), fifo, "/dev/null".into()] {
            assert_eq!(
                from_file(&path, "x", &Env::default(), &limits()).unwrap_err().kind(),
                Kind::Config,
                "{path:?}"
            );
        }
    }

    #[test]
    fn an_empty_or_huge_file_holds_no_secret() {
        let dir = tempfile::tempdir().unwrap();
        for content in [vec![], b"\n".to_vec(), vec![b'x'; 100_000]] {
            let path = file(dir.path(), 0o600, &content);
            assert_eq!(from_file(&path, "x", &Env::default(), &limits()).unwrap_err().kind(), Kind::Config);
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
                from_file(Path::new(&format!("/dev/fd/{number}")), "x", &Env::default(), &limits())
            } else {
                from_descriptor(number, "x", &limits())
            };
            assert_eq!(secret.unwrap().expose(), b"pw");
        }
        assert_eq!(from_descriptor(987_654, "x", &limits()).unwrap_err().kind(), Kind::Config);
    }
}
