//! What the server's words amount to: which failure a refusal is, and the failures of a dialogue out of step.

use super::Connection;
use crate::codec::imap::{Condition, Malformed, Response, ResponseCode, Status};
use crate::net::NetError;
use crate::words::{Failure, Kind, ServerReply, Stage};

/// The most characters of a server's line that go into a message for people.
const SHOWN: usize = 200;

pub(super) fn shorten(text: &str) -> String {
    if text.chars().count() <= SHOWN {
        return text.to_owned();
    }
    text.chars().take(SHOWN).chain("…".chars()).collect()
}

/// Words with which servers without response codes say that it may work later.
const LATER: [&str; 9] = [
    "too many",
    "rate limit",
    "throttled",
    "try again",
    "temporar",
    "not connected",
    "bandwidth limits",
    "server error",
    "unavailable",
];

/// The class of a refusal (`RFC 5530 §3`; the words where there is no code). `unsaid` is that of one which says
/// nothing.
fn kind(status: Status, code: Option<&ResponseCode<'_>>, text: &[u8], unsaid: Kind) -> Kind {
    match code {
        Some(
            ResponseCode::AuthenticationFailed
            | ResponseCode::AuthorizationFailed
            | ResponseCode::Expired
            | ResponseCode::ContactAdmin,
        ) => return Kind::Auth,
        Some(ResponseCode::PrivacyRequired) => return Kind::Config,
        Some(
            ResponseCode::Unavailable
            | ResponseCode::InUse
            | ResponseCode::Limit
            | ResponseCode::OverQuota
            | ResponseCode::ServerBug,
        ) => return Kind::Deferred,
        Some(
            ResponseCode::NonExistent
            | ResponseCode::NoPerm
            | ResponseCode::Cannot
            | ResponseCode::TryCreate
            | ResponseCode::AlreadyExists
            | ResponseCode::Corruption
            | ResponseCode::TooBig,
        ) => return Kind::Rejected,
        _ => {}
    }
    let text = String::from_utf8_lossy(text).to_ascii_lowercase();
    if LATER.iter().any(|words| text.contains(words)) {
        return Kind::Deferred;
    }
    if status == Status::Bad && unsaid != Kind::Auth { Kind::Rejected } else { unsaid }
}

/// The name of the response code in a line, `NO [INUSE] …`.
fn code_name(line: &[u8]) -> Option<&str> {
    let start = line.iter().position(|octet| *octet == b'[')? + 1;
    let end = line[start..].iter().position(|octet| matches!(octet, b' ' | b']'))? + start;
    std::str::from_utf8(&line[start..end]).ok().filter(|name| !name.is_empty())
}

impl Connection {
    /// A failure of the network.
    pub(super) fn lost(&self, stage: Stage, error: &NetError) -> Failure {
        error.failure(self.wire.place(), stage)
    }

    /// The command was refused by the tagged response that came last.
    pub(super) fn refused(&self, stage: Stage) -> Failure {
        self.refused_unless_said(stage, Kind::Rejected)
    }

    /// The same; a refusal that does not say why is of this class.
    pub(super) fn refused_unless_said(&self, stage: Stage, unsaid: Kind) -> Failure {
        let (status, code, text) = match self.assembly.response() {
            Ok(Response::Tagged { status, code, text, .. }) => (status, code, text),
            Ok(Response::Untagged { code, text, .. }) => (Status::No, code, text),
            _ => (Status::Bad, None, &b""[..]),
        };
        self.said(kind(status, code.as_ref(), text, unsaid), stage)
    }

    /// A failure with the response that came last.
    fn said(&self, kind: Kind, stage: Stage) -> Failure {
        let reply = self.reply();
        let message = format!("{stage}: the server said: {}", shorten(&reply.lines[0]));
        Failure::new(kind, stage, message).at(self.wire.place()).with_reply(reply)
    }

    /// The response that came last, for people: its status and text, its code apart.
    fn reply(&self) -> ServerReply {
        let line = self.assembly.text();
        let code = code_name(line);
        // The tag is no matter to anybody.
        let line = match line.iter().position(|octet| *octet == b' ') {
            Some(at) if line.first() != Some(&b'+') => &line[at + 1..],
            _ => line,
        };
        self.wire.reply(None, code, &[line.trim_ascii()])
    }

    /// The server ends the connection by itself. What it says may tell why.
    pub(super) fn bye(&mut self, stage: Stage) -> Failure {
        self.wire.mark_broken();
        let kind = match self.assembly.response() {
            Ok(Response::Untagged { condition: Condition::Bye, code, text }) => {
                kind(Status::No, code.as_ref(), text, Kind::Network)
            }
            _ => Kind::Network,
        };
        self.said(kind, stage)
    }

    /// The server sent what is no response.
    pub(super) fn malformed(&mut self, stage: Stage, malformed: Malformed, line: &[u8]) -> Failure {
        self.wire.mark_broken();
        let reply = self.wire.reply(None, None, &[line.trim_ascii()]);
        let place = self.wire.place();
        let message = match line.is_empty() {
            true => format!("{stage}: {malformed}"),
            false => format!("{stage}: {malformed}: {}", shorten(&reply.lines[0])),
        };
        Failure::new(Kind::Protocol, stage, message).at(place).with_reply(reply)
    }

    /// A response to what nobody asked.
    pub(super) fn out_of_turn(&mut self, stage: Stage) -> Failure {
        self.wire.mark_broken();
        let reply = self.reply();
        let message =
            format!("{stage}: the server answered what was not asked: {}", shorten(&reply.lines[0]));
        Failure::new(Kind::Protocol, stage, message).at(self.wire.place()).with_reply(reply)
    }
}
