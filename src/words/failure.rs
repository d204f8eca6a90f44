//! The one type for failures. [`crate::output`] turns a [`Failure`] into a line on standard error, a JSON line and
//! an exit code.

use super::exit::Exit;
use super::stage::Stage;
use std::fmt;

/// The class of a failure. It alone decides the exit code ([`Kind::exit`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The command line cannot be understood or contradicts itself.
    Usage,
    /// The message to send, or an address, is bad.
    Input,
    /// An input file is missing or unreadable.
    NoInput,
    /// Recipients were refused for good (5xx at RCPT).
    Recipient,
    /// The host name does not exist.
    NoHost,
    /// The server refused for good.
    Rejected,
    /// The server lacks something that is required (an extension, UIDL, a TLS version).
    Missing,
    /// Every known UID of a mailbox is gone and others are there (most likely a migration).
    UidReset,
    /// A bug in postie.
    Internal,
    /// The destination cannot be created.
    CannotCreate,
    /// Local storage failed: disk full, I/O error, read-only.
    Storage,
    /// Connection refused or lost, or name service down.
    Network,
    /// The server, or the whole run, took longer than allowed.
    Timeout,
    /// The server said: not now (4xx, 421, IN-USE, LOGIN-DELAY, SYS/TEMP).
    Deferred,
    /// A lock is held by somebody else.
    Locked,
    /// The user's command asked to leave a message for the next run (exit status 75).
    LeftByCommand,
    /// The user's command failed.
    Command,
    /// The server broke the protocol.
    Protocol,
    /// Login refused.
    Auth,
    /// The server's certificate is not trusted.
    Certificate,
    /// The configuration is wrong, or no secret could be had.
    Config,
    /// The message was sent and no final reply came: it may have been delivered.
    Unknown,
    /// Some parts failed while the rest went on.
    Partial,
    /// A signal asked postie to stop.
    Interrupted,
}

impl Kind {
    /// The name in JSON (`kind`), which never changes.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Usage => "usage",
            Kind::Input => "input",
            Kind::NoInput => "no_input",
            Kind::Recipient => "recipient",
            Kind::NoHost => "no_host",
            Kind::Rejected => "rejected",
            Kind::Missing => "missing",
            Kind::UidReset => "uid_reset",
            Kind::Internal => "internal",
            Kind::CannotCreate => "cannot_create",
            Kind::Storage => "storage",
            Kind::Network => "network",
            Kind::Timeout => "timeout",
            Kind::Deferred => "deferred",
            Kind::Locked => "locked",
            Kind::LeftByCommand => "left_by_command",
            Kind::Command => "command",
            Kind::Protocol => "protocol",
            Kind::Auth => "auth",
            Kind::Certificate => "certificate",
            Kind::Config => "config",
            Kind::Unknown => "unknown",
            Kind::Partial => "partial",
            Kind::Interrupted => "interrupted",
        }
    }

    /// The exit code of a run with only this class of failure.
    pub fn exit(self) -> Exit {
        match self {
            Kind::Usage => Exit::Usage,
            Kind::Input => Exit::Data,
            Kind::NoInput => Exit::NoInput,
            Kind::Recipient => Exit::Recipient,
            Kind::NoHost => Exit::NoHost,
            Kind::Rejected | Kind::Missing | Kind::UidReset => Exit::Unavailable,
            Kind::Internal => Exit::Software,
            Kind::CannotCreate => Exit::CantCreate,
            Kind::Storage | Kind::Command => Exit::Storage,
            Kind::Network
            | Kind::Timeout
            | Kind::Deferred
            | Kind::Locked
            | Kind::LeftByCommand
            | Kind::Interrupted => Exit::TempFail,
            Kind::Protocol => Exit::Protocol,
            Kind::Auth | Kind::Certificate => Exit::NoPerm,
            Kind::Config => Exit::Config,
            Kind::Unknown => Exit::Unknown,
            Kind::Partial => Exit::Partial,
        }
    }

    /// Whether trying again may help, and whether it may send a message twice.
    pub fn retry(self) -> Retry {
        match self {
            Kind::Network
            | Kind::Timeout
            | Kind::Deferred
            | Kind::Locked
            | Kind::LeftByCommand
            | Kind::Command
            | Kind::Interrupted
            | Kind::Storage => Retry::Safe,
            Kind::Unknown => Retry::MayDuplicate,
            _ => Retry::Never,
        }
    }
}

