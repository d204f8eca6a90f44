//! The way through a FETCH response, line by line as they come (`RFC 3501 §7.4.2`).
//!
//! Items are name and value in turn, in any order; those that nobody knows are passed over. The walk notes
//! where each name and value stands, and everything else goes by these notes: so the place where a body is read
//! and the item it is taken for cannot differ.

use super::lexer::{self, MAX_DEPTH, atom_end, literal_header, quoted_end};
use super::malformed::Malformed;
use std::borrow::Cow;

/// A stretch of the octets of a response.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    start: usize,
    end: usize,
}

impl Span {
    pub fn of<'a>(&self, octets: &'a [u8]) -> &'a [u8] {
        &octets[self.start..self.end]
    }
}

/// Where a value stands.
#[derive(Clone, Copy, Debug)]
pub(super) enum ItemValue {
    Absent,
    Atom(Span),
    Quoted(Span),
    Literal(Span),
    List(Span),
    /// The literal of `BODY[]`, which others keep.
    Body,
    /// A literal that nobody keeps.
    Dropped,
}

/// How many items may one response have that mean something? There are ten.
const MAX_ITEMS: usize = 100;

/// An item that means something, and its value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Item {
    pub name: Name,
    pub value: ItemValue,
}

/// What is to become of a literal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is `BODY[]`.
    Body,
    /// It is kept with the response.
    Kept,
    /// It is kept, if there is room.
    KeptIfSmall,
    /// It is a body of a kind that was not asked for.
    Dropped,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum WalkPlace {
    #[default]
    Open,
    BeforeName,
    InName,
    InSection,
    BeforeValue,
    InList,
    Closed,
}

/// The walk through one FETCH response.
#[derive(Clone, Debug, Default)]
pub(super) struct Walk {
    place: WalkPlace,
    items: Vec<Item>,
    name_start: usize,
    name: Option<Name>,
    list_start: usize,
    depth: usize,
    /// A `BODY[]` was named.
    has_body: bool,
    /// Its literal has gone by.
    body_read: bool,
}

impl Walk {
    /// Makes it ready for the next response; its memory stays.
    pub fn clear(&mut self) {
        let items = std::mem::take(&mut self.items);
        *self = Walk { items, ..Walk::default() };
        self.items.clear();
    }

    /// Whether a literal now would stand in the name of an item.
    pub fn in_section(&self) -> bool {
        self.place == WalkPlace::InSection
    }

    /// Walks from `at` to the end of `octets`, where a line ends. Says how long the literal is that its end
    /// announces, or that the response ends there.
    pub fn line(&mut self, octets: &[u8], mut at: usize) -> Result<Option<(u64, Fate)>, Malformed> {
        while let Some(octet) = octets.get(at).copied() {
            let literal_may_begin =
                matches!(self.place, WalkPlace::BeforeValue | WalkPlace::InList | WalkPlace::InSection);
            if octet == b'{'
                && literal_may_begin
                && let Some(len) = literal_header(octets, at)?
            {
                return Ok(Some((len, self.fate())));
            }
            if octet == b'~' && literal_may_begin && lexer::is_literal8(octets, at) {
                return Err(Malformed::new("a literal8"));
            }
            at = match self.place {
                WalkPlace::Open => self.open(octet, at)?,
                WalkPlace::BeforeName => self.before_name(octet, at),
                WalkPlace::InName => self.in_name(octets, octet, at)?,
                WalkPlace::InSection => self.in_section_at(octets, octet, at)?,
                WalkPlace::BeforeValue => self.before_value(octets, octet, at)?,
                WalkPlace::InList => self.in_list(octets, octet, at)?,
                WalkPlace::Closed if octet == b' ' => at + 1,
                WalkPlace::Closed => return Err(Malformed::new("more behind the end of a FETCH response")),
            };
        }
        if self.place == WalkPlace::Closed {
            Ok(None)
        } else {
            Err(Malformed::new("a FETCH response without an end"))
        }
    }

    /// The literal has gone by; it lies there in the octets, if it is kept.
    pub fn literal(&mut self, fate: Fate, start: usize, end: usize) {
        if self.place == WalkPlace::BeforeValue {
            self.body_read |= fate == Fate::Body;
            self.value(match fate {
                Fate::Body => ItemValue::Body,
                Fate::Kept | Fate::KeptIfSmall => ItemValue::Literal(Span { start, end }),
                Fate::Dropped => ItemValue::Dropped,
            });
        }
    }

    fn fate(&self) -> Fate {
        match self.name.filter(|_| self.place == WalkPlace::BeforeValue) {
            Some(Name::Body) => Fate::Body,
            Some(Name::Header) => Fate::KeptIfSmall,
            Some(Name::OtherBody) => Fate::Dropped,
            _ => Fate::Kept,
        }
    }

    fn open(&mut self, octet: u8, at: usize) -> Result<usize, Malformed> {
        match octet {
            b' ' => Ok(at + 1),
            b'(' => {
                self.place = WalkPlace::BeforeName;
                Ok(at + 1)
            }
            _ => Err(Malformed::new("a FETCH response without parentheses")),
        }
    }

    fn before_name(&mut self, octet: u8, at: usize) -> usize {
        match octet {
            b' ' => at + 1,
            b')' => {
                self.place = WalkPlace::Closed;
                at + 1
            }
            _ => {
                self.name_start = at;
                self.place = WalkPlace::InName;
                at
            }
        }
    }

