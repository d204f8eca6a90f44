//! Responses (`RFC 3501 §7`): what a server says, as values.

use super::assembly::{Assembly, ResponseKind, Status, status};
use super::code::{self, ResponseCode};
use super::fetch::FetchItems;
use super::lexer::{Lexer, Value, number, word};
use super::malformed::Malformed;
use super::names::Names;
use super::rows::{ListRow, MailboxStatus, Namespaces};
use super::search::SearchScanner;
use super::uids::UidSet;

/// One response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Response<'a> {
    /// A command has ended.
    Tagged {
        /// The command's tag as it came: whether it is one that was sent, and in the same letters, is for the
        /// caller to see.
        tag: &'a [u8],
        /// How it ended.
        status: Status,
        /// What the status means.
        code: Option<ResponseCode<'a>>,
        /// Words for people.
        text: &'a [u8],
    },
    /// `+`: go on. A challenge in base64, or words.
    Continue(&'a [u8]),
    /// A status that ends no command: the greeting, a remark, the end of the connection.
    Untagged {
        /// Which.
        condition: Condition,
        /// What it means.
        code: Option<ResponseCode<'a>>,
        /// Words for people.
        text: &'a [u8],
    },
    /// The words, for [`Capabilities::parse`](super::Capabilities::parse).
    Capability(&'a [u8]),
    /// The extensions that are on now, as words.
    Enabled(&'a [u8]),
    /// The server's name and version, as pairs of strings in parentheses.
    Id(&'a [u8]),
    /// A mailbox.
    List(ListRow<'a>),
    /// The numbers of a mailbox.
    MailboxStatus(MailboxStatus<'a>),
    /// Where mailboxes lie.
    Namespace(Namespaces<'a>),
    /// The flags that a mailbox knows.
    Flags(Names<'a>),
    /// How many messages are in the mailbox.
    Exists(u32),
    /// How many of them are new. Nothing follows from it.
    Recent(u32),
    /// The message of that number is gone.
    Expunge(u32),
    /// The messages of those UIDs are gone (`RFC 7162 §3.2.10`).
    Vanished {
        /// They were gone before the mailbox was selected.
        earlier: bool,
        /// Which.
        uids: UidSet,
    },
    /// A message.
    Fetch(FetchItems<'a>),
    /// What a search found. Long answers are for [`SearchScanner`].
    Search(SearchResult),
    /// Any other: its name.
    Unknown(&'a [u8]),
}

/// A status that ends no command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// OK, NO or BAD.
    Status(Status),
    /// A greeting: the user is logged in already, without having said who it is.
    PreAuth,
    /// The server ends the connection.
    Bye,
}

/// What a search found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SearchResult {
    /// The tag of the command it answers, where the server says it.
    pub tag: Option<Vec<u8>>,
    /// Whether the server says that the numbers are UIDs, or does not say.
    pub is_uid: bool,
    /// Which.
    pub numbers: UidSet,
}

impl Assembly {
    /// The response, once it is whole.
    pub fn response(&self) -> Result<Response<'_>, Malformed> {
        let (kind, octets) = self.parts();
        if !self.is_done() {
            return Err(Malformed::new("half a response"));
        }
        if let Some(items) = self.fetched() {
            return items.map(Response::Fetch);
        }
        let (first, rest) = word(octets);
        match first {
            b"+" => Ok(Response::Continue(rest)),
            b"*" if kind == ResponseKind::Text => Ok(untagged(rest)),
            b"*" => data(octets, rest),
            tag => {
                let (name, text) = word(rest);
                let status = status(name).ok_or(Malformed::new("a tagged response without a status"))?;
                let (code, text) = code::split(text);
                Ok(Response::Tagged { tag, status, code, text })
            }
        }
    }
}

fn untagged(rest: &[u8]) -> Response<'_> {
    let (name, text) = word(rest);
    let condition = if let Some(status) = status(name) {
        Condition::Status(status)
    } else if name.eq_ignore_ascii_case(b"PREAUTH") {
        Condition::PreAuth
    } else if name.eq_ignore_ascii_case(b"BYE") {
        Condition::Bye
    } else {
        return Response::Capability(text);
    };
    let (code, text) = code::split(text);
    Response::Untagged { condition, code, text }
}

/// A response of data; `octets` are all of it, and `rest` what stands behind the `*`.
fn data<'a>(octets: &'a [u8], rest: &'a [u8]) -> Result<Response<'a>, Malformed> {
    let (name, data) = word(rest);
    if let Some(number) = number(name) {
        return Ok(counted(number, word(data).0));
    }
    // `LIST(` and the like: the parenthesis belongs to the data.
    let end = name.iter().position(|octet| *octet == b'(').unwrap_or(name.len());
    let (name, data) = if end == name.len() { (name, data) } else { rest.split_at(end) };
    let is = |other: &str| name.eq_ignore_ascii_case(other.as_bytes());
    match name.len() {
        4 if is("LIST") || is("LSUB") => ListRow::parse(data, is("LSUB")).map(Response::List),
        6 if is("STATUS") => MailboxStatus::parse(data).map(Response::MailboxStatus),
        6 if is("SEARCH") => search(octets),
        7 if is("ESEARCH") => search(octets),
        9 if is("NAMESPACE") => Namespaces::parse(data).map(Response::Namespace),
        5 if is("FLAGS") => Ok(match Lexer::new(data).value()? {
            Some(Value::List(inner)) => Response::Flags(Names::new(inner)),
            _ => Response::Unknown(name),
        }),
        7 if is("ENABLED") => Ok(Response::Enabled(data)),
        2 if is("ID") => Ok(Response::Id(data)),
        8 if is("VANISHED") => Ok(vanished(data).unwrap_or(Response::Unknown(name))),
        _ => Ok(Response::Unknown(name)),
    }
}

fn counted(number: u64, name: &[u8]) -> Response<'_> {
    let is = |other: &str| name.eq_ignore_ascii_case(other.as_bytes());
    match u32::try_from(number) {
        Ok(number) if is("EXISTS") => Response::Exists(number),
        Ok(number) if is("RECENT") => Response::Recent(number),
        Ok(number) if is("EXPUNGE") => Response::Expunge(number),
        _ => Response::Unknown(name),
    }
}

fn vanished(data: &[u8]) -> Option<Response<'_>> {
    let (first, rest) = word(data);
    let earlier = first.eq_ignore_ascii_case(b"(EARLIER)");
    let uids = UidSet::parse(if earlier { rest.trim_ascii_end() } else { first }).ok()?;
    Some(Response::Vanished { earlier, uids })
}

fn search(octets: &[u8]) -> Result<Response<'_>, Malformed> {
    let mut scanner = SearchScanner::new();
    let mut numbers = Vec::new();
    for piece in [octets, b"\n"] {
        scanner.push(piece, |first, last| numbers.push((first, last)))?;
    }
    let found = SearchResult {
        tag: scanner.tag().map(<[u8]>::to_vec),
        is_uid: scanner.is_uid(),
        numbers: UidSet::from_ranges(numbers),
    };
    Ok(Response::Search(found))
}
