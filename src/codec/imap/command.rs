//! Commands (`RFC 3501 §6` and its extensions). What is not here postie never sends: no STORE that replaces
//! flags, no CLOSE, no FETCH that sets `\Seen`.

use super::date::InternalDate;
use super::line::{CommandPart, CommandPieces, Literals, Tag};
use super::rows::MAX_NAME;
use super::uids::UidSet;
use super::utf7;
use crate::words::Secret;
use std::fmt;

/// The name of a mailbox in the octets that the server knows it by: one that can go into a command.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MailboxName(Vec<u8>);

impl MailboxName {
    /// `None` for a name with NUL in it, an empty one, and one that is too long.
    pub fn new(octets: impl Into<Vec<u8>>) -> Option<Self> {
        let octets = octets.into();
        ((1..=MAX_NAME).contains(&octets.len()) && !octets.contains(&0)).then_some(MailboxName(octets))
    }

    /// The mailbox of this name as people write it.
    pub fn named(text: &str) -> Option<Self> {
        let name = MailboxName::new(utf7::encode(text))?;
        Some(if name.is_inbox() { MailboxName::inbox() } else { name })
    }

    /// The one that every server has, in whatever letters.
    pub fn inbox() -> Self {
        MailboxName(b"INBOX".to_vec())
    }

    /// Its octets.
    pub fn octets(&self) -> &[u8] {
        &self.0
    }

    /// Whether it is the inbox: that name alone means the same in all letters (`RFC 3501 §5.1`).
    pub fn is_inbox(&self) -> bool {
        self.0.eq_ignore_ascii_case(b"INBOX")
    }
}

/// The name as people read it: as it is, where the server's octets are no name of IMAP.
impl fmt::Display for MailboxName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match utf7::decode(&self.0) {
            Some(text) => f.write_str(&text),
            None => f.write_str(&String::from_utf8_lossy(&self.0)),
        }
    }
}

impl fmt::Debug for MailboxName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MailboxName({:?})", String::from_utf8_lossy(&self.0))
    }
}

/// What STATUS is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusItem {
    /// How many messages there are.
    Messages,
    /// How many of them are not seen.
    Unseen,
    /// The UID of the next message.
    UidNext,
    /// What the UIDs hold with.
    UidValidity,
}

impl StatusItem {
    fn name(self) -> &'static str {
        match self {
            StatusItem::Messages => "MESSAGES",
            StatusItem::Unseen => "UNSEEN",
            StatusItem::UidNext => "UIDNEXT",
            StatusItem::UidValidity => "UIDVALIDITY",
        }
    }
}

/// What FETCH is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FetchItem<'a> {
    /// The UID. A server gives it unasked to UID FETCH, most of them.
    Uid,
    /// The flags.
    Flags,
    /// When the server got it.
    InternalDate,
    /// How large it is, more or less.
    Size,
    /// These fields of the header.
    HeaderFields(&'a [&'a str]),
    /// The whole header.
    Header,
    /// The message, without a change of its flags.
    Body,
}

impl fmt::Display for FetchItem<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FetchItem::Uid => f.write_str("UID"),
            FetchItem::Flags => f.write_str("FLAGS"),
            FetchItem::InternalDate => f.write_str("INTERNALDATE"),
            FetchItem::Size => f.write_str("RFC822.SIZE"),
            FetchItem::HeaderFields(fields) => write!(f, "BODY.PEEK[HEADER.FIELDS ({})]", fields.join(" ")),
            FetchItem::Header => f.write_str("BODY.PEEK[HEADER]"),
            FetchItem::Body => f.write_str("BODY.PEEK[]"),
        }
    }
}

/// What a message must be to be found. Several hold together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Criterion<'a> {
    /// Any message.
    All,
    /// One of these.
    Uids(&'a UidSet),
    /// Marked as deleted.
    Deleted,
    /// Not seen.
    Unseen,
    /// Has this text in this field of its header. No NUL.
    Header(&'a str, &'a str),
}

/// A command, without its tag.
#[derive(Clone, Debug)]
pub struct Command(CommandPieces);

impl Command {
    /// What is to be written, in turn: each part but the last ends in the header of a literal.
    pub fn parts(&self, tag: Tag, literals: Literals) -> Vec<CommandPart> {
        self.0.parts(tag, literals)
    }

