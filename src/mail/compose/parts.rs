//! Writes the body as a tree of MIME parts (`RFC 2046`); files go through a fixed buffer.

use super::text::TextBody;
use super::{MessageSink, field, values};
use crate::codec::eol::{Facts, Normaliser};
use crate::mail::input::unreadable;
use crate::mail::outgoing::{MAX_LINE, bad_message};
use crate::mail::params;
use crate::mail::stamp;
use crate::mail::unlabelled::Unlabelled;
use crate::store::Spooled;
use crate::words::Failure;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Cursor, Read, Seek as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// Octets of a file in one line of base64 (76 characters, `RFC 2045 §6.8`).
const LINE: usize = 57;
/// How many lines are encoded at a time.
const LINES: usize = 1024;

/// A file to attach, or to show inside the HTML.
#[derive(Debug)]
pub struct Part {
    pub source: PartSource,
    /// Its path, for failures and for the default of name and type.
    pub path: PathBuf,
    /// Its name in the message.
    pub name: Option<String>,
    pub content_type: Option<String>,
    /// The Content-ID of an inline file; `None` for an attachment.
    pub cid: Option<String>,
}

/// The content of a part.
#[derive(Debug)]
pub enum PartSource {
    /// A file, open at its start.
    File(File),
    /// A stream that was read, at its start.
    Spooled(Spooled),
    Octets(Cursor<Vec<u8>>),
}

impl Read for PartSource {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            PartSource::File(file) => file.read(into),
            PartSource::Spooled(octets) => octets.read(into),
            PartSource::Octets(octets) => octets.read(into),
        }
    }
}

impl PartSource {
    /// Its size in octets; `None` for a file of size 0, which may have content all the same (`/proc`).
    pub fn size(&self) -> io::Result<Option<u64>> {
        Ok(match self {
            PartSource::File(file) => Some(file.metadata()?.len()).filter(|size| *size > 0),
            PartSource::Spooled(octets) => Some(octets.len()),
            PartSource::Octets(octets) => Some(octets.get_ref().len() as u64),
        })
    }

    fn rewind(&mut self) -> io::Result<()> {
        match self {
            PartSource::File(file) => file.rewind(),
            PartSource::Spooled(octets) => octets.rewind(),
            PartSource::Octets(octets) => octets.rewind(),
        }
    }
}

/// Refuses two parts with the same Content-ID: the HTML could show either.
pub(super) fn check_ids(parts: &[Part]) -> Result<(), Failure> {
    let mut seen = HashSet::new();
    for id in parts.iter().filter_map(|part| part.cid.as_deref()) {
        let bare = values::content_id(id)?;
        if !seen.insert(bare) {
            return Err(bad_message(format!("two parts have the Content-ID {bare:?}"))
                .hint("give each inline file an identifier of its own"));
        }
    }
    Ok(())
}

/// The tree: its multiparts are open down to the place of the next part.
pub(super) struct Tree<'a> {
    sink: &'a mut MessageSink,
    boundaries: Vec<String>,
}

impl<'a> Tree<'a> {
    pub fn new(sink: &'a mut MessageSink) -> Self {
        Tree { sink, boundaries: Vec::new() }
    }

    /// Begins a multipart; the next parts are in it until it is closed.
    pub fn open(&mut self, media_type: &str) -> Result<(), Failure> {
        self.begin()?;
        // No line of base64, and none of quoted-printable, begins like this (RFC 2045 §6.7).
        let boundary = format!("=_{}", stamp::random()?);
        let mut header = params::field(b"Content-Type", media_type, &[("boundary", &boundary)]);
        header.extend_from_slice(b"\r\n");
        self.boundaries.push(boundary);
        self.sink.push(&header)
    }

    /// Ends the innermost multipart.
    pub fn close(&mut self) -> Result<(), Failure> {
        match self.boundaries.pop() {
            Some(boundary) => self.sink.push(format!("\r\n--{boundary}--\r\n").as_bytes()),
            None => Ok(()),
        }
    }

    fn begin(&mut self) -> Result<(), Failure> {
        match self.boundaries.last() {
            Some(boundary) => self.sink.push(format!("\r\n--{boundary}\r\n").as_bytes()),
            None => Ok(()),
        }
    }

    /// Adds a part of type `text/KIND`.
    pub fn text(&mut self, kind: &str, body: TextBody) -> Result<(), Failure> {
        self.begin()?;
        self.sink.push(&body.written(kind))
    }

    pub fn file(&mut self, mut part: Part) -> Result<(), Failure> {
        self.begin()?;
        let name = part_name(&part)?;
        let mut media_type = match &part.content_type {
            Some(given) => values::media_type(given)?.to_owned(),
            None => guess(name.as_ref().map_or("", Unlabelled::as_str), &part.path),
        };
        let mut is_message = media_type.to_ascii_lowercase().starts_with("message/rfc822");
        if is_message && !is_seven_bit(&mut part)? {
            // An attached message must not be encoded (RFC 2046 §5.2.1). If it needs that it is sent as a file.
            (is_message, media_type) = (false, "application/octet-stream".into());
        }
        let encoding = if is_message { "7bit" } else { "base64" };
        let header = part_header(&part, name.as_ref(), &media_type, encoding)?;
        self.sink.push(&header)?;
        if is_message { self.as_it_is(&mut part) } else { self.base64(&mut part) }
    }

