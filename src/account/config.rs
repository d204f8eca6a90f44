//! The configuration file: where it is, whether it is safe to use, and its contents.
//!
//! It may be a symbolic link (dotfiles often are); its target is checked, by the open descriptor. A file with a
//! password in it must belong to the user, and nobody else may read it.

use super::document::{Fault, PathContext};
use super::schema::{self, Contents};
use super::{Account, Env};
use crate::store::custody::{OtherHands, check_secret, check_trusted};
use crate::words::Failure;
use rustix::fs::{Access, FileType, Mode, OFlags, Stat, fstat, open};
use rustix::io::{Errno, retry_on_intr};
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// The most octets of a configuration file. A thousand accounts fit.
pub const MAX_FILE: u64 = 1024 * 1024;

/// The configuration, read and checked.
#[derive(Clone, Debug)]
pub struct Config {
    pub path: PathBuf,
    /// Whether the file exists.
    pub found: bool,
    pub contents: Contents,
}

/// The system's configuration, for users without their own.
pub const SYSTEM: &str = "/etc/postie/config.toml";

/// Where the configuration is: `--config`, else `$POSTIE_CONFIG`, else the user's file (XDG) if it exists, else the
/// system's if it exists.
pub fn path(flag: Option<&Path>, env: &Env) -> Result<PathBuf, Failure> {
    match (flag, env.get("POSTIE_CONFIG")) {
        (Some(path), _) if path.as_os_str().is_empty() => Err(Failure::usage("--config: the path is empty")),
        (Some(path), _) => Ok(path.to_owned()),
        (None, Some(path)) => Ok(path.into()),
        (None, None) => first_there(env.config_file(), Path::new(SYSTEM)),
    }
}

/// The same for a file to be changed: a user who may not change the system's file gets one of their own.
pub fn path_to_edit(flag: Option<&Path>, env: &Env) -> Result<PathBuf, Failure> {
    let path = path(flag, env)?;
    let own = || env.config_file().unwrap_or_else(|_| path.clone());
    let is_system = flag.is_none() && env.get("POSTIE_CONFIG").is_none() && path == Path::new(SYSTEM);
    match is_system && rustix::fs::access(&path, Access::WRITE_OK).is_err() {
        true => Ok(own()),
        false => Ok(path),
    }
}

/// The user's own file, unless only the system's exists.
fn first_there(own: Result<PathBuf, Failure>, system: &Path) -> Result<PathBuf, Failure> {
    let is_missing = |path: &Path| {
        let error = path.symlink_metadata().err();
        error.is_some_and(|error| matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory))
    };
    match own {
        Ok(own) if !is_missing(&own) => Ok(own),
        _ if !is_missing(system) => Ok(system.to_owned()),
        own => own,
    }
}

impl Config {
    /// Reads the file that [`path`] finds; a missing one has no accounts. Fails with [`crate::words::Kind::Config`].
    pub fn load(flag: Option<&Path>, env: &Env) -> Result<Config, Failure> {
        let path = path(flag, env)?;
        let Some((file, text)) = read_text(&path)? else {
            return Ok(Config { path, found: false, contents: Contents::default() });
        };
        let contents = parse(&text, &path, env)?;
        if contents.holds_secret {
            check(&file, &path, |stat, path| {
                let secret = |hands: OtherHands| {
                    let what = format!("it holds a secret, and {}", hands.what.trim_start_matches("it "));
                    OtherHands { what, ..hands }
                };
                check_secret(stat, path).map_err(secret)
            })?;
        }
        Ok(Config { path, found: true, contents })
    }

    pub fn account(&self, name: &str) -> Result<&Account, Failure> {
        self.contents.account(name).ok_or_else(|| {
            let path = self.path.display();
            if !self.found {
                return Failure::config(format!("{path}: reading the configuration: there is no such file"))
                    .hint(MAKE_ONE);
            }
            Failure::config(format!("{path}: looking for account {name:?}: there is no such account"))
                .hint(self.known())
        })
    }

    /// The names of the accounts, as a hint.
    pub fn known(&self) -> String {
        let names: Vec<&str> = self.contents.accounts.iter().map(|account| &*account.label).collect();
        if names.is_empty() { MAKE_ONE.into() } else { format!("known accounts: {}", names.join(", ")) }
    }
}

/// The hint if there is no account.
pub const MAKE_ONE: &str = "`postie config add` makes an account; --server URL does without";

/// Reads the text of a configuration.
pub fn parse(text: &str, path: &Path, env: &Env) -> Result<Contents, Failure> {
    let beside = path.parent().unwrap_or(Path::new(""));
    schema::read(text, PathContext { env, beside }).map_err(|fault| locate(text, path, fault))
}

