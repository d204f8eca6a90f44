//! Response codes (`RFC 3501 §7.1`, `RFC 5530` and others): what a status means for a program.

use super::lexer::{number, quoted_end, word};
use super::names::Names;
use super::uids::{UidSet, parse_ranges};

/// A response code. One whose arguments make no sense is [`ResponseCode::Other`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResponseCode<'a> {
    /// The credentials are wrong.
    AuthenticationFailed,
    /// They are right, but not for that user.
    AuthorizationFailed,
    /// The password has run out.
    Expired,
    /// Not without TLS.
    PrivacyRequired,
    /// Somebody has to look at it.
    ContactAdmin,
    /// A part of the server is down.
    Unavailable,
    /// Somebody else holds the mailbox.
    InUse,
    /// Too many of something.
    Limit,
    /// The user has no more room.
    OverQuota,
    /// The server's fault.
    ServerBug,
    /// Our fault, says the server.
    ClientBug,
    /// It never works.
    Cannot,
    /// The user may not.
    NoPerm,
    /// There is no such mailbox.
    NonExistent,
    /// There is such a mailbox.
    AlreadyExists,
    /// Some of the messages are gone.
    ExpungeIssued,
    /// The server's data are damaged.
    Corruption,
    /// What the text says must be shown to the user.
    Alert,
    /// A charset that the server does not know.
    BadCharset,
    /// The words, for [`Capabilities::parse`](super::Capabilities::parse).
    Capability(&'a [u8]),
    /// A message that the server cannot read.
    Parse,
    /// The flags that can be changed for good.
    PermanentFlags(Names<'a>),
    /// Nothing can be changed in this mailbox.
    ReadOnly,
    /// This mailbox can be changed.
    ReadWrite,
    /// There is no such mailbox, but there could be.
    TryCreate,
    /// The UID of the next message, more or less.
    UidNext(u64),
    /// Some servers send 0, and some more than 32 bits.
    UidValidity(u64),
    /// The number of the first message that is not seen.
    Unseen(u64),
    /// The UIDs of this mailbox are worth nothing (`RFC 4315 §3`).
    UidNotSticky,
    /// Where APPEND put the message (`RFC 4315 §3`).
    AppendUid {
        /// The mailbox's.
        uidvalidity: u64,
        /// The message's, one as a rule.
        uids: UidSet,
    },
    /// Where COPY or MOVE put messages.
    CopyUid(CopyUid),
    /// The octets are too many (`RFC 4469 §4.2`).
    TooBig,
    /// The mailbox that was selected is no longer (`RFC 7162 §3.2.11`).
    Closed,
    /// The highest mod-sequence (`RFC 7162`).
    HighestModseq(u64),
    /// The mailbox has no mod-sequences.
    NoModseq,
    /// Only so many messages were looked at, up to that UID (`RFC 9738`).
    MessageLimit {
        /// How many.
        count: u64,
        /// Where it stopped.
        uid: Option<u32>,
    },
    /// The server is at work (`RFC 9585`).
    InProgress,
    /// Where else to go (`RFC 2221`). Nobody follows it.
    Referral(&'a [u8]),
    /// What names the mailbox for ever (`RFC 8474 §4.1`).
    MailboxId(&'a [u8]),
    /// Any other, without its brackets.
    Other(&'a [u8]),
}

/// Where COPY or MOVE put messages (`RFC 4315 §3`): two sets in the same order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopyUid {
    /// The UIDVALIDITY of the other mailbox.
    pub uidvalidity: u64,
    from: Vec<(u32, u32)>,
    to: Vec<(u32, u32)>,
}

impl CopyUid {
    fn parse(arguments: &[u8]) -> Option<Self> {
        let (uidvalidity, rest) = word(arguments);
        let (from, rest) = word(rest);
        let (to, _) = word(rest);
        let copied = CopyUid {
            uidvalidity: number(uidvalidity)?,
            from: parse_ranges(from).ok()?,
            to: parse_ranges(to).ok()?,
        };
        (count(&copied.from) == count(&copied.to)).then_some(copied)
    }

    /// The UIDs that were copied.
    pub fn sources(&self) -> UidSet {
        let mut set = UidSet::new();
        for (first, last) in &self.from {
            set.add(*first, *last);
        }
        set
    }
}

fn count(ranges: &[(u32, u32)]) -> u64 {
    ranges.iter().map(|(first, last)| u64::from(first.abs_diff(*last)) + 1).sum()
}

/// Takes the code off the front of a status text. The text may be missing behind it.
pub(super) fn split(text: &[u8]) -> (Option<ResponseCode<'_>>, &[u8]) {
    let text = text.trim_ascii_start();
    let Some(end) = code_end(text) else { return (None, text) };
    (Some(ResponseCode::parse(text[1..end].trim_ascii())), text[end + 1..].trim_ascii_start())
}

/// Where the bracket closes that opens the text: the one that balances it, else the first.
fn code_end(text: &[u8]) -> Option<usize> {
    if text.first() != Some(&b'[') {
        return None;
    }
    let (mut at, mut depth) = (0, 0);
    // Behind a quoted string without an end none is looked for: a row of quotes would be looked through once for each.
    let mut quotes = true;
    while let Some(octet) = text.get(at) {
        match octet {
            b'"' if quotes => match quoted_end(text, at) {
                Ok(end) => at = end - 1,
                Err(_) => quotes = false,
            },
            b'[' => depth += 1,
            b']' if depth == 1 => return Some(at),
            b']' => depth -= 1,
            _ => {}
        }
        at += 1;
    }
    text.iter().position(|octet| *octet == b']')
}

impl<'a> ResponseCode<'a> {
    /// Reads a code without its brackets.
    fn parse(code: &'a [u8]) -> Self {
        let (name, arguments) = word(code);
        // No name is longer, and none is any other octets.
        let mut upper = [0; 32];
        let Some(upper) = upper.get_mut(..name.len()) else { return ResponseCode::Other(code) };
        upper.copy_from_slice(name);
        upper.make_ascii_uppercase();
        let alone = Self::alone(upper);
        alone.or_else(|| Self::with(upper, arguments)).unwrap_or(ResponseCode::Other(code))
    }

    fn alone(name: &[u8]) -> Option<Self> {
        Some(match name {
            b"AUTHENTICATIONFAILED" => ResponseCode::AuthenticationFailed,
            b"AUTHORIZATIONFAILED" => ResponseCode::AuthorizationFailed,
            b"EXPIRED" => ResponseCode::Expired,
            b"PRIVACYREQUIRED" => ResponseCode::PrivacyRequired,
            b"CONTACTADMIN" => ResponseCode::ContactAdmin,
            b"UNAVAILABLE" => ResponseCode::Unavailable,
            b"INUSE" => ResponseCode::InUse,
            b"LIMIT" => ResponseCode::Limit,
            b"OVERQUOTA" => ResponseCode::OverQuota,
            b"SERVERBUG" => ResponseCode::ServerBug,
            b"CLIENTBUG" => ResponseCode::ClientBug,
            b"CANNOT" => ResponseCode::Cannot,
            b"NOPERM" => ResponseCode::NoPerm,
            b"NONEXISTENT" => ResponseCode::NonExistent,
            b"ALREADYEXISTS" => ResponseCode::AlreadyExists,
            b"EXPUNGEISSUED" => ResponseCode::ExpungeIssued,
            b"CORRUPTION" => ResponseCode::Corruption,
            b"ALERT" => ResponseCode::Alert,
            b"BADCHARSET" => ResponseCode::BadCharset,
            b"PARSE" => ResponseCode::Parse,
            b"READ-ONLY" => ResponseCode::ReadOnly,
            b"READ-WRITE" => ResponseCode::ReadWrite,
            b"TRYCREATE" => ResponseCode::TryCreate,
            b"UIDNOTSTICKY" => ResponseCode::UidNotSticky,
            b"TOOBIG" => ResponseCode::TooBig,
            b"CLOSED" => ResponseCode::Closed,
            b"NOMODSEQ" => ResponseCode::NoModseq,
            b"INPROGRESS" => ResponseCode::InProgress,
            _ => return None,
        })
    }

    fn with(name: &[u8], arguments: &'a [u8]) -> Option<Self> {
        let (first, rest) = word(arguments);
        let (second, _) = word(rest);
        Some(match name {
            b"CAPABILITY" => ResponseCode::Capability(arguments),
            b"PERMANENTFLAGS" => ResponseCode::PermanentFlags(Names::new(listed(arguments)?)),
            b"UIDNEXT" => ResponseCode::UidNext(number(first)?),
            b"UIDVALIDITY" => ResponseCode::UidValidity(number(first)?),
            b"UNSEEN" => ResponseCode::Unseen(number(first)?),
            b"APPENDUID" => {
                ResponseCode::AppendUid { uidvalidity: number(first)?, uids: UidSet::parse(second).ok()? }
            }
            b"COPYUID" => ResponseCode::CopyUid(CopyUid::parse(arguments)?),
            b"HIGHESTMODSEQ" => ResponseCode::HighestModseq(number(first)?),
            b"MESSAGELIMIT" => ResponseCode::MessageLimit {
                count: number(first)?,
                uid: number(second).and_then(|uid| u32::try_from(uid).ok()),
            },
            b"REFERRAL" => ResponseCode::Referral(arguments),
            b"MAILBOXID" => ResponseCode::MailboxId(listed(arguments)?),
            _ => return None,
        })
    }
}

fn listed(arguments: &[u8]) -> Option<&[u8]> {
    Some(arguments.trim_ascii().strip_prefix(b"(")?.strip_suffix(b")")?.trim_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ResponseCode as Code;

    #[test]
    fn codes_are_read_with_and_without_text() {
        let uids = UidSet::parse(b"38505").unwrap();
        for (text, want, rest) in [
            ("[ALERT] look", Some(Code::Alert), "look"),
            ("[alert]look", Some(Code::Alert), "look"),
            ("[AUTHENTICATIONFAILED]", Some(Code::AuthenticationFailed), ""),
            ("[UIDVALIDITY 3857529045] UIDs valid", Some(Code::UidValidity(3_857_529_045)), "UIDs valid"),
            ("[UIDVALIDITY 0] x", Some(Code::UidValidity(0)), "x"),
            ("[UIDVALIDITY 1666390893380]", Some(Code::UidValidity(1_666_390_893_380)), ""),
            ("[UIDVALIDITY -1] x", Some(Code::Other(b"UIDVALIDITY -1")), "x"),
            ("[UIDVALIDITY] x", Some(Code::Other(b"UIDVALIDITY")), "x"),
            ("[HIGHESTMODSEQ 7]", Some(Code::HighestModseq(7)), ""),
            ("[CAPABILITY IMAP4rev1 MOVE] hi", Some(Code::Capability(b"IMAP4rev1 MOVE")), "hi"),
            ("[PERMANENTFLAGS (\\Seen \\*)] l", Some(Code::PermanentFlags(Names::new(b"\\Seen \\*"))), "l"),
            ("[PERMANENTFLAGS ()]", Some(Code::PermanentFlags(Names::new(b""))), ""),
            ("[APPENDUID 38505 38505] done", Some(Code::AppendUid { uidvalidity: 38_505, uids }), "done"),
            ("[APPENDUID 38505 *]", Some(Code::Other(b"APPENDUID 38505 *")), ""),
            ("[COPYUID 1 1:2 3] x", Some(Code::Other(b"COPYUID 1 1:2 3")), "x"),
            ("[MESSAGELIMIT 1000 23221] x", Some(Code::MessageLimit { count: 1000, uid: Some(23_221) }), "x"),
            ("[MESSAGELIMIT 1000] x", Some(Code::MessageLimit { count: 1000, uid: None }), "x"),
            ("[INPROGRESS (\"A1\" 454 1000)] x", Some(Code::InProgress), "x"),
            ("[REFERRAL imap://[::1]/x] no", Some(Code::Referral(b"imap://[::1]/x")), "no"),
            ("[MAILBOXID (F2212ea8)] x", Some(Code::MailboxId(b"F2212ea8")), "x"),
            ("[BADCHARSET (\"x]\")] y", Some(Code::BadCharset), "y"),
            ("[X-WHAT \"]\" [a] b] y", Some(Code::Other(b"X-WHAT \"]\" [a] b")), "y"),
            ("[X [a] y", Some(Code::Other(b"X [a")), "y"),
            ("[X \"a] y", Some(Code::Other(b"X \"a")), "y"),
            ("[no end", None, "[no end"),
            ("no code", None, "no code"),
            ("[]", Some(Code::Other(b"")), ""),
            ("", None, ""),
        ] {
            assert_eq!(split(text.as_bytes()), (want, rest.as_bytes()), "{text}");
        }
    }

    #[test]
    fn quotes_without_an_end_take_no_time() {
        let text = format!("[\"{}", "\\\"".repeat(32_000));
        let begun = std::time::Instant::now();
        for _ in 0..100 {
            assert_eq!(split(text.as_bytes()).0, None);
        }
        assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
    }

    #[test]
    fn copyuid_names_the_messages_that_were_copied() {
        let (Some(Code::CopyUid(copied)), _) = split(b"[COPYUID 38505 304,319:320 3956:3957,3940] Done")
        else {
            panic!("a COPYUID");
        };
        assert_eq!(copied.uidvalidity, 38_505);
        assert_eq!(copied.sources().to_string(), "304,319:320");
        let (Some(Code::CopyUid(copied)), _) = split(b"[COPYUID 1 9:7 1:3]") else { panic!("a COPYUID") };
        assert_eq!(copied.sources().to_string(), "7:9");
    }
}
