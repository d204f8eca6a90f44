//! Address lists (`RFC 5322 §3.4`) in options and in headers: quoted names, comments, groups, quoted local
//! parts, source routes.
//!
//! ```text
//! address-list = (address *("," address))      mailbox = [display-name] "<" addr-spec ">" / addr-spec
//! group        = display-name ":" [group-list] ";"
//! ```
//!
//! It is strict where it matters: the results are [`Address`]es, which cannot contain a line end, and a piece
//! that is not an address is an error. mail-parser's reader is not used: it loses the quotes of a local part and
//! skips what it does not understand, so that mail would go to somebody else. Non-ASCII domains become A-labels
//! (`RFC 5890`); local parts never change.

use crate::words::Address;
use crate::words::address::AddressError;
use std::fmt;

/// An address with its display name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mailbox {
    /// The display name, unquoted.
    pub name: Option<String>,
    /// The address; its domain is in A-labels.
    pub address: Address,
}

/// One element of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    Mailbox(Mailbox),
    /// A named group, which may be empty.
    Group {
        name: String,
        members: Vec<Mailbox>,
    },
}

impl Entry {
    pub fn mailboxes(&self) -> &[Mailbox] {
        match self {
            Entry::Mailbox(mailbox) => std::slice::from_ref(mailbox),
            Entry::Group { members, .. } => members,
        }
    }
}

/// Why a text is not an address list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListError {
    /// The piece that is not an address.
    pub piece: String,
    pub reason: AddressFault,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressFault {
    /// A control character (CR, LF, NUL, …).
    Control,
    /// A quote, comment, angle or group is not closed.
    Open(char),
    /// Text after the address that does not belong there.
    Trailing,
    /// No address, or several, instead of one.
    NotOne,
    /// The domain cannot be written in ASCII.
    Domain,
    Address(AddressError),
}

impl fmt::Display for ListError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.piece, self.reason)
    }
}