    /// The same command with the names of mailboxes in UTF-8, for a session in which `UTF8=ACCEPT` is enabled.
    pub fn in_utf8(&self) -> Self {
        Command(self.0.clone().in_utf8())
    }

    /// Whether it opens a mailbox.
    pub fn opens_mailbox(&self) -> bool {
        ["EXAMINE ", "SELECT "].into_iter().any(|name| self.0.begins_with(name))
    }

    /// Whether it is about messages of the mailbox that is open.
    pub fn is_about_messages(&self) -> bool {
        ["UID ", "EXPUNGE"].into_iter().any(|name| self.0.begins_with(name))
    }

    fn plain(text: impl Into<String>) -> Self {
        Command(CommandPieces::new(text))
    }

    fn on(name: &str, mailbox: &MailboxName) -> Self {
        Command(CommandPieces::new(format!("{name} ")).mailbox(mailbox.octets()))
    }

    /// CAPABILITY.
    pub fn capability() -> Self {
        Self::plain("CAPABILITY")
    }

    /// ENABLE (`RFC 5161`) of UTF-8 in names and headers (`RFC 9755 §3`).
    pub fn enable_utf8() -> Self {
        Self::plain("ENABLE UTF8=ACCEPT")
    }

    /// LOGOUT.
    pub fn logout() -> Self {
        Self::plain("LOGOUT")
    }

    /// STARTTLS.
    pub fn starttls() -> Self {
        Self::plain("STARTTLS")
    }

    /// NAMESPACE.
    pub fn namespace() -> Self {
        Self::plain("NAMESPACE")
    }

    /// IDLE (`RFC 2177`). [`DONE`] ends it, once `+` has come.
    pub fn idle() -> Self {
        Self::plain("IDLE")
    }

    /// LOGIN. `None` where the user or the secret holds NUL, which no string of IMAP can.
    pub fn login(user: &str, secret: &Secret) -> Option<Self> {
        if user.contains('\0') || secret.expose().contains(&0) {
            return None;
        }
        Some(Command(CommandPieces::new("LOGIN ").astring(user.as_bytes()).text(" ").secret(secret)))
    }

    /// AUTHENTICATE, with an initial response in base64 if the server takes one (`RFC 4959`). One of no octets
    /// is something else than none.
    pub fn authenticate(mechanism: &str, initial: Option<&Secret>) -> Self {
        let pieces = CommandPieces::new(format!("AUTHENTICATE {mechanism}"));
        Command(match initial {
            None => pieces,
            Some(initial) if initial.is_empty() => pieces.text(" ="),
            Some(initial) => pieces.text(" ").secret_atom(initial),
        })
    }

    /// ID (`RFC 2971`): who is asking. Some servers let nobody in without it.
    pub fn id(pairs: &[(&str, &str)]) -> Self {
        // `ID ()` is misread by some.
        if pairs.is_empty() {
            return Self::plain("ID NIL");
        }
        let mut pieces = CommandPieces::new("ID (");
        for (at, (name, value)) in pairs.iter().enumerate() {
            let space = if at > 0 { " " } else { "" };
            pieces = pieces.text(space).string(name.as_bytes()).text(" ").string(value.as_bytes());
        }
        Command(pieces.text(")"))
    }

    /// LIST of everything whose name fits `pattern` (`*`, `%`), with what LIST-EXTENDED and LIST-STATUS add
    /// (`RFC 5258`, `RFC 5819`): only where the server has them.
    pub fn list(pattern: &MailboxName, special_use: bool, status: &[StatusItem]) -> Self {
        let mut returns = Vec::new();
        if special_use {
            returns.push("SPECIAL-USE".to_owned());
        }
        if !status.is_empty() {
            returns.push(format!("STATUS ({})", names(status)));
        }
        let pieces = CommandPieces::new("LIST \"\" ").pattern(pattern.octets());
        Command(if returns.is_empty() {
            pieces
        } else {
            pieces.text(&format!(" RETURN ({})", returns.join(" ")))
        })
    }

    /// STATUS. Not for the mailbox that is selected.
    pub fn status(mailbox: &MailboxName, items: &[StatusItem]) -> Self {
        Command(Self::on("STATUS", mailbox).0.text(&format!(" ({})", names(items))))
    }

