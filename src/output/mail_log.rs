//! The log of sent messages, one line of `key=value` each, in the account's `log-file`. Without that, only failures
//! are logged, to syslog. An error of the log never changes the exit code.
//!
//! Values with special characters are quoted, and no value can begin a new line.

use super::sanitize::safe;
use crate::account::Account;
use crate::mail::zone;
use crate::store::custody::check_trusted;
use crate::words::{Exit, clock};
use crate::work::send::Receipt;
use rustix::fs::{FileType, Mode, OFlags, fstat, open};
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};

/// The socket of syslog.
pub const SYSLOG: &str = "/dev/log";
/// Facility `mail`, severity `err` (`RFC 3164 §4.1.1`).
const MAIL_ERROR: u8 = 2 * 8 + 3;
/// The longest value, such as a server's text or a list of recipients.
const MAX_VALUE: usize = 1000;

/// What is logged about one message.
#[derive(Debug, Default)]
pub struct LogEntry {
    account: Option<String>,
    file: Option<PathBuf>,
    receipt: Option<Receipt>,
}

impl LogEntry {
    pub fn of(account: Option<&Account>, receipt: Option<Receipt>) -> Self {
        LogEntry {
            account: account.map(|account| account.label.clone()),
            file: account.and_then(|account| account.sendmail.log_file.clone()),
            receipt,
        }
    }

    /// Writes the line, with the failure if there was one.
    pub fn write(&self, exit: Exit, failure: Option<&str>) -> Result<(), String> {
        let line = self.line(exit, failure);
        match &self.file {
            Some(path) => {
                let line = format!("time={} pid={} {line}\n", clock::now(), std::process::id());
                append(path, line.as_bytes()).map_err(|error| format!("{}: logging: {error}", path.display()))
            }
            None if exit == Exit::Ok => Ok(()),
            None => {
                // There may be no syslog, and the caller gets the error anyway.
                let _ = syslog(Path::new(SYSLOG), &line);
                Ok(())
            }
        }
    }

    fn line(&self, exit: Exit, failure: Option<&str>) -> String {
        let mut line = String::new();
        let mut put = |key: &str, value: &str| {
            let space = if line.is_empty() { "" } else { " " };
            // Writing to a String cannot fail.
            let _ = write!(line, "{space}{key}={}", quoted(value));
        };
        if let Some(account) = &self.account {
            put("account", account);
        }
        match &self.receipt {
            Some(receipt) => {
                let to: Vec<&str> = receipt.recipients.iter().map(|one| one.address.as_str()).collect();
                put("status", receipt.status.name());
                put("exit", &exit.to_string());
                put("from", receipt.envelope_from.as_deref().unwrap_or_default());
                put("to", &to.join(","));
                let size = receipt.size.map(|size| size.to_string());
                for (key, value) in [
                    ("message_id", &receipt.message_id),
                    ("size", &size),
                    ("queue_id", &receipt.queue_id),
                    ("reply", &receipt.reply),
                ] {
                    if let Some(value) = value {
                        put(key, value);
                    }
                }
            }
            None => {
                put("status", "failed");
                put("exit", &exit.to_string());
            }
        }
        if let Some(failure) = failure {
            put("error", failure);
        }
        line
    }
}

/// A value, in quotes if it has special characters.
fn quoted(value: &str) -> String {
    let plain = |c: char| c.is_ascii_graphic() && !matches!(c, '"' | '\\' | '=');
    if !value.is_empty() && value.len() <= MAX_VALUE && value.chars().all(plain) {
        return value.to_owned();
    }
    let cut: String = value.chars().take(MAX_VALUE).collect();
    let more = if cut.len() < value.len() { "\u{2026}" } else { "" };
    format!("\"{}{more}\"", safe(&cut.replace('\\', "\\\\").replace('"', "\\\"")))
}

fn append(path: &Path, line: &[u8]) -> io::Result<()> {
    // Non-blocking, so that opening a FIFO does not wait for a reader.
    let flags = OFlags::WRONLY
        | OFlags::APPEND
        | OFlags::CREATE
        | OFlags::NOFOLLOW
        | OFlags::CLOEXEC
        | OFlags::NONBLOCK
        | OFlags::NOCTTY;
    let file = open(path, flags, Mode::RUSR | Mode::WUSR)?;
    let stat = fstat(&file)?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(io::Error::other("it is no regular file"));
    }
    // A hard link could make a file of others, or one that a program trusts, the log.
    if stat.st_nlink != 1 {
        return Err(io::Error::other("it has another name too (a hard link)"));
    }
    check_trusted(&stat, path).map_err(|hands| io::Error::other(hands.what))?;
    File::from(file).write_all(line)
}

/// Sends one datagram, without blocking.
fn syslog(socket: &Path, line: &str) -> io::Result<()> {
    let time = zone::now().strftime("%b %e %H:%M:%S").to_string();
    let text = format!("<{MAIL_ERROR}>{time} postie-sendmail[{}]: {line}", std::process::id());
    let sender = UnixDatagram::unbound()?;
    sender.set_nonblocking(true)?;
    sender.send_to(text.as_bytes(), socket).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_line_whatever_is_in_it() {
        let receipt = Receipt {
            reply: Some("550 5.1.1 no\r\nstatus=accepted \"x\" \u{1b}[2J\\".into()),
            envelope_from: Some(String::new()),
            message_id: Some("a@x.org".into()),
            ..Receipt::skipped()
        };
        let entry = LogEntry { account: Some("my \n account".into()), receipt: Some(receipt), file: None };
        let line = entry.line(Exit::Recipient, Some("a\u{2028}b"));
        assert!(!line.chars().any(crate::output::sanitize::is_hostile), "{line:?}");
        assert!(
            line.starts_with("account=\"my \\n account\" status=skipped exit=67 from=\"\" to=\"\""),
            "{line}"
        );
        assert!(line.contains("reply=\"550 5.1.1 no\\r\\nstatus=accepted \\\"x\\\" "), "{line}");
        assert!(quoted(&"\u{e4} ".repeat(5000)).len() < 4 * MAX_VALUE);
    }

    #[test]
    fn a_failure_reaches_the_log_of_the_system_as_one_datagram() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let listener = UnixDatagram::bind(&path).unwrap();
        syslog(&path, "status=failed exit=78").unwrap();
        let mut datagram = [0; 200];
        let got = listener.recv(&mut datagram).unwrap();
        let text = std::str::from_utf8(&datagram[..got]).unwrap();
        assert!(text.starts_with("<19>"), "{text}");
        assert!(text.ends_with("]: status=failed exit=78"), "{text}");
        assert!(syslog(&dir.path().join("missing"), "x").is_err());
    }

    #[test]
    fn a_log_file_is_private_grows_and_is_no_link() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        append(&path, b"one\n").unwrap();
        append(&path, b"two\n").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"one\ntwo\n");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert!(append(&link, b"x\n").is_err() && append(dir.path(), b"x\n").is_err());
        assert!(append(Path::new("/dev/null"), b"x\n").is_err());
        let linked = dir.path().join("linked");
        std::fs::hard_link(&path, &linked).unwrap();
        assert!(append(&path, b"x\n").is_err() && append(&linked, b"x\n").is_err());
        std::fs::remove_file(&linked).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666)).unwrap();
        assert!(append(&path, b"x\n").is_err(), "others could write what looks like postie's word");
        assert_eq!(std::fs::read(&path).unwrap(), b"one\ntwo\n");
    }
}