impl fmt::Display for AddressFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AddressFault::Control => f.write_str("it has a control character in it (CR, LF, NUL, …)"),
            AddressFault::Open(c) => write!(f, "the {c} is not closed"),
            AddressFault::Trailing => f.write_str("a comma is missing, or something follows the address"),
            AddressFault::NotOne => f.write_str("exactly one address is wanted"),
            AddressFault::Domain => f.write_str("the domain is not a valid internationalised name"),
            AddressFault::Address(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ListError {}

/// Reads a list, which may be empty. Empty elements are skipped.
pub fn parse(text: &str) -> Result<Vec<Entry>, ListError> {
    parse_in(text, None)
}

/// The same, but a bare local name (`root`) is an address, with this domain.
pub fn parse_local(text: &str, domain: &str) -> Result<Vec<Entry>, ListError> {
    parse_in(text, Some(domain))
}

fn parse_in(text: &str, domain: Option<&str>) -> Result<Vec<Entry>, ListError> {
    // A tab is white space; any other control character could be a line end for some program.
    if text.chars().any(|c| c.is_control() && c != '\t') {
        return Err(ListError { piece: text.to_owned(), reason: AddressFault::Control });
    }
    let mut scanner = AddressScanner { rest: text, domain };
    let mut list = Vec::new();
    loop {
        let (piece, end) = scanner.piece()?;
        match end {
            Some(':') => {
                let members = scanner.members(&piece)?;
                list.push(Entry::Group { name: piece.phrase.trim().to_owned(), members });
            }
            Some(';') => return Err(piece.error(AddressFault::Trailing)),
            Some(_) | None => list.extend(piece.mailbox(domain)?.map(Entry::Mailbox)),
        }
        if end.is_none() {
            return Ok(list);
        }
    }
}

/// Reads exactly one address.
pub fn single(text: &str) -> Result<Mailbox, ListError> {
    let mut list = parse(text)?;
    match (list.pop(), list.is_empty()) {
        (Some(Entry::Mailbox(mailbox)), true) => Ok(mailbox),
        _ => Err(ListError { piece: text.to_owned(), reason: AddressFault::NotOne }),
    }
}

/// The addresses, without duplicates.
pub fn distinct(addresses: impl IntoIterator<Item = Address>) -> Vec<Address> {
    let mut seen = std::collections::HashSet::new();
    let mut distinct = Vec::new();
    for address in addresses {
        if seen.insert((address.local().to_owned(), address.domain().to_lowercase())) {
            distinct.push(address);
        }
    }
    distinct
}

/// The same address with its domain in A-labels.
pub fn to_ascii_domain(address: Address) -> Result<Address, AddressFault> {
    if address.domain().is_ascii() {
        return Ok(address);
    }
    let domain = idna::domain_to_ascii(address.domain()).map_err(|_| AddressFault::Domain)?;
    Address::parse(&format!("{}@{domain}", address.local())).map_err(AddressFault::Address)
}

/// One element of a list, up to its delimiter.
#[derive(Default)]
struct AddressPiece {
    /// As written.
    source: String,
    /// The text outside of the angles, without comments, quotes kept.
    bare: String,
    /// The same, unquoted.
    phrase: String,
    /// The same with the comments before the angles, which people write into names: `Ana (Sales) <…>`.
    name: String,
    /// The text inside the angles.
    angle: Option<String>,
    /// The text of the comments.
    comment: String,
}

impl AddressPiece {
    fn error(&self, reason: AddressFault) -> ListError {
        ListError { piece: self.source.trim().to_owned(), reason }
    }

    /// The mailbox; `None` if the element is empty.
    fn mailbox(self, domain: Option<&str>) -> Result<Option<Mailbox>, ListError> {
        let (spec, name) = match &self.angle {
            Some(angle) if self.phrase.trim().is_empty() => (without_route(angle), self.comment.trim()),
            Some(angle) => (without_route(angle), self.name.trim()),
            None if self.bare.trim().is_empty() => return Ok(None),
            None => (self.bare.as_str(), self.comment.trim()),
        };
        let mut spec = close_up(spec);
        if let Some(domain) = domain.filter(|_| !spec.contains('@') && !spec.is_empty()) {
            spec = format!("{spec}@{domain}");
        }
        let address = Address::parse(&spec).map_err(|error| self.error(AddressFault::Address(error)))?;
        let address = to_ascii_domain(address).map_err(|reason| self.error(reason))?;
        Ok(Some(Mailbox { name: (!name.is_empty()).then(|| name.to_owned()), address }))
    }
}

/// Removes `obs-route = "@" domain *("," "@" domain) ":"` (`RFC 5322 §4.4`).
fn without_route(angle: &str) -> &str {
    let angle = angle.trim();
    match angle.strip_prefix('@').and_then(|route| route.split_once(':')) {
        Some((_, spec)) => spec,
        None => angle,
    }
}

/// Removes white space around `@` and `.`, which is obsolete syntax (`RFC 5322 §4.4`). Elsewhere it stays, and is
/// refused later.
fn close_up(spec: &str) -> String {
    let mut out = String::with_capacity(spec.len());
    let (mut quoted, mut escaped, mut space) = (false, false, false);
    for c in spec.trim().chars() {
        let white = !quoted && matches!(c, ' ' | '\t');
        if white {
            space = true;
            continue;
        }
        if space && !matches!(c, '@' | '.') && !out.ends_with(['@', '.']) {
            out.push(' ');
        }
        space = false;
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ => {}
        }
        out.push(c);
    }
    out
}

struct AddressScanner<'a> {
    rest: &'a str,
    /// The domain of bare local names; `None` refuses them.
    domain: Option<&'a str>,
}