/// The failure for a fault in the text of the file at `path`.
pub fn locate(text: &str, path: &Path, fault: Fault) -> Failure {
    let (line, column) = position(text, fault.at);
    let place = format!("{}:{line}:{column}", path.display());
    say(fault, &place)
}

/// The failure for a fault at `place`.
pub fn say(fault: Fault, place: &str) -> Failure {
    let Fault { within, what, hint, .. } = fault;
    let message =
        if within.is_empty() { format!("{place}: {what}") } else { format!("{place}: {within}: {what}") };
    let failure = Failure::config(message);
    match hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

/// Opens and reads the file; `None` if it does not exist.
pub fn read_text(path: &Path) -> Result<Option<(File, Zeroizing<String>)>, Failure> {
    // Non-blocking, so that a FIFO does not wait for a writer.
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = match retry_on_intr(|| open(path, flags, Mode::empty())) {
        Ok(descriptor) => File::from(descriptor),
        Err(Errno::NOENT) => return Ok(None),
        Err(errno) => return Err(unreadable(path, errno.into())),
    };
    let stat = fstat(&file).map_err(|errno| unreadable(path, errno.into()))?;
    let refuse =
        |what: &str| Failure::config(format!("{}: reading the configuration: {what}", path.display()));
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(refuse("not a regular file"));
    }
    check(&file, path, check_trusted)?;
    let mut octets = Zeroizing::new(Vec::new());
    let read = (&file).take(MAX_FILE + 1).read_to_end(&mut octets);
    read.map_err(|error| unreadable(path, error))?;
    if octets.len() as u64 > MAX_FILE {
        return Err(refuse(&format!("it has more than {MAX_FILE} octets")));
    }
    match std::str::from_utf8(&octets) {
        Ok(text) => Ok(Some((file, Zeroizing::new(text.to_owned())))),
        Err(error) => {
            let line = octets[..error.valid_up_to()].iter().filter(|octet| **octet == b'\n').count() + 1;
            let place = format!("{}:{line}", path.display());
            Err(Failure::config(format!("{place}: reading the configuration: not valid UTF-8")))
        }
    }
}

/// Refuses a configuration that others can write, because it names servers and commands.
fn check(
    file: &File,
    path: &Path,
    hands: impl FnOnce(&Stat, &Path) -> Result<(), OtherHands>,
) -> Result<(), Failure> {
    let stat = fstat(file).map_err(|errno| unreadable(path, errno.into()))?;
    hands(&stat, path).map_err(|hands| {
        Failure::config(format!("{}: reading the configuration: {}", path.display(), hands.what))
            .hint(hands.remedy)
    })
}

fn unreadable(path: &Path, error: std::io::Error) -> Failure {
    Failure::config(format!("{}: reading the configuration: {error}", path.display()))
}

