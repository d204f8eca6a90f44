//! The wire: a link with a line buffer, one write per flight, a tap for the transcript, and a flag that
//! says when the dialogue is out of step. A broken wire sends nothing more.

use super::NetError;
use super::allowance::Allowance;
use super::limits::Limits;
use super::link::{Link, TlsInfo};
use super::tls::Tls;
use crate::codec::line;
use crate::words::{Redactor, Secret, ServerReply};
use std::fmt;
use std::io::{self, ErrorKind};
use std::net::IpAddr;
use std::ops::Range;
use std::time::Duration;

/// What is read ahead of the dialogue at most, in octets.
const BUFFER: usize = 64 * 1024;

/// Which side a line of the transcript comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// postie.
    Client,
    /// The server.
    Server,
    /// Neither: a remark.
    Note,
}

/// Listens to a dialogue, for `-vv`. It never gets a secret: those are named, not shown.
pub trait Tap {
    /// One line, without its line end; control characters are still in it.
    fn line(&mut self, direction: Direction, text: &str);
}

/// One side of a dialogue.
pub struct Wire {
    link: Option<Box<dyn Link>>,
    place: String,
    limits: Limits,
    input: Box<[u8]>,
    range: Range<usize>,
    output: Vec<u8>,
    unsent: usize,
    /// The time of an operation that has begun, and for which nothing was waited yet.
    begun: Option<Allowance>,
    broken: bool,
    /// Whether the write side is closed; reading still works.
    mute: bool,
    tap: Option<Box<dyn Tap>>,
    redactor: Redactor,
}

impl fmt::Debug for Wire {
    // The buffers may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wire")
            .field("place", &self.place)
            .field("broken", &self.broken)
            .finish_non_exhaustive()
    }
}

impl Wire {
    /// A wire over `link`; `place` names the server in failures.
    pub fn new(
        link: Box<dyn Link>,
        place: impl Into<String>,
        limits: Limits,
        tap: Option<Box<dyn Tap>>,
    ) -> Self {
        let begun = Some(Allowance::new(limits.timeout, &limits));
        Wire {
            link: Some(link),
            place: place.into(),
            limits,
            input: vec![0; BUFFER].into_boxed_slice(),
            range: 0..0,
            output: Vec::new(),
            unsent: 0,
            begun,
            broken: false,
            mute: false,
            tap,
            redactor: Redactor::new(),
        }
    }

    /// The server's name for failures, `host:port`.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// The bounds it keeps to.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// What TLS agreed on, if the link is under TLS.
    pub fn tls(&self) -> Option<&TlsInfo> {
        self.link.as_ref().and_then(|link| link.tls())
    }

    /// This side's address.
    pub fn local_ip(&self) -> Option<IpAddr> {
        self.link.as_ref().and_then(|link| link.local_ip())
    }

    /// See [`Link::lock_step`].
    pub fn lock_step(&mut self, on: bool) {
        if let Some(link) = &mut self.link {
            link.lock_step(on);
        }
    }

    /// From now on `secret` is redacted from everything this wire passes on as text.
    pub fn learn_secret(&mut self, secret: &Secret) {
        self.redactor.learn(secret.expose());
    }

    /// Text of the server, made UTF-8 and free of secrets.
    pub fn redact(&self, text: &[u8]) -> String {
        self.redactor.redact(text)
    }

    /// A reply made of raw lines, redacted.
    pub fn reply(&self, code: Option<u16>, enhanced: Option<&str>, lines: &[&[u8]]) -> ServerReply {
        ServerReply {
            code,
            enhanced: enhanced.map(|text| self.redact(text.as_bytes())),
            lines: lines.iter().map(|line| self.redact(line)).collect(),
        }
    }

    /// Whether the dialogue is out of step.
    pub fn is_broken(&self) -> bool {
        self.broken || self.mute
    }

    /// Declares the dialogue out of step: nothing more is sent or read.
    pub fn mark_broken(&mut self) {
        self.broken = true;
    }

    /// Puts a remark into the transcript.
    pub fn note(&mut self, text: &str) {
        if let Some(tap) = &mut self.tap {
            tap.line(Direction::Note, text);
        }
    }

    /// Adds a command to the next flight; the CRLF is added here and nowhere else. A command that holds
    /// CR, LF or NUL is refused: it would be two.
    pub fn command(&mut self, command: &str) -> Result<(), NetError> {
        self.line(command.as_bytes(), None)
    }

