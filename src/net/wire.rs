//! The wire: a link with a line buffer, one write per flight (the commands sent together), a tap for the
//! transcript, and a flag that the dialogue is out of step. A broken wire sends nothing more.

mod reading;

use super::NetError;
use super::allowance::Allowance;
use super::limits::Limits;
use super::link::{Link, TlsInfo};
use super::tls::Tls;
use crate::words::{Redactor, Secret, ServerReply};
use std::fmt;
use std::io::{self, ErrorKind};
use std::net::IpAddr;
use std::ops::Range;
use std::time::Duration;

/// The most octets that are read ahead.
const BUFFER: usize = 64 * 1024;

/// Which side a line of the transcript comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Client,
    Server,
    /// A remark of postie's.
    Note,
}

/// Receives the transcript of a dialogue, for `-vv`. Secrets are replaced by a name before it gets them.
pub trait Tap: Send {
    /// One line, without its line end; control characters are not removed.
    fn line(&mut self, direction: Direction, text: &str);
}

/// The client's end of a dialogue.
pub struct Wire {
    link: Option<Box<dyn Link>>,
    place: String,
    limits: Limits,
    input: Box<[u8]>,
    range: Range<usize>,
    output: Vec<u8>,
    unsent: usize,
    /// The time for an operation that has begun but has not waited yet.
    begun: Option<Allowance>,
    broken: bool,
    /// Whether nothing can be sent any more; reading still works.
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
    /// `place` names the server in failures.
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

    /// The server's name in failures, `host:port`.
    pub fn place(&self) -> &str {
        &self.place
    }

    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    pub fn tls(&self) -> Option<&TlsInfo> {
        self.link.as_ref().and_then(|link| link.tls())
    }

    pub fn local_ip(&self) -> Option<IpAddr> {
        self.link.as_ref().and_then(|link| link.local_ip())
    }

    /// See [`Link::lock_step`].
    pub fn lock_step(&mut self, on: bool) {
        if let Some(link) = &mut self.link {
            link.lock_step(on);
        }
    }

    /// From now on `secret` is redacted from the transcript and from [`Wire::redact`].
    pub fn learn_secret(&mut self, secret: &Secret) {
        self.redactor.learn(secret.expose());
    }

    /// Text from the server as UTF-8, secrets redacted.
    pub fn redact(&self, text: &[u8]) -> String {
        self.redactor.redact(text)
    }

    /// A reply with these lines, redacted.
    pub fn reply(&self, code: Option<u16>, enhanced: Option<&str>, lines: &[&[u8]]) -> ServerReply {
        ServerReply {
            code,
            enhanced: enhanced.map(|text| self.redact(text.as_bytes())),
            lines: lines.iter().map(|line| self.redact(line)).collect(),
        }
    }

    /// Whether nothing more can be sent.
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

    /// Adds a command to the next flight; the CRLF is added here and nowhere else. A command with CR, LF or NUL
    /// in it is refused: the server would take it for two.
    pub fn command(&mut self, command: &str) -> Result<(), NetError> {
        self.line(command.as_bytes(), None)
    }

    /// Adds a line that has a secret in it; the transcript gets `shown` instead.
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

    /// Adds octets of a message to the next flight, already encoded by the caller. They are sent whenever the
    /// buffer is well filled, in whole TLS records.
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
        // The buffer is used again; no secret may stay in it.
        self.output = output;
        self.output.fill(0);
        self.output.clear();
        sent.map_err(|error| self.fail(NetError::from_io(error)))
    }

    /// How many octets the next [`Wire::flush`] will send.
    pub fn queued(&self) -> usize {
        self.output.len()
    }

    /// How many octets at the end of the last flight were not sent, because writing failed.
    pub fn unsent(&self) -> usize {
        self.unsent
    }

    /// Begins an operation: the next wait may take `--timeout`.
    pub fn begin(&mut self) {
        self.begin_within(self.limits.timeout);
    }

    /// Begins an operation that may take `allowed`, whatever `--timeout` is.
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

    /// After a failed write: lets what the server has sent be read, within `allowed` in all, because it may say
    /// why. Nothing more is sent.
    pub fn hear_out(&mut self, allowed: Duration) {
        self.begun = Some(Allowance::new(allowed, &self.limits).fixed());
        (self.broken, self.mute) = (false, true);
    }

    /// Puts TLS over the link. Octets that the server sent before the handshake cannot be trusted; they are an
    /// error, not skipped (`RFC 3207 §6`, CVE-2021-22947).
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

/// Writes all of `octets`, and counts them in `taken`, also if it fails.
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