/// The line and the column (in characters) of an octet, both counted from 1.
fn position(text: &str, at: usize) -> (usize, usize) {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    let before = &text[..at];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let column = before[line_start..].trim_start_matches('\u{feff}').chars().count() + 1;
    (before.matches('\n').count() + 1, column)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::Kind;
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    const WITH_SECRET: &str = "[accounts.a]\nemail = 'a@b.example'\npassword = 'S3CRET'\npop3.host = 'h'\n";

    fn load(path: &Path) -> Result<Config, Failure> {
        Config::load(Some(path), &Env::default())
    }

    fn write(dir: &Path, mode: u32, text: &str) -> PathBuf {
        let path = dir.join("config.toml");
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    #[test]
    fn a_file_with_a_secret_must_be_closed_to_others_also_behind_a_link() {
        let dir = tempfile::tempdir().unwrap();
        let link = dir.path().join("link.toml");
        for (mode, fine) in [(0o600, true), (0o400, true), (0o640, false), (0o644, false), (0o606, false)] {
            let path = write(dir.path(), mode, WITH_SECRET);
            let _ = fs::remove_file(&link);
            symlink(&path, &link).unwrap();
            for path in [&path, &link] {
                let loaded = load(path);
                assert_eq!(loaded.is_ok(), fine, "{mode:o}");
                if let Err(failure) = loaded {
                    assert_eq!(failure.kind(), Kind::Config);
                    let chmod = if mode & 0o022 == 0 { "600" } else { "go-w" };
                    assert_eq!(failure.hint.unwrap(), format!("chmod {chmod} {}", path.display()));
                }
            }
            fs::remove_file(path).unwrap();
        }
    }

    #[test]
    fn a_file_without_a_secret_may_be_open_to_all() {
        let dir = tempfile::tempdir().unwrap();
        let path = write(dir.path(), 0o644, "[accounts.a]\nemail = 'a@b.example'\npop3.host = 'h'\n");
        assert_eq!(load(&path).unwrap().contents.accounts.len(), 1);
    }

    #[test]
    fn a_file_that_others_may_write_is_refused_whatever_it_holds() {
        let dir = tempfile::tempdir().unwrap();
        for mode in [0o664, 0o646, 0o666, 0o620, 0o602] {
            let path = write(dir.path(), mode, "[accounts.a]\nemail = 'a@b.example'\npop3.host = 'h'\n");
            let failure = load(&path).unwrap_err();
            assert_eq!(failure.kind(), Kind::Config, "{mode:o}");
            assert_eq!(failure.hint.unwrap(), format!("chmod go-w {}", path.display()));
            fs::remove_file(path).unwrap();
        }
    }

    #[test]
    fn directories_fifos_huge_files_and_bad_utf_8_are_refused_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let fifo = dir.path().join("fifo");
        rustix::fs::mknodat(rustix::fs::CWD, &fifo, FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
        let huge = dir.path().join("huge");
        fs::File::create(&huge).unwrap().set_len(100 * MAX_FILE).unwrap();
        let latin = dir.path().join("latin");
        fs::write(&latin, b"# comment\n# \xe9\n").unwrap();
        for path in [dir.path(), &fifo, &huge, &latin, Path::new("/dev/null")] {
            assert_eq!(load(path).unwrap_err().kind(), Kind::Config, "{path:?}");
        }
        assert!(load(&latin).unwrap_err().message.contains("latin:2: "));
    }

    #[test]
    fn a_missing_file_has_no_accounts() {
        let config = load(Path::new("/nonexistent/config.toml")).unwrap();
        assert!(!config.found && config.contents.accounts.is_empty());
        assert!(config.account("a").unwrap_err().message.contains("no such file"));
    }

    #[test]
    fn faults_name_file_line_and_column() {
        let failure = parse("[accounts.a.pop3]\n  tsl = 'none'\n", Path::new("/c/x.toml"), &Env::default())
            .unwrap_err();
        assert_eq!(failure.message, "/c/x.toml:2:3: accounts.a.pop3: this key is not known");
        assert_eq!(failure.hint.as_deref(), Some("did you mean `tls`?"));
        assert_eq!(failure.kind(), Kind::Config);
    }

    #[test]
    fn a_value_without_quotes_is_told_to_have_them() {
        for value in
            ["implicit", "inline", "~/Mail/a", "/var/mail", "ana@example.org", "pass show mail", "nobody"]
        {
            let text = format!("[accounts.a]\nname = {value}\n");
            let failure = parse(&text, Path::new("/c/x.toml"), &Env::default()).unwrap_err();
            assert!(failure.message.starts_with("/c/x.toml:2:8: this text has no quotes"), "{failure}");
            assert!(failure.hint.unwrap().contains("key = \"text\""), "{value}");
        }
        let failure = parse("[accounts.a]\nname 7\n", Path::new("/c/x.toml"), &Env::default()).unwrap_err();
        assert_eq!(failure.hint, None, "{failure}");
    }

    #[test]
    fn columns_count_characters_and_stay_inside_the_text() {
        assert_eq!(position("", 0), (1, 1));
        assert_eq!(position("\u{feff}x", 3), (1, 1));
        assert_eq!(position("a\néé=", 6), (2, 3));
        assert_eq!(position("é", 1), (1, 1));
        assert_eq!(position("ab", 99), (1, 3));
    }

    #[test]
    fn the_machines_file_serves_those_who_have_none() {
        let dir = tempfile::tempdir().unwrap();
        let (own, system) = (dir.path().join("own.toml"), dir.path().join("system.toml"));
        let homeless = || Err(Failure::config("no home"));
        assert_eq!(first_there(Ok(own.clone()), &system).unwrap(), own);
        assert_eq!(first_there(homeless(), &system).unwrap_err().kind(), Kind::Config);
        fs::write(&system, "").unwrap();
        assert_eq!(first_there(Ok(own.clone()), &system).unwrap(), system);
        assert_eq!(first_there(Ok(dir.path().join("system.toml/own.toml")), &system).unwrap(), system);
        assert_eq!(first_there(homeless(), &system).unwrap(), system);
        symlink("nowhere", &own).unwrap();
        assert_eq!(
            first_there(Ok(own.clone()), &system).unwrap(),
            own,
            "a link of his that leads nowhere is his"
        );
    }

    #[test]
    fn option_then_variable_then_xdg_name_the_file() {
        let env = Env::from_iter([("POSTIE_CONFIG", "/v.toml"), ("HOME", "/h")]);
        assert_eq!(path(Some(Path::new("/o.toml")), &env).unwrap(), Path::new("/o.toml"));
        assert_eq!(path(None, &env).unwrap(), Path::new("/v.toml"));
        assert_eq!(path(Some(Path::new("")), &env).unwrap_err().kind(), Kind::Usage);
        let env = Env::from_iter([("HOME", "/h")]);
        assert_eq!(path(None, &env).unwrap(), Path::new("/h/.config/postie/config.toml"));
    }
}
