//! What a server says of mailboxes: LIST, LSUB, STATUS, NAMESPACE.

use super::lexer::{Lexer, Value, number};
use super::malformed::Malformed;
use super::names::Names;
use std::borrow::Cow;

/// The longest mailbox name that is taken, in octets.
pub const MAX_NAME: usize = 1000;
/// The most prefixes of one kind.
const MAX_PREFIXES: usize = 1000;

/// A row of LIST or LSUB (`RFC 3501 §7.2.2`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListRow<'a> {
    /// `\Noselect`, `\Sent` and the like.
    pub attributes: Names<'a>,
    /// What stands between the parts of this name; none in a flat name space.
    pub delimiter: Option<u8>,
    /// The name as the server wrote it: the octets that name the mailbox, modified UTF-7 or not.
    pub name: Cow<'a, [u8]>,
    /// Whether LSUB answered and not LIST.
    pub is_lsub: bool,
}

impl<'a> ListRow<'a> {
    pub(super) fn parse(data: &'a [u8], is_lsub: bool) -> Result<Self, Malformed> {
        let mut lexer = Lexer::new(data);
        let attributes = match lexer.value()? {
            Some(Value::List(inner)) => Names::new(inner),
            Some(Value::Nil) => Names::default(),
            _ => return Err(Malformed::new("a LIST response without attributes")),
        };
        let delimiter = one_octet(lexer.value()?);
        let name = name(&mut lexer, |rest| memchr::memmem::find(rest, b" (\""))?;
        Ok(ListRow { attributes, delimiter, name, is_lsub })
    }
}

fn one_octet(value: Option<Value<'_>>) -> Option<u8> {
    match &*value?.text()? {
        [octet] => Some(*octet),
        _ => None,
    }
}

/// A name: a string, or what stands there up to where `end` finds the next thing, since some servers quote no
/// spaces, tabs or parentheses.
fn name<'a>(
    lexer: &mut Lexer<'a>,
    end: impl FnOnce(&[u8]) -> Option<usize>,
) -> Result<Cow<'a, [u8]>, Malformed> {
    let rest = lexer.rest();
    let name = match rest.first() {
        Some(b'"' | b'{') => match lexer.value()? {
            Some(Value::String(name)) => name,
            _ => Cow::Borrowed(rest),
        },
        _ => {
            let (name, behind) = rest.split_at(end(rest).unwrap_or(rest.len()));
            *lexer = Lexer::new(behind);
            Cow::Borrowed(name.trim_ascii_end())
        }
    };
    match name.len() {
        0 if rest.is_empty() => Err(Malformed::new("a mailbox without a name")),
        0..=MAX_NAME => Ok(name),
        _ => Err(Malformed::new("a mailbox name that is too long")),
    }
}

/// Where the list begins that reaches to the end.
fn last_list(octets: &[u8]) -> Option<usize> {
    let is_last = |at: &usize| {
        let mut lexer = Lexer::new(&octets[*at..]);
        matches!(lexer.value(), Ok(Some(Value::List(_)))) && lexer.rest().is_empty()
    };
    memchr::memmem::find_iter(octets, b" (").find(is_last)
}

/// The answer to STATUS (`RFC 3501 §7.2.4`). What is not there, or no number, is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MailboxStatus<'a> {
    /// The name, as in [`ListRow::name`].
    pub name: Cow<'a, [u8]>,
    /// How many messages there are.
    pub messages: Option<u64>,
    /// How many of them are not `\Seen`.
    pub unseen: Option<u64>,
    /// The UID of the next message, more or less.
    pub uidnext: Option<u64>,
    /// Some servers send 0, and some more than 32 bits.
    pub uidvalidity: Option<u64>,
    /// The highest mod-sequence (`RFC 7162`).
    pub highest_modseq: Option<u64>,
    /// What names the mailbox for ever (`RFC 8474`).
    pub mailbox_id: Option<&'a [u8]>,
}

impl<'a> MailboxStatus<'a> {
    pub(super) fn parse(data: &'a [u8]) -> Result<Self, Malformed> {
        let mut lexer = Lexer::new(data);
        let mut status = MailboxStatus { name: name(&mut lexer, last_list)?, ..MailboxStatus::default() };
        let Some(Value::List(inner)) = lexer.value()? else { return Ok(status) };
        let mut items = Lexer::new(inner);
        while let Some(item) = items.text()? {
            let value = items.value()?;
            status.take(&item, value.as_ref());
        }
        Ok(status)
    }

    fn take(&mut self, item: &[u8], value: Option<&Value<'a>>) {
        let count = match value {
            Some(Value::Atom(octets)) => number(octets),
            Some(Value::String(octets)) => number(octets),
            _ => None,
        };
        let is = |name: &str| item.eq_ignore_ascii_case(name.as_bytes());
        if is("MESSAGES") {
            self.messages = count;
        } else if is("UNSEEN") {
            self.unseen = count;
        } else if is("UIDNEXT") {
            self.uidnext = count;
        } else if is("UIDVALIDITY") {
            self.uidvalidity = count;
        } else if is("HIGHESTMODSEQ") {
            self.highest_modseq = count;
        } else if is("MAILBOXID")
            && let Some(Value::List(inner)) = value
        {
            self.mailbox_id = Some(inner.trim_ascii());
        }
    }
}

/// The answer to NAMESPACE (`RFC 2342`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Namespaces<'a> {
    /// The user's own.
    pub personal: Vec<Namespace<'a>>,
    /// Other users'.
    pub others: Vec<Namespace<'a>>,
    /// Everybody's.
    pub shared: Vec<Namespace<'a>>,
}

/// One prefix under which mailboxes lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Namespace<'a> {
    /// The prefix, with the delimiter at its end as a rule.
    pub prefix: Cow<'a, [u8]>,
    /// What stands between the parts of a name.
    pub delimiter: Option<u8>,
}

impl<'a> Namespaces<'a> {
    pub(super) fn parse(data: &'a [u8]) -> Result<Self, Malformed> {
        let mut lexer = Lexer::new(data);
        Ok(Namespaces {
            personal: prefixes(lexer.value()?)?,
            others: prefixes(lexer.value()?)?,
            shared: prefixes(lexer.value()?)?,
        })
    }
}

fn prefixes(value: Option<Value<'_>>) -> Result<Vec<Namespace<'_>>, Malformed> {
    let Some(Value::List(inner)) = value else { return Ok(Vec::new()) };
    let mut lexer = Lexer::new(inner);
    let mut found = Vec::new();
    while let Some(value) = lexer.value()? {
        let Value::List(inner) = value else { continue };
        let mut one = Lexer::new(inner);
        if let Some(prefix) = one.text()?
            && found.len() < MAX_PREFIXES
        {
            found.push(Namespace { prefix, delimiter: one_octet(one.value()?) });
        }
    }
    Ok(found)
}
