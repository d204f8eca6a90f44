//! What FETCH responses say (`RFC 3501 §7.4.2`).

use super::date::InternalDate;
use super::lexer::{self, number};
use super::malformed::Malformed;
use super::names::Names;
use super::walk::{Item, ItemValue, Name};
use std::borrow::Cow;

/// What one FETCH response says of a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FetchItems<'a> {
    /// The sequence number, which names nothing for long.
    pub number: u32,
    /// The UID, if it is there and not 0.
    pub uid: Option<u32>,
    /// RFC822.SIZE: a hint. `None` also where it is no number.
    pub size: Option<u64>,
    /// The flags.
    pub flags: Option<Names<'a>>,
    /// INTERNALDATE, if it is a date.
    pub internal_date: Option<InternalDate>,
    /// EMAILID (`RFC 8474`).
    pub email_id: Option<Cow<'a, [u8]>>,
    /// X-GM-MSGID.
    pub gm_msgid: Option<u64>,
    /// The header, or the fields of it that were asked for. `None` also where it was too long to keep.
    pub header: Option<Cow<'a, [u8]>>,
    /// What is there of `BODY[]`.
    pub body: Body<'a>,
}

/// The value of `BODY[]`. An answer under another name (`BODY[]<0>`, `RFC822`) is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Body<'a> {
    /// There is no such item.
    #[default]
    Absent,
    /// NIL, or anything else that is no string: there is no message in it.
    Nil,
    /// A quoted string: legal, and the whole message.
    Quoted(Cow<'a, [u8]>),
    /// A literal, which went past as [`NextRead::Body`](super::NextRead::Body).
    Literal,
}

impl<'a> FetchItems<'a> {
    /// What these items say.
    pub(super) fn read(octets: &'a [u8], number: u32, items: &[Item]) -> Result<Self, Malformed> {
        let mut found = FetchItems { number, ..FetchItems::default() };
        for item in items {
            found.take(octets, item)?;
        }
        Ok(found)
    }

    /// Whether [`FetchItems::read`] will do, as soon as it can be known: before a body is read.
    pub(super) fn check(octets: &[u8], items: &[Item]) -> Result<(), Malformed> {
        Self::uid_of(octets, items).map(drop)
    }

    /// The UID alone.
    pub(super) fn uid_of(octets: &[u8], items: &[Item]) -> Result<Option<u32>, Malformed> {
        let mut found = FetchItems::default();
        let mut uids = items.iter().filter(|item| item.name == Name::Uid);
        uids.try_for_each(|item| found.take_uid(item.value.text(octets).as_deref()))?;
        Ok(found.uid)
    }

    fn take(&mut self, octets: &'a [u8], item: &Item) -> Result<(), Malformed> {
        let text = item.value.text(octets);
        match item.name {
            Name::Uid => self.take_uid(text.as_deref())?,
            Name::Size => self.size = text.and_then(|text| number(&text)),
            Name::Flags => self.flags = item.value.list(octets).map(Names::new),
            Name::InternalDate => self.internal_date = text.and_then(|text| InternalDate::parse(&text)),
            Name::EmailId => self.email_id = item.value.list(octets).map(Cow::Borrowed).or(text).map(trimmed),
            Name::GmMsgId => self.gm_msgid = text.and_then(|text| number(&text)),
            Name::Header => self.header = text.filter(|_| !matches!(item.value, ItemValue::Atom(_))),
            Name::Body => {
                self.body = match item.value {
                    ItemValue::Body => Body::Literal,
                    ItemValue::Quoted(span) => Body::Quoted(lexer::unquoted(span.of(octets))),
                    _ => Body::Nil,
                }
            }
            Name::OtherBody | Name::Other => {}
        }
        Ok(())
    }

    fn take_uid(&mut self, text: Option<&[u8]>) -> Result<(), Malformed> {
        let uid = text.and_then(number).and_then(|uid| u32::try_from(uid).ok());
        let uid = uid.ok_or(Malformed::new("a UID that is no number"))?;
        if self.uid.is_some_and(|other| other != uid) {
            return Err(Malformed::new("two UIDs for one message"));
        }
        self.uid = Some(uid).filter(|uid| *uid > 0);
        Ok(())
    }
}

fn trimmed(text: Cow<'_, [u8]>) -> Cow<'_, [u8]> {
    match text {
        Cow::Borrowed(octets) => Cow::Borrowed(octets.trim_ascii()),
        Cow::Owned(octets) => Cow::Owned(octets.trim_ascii().to_vec()),
    }
}