    /// EXAMINE: opens a mailbox in which nothing can be changed.
    pub fn examine(mailbox: &MailboxName) -> Self {
        Self::on("EXAMINE", mailbox)
    }

    /// SELECT: opens a mailbox.
    pub fn select(mailbox: &MailboxName) -> Self {
        Self::on("SELECT", mailbox)
    }

    /// UID SEARCH; `RETURN (ALL)` only where the server has ESEARCH (`RFC 4731`).
    pub fn uid_search(criteria: &[Criterion<'_>], esearch: bool) -> Self {
        let mut pieces = CommandPieces::new(if esearch { "UID SEARCH RETURN (ALL)" } else { "UID SEARCH" });
        for criterion in criteria {
            pieces = match criterion {
                Criterion::All => pieces.text(" ALL"),
                Criterion::Uids(set) => pieces.text(&format!(" UID {set}")),
                Criterion::Deleted => pieces.text(" DELETED"),
                Criterion::Unseen => pieces.text(" UNSEEN"),
                Criterion::Header(name, value) => {
                    let pieces = pieces.text(" HEADER ").astring(name.as_bytes());
                    pieces.text(" ").string(value.as_bytes())
                }
            };
        }
        Command(pieces)
    }

    /// UID FETCH.
    pub fn uid_fetch(uids: &UidSet, items: &[FetchItem<'_>]) -> Self {
        Self::plain(format!("UID FETCH {uids} ({})", listed(items)))
    }

    /// UID FETCH of every message there is.
    pub fn uid_fetch_all(items: &[FetchItem<'_>]) -> Self {
        Self::plain(format!("UID FETCH 1:* ({})", listed(items)))
    }

    /// Marks messages as deleted: `UID STORE +FLAGS.SILENT (\Deleted)`. There is no other STORE: one that
    /// replaces the flags would undo what others have set.
    pub fn mark_deleted(uids: &UidSet) -> Self {
        Self::plain(format!("UID STORE {uids} +FLAGS.SILENT (\\Deleted)"))
    }

    /// UID EXPUNGE (`RFC 4315`): removes those of these messages that are marked, and no other.
    pub fn uid_expunge(uids: &UidSet) -> Self {
        Self::plain(format!("UID EXPUNGE {uids}"))
    }

    /// EXPUNGE of *every* message that is marked as deleted, by whomever and whether fetched or not. That is how
    /// other programs lose mail. Only for a server without UIDPLUS, and only when a search has just told that
    /// no message is marked but those that may go.
    pub fn expunge_all_marked() -> Self {
        Self::plain("EXPUNGE")
    }

    /// UID MOVE (`RFC 6851`).
    pub fn uid_move(uids: &UidSet, to: &MailboxName) -> Self {
        Self::on(&format!("UID MOVE {uids}"), to)
    }

    /// UID COPY.
    pub fn uid_copy(uids: &UidSet, to: &MailboxName) -> Self {
        Self::on(&format!("UID COPY {uids}"), to)
    }

    /// APPEND of a message of so many octets. Its one part, or its last, announces it: then come the message,
    /// with CRLF as its line ends, and an empty line (CRLF) that ends the command. `has_utf8`: its header has UTF-8 in
    /// it (`RFC 6855 §4`); then a parenthesis stands before that line end.
    pub fn append(
        mailbox: &MailboxName,
        flags: &[&str],
        date: Option<InternalDate>,
        octets: u64,
        has_utf8: bool,
    ) -> Self {
        let mut pieces = Self::on("APPEND", mailbox).0.text(" ");
        if !flags.is_empty() {
            pieces = pieces.text(&format!("({}) ", flags.join(" ")));
        }
        let date = date.map(|date| date.to_string()).filter(|date| !date.is_empty());
        if let Some(date) = date {
            pieces = pieces.text(&format!("\"{date}\" "));
        }
        Command(pieces.message(octets, has_utf8))
    }
}

/// The line that ends IDLE. It has no tag: it belongs to the command before it.
pub const DONE: &str = "DONE";

/// The line that gives up AUTHENTICATE.
pub const CANCEL: &str = "*";

fn names(items: &[StatusItem]) -> String {
    items.iter().map(|item| item.name()).collect::<Vec<_>>().join(" ")
}

fn listed(items: &[FetchItem<'_>]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}