    /// Writes the content in lines of base64.
    fn base64(&mut self, part: &mut Part) -> Result<(), Failure> {
        let mut out = String::with_capacity(LINES * 78);
        let sink = &mut *self.sink;
        each_block(part, |block| {
            out.clear();
            for line in block.chunks(LINE) {
                STANDARD.encode_string(line, &mut out);
                out.push_str("\r\n");
            }
            sink.push(out.as_bytes())
        })
    }

    /// Writes the content as it is, with CRLF line ends.
    fn as_it_is(&mut self, part: &mut Part) -> Result<(), Failure> {
        let (mut normaliser, mut out) = (Normaliser::default(), Vec::new());
        let sink = &mut *self.sink;
        each_block(part, |block| {
            out.clear();
            normaliser.push(block, &mut out).map_err(bad_message)?;
            sink.push(&out)
        })?;
        out.clear();
        normaliser.finish(&mut out).map_err(bad_message)?;
        sink.push(&out)
    }
}

/// Reads a part in blocks, all full but the last. A file's size is taken once: if it grows meanwhile (a log), no
/// more is read; if it shrinks, that is an error.
fn each_block(part: &mut Part, mut take: impl FnMut(&[u8]) -> Result<(), Failure>) -> Result<(), Failure> {
    let failed = |error: io::Error| unreadable(&part.path, "reading", &error);
    let size = part.source.size().map_err(failed)?;
    let mut left = size.unwrap_or(u64::MAX);
    let mut block = vec![0; LINE * LINES];
    loop {
        let most = usize::try_from(left).map_or(block.len(), |left| left.min(block.len()));
        let filled = fill(&mut part.source, &mut block[..most]).map_err(failed)?;
        left -= filled as u64;
        if filled > 0 {
            take(&block[..filled])?;
        }
        if filled < block.len() {
            break;
        }
    }
    match size {
        Some(_) if left > 0 => {
            Err(failed(io::Error::new(io::ErrorKind::UnexpectedEof, "it became shorter meanwhile")))
        }
        _ => Ok(()),
    }
}

/// Reads until the block is full or the source ends.
fn fill(source: &mut PartSource, block: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < block.len() {
        match source.read(&mut block[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// The name of a part: the given one, else the file's without its directory, which need not be UTF-8.
fn part_name(part: &Part) -> Result<Option<Unlabelled>, Failure> {
    let octets = match &part.name {
        Some(name) => name.as_bytes(),
        None => match part.path.file_name() {
            Some(name) if part.path != Path::new("-") => name.as_bytes(),
            _ => return Ok(None),
        },
    };
    if octets.is_empty() {
        return Ok(None);
    }
    let text = Unlabelled::of(octets);
    let name = text.as_str();
    values::text("the name of an attachment", name)
        .map_err(|failure| failure.hint("--attach-name gives it another name"))?;
    // A backslash is allowed: on Unix it is an ordinary character (systemd escapes with it).
    if name.contains('/') {
        return Err(bad_message(format!("the name {name:?} of an attachment has a directory in it")));
    }
    Ok(Some(text))
}

fn guess(name: &str, path: &Path) -> String {
    let named = mime_guess::from_path(name).first_raw();
    named.or_else(|| mime_guess::from_path(path).first_raw()).unwrap_or("application/octet-stream").to_owned()
}

/// The header of a part, with its blank line. A name that is not plain ASCII is written only as `filename*`
/// (`RFC 2231`): if there were a second form, readers would take the poorer one. For readers that do not know
/// that, Content-Type has the name as an encoded word, which no RFC allows but all of them understand; of a name
/// that is not UTF-8 it has the readable part.
fn part_header(
    part: &Part,
    name: Option<&Unlabelled>,
    media_type: &str,
    encoding: &str,
) -> Result<Vec<u8>, Failure> {
    let disposition = if part.cid.is_some() { "inline" } else { "attachment" };
    let shown = name.map(|name| String::from_utf8_lossy(&name.octets(name.as_str())).into_owned());
    let mut out = params::field_with_name(b"Content-Type", media_type, shown.as_deref());
    let filename = name.map(|name| ("filename", name));
    out.extend(params::field_of(b"Content-Disposition", disposition, filename));
    if let Some(cid) = &part.cid {
        field(&mut out, "Content-ID", &format!("<{}>", values::content_id(cid)?));
    }
    field(&mut out, "Content-Transfer-Encoding", encoding);
    out.extend_from_slice(b"\r\n");
    Ok(out)
}

/// Whether an attached message can be sent as it is: ASCII, no NUL or bare CR, lines short enough for SMTP. The
/// source is at its start again afterwards.
fn is_seven_bit(part: &mut Part) -> Result<bool, Failure> {
    let mut normaliser = Normaliser::default();
    let (mut out, mut facts, mut clean) = (Vec::new(), Facts::default(), true);
    each_block(part, |block| {
        out.clear();
        clean = clean && normaliser.push(block, &mut out).is_ok();
        facts.observe(&out);
        Ok(())
    })?;
    out.clear();
    clean = clean && normaliser.finish(&mut out).is_ok();
    facts.observe(&out);
    let facts = facts.finish();
    part.source.rewind().map_err(|error| unreadable(&part.path, "reading", &error))?;
    Ok(clean && !facts.eight_bit && facts.longest_line <= MAX_LINE)
}