impl AddressScanner<'_> {
    /// The next element, and the delimiter after it (`,`, `:`, `;`; `None` at the end).
    fn piece(&mut self) -> Result<(AddressPiece, Option<char>), ListError> {
        let mut piece = AddressPiece::default();
        while let Some(c) = self.next() {
            match c {
                ',' | ';' => return Ok((piece, Some(c))),
                ':' if piece.angle.is_none() => return Ok((piece, Some(c))),
                '(' => self.comment(&mut piece)?,
                '"' => self.quoted(&mut piece)?,
                '<' if piece.angle.is_none() => self.angle(&mut piece)?,
                '[' => {
                    piece.push(c);
                    self.until(']', &mut piece)?;
                }
                ' ' | '\t' => piece.push(c),
                _ if piece.angle.is_some() => {
                    piece.source.push(c);
                    return Err(piece.error(AddressFault::Trailing));
                }
                _ => piece.push(c),
            }
        }
        Ok((piece, None))
    }

    /// The members of a group, up to its `;`.
    fn members(&mut self, group: &AddressPiece) -> Result<Vec<Mailbox>, ListError> {
        let mut members = Vec::new();
        loop {
            let (piece, end) = self.piece()?;
            match end {
                Some(':') => return Err(piece.error(AddressFault::Trailing)),
                None => return Err(group.error(AddressFault::Open(':'))),
                Some(end) => {
                    members.extend(piece.mailbox(self.domain)?);
                    if end == ';' {
                        // A comma or the end follows; a missing comma is accepted.
                        return Ok(members);
                    }
                }
            }
        }
    }

    fn next(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        self.rest = &self.rest[c.len_utf8()..];
        Some(c)
    }

    /// A comment, perhaps with others in it: they are counted, not recursed into.
    fn comment(&mut self, piece: &mut AddressPiece) -> Result<(), ListError> {
        let (mut depth, mut text) = (1usize, String::new());
        piece.source.push('(');
        while let Some(mut c) = self.next() {
            piece.source.push(c);
            match c {
                '(' => depth += 1,
                ')' => depth -= 1,
                '\\' => match self.next() {
                    Some(escaped) => {
                        piece.source.push(escaped);
                        c = escaped;
                    }
                    None => break,
                },
                _ => {}
            }
            if depth == 0 {
                piece.end_comment(&text);
                return Ok(());
            }
            text.push(c);
        }
        Err(piece.error(AddressFault::Open('(')))
    }

    fn quoted(&mut self, piece: &mut AddressPiece) -> Result<(), ListError> {
        if piece.angle.is_some() {
            return Err(piece.error(AddressFault::Trailing));
        }
        piece.source.push('"');
        piece.bare.push('"');
        while let Some(c) = self.next() {
            piece.source.push(c);
            piece.bare.push(c);
            match c {
                '"' => return Ok(()),
                '\\' => match self.next() {
                    Some(escaped) => {
                        piece.source.push(escaped);
                        piece.bare.push(escaped);
                        piece.say(escaped);
                    }
                    None => break,
                },
                _ => piece.say(c),
            }
        }
        Err(piece.error(AddressFault::Open('"')))
    }

    /// The addr-spec in angles, its quotes kept and its comments dropped.
    fn angle(&mut self, piece: &mut AddressPiece) -> Result<(), ListError> {
        let mut inner = AddressPiece { source: format!("{}<", piece.source), ..AddressPiece::default() };
        while let Some(c) = self.next() {
            match c {
                '>' => {
                    piece.source = format!("{}>", inner.source);
                    piece.angle = Some(inner.bare);
                    return Ok(());
                }
                '(' => self.comment(&mut inner)?,
                '"' => self.quoted(&mut inner)?,
                _ => inner.push(c),
            }
        }
        Err(inner.error(AddressFault::Open('<')))
    }

    /// Everything up to and including `end`.
    fn until(&mut self, end: char, piece: &mut AddressPiece) -> Result<(), ListError> {
        while let Some(c) = self.next() {
            piece.push(c);
            if c == end {
                return Ok(());
            }
        }
        Err(piece.error(AddressFault::Open('[')))
    }
}

impl AddressPiece {
    fn push(&mut self, c: char) {
        self.source.push(c);
        self.bare.push(c);
        // Runs of white space in a phrase are one space (RFC 5322 §3.2.2).
        if !matches!(c, ' ' | '\t') {
            return self.say(c);
        }
        for text in [&mut self.phrase, &mut self.name] {
            if !text.ends_with(' ') {
                text.push(' ');
            }
        }
    }

    fn say(&mut self, c: char) {
        self.phrase.push(c);
        self.name.push(c);
    }

    fn end_comment(&mut self, text: &str) {
        if self.angle.is_none() {
            self.name.push_str(&format!("({text})"));
        }
        self.comment.push_str(text);
        self.push(' ');
    }
}

#[cfg(test)]
mod tests;
