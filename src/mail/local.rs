//! Headers as local programs write them for `sendmail`: perhaps none at all, after an mbox From_ line, with names
//! that only this machine knows, in plain UTF-8. They are rewritten so that the message can leave the machine;
//! a field that is fine stays as it is, octet by octet.

use super::addresses::{self, Entry, Mailbox};
use super::compose;
use super::fields::{Field, field_name, is_from_line};
use super::input::unreadable;
use super::raw::MAX_HEADER;
use crate::words::{Address, Failure, Kind, Stage};
use std::io::{BufRead, Read as _};
use std::path::Path;

/// The domain of this machine.
pub const LOCAL: &str = "localhost";

/// The address fields.
const SENDERS: [&str; 6] = ["from", "sender", "reply-to", "resent-from", "resent-sender", "resent-reply-to"];
const RECIPIENTS: [&str; 6] = ["to", "cc", "bcc", "resent-to", "resent-cc", "resent-bcc"];

/// Other fields that need a value.
const IDENTITY: [&str; 6] =
    ["date", "message-id", "in-reply-to", "references", "resent-date", "resent-message-id"];

/// The byte order mark of UTF-8, which editors put before a text.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// The header of a message, and the start of its body if that was read with it.
pub struct LocalHeader {
    fields: Vec<Field>,
    body: Vec<u8>,
}

/// What a local name is looked up for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Author,
    Recipient,
}

/// Finds the addresses of a local name.
pub type LookUp<'a> = &'a dyn Fn(&str, Role) -> Result<Vec<Address>, Failure>;

fn field(name: String, octets: Vec<u8>) -> Field {
    let mut field = Field { name, octets: Vec::new() };
    add_line(&mut field, &octets);
    field
}

/// Adds a line to a field; where the input ends within it, it is given a line end.
fn add_line(field: &mut Field, line: &[u8]) {
    field.octets.extend_from_slice(line);
    if !line.ends_with(b"\n") {
        field.octets.push(b'\n');
    }
}

fn is_one_of(field: &Field, names: &[&str]) -> bool {
    names.contains(&field.name.as_str())
}

/// Whether a field that needs a value has none, such as `From: $FROM` in a script whose variable is not set. Then
/// it counts as missing.
fn is_blank(field: &Field) -> bool {
    let is_people = is_one_of(field, &SENDERS) || is_one_of(field, &RECIPIENTS);
    (is_people || is_one_of(field, &IDENTITY))
        && text_of(field).is_some_and(|value| value.is_empty() || (is_people && value == "<>"))
}

/// The value, unfolded; `None` if it is not UTF-8 or has control characters in it.
fn text_of(field: &Field) -> Option<String> {
    let text = std::str::from_utf8(field.raw_value()).ok()?.replace("\r\n", "\n").replace('\n', "");
    (!text.contains(|c: char| c.is_control() && c != '\t')).then(|| text.trim().to_owned())
}

fn people(field: &Field) -> Option<Vec<Entry>> {
    addresses::parse_local(&text_of(field)?, LOCAL).ok()
}

impl LocalHeader {
    /// Reads a header. The first line that cannot belong to it begins the body; but see [`salvage`].
    pub fn read(source: &mut dyn BufRead) -> Result<LocalHeader, Failure> {
        let mut lines = LocalInput { source, octets: 0 };
        let mut fields: Vec<Field> = Vec::new();
        let mut first = true;
        loop {
            let mut line = lines.next()?;
            if lines.octets > MAX_HEADER {
                let message = format!("the message: its header is larger than {MAX_HEADER} octets");
                return Err(Failure::new(Kind::Input, Stage::Message, message));
            }
            if first && line.starts_with(MARK) {
                line.drain(..MARK.len());
            }
            if std::mem::take(&mut first) && is_from_line(&line) {
                first = true;
                continue;
            }
            match (line.as_slice(), fields.last_mut()) {
                (b"", _) => return Ok(LocalHeader { fields, body: Vec::new() }),
                (b"\n" | b"\r\n", Some(_)) => return Ok(LocalHeader { fields, body: Vec::new() }),
                ([b' ' | b'\t', ..], Some(last)) => add_line(last, &line),
                _ => match field_name(&line) {
                    Some(name) => fields.push(field(name, line)),
                    None => return salvage(fields, line, &mut lines),
                },
            }
        }
    }

