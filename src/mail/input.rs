//! Opens and reads the user's files, before any connection.

use crate::net::Limits;
use crate::store::{Spool, Spooled};
use crate::streams::{Halt, Input};
use crate::words::{Failure, Kind, Stage};
use rustix::fs::{Mode, OFlags};
use rustix::io::retry_on_intr;
use std::fs::{File, FileType, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::Path;

/// The most octets of a body, which is held in memory. Anything larger must be an attachment.
pub const MAX_BODY: u64 = 256 * 1024 * 1024;

/// An opened input.
#[derive(Debug)]
pub enum OpenedPath {
    File(File),
    /// A FIFO, or the `<(…)` of a shell: another program decides when octets come.
    Stream(Input<File>),
}

impl Read for OpenedPath {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            OpenedPath::File(file) => file.read(into),
            OpenedPath::Stream(stream) => stream.read(into),
        }
    }
}

/// Opens an input: a file, a pipe (read within the limits of the run), or `/dev/null`, which is empty. A
/// directory is refused, and so is another device, which may never end.
pub fn open(path: &Path, limits: &Limits) -> Result<OpenedPath, Failure> {
    let (file, about) = opened(path)?;
    let is_null = about.file_type().is_char_device() && about.rdev() == rustix::fs::makedev(1, 3);
    match about.file_type() {
        kind if kind.is_file() => Ok(OpenedPath::File(file)),
        kind if kind.is_fifo() || is_null => Ok(OpenedPath::Stream(Input::new(file, limits))),
        kind => Err(no_file(path, kind)),
    }
}

fn opened(path: &Path) -> Result<(File, Metadata), Failure> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file: File = retry_on_intr(|| rustix::fs::open(path, flags, Mode::empty()))
        .map_err(|error| unreadable(path, "opening", &error.into()))?
        .into();
    let about = file.metadata().map_err(|error| unreadable(path, "opening", &error))?;
    Ok((file, about))
}

/// The failure for what is neither a file nor a pipe.
fn no_file(path: &Path, kind: FileType) -> Failure {
    let (what, hint) = match kind {
        kind if kind.is_dir() => {
            ("a directory", "send it as an archive: tar cz DIR | postie send … -a - --attach-name DIR.tar.gz")
        }
        kind if kind.is_socket() => ("a socket", "only files and pipes are read"),
        _ => ("a device", "only files and pipes are read; a device may have no end"),
    };
    Failure::new(Kind::NoInput, Stage::Input, format!("{}: opening: it is {what}", path.display())).hint(hint)
}

/// Reads a whole body into memory; `name` names it in failures.
pub fn read_all(source: &mut dyn Read, name: &str) -> Result<Vec<u8>, Failure> {
    let mut octets = Vec::new();
    source
        .take(MAX_BODY + 1)
        .read_to_end(&mut octets)
        .map_err(|error| unreadable(Path::new(name), "reading", &error))?;
    if octets.len() as u64 > MAX_BODY {
        let message = format!("{name}: reading: a body has at most {MAX_BODY} octets");
        return Err(Failure::new(Kind::Input, Stage::Input, message).hint("attach it instead (--attach)"));
    }
    Ok(octets)
}

/// Reads a whole stream of any size.
pub fn spooled(source: &mut dyn Read, name: &str) -> Result<Spooled, Failure> {
    let storage = |error: io::Error| {
        let message = format!("{}: keeping {name}: {error}", std::env::temp_dir().display());
        Failure::new(Kind::Storage, Stage::Input, message)
    };
    let mut spool = Spool::default();
    let mut block = vec![0; 64 * 1024];
    loop {
        match source.read(&mut block) {
            Ok(0) => break,
            Ok(got) => spool.push(&block[..got]).map_err(storage)?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(unreadable(Path::new(name), "reading", &error)),
        }
    }
    spool.finish().map_err(storage)
}

/// The failure for an input that cannot be read, or whose reading a signal or `--max-time` ended.
pub fn unreadable(path: &Path, what: &str, error: &io::Error) -> Failure {
    let kind = Halt::of(error).map_or(Kind::NoInput, Halt::kind);
    let failure = Failure::new(kind, Stage::Input, format!("{}: {what}: {error}", path.display()));
    match error.kind() {
        io::ErrorKind::NotFound => failure.hint(where_to_look(path)),
        io::ErrorKind::PermissionDenied => {
            failure.hint("the user that postie runs as may not read it, or not enter a directory above it")
        }
        _ => failure,
    }
}

/// The hint for a path that does not exist.
fn where_to_look(path: &Path) -> String {
    if path.starts_with("~") {
        return "the shell did not replace the `~`: write the whole path".into();
    }
    match std::env::current_dir() {
        Ok(here) if path.is_relative() => format!(
            "it was looked for in {}, where postie was started; an absolute path works from anywhere",
            here.display()
        ),
        _ => "check the path for a typing error".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_not_there_comes_with_where_it_was_looked_for() {
        let hint = |path: &str| open(Path::new(path), &Limits::default()).unwrap_err().hint.unwrap();
        let here = std::env::current_dir().unwrap();
        for relative in ["no-such.pdf", "no-such/report.pdf", "./no-such.pdf"] {
            assert!(hint(relative).contains(&format!("looked for in {},", here.display())), "{relative}");
        }
        assert!(hint("~/no-such.pdf").contains("did not replace the `~`"));
        assert_eq!(hint("/no-such/report.pdf"), "check the path for a typing error");
        let denied = unreadable(Path::new("x"), "opening", &io::ErrorKind::PermissionDenied.into());
        assert!(denied.hint.unwrap().contains("may not read it"));
        assert_eq!(unreadable(Path::new("x"), "reading", &io::ErrorKind::Other.into()).hint, None);
    }

    #[test]
    fn only_files_and_pipes_are_taken_and_nothing_hangs() {
        let dir = tempfile::tempdir().unwrap();
        let any = |path: &Path| open(path, &Limits::default());
        assert_eq!(io::read_to_string(any(Path::new("/dev/null")).unwrap()).unwrap(), "");
        for (path, what) in [(dir.path(), "a directory"), (Path::new("/dev/zero"), "a device")] {
            let failure = any(path).unwrap_err();
            assert_eq!(failure.kind(), Kind::NoInput, "{}", path.display());
            assert!(failure.message.ends_with(&format!("it is {what}")), "{}", failure.message);
        }
        assert!(any(dir.path()).unwrap_err().hint.unwrap().contains("tar cz"), "how a directory is sent");
        assert_eq!(any(&dir.path().join("missing")).unwrap_err().kind(), Kind::NoInput);
        let fifo = dir.path().join("fifo");
        rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, Mode::RUSR, 0).unwrap();
        let over = Limits { end: Some(std::time::Instant::now()), ..Limits::default() };
        let mut unwritten = open(&fifo, &over).unwrap();
        assert_eq!(read_all(&mut unwritten, "fifo").unwrap_err().kind(), Kind::Timeout, "nobody writes");
        let file = dir.path().join("file");
        std::fs::write(&file, "x").unwrap();
        assert_eq!(read_all(&mut any(&file).unwrap(), "file").unwrap(), b"x");
    }
}