    fn in_name(&mut self, octets: &[u8], octet: u8, at: usize) -> Result<usize, Malformed> {
        match octet {
            b'[' => self.place = WalkPlace::InSection,
            b' ' | b'(' | b'"' | b'{' | b')' => {
                self.name_ended(&octets[self.name_start..at])?;
                return Ok(at);
            }
            _ => {}
        }
        Ok(at + 1)
    }

    fn name_ended(&mut self, text: &[u8]) -> Result<(), Malformed> {
        // Behind a body, what is no name is more of the body: its length was told wrong.
        let may_be = |octet: &u8| octet.is_ascii_alphanumeric() || b"-._<>[]".contains(octet);
        let odd = self.body_read
            && !text.split(|octet| *octet == b'[').next().is_some_and(|start| start.iter().all(may_be));
        if text.is_empty() || odd {
            return Err(Malformed::new("a FETCH item without a name"));
        }
        let name = Name::of(text);
        if name == Name::Body && std::mem::replace(&mut self.has_body, true) {
            return Err(Malformed::new("two bodies in one FETCH response"));
        }
        if self.items.len() == MAX_ITEMS {
            return Err(Malformed::new("a FETCH response of too many items"));
        }
        self.name = Some(name);
        self.place = WalkPlace::BeforeValue;
        Ok(())
    }

    fn in_section_at(&mut self, octets: &[u8], octet: u8, at: usize) -> Result<usize, Malformed> {
        match octet {
            b'"' => return quoted_end(octets, at),
            b']' => self.place = WalkPlace::InName,
            _ => {}
        }
        Ok(at + 1)
    }

    fn before_value(&mut self, octets: &[u8], octet: u8, at: usize) -> Result<usize, Malformed> {
        match octet {
            b' ' => return Ok(at + 1),
            b')' => {
                self.value(ItemValue::Absent);
                return Ok(at);
            }
            b'(' => {
                (self.list_start, self.depth) = (at + 1, 1);
                self.place = WalkPlace::InList;
                return Ok(at + 1);
            }
            _ => {}
        }
        let quoted = octet == b'"';
        let end = if quoted { quoted_end(octets, at)? } else { atom_end(octets, at) };
        self.value(if quoted {
            ItemValue::Quoted(Span { start: at + 1, end: end - 1 })
        } else {
            ItemValue::Atom(Span { start: at, end })
        });
        Ok(end)
    }

    fn in_list(&mut self, octets: &[u8], octet: u8, at: usize) -> Result<usize, Malformed> {
        match octet {
            b' ' => {}
            b'(' if self.depth == MAX_DEPTH => return Err(Malformed::new("lists in lists without end")),
            b'(' => self.depth += 1,
            b')' => {
                self.depth -= 1;
                if self.depth == 0 {
                    self.value(ItemValue::List(Span { start: self.list_start, end: at }));
                }
            }
            b'"' => return quoted_end(octets, at),
            _ => return Ok(atom_end(octets, at)),
        }
        Ok(at + 1)
    }

    fn value(&mut self, value: ItemValue) {
        let name = self.name.take().filter(|name| !matches!(name, Name::Other | Name::OtherBody));
        self.items.extend(name.map(|name| Item { name, value }));
        self.place = WalkPlace::BeforeName;
    }

    /// The items that were walked through; without the body where it only begins.
    pub fn items(&self) -> &[Item] {
        &self.items
    }
}

impl ItemValue {
    /// The octets of an atom or a string. NIL is none.
    pub fn text<'a>(&self, octets: &'a [u8]) -> Option<Cow<'a, [u8]>> {
        match self {
            ItemValue::Atom(span) if span.of(octets).eq_ignore_ascii_case(b"NIL") => None,
            ItemValue::Atom(span) | ItemValue::Literal(span) => Some(Cow::Borrowed(span.of(octets))),
            ItemValue::Quoted(span) => Some(lexer::unquoted(span.of(octets))),
            ItemValue::Absent | ItemValue::List(_) | ItemValue::Body | ItemValue::Dropped => None,
        }
    }

    /// What is in the list. NIL is one of nothing.
    pub fn list<'a>(&self, octets: &'a [u8]) -> Option<&'a [u8]> {
        match self {
            ItemValue::List(span) => Some(span.of(octets)),
            ItemValue::Atom(span) if span.of(octets).eq_ignore_ascii_case(b"NIL") => Some(b""),
            _ => None,
        }
    }
}

/// The names that mean something here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Name {
    Uid,
    Size,
    Flags,
    InternalDate,
    EmailId,
    GmMsgId,
    Header,
    Body,
    OtherBody,
    Other,
}

impl Name {
    pub fn of(name: &[u8]) -> Self {
        let is = |other: &str| name.eq_ignore_ascii_case(other.as_bytes());
        let begins = |start: &str| {
            name.get(..start.len()).is_some_and(|own| own.eq_ignore_ascii_case(start.as_bytes()))
        };
        match name.len() {
            3 if is("UID") => Name::Uid,
            5 if is("FLAGS") => Name::Flags,
            6 if is("BODY[]") => Name::Body,
            7 if is("EMAILID") => Name::EmailId,
            10 if is("X-GM-MSGID") => Name::GmMsgId,
            11 if is("RFC822.SIZE") => Name::Size,
            12 if is("INTERNALDATE") => Name::InternalDate,
            _ if begins("BODY[HEADER") && name.ends_with(b"]") => Name::Header,
            _ if begins("BODY[") || begins("RFC822") || begins("BINARY[") => Name::OtherBody,
            _ => Name::Other,
        }
    }
}