    /// A header with a subject only.
    pub fn of_text(subject: &str) -> Result<LocalHeader, Failure> {
        let octets = compose::text_field("Subject", subject)?;
        Ok(LocalHeader { fields: vec![field("subject".into(), octets)], body: Vec::new() })
    }

    /// The author's address, if it is one.
    pub fn author(&self) -> Option<Address> {
        ["resent-sender", "resent-from", "sender", "from"].iter().find_map(|name| {
            let people = people(self.fields.iter().find(|field| field.name == *name)?)?;
            let address = people.first()?.mailboxes().first()?.address.clone();
            (!is_local(&address)).then_some(address)
        })
    }

    /// The header rewritten, with its blank line.
    pub fn rewritten(&self, look_up: LookUp<'_>) -> Result<Vec<u8>, Failure> {
        let mut out = Vec::new();
        for field in self.fields.iter().filter(|field| !is_blank(field)) {
            match rewrite(field, look_up)? {
                Some(new) => out.extend(new),
                None => out.extend_from_slice(&field.octets),
            }
        }
        if !self.fields.iter().any(|field| is_one_of(field, &["to", "cc"]) && !is_blank(field)) {
            out.extend_from_slice(b"To: undisclosed-recipients:;\r\n");
        }
        out.extend_from_slice(b"\r\n");
        Ok(out)
    }

    /// The start of the body that was read with the header.
    pub fn into_body(self) -> Vec<u8> {
        self.body
    }
}

/// The field rewritten; `None` if it is fine as it is.
fn rewrite(field: &Field, look_up: LookUp<'_>) -> Result<Option<Vec<u8>>, Failure> {
    if field.name == "subject" && !field.octets.is_ascii() {
        return text_of(field).map(|value| compose::text_field(field.written_name(), &value)).transpose();
    }
    let role = match field {
        _ if is_one_of(field, &SENDERS) => Role::Author,
        _ if is_one_of(field, &RECIPIENTS) => Role::Recipient,
        _ => return Ok(None),
    };
    let Some(people) = people(field) else { return Ok(None) };
    let local = people.iter().flat_map(Entry::mailboxes).any(|one| is_local(&one.address));
    if !local && field.octets.is_ascii() {
        return Ok(None);
    }
    let mut out = Vec::new();
    compose::list(&mut out, field.written_name(), &resolve(people, role, look_up)?)?;
    Ok(Some(out))
}

/// The input, line by line.
struct LocalInput<'a> {
    source: &'a mut dyn BufRead,
    /// How much was read.
    octets: usize,
}

impl LocalInput<'_> {
    /// The next line with its line end, or the start of a very long one; empty at the end of the input.
    fn next(&mut self) -> Result<Vec<u8>, Failure> {
        let mut line = Vec::new();
        let most = (MAX_HEADER + 1) as u64;
        let read = (&mut *self.source).take(most).read_until(b'\n', &mut line);
        read.map_err(|error| unreadable(Path::new("standard input"), "reading", &error))?;
        self.octets += line.len();
        Ok(line)
    }
}