    /// Adds a line that holds a secret; `shown` stands for it in the transcript.
    pub fn secret_line(&mut self, line: &Secret, shown: &str) -> Result<(), NetError> {
        self.line(line.expose(), Some(shown))
    }

    fn line(&mut self, line: &[u8], shown: Option<&str>) -> Result<(), NetError> {
        if self.is_broken() {
            return Err(NetError::Broken);
        }
        debug_assert!(
            !line.iter().any(|octet| matches!(octet, b'\r' | b'\n' | 0)),
            "callers check what they send"
        );
        if line.iter().any(|octet| matches!(octet, b'\r' | b'\n' | 0)) {
            return Err(NetError::Broken);
        }
        if self.tap.is_some() {
            let text = shown.map_or_else(|| self.redact(line), str::to_owned);
            self.trace(Direction::Client, &text);
        }
        self.output.extend_from_slice(line);
        self.output.extend_from_slice(b"\r\n");
        Ok(())
    }

    /// Adds octets of a message to the next flight, as they are: the caller has encoded them. They go
    /// out whenever the buffer is well filled, and in whole TLS records.
    pub fn data(&mut self, octets: &[u8]) -> Result<(), NetError> {
        if self.is_broken() {
            return Err(NetError::Broken);
        }
        self.output.extend_from_slice(octets);
        if self.output.len() >= BUFFER { self.flush() } else { Ok(()) }
    }

    /// Sends the flight in one write.
    pub fn flush(&mut self) -> Result<(), NetError> {
        if self.is_broken() {
            return Err(NetError::Broken);
        }
        self.begin();
        if self.output.is_empty() {
            return Ok(());
        }
        self.arm();
        let output = std::mem::take(&mut self.output);
        let Some(link) = &mut self.link else { return Err(self.fail(NetError::Broken)) };
        let mut taken = 0;
        let sent = write(link.as_mut(), &output, &mut taken).and_then(|()| link.flush());
        self.unsent = output.len() - taken;
        // The buffer is used again, but a secret must not stay in it.
        self.output = output;
        self.output.fill(0);
        self.output.clear();
        sent.map_err(|error| self.fail(NetError::from_io(error)))
    }

    /// How many octets wait for the next [`Wire::flush`].
    pub fn queued(&self) -> usize {
        self.output.len()
    }

    /// How many of the last octets of the last flight have not left, because its write failed before.
    pub fn unsent(&self) -> usize {
        self.unsent
    }

    /// Begins an operation: from now on the next wait may take the usual time.
    pub fn begin(&mut self) {
        self.begin_within(self.limits.timeout);
    }

    /// Begins an operation that may take `allowed`, whatever the usual time is.
    pub fn begin_within(&mut self, allowed: Duration) {
        if self.mute {
            return;
        }
        self.begun = Some(Allowance::new(allowed, &self.limits));
    }

    fn arm(&mut self) {
        if let (Some(link), Some(allowance)) = (&mut self.link, self.begun.take()) {
            link.arm(allowance);
        }
    }

    /// What has been read ahead and not yet taken.
    pub fn ahead(&self) -> &[u8] {
        &self.input[self.range.clone()]
    }

    /// Takes `octets` of what was read ahead.
    pub fn consume(&mut self, octets: usize) {
        self.range.start = (self.range.start + octets).min(self.range.end);
    }

    /// Reads more behind what is ahead. The end of the connection is an error, always.
    pub fn fill(&mut self) -> Result<(), NetError> {
        if self.broken {
            return Err(NetError::Broken);
        }
        if self.range.is_empty() {
            self.range = 0..0;
        } else if self.range.start > 0 && self.input.len() - self.range.end < BUFFER / 2 {
            // A short read costs more than moving the little that is left.
            self.input.copy_within(self.range.clone(), 0);
            self.range = 0..self.range.len();
        }
        if self.range.end == self.input.len() {
            return Err(self.fail(NetError::LineTooLong(BUFFER)));
        }
        self.arm();
        let Some(link) = &mut self.link else { return Err(self.fail(NetError::Broken)) };
        match link.read(&mut self.input[self.range.end..]) {
            Ok(0) => Err(self.fail(NetError::Closed)),
            Ok(got) => {
                self.range.end += got;
                Ok(())
            }
            Err(error) => Err(self.fail(NetError::from_io(error))),
        }
    }