/// How far a failure reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// One message; the session goes on.
    Message,
    /// One recipient of a message.
    Recipient,
    /// The whole session with a server.
    Session,
    /// The account: nothing was tried with its server, or everything failed.
    Account,
}

impl Scope {
    /// The name in JSON (`scope`), which never changes.
    pub fn name(self) -> &'static str {
        match self {
            Scope::Message => "message",
            Scope::Recipient => "recipient",
            Scope::Session => "session",
            Scope::Account => "account",
        }
    }
}

/// Whether doing the same again is safe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// It will fail again until something is changed.
    Never,
    /// It may succeed, and can double nothing.
    Safe,
    /// It may succeed, and may deliver a second copy.
    MayDuplicate,
}

impl Retry {
    /// The name in JSON (`retry`), which never changes.
    pub fn name(self) -> &'static str {
        match self {
            Retry::Never => "never",
            Retry::Safe => "safe",
            Retry::MayDuplicate => "may_duplicate",
        }
    }
}

/// A server's reply: valid UTF-8, secrets redacted. Control characters are still in it; they are escaped when it
/// is printed.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ServerReply {
    /// The three digits of an SMTP reply (`RFC 5321 §4.2`).
    pub code: Option<u16>,
    /// The enhanced status code of SMTP (`RFC 3463`), or the response code of POP3 (`RFC 2449 §8`).
    pub enhanced: Option<String>,
    /// The lines, without line ends.
    pub lines: Vec<String>,
}

impl fmt::Display for ServerReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.lines.join(" / "))
    }
}

/// A failure, with everything a script or a person needs to know about it.
#[derive(Clone, Debug)]
pub struct Failure {
    kind: Kind,
    pub scope: Scope,
    pub stage: Stage,
    /// `where: what was tried: what came back`, lower case, no full stop.
    pub message: String,
    /// Where it happened (the first part of the message): `host:port`, an account, a file.
    pub place: Option<Box<str>>,
    /// What the user can do about it.
    pub hint: Option<String>,
    /// The server's reply, if there was one.
    pub reply: Option<Box<ServerReply>>,
}

impl Failure {
    /// A failure of the whole session.
    pub fn new(kind: Kind, stage: Stage, message: impl Into<String>) -> Self {
        Failure {
            kind,
            scope: Scope::Session,
            stage,
            message: message.into(),
            place: None,
            hint: None,
            reply: None,
        }
    }

    /// A mistake in the call.
    pub fn usage(message: impl Into<String>) -> Self {
        Failure::new(Kind::Usage, Stage::Arguments, message).scoped(Scope::Account)
    }

    /// A mistake in the configuration.
    pub fn config(message: impl Into<String>) -> Self {
        Failure::new(Kind::Config, Stage::Configuration, message).scoped(Scope::Account)
    }

    /// The kind; it decides the exit code, and whether trying again is safe.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The same failure with another kind.
    pub fn as_kind(mut self, kind: Kind) -> Self {
        self.kind = kind;
        self
    }

    /// The same failure with a longer message.
    pub fn more(mut self, text: &str) -> Self {
        self.message.push_str(text);
        self
    }

    /// The same failure with another hint.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same failure with another scope.
    pub fn scoped(mut self, scope: Scope) -> Self {
        self.scope = scope;
        self
    }

    /// The same failure with the server's reply.
    pub fn with_reply(mut self, reply: ServerReply) -> Self {
        self.reply = Some(Box::new(reply));
        self
    }

    /// The same failure with a place, which is put before the message.
    pub fn at(mut self, place: impl fmt::Display) -> Self {
        let place = place.to_string();
        self.message = format!("{place}: {}", self.message);
        self.place = Some(place.into());
        self
    }

    /// The same failure with this place, unless it has one.
    pub fn at_least_at(self, place: impl fmt::Display) -> Self {
        if self.place.is_some() { self } else { self.at(place) }
    }

    /// Whether doing the same again is safe. Where only the copy of an accepted message is missing, or the rest of a
    /// batch, it never is: what was sent would go out again.
    pub fn retry(&self) -> Retry {
        let accepted = match self.stage {
            Stage::SaveCopy => self.scope == Scope::Message,
            stage => stage == Stage::Batch,
        };
        match self.kind.retry() {
            Retry::Safe if accepted => Retry::MayDuplicate,
            retry => retry,
        }
    }

    /// The exit code of a run with only this failure.
    pub fn exit(&self) -> Exit {
        self.kind.exit()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}