/// Looks at the text after a header that is broken off: by a line that is not a field, or by a blank line before
/// any field.
///
/// It is the body. But if there is a Bcc in its first paragraph, a program meant that to be a header, and the
/// blind recipients would be sent as text: so the known fields of the paragraph are taken for fields, and its
/// other lines begin the body.
fn salvage(
    mut fields: Vec<Field>,
    first: Vec<u8>,
    lines: &mut LocalInput<'_>,
) -> Result<LocalHeader, Failure> {
    let is_blank = |line: &[u8]| line.trim_ascii().is_empty();
    let (mut paragraph, mut begun) = (vec![first], false);
    while lines.octets <= MAX_HEADER && !paragraph.last().is_none_or(Vec::is_empty) {
        let ends = paragraph.last().is_some_and(|line| is_blank(line));
        if begun && ends {
            break;
        }
        begun |= !ends;
        paragraph.push(lines.next()?);
    }
    let begin = paragraph.iter().position(|line| !is_blank(line)).unwrap_or(paragraph.len());
    let indent = paragraph.get(begin).map_or(0, |line| line.len() - line.trim_ascii_start().len());
    let bare = |line: &[u8]| -> Vec<u8> {
        let own = line.len() - line.trim_ascii_start().len();
        line[own.min(indent)..].to_vec()
    };
    let is_blind = |line: &Vec<u8>| {
        let name = field_name(&bare(line)).unwrap_or_default();
        ["bcc", "resent-bcc"].contains(&name.as_str())
    };
    if !paragraph.iter().any(is_blind) {
        return Ok(LocalHeader { fields, body: paragraph.concat() });
    }
    let (mut body, mut in_field) = (Vec::new(), false);
    for line in paragraph[begin..].iter().map(|line| bare(line)).filter(|line| !is_blank(line)) {
        if matches!(line.first(), Some(b' ' | b'\t')) {
            match fields.last_mut().filter(|_| in_field) {
                Some(last) => add_line(last, &line),
                None => body.extend_from_slice(&line),
            }
            continue;
        }
        let known = field_name(&line).filter(|name| is_known(name));
        in_field = known.is_some();
        match known {
            Some(name) => fields.push(field(name, line)),
            None => body.extend_from_slice(&line),
        }
    }
    if !body.is_empty() {
        body.push(b'\n');
    }
    Ok(LocalHeader { fields, body })
}

/// Whether this is a well-known field name, so that the line is hardly a sentence.
fn is_known(name: &str) -> bool {
    const NAMES: [&str; 14] = [
        "subject",
        "mime-version",
        "received",
        "return-path",
        "auto-submitted",
        "precedence",
        "importance",
        "priority",
        "user-agent",
        "errors-to",
        "comments",
        "keywords",
        "organization",
        "bcc",
    ];
    let is_any = |names: &[&str]| names.contains(&name);
    is_any(&NAMES)
        || is_any(&SENDERS)
        || is_any(&RECIPIENTS)
        || is_any(&IDENTITY)
        || ["x-", "content-", "resent-", "list-"].iter().any(|prefix| name.starts_with(prefix))
}

/// Whether an address belongs to this machine: `localhost`, or the machine's own name without a dot.
pub fn is_local(address: &Address) -> bool {
    let domain = address.domain().to_ascii_lowercase();
    let own = rustix::system::uname();
    let own = own.nodename().to_str().unwrap_or_default().to_ascii_lowercase();
    [LOCAL, "localhost.localdomain"].contains(&domain.as_str()) || domain == own
}

/// Replaces local addresses by those that `look_up` gives for them.
pub fn resolve(people: Vec<Entry>, role: Role, look_up: LookUp<'_>) -> Result<Vec<Entry>, Failure> {
    let one = |mailbox: Mailbox| -> Result<Vec<Mailbox>, Failure> {
        if !is_local(&mailbox.address) {
            return Ok(vec![mailbox]);
        }
        let found = look_up(mailbox.address.local(), role)?;
        let name = mailbox.name.filter(|_| found.len() == 1);
        Ok(found.into_iter().map(|address| Mailbox { name: name.clone(), address }).collect())
    };
    let mut resolved = Vec::new();
    for entry in people {
        match entry {
            Entry::Mailbox(mailbox) => resolved.extend(one(mailbox)?.into_iter().map(Entry::Mailbox)),
            Entry::Group { name, members } => {
                let members = members.into_iter().map(one).collect::<Result<Vec<_>, _>>()?.concat();
                resolved.push(Entry::Group { name, members });
            }
        }
    }
    Ok(resolved)
}

#[cfg(test)]
mod tests;
