//! JSON Lines: valid UTF-8, one object a line, `"v":1` and `"type"` first, and no character that could control a
//! terminal.

use super::About;
use super::sanitize::{bounded, is_hostile};
use crate::words::Failure;
use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};
use std::borrow::Cow;
use std::fmt::Write as _;
use std::io;

/// The version of the format.
const VERSION: u8 = 1;

#[derive(Serialize)]
struct JsonLine<'a, T> {
    v: u8,
    #[serde(rename = "type")]
    kind: &'a str,
    #[serde(flatten)]
    body: &'a T,
}

/// A line of type `kind`, with its line end.
pub fn line(kind: &str, body: &impl Serialize) -> serde_json::Result<String> {
    let mut out = Vec::with_capacity(256);
    JsonLine { v: VERSION, kind, body }.serialize(&mut Serializer::with_formatter(&mut out, Tame))?;
    out.push(b'\n');
    String::from_utf8(out).map_err(serde::ser::Error::custom)
}

pub fn hex(octets: &[u8]) -> String {
    let mut text = String::with_capacity(2 * octets.len());
    for octet in octets {
        // Writing to a String cannot fail.
        let _ = write!(text, "{octet:02x}");
    }
    text
}

/// Compact JSON that also escapes non-ASCII control and direction characters.
struct Tame;

impl Formatter for Tame {
    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        tame(writer, fragment)
    }

    /// A value that is JSON already: only strings in it can have non-ASCII characters.
    fn write_raw_fragment<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        tame(writer, fragment)
    }
}

fn tame<W: ?Sized + io::Write>(writer: &mut W, fragment: &str) -> io::Result<()> {
    let mut rest = fragment;
    // ASCII control characters are escaped already, or are white space between values.
    while let Some((at, c)) = rest.char_indices().find(|(_, c)| *c >= '\u{7f}' && is_hostile(*c)) {
        writer.write_all(&rest.as_bytes()[..at])?;
        // Characters beyond U+FFFF need a surrogate pair (RFC 8259 §7).
        for unit in c.encode_utf16(&mut [0; 2]) {
            write!(writer, "\\u{unit:04x}")?;
        }
        rest = &rest[at + c.len_utf8()..];
    }
    writer.write_all(rest.as_bytes())
}

/// A line of type `error`.
#[derive(Debug, Serialize)]
pub struct ErrorLine<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    number: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    folder: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    uid: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recipient: Option<&'a str>,
    kind: &'static str,
    scope: &'static str,
    stage: String,
    retry: &'static str,
    message: Cow<'a, str>,
    hint: Option<Cow<'a, str>>,
    reply: Option<ReplyObject<'a>>,
    exit: u8,
}

impl<'a> ErrorLine<'a> {
    pub fn new(about: &About<'a>, failure: &'a Failure) -> Self {
        ErrorLine {
            account: about.account,
            number: about.number,
            folder: about.folder,
            uid: about.uid,
            recipient: about.recipient,
            kind: failure.kind().name(),
            scope: failure.scope.name(),
            stage: failure.stage.to_string(),
            retry: failure.retry().name(),
            message: bounded(&failure.message),
            hint: failure.hint.as_deref().map(bounded),
            reply: failure.reply.as_deref().map(ReplyObject::new),
            exit: failure.exit().code(),
        }
    }
}

/// A server's reply.
#[derive(Debug, Serialize)]
pub struct ReplyObject<'a> {
    code: Option<u16>,
    enhanced: Option<&'a str>,
    lines: Vec<Cow<'a, str>>,
}

impl<'a> ReplyObject<'a> {
    pub fn new(reply: &'a crate::words::ServerReply) -> Self {
        ReplyObject {
            code: reply.code,
            enhanced: reply.enhanced.as_deref(),
            lines: reply.lines.iter().map(|line| bounded(line)).collect(),
        }
    }
}

/// A line of type `summary`.
#[derive(Debug, Serialize)]
pub struct SummaryLine<'a> {
    pub command: &'a str,
    /// In the order in which the command named them.
    #[serde(flatten)]
    pub counts: serde_json::Map<String, serde_json::Value>,
    pub elapsed_ms: u64,
    pub exit: u8,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_begin_with_version_and_type_and_cannot_steer_a_terminal() {
        #[derive(Serialize)]
        struct Body {
            subject: &'static str,
        }
        let text = line("message", &Body { subject: "a\x1b]0;x\u{9b}2J\u{202e}\u{7f}\u{2028}ü\u{e0041}\n" })
            .unwrap();
        assert_eq!(
            text,
            "{\"v\":1,\"type\":\"message\",\"subject\":\"a\\u001b]0;x\\u009b2J\\u202e\\u007f\\u2028ü\\udb40\\udc41\\n\"}\n"
        );
        let back: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(back["subject"], "a\x1b]0;x\u{9b}2J\u{202e}\u{7f}\u{2028}ü\u{e0041}\n");
    }
}