    /// Takes the next line. Its octets stay where [`Wire::text`] finds them until more is read.
    pub fn read_line(&mut self, limit: usize) -> Result<ReadLine, NetError> {
        let mut searched = 0;
        loop {
            match line::find(self.ahead(), searched, limit) {
                Ok(Some(found)) => return Ok(self.take_line(found)),
                Ok(None) => {
                    searched = self.ahead().len();
                    self.fill()?;
                }
                Err(too_long) => return Err(self.fail(NetError::LineTooLong(too_long.limit))),
            }
        }
    }

    fn take_line(&mut self, found: line::FoundLine) -> ReadLine {
        let at = self.range.start..self.range.start + found.len;
        self.consume(found.consumed);
        if self.tap.is_some() {
            let text = self.redact(&self.input[at.clone()]);
            self.trace(Direction::Server, &text);
        }
        ReadLine { at, crlf: found.crlf }
    }

    /// Takes the next line like [`Wire::read_line`], but passes over a line that is longer than `limit`
    /// (up to `most` octets) and returns `None` for it.
    pub fn read_row(&mut self, limit: usize, most: usize) -> Result<Option<ReadLine>, NetError> {
        let (mut skipped, mut searched) = (0, 0);
        loop {
            let feed = memchr::memchr(b'\n', &self.ahead()[searched..]).map(|feed| searched + feed);
            match feed {
                Some(feed) if skipped > 0 || feed > limit + 1 => {
                    self.consume(feed + 1);
                    return Ok(None);
                }
                Some(feed) => {
                    let crlf = feed > 0 && self.ahead()[feed - 1] == b'\r';
                    let len = feed - usize::from(crlf);
                    return Ok(Some(self.take_line(line::FoundLine { len, consumed: feed + 1, crlf })));
                }
                None if self.ahead().len() > limit + 1 => {
                    skipped += self.ahead().len();
                    self.consume(self.ahead().len());
                    searched = 0;
                    if skipped > most {
                        return Err(self.fail(NetError::LineTooLong(most)));
                    }
                }
                None => {
                    searched = self.ahead().len();
                    self.fill()?;
                }
            }
        }
    }

    /// After a write failed: what the server had sent before can still be read, within `allowed` in all. It
    /// may tell why. Nothing more is sent.
    pub fn hear_out(&mut self, allowed: Duration) {
        self.begun = Some(Allowance::new(allowed, &self.limits).fixed());
        (self.broken, self.mute) = (false, true);
    }

    /// The octets of a line just read.
    pub fn text(&self, line: &ReadLine) -> &[u8] {
        &self.input[line.at.clone()]
    }

    /// Puts TLS over the link. Octets that the server sent ahead of the handshake cannot be trusted and
    /// are a failure, not skipped (`RFC 3207 §6`, CVE-2021-22947).
    pub fn start_tls(&mut self, tls: &Tls, host: &str) -> Result<(), NetError> {
        if self.is_broken() {
            return Err(NetError::Broken);
        }
        if !self.range.is_empty() || !self.output.is_empty() {
            return Err(self.fail(NetError::Injected));
        }
        self.begin();
        self.arm();
        let Some(link) = self.link.take() else { return Err(self.fail(NetError::Broken)) };
        match link.secure(tls, host) {
            Ok(secured) => {
                self.link = Some(secured);
                self.begin();
                let agreed =
                    self.tls().map(|tls| format!("{} {}", tls.version, tls.cipher)).unwrap_or_default();
                self.note(&format!("TLS is up: {agreed}"));
                Ok(())
            }
            Err(error) => Err(self.fail(error)),
        }
    }

    fn fail(&mut self, error: NetError) -> NetError {
        self.broken = true;
        self.note(&error.to_string());
        error
    }

    fn trace(&mut self, direction: Direction, text: &str) {
        if let Some(tap) = &mut self.tap {
            tap.line(direction, text);
        }
    }
}

/// Writes all of `octets`; counts those that were taken.
fn write(link: &mut dyn Link, octets: &[u8], taken: &mut usize) -> io::Result<()> {
    while *taken < octets.len() {
        match link.write(&octets[*taken..]) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(more) => *taken += more,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

impl ReadLine {
    /// Whether there is nothing in it.
    pub fn is_blank(&self) -> bool {
        self.at.is_empty()
    }
}

/// Where a line just read lies in the buffer.
#[derive(Clone, Debug)]
pub struct ReadLine {
    at: Range<usize>,
    /// Whether it ended in CRLF and not in a bare LF.
    pub crlf: bool,
}
