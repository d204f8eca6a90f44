//! The header of a message as local programs write it: perhaps none at all, behind an mbox From_ line,
//! with names that only this machine knows, in UTF-8 as it came. It is made such as can leave the machine;
//! what is fine already stays octet by octet.

use crate::account::Account;
use crate::mail::addresses::{self, Entry, Mailbox};
use crate::mail::compose;
use crate::mail::input::unreadable;
use crate::mail::raw::MAX_HEADER;
use crate::words::{Address, Failure, Kind};
use std::io::{BufRead, Read as _};
use std::path::Path;

/// The domain that stands for this machine.
pub const LOCAL: &str = "localhost";

/// The fields that say who it is from, and those that say who gets it.
const SENDERS: [&str; 6] = ["from", "sender", "reply-to", "resent-from", "resent-sender", "resent-reply-to"];
const RECIPIENTS: [&str; 6] = ["to", "cc", "bcc", "resent-to", "resent-cc", "resent-bcc"];

/// The others that are nothing without a value.
const IDENTITY: [&str; 6] =
    ["date", "message-id", "in-reply-to", "references", "resent-date", "resent-message-id"];

/// The byte order mark of UTF-8, which editors put before a text.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// The header of a message, and what was read of its body by the way.
pub struct Header {
    fields: Vec<Field>,
    body: Vec<u8>,
}

struct Field {
    /// As it is written.
    name: String,
    octets: Vec<u8>,
}

impl Field {
    fn new(name: String, mut octets: Vec<u8>) -> Field {
        if !octets.ends_with(b"\n") {
            octets.push(b'\n');
        }
        Field { name, octets }
    }

    /// Whether it says nothing, as `From: $FROM` does in a script whose variable is not set. A field that
    /// must say something is a missing one then.
    fn is_blank(&self) -> bool {
        let is_people = self.is_one_of(&SENDERS) || self.is_one_of(&RECIPIENTS);
        (is_people || self.is_one_of(&IDENTITY))
            && self.value().is_some_and(|value| value.is_empty() || (is_people && value == "<>"))
    }

    fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    fn is_one_of(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.is(name))
    }

    /// The value, unfolded; `None` where it is no text that could be rewritten.
    fn value(&self) -> Option<String> {
        let text = std::str::from_utf8(&self.octets).ok()?;
        let value = text.split_once(':')?.1.replace("\r\n", "\n").replace('\n', "");
        (!value.contains(|c: char| c.is_control() && c != '\t')).then(|| value.trim().to_owned())
    }

    fn people(&self) -> Option<Vec<Entry>> {
        addresses::parse_local(&self.value()?, LOCAL).ok()
    }
}

impl Header {
    /// Reads a header. The first line that cannot belong to one begins the body; but see [`salvage`].
    pub fn read(source: &mut dyn BufRead) -> Result<Header, Failure> {
        let mut lines = Lines { source, octets: 0 };
        let mut fields: Vec<Field> = Vec::new();
        let mut first = true;
        loop {
            let mut line = lines.next()?;
            if lines.octets > MAX_HEADER {
                let message = format!("the message: its header is larger than {MAX_HEADER} octets");
                return Err(Failure::new(Kind::Input, "message", message));
            }
            if first && line.starts_with(MARK) {
                line.drain(..MARK.len());
            }
            if std::mem::take(&mut first) && is_from_line(&line) {
                first = true;
                continue;
            }
            match (line.as_slice(), fields.last_mut()) {
                (b"", _) => return Ok(Header { fields, body: Vec::new() }),
                (b"\n" | b"\r\n", Some(_)) => return Ok(Header { fields, body: Vec::new() }),
                ([b' ' | b'\t', ..], Some(field)) => field.octets.extend_from_slice(&line),
                _ => match name(&line) {
                    Some(name) => fields.push(Field::new(name, line)),
                    None => return salvage(fields, line, &mut lines),
                },
            }
        }
    }

    /// The header of plain text with a subject.
    pub fn of_text(subject: &str) -> Result<Header, Failure> {
        let octets = compose::text_field("Subject", subject)?;
        Ok(Header { fields: vec![Field { name: "Subject".into(), octets }], body: Vec::new() })
    }

    /// Who wrote it, where that is an address.
    pub fn author(&self) -> Option<Address> {
        ["resent-sender", "resent-from", "sender", "from"].iter().find_map(|name| {
            let people = self.fields.iter().find(|field| field.is(name))?.people()?;
            let address = people.first()?.mailboxes().first()?.address.clone();
            (!is_local(&address)).then_some(address)
        })
    }

    /// The header and what follows it at once, fit to leave the machine.
    pub fn rewritten(&self, account: &Account) -> Result<Vec<u8>, Failure> {
        let mut out = Vec::new();
        for field in self.fields.iter().filter(|field| !field.is_blank()) {
            match self.rewrite(field, account)? {
                Some(new) => out.extend(new),
                None => out.extend_from_slice(&field.octets),
            }
        }
        if !self.fields.iter().any(|field| field.is_one_of(&["to", "cc"]) && !field.is_blank()) {
            out.extend_from_slice(b"To: undisclosed-recipients:;\r\n");
        }
        out.extend_from_slice(b"\r\n");
        Ok(out)
    }

    /// What was read of the body.
    pub fn into_body(self) -> Vec<u8> {
        self.body
    }

    fn rewrite(&self, field: &Field, account: &Account) -> Result<Option<Vec<u8>>, Failure> {
        if field.is("subject") && !field.octets.is_ascii() {
            return field.value().map(|value| compose::text_field(&field.name, &value)).transpose();
        }
        let is_sender = field.is_one_of(&SENDERS);
        if !(is_sender || field.is_one_of(&RECIPIENTS)) {
            return Ok(None);
        }
        let Some(people) = field.people() else { return Ok(None) };
        let local = people.iter().flat_map(Entry::mailboxes).any(|one| is_local(&one.address));
        if !local && field.octets.is_ascii() {
            return Ok(None);
        }
        let mut out = Vec::new();
        compose::list(&mut out, &field.name, &resolve(people, account, is_sender)?)?;
        Ok(Some(out))
    }
}

/// The input, line by line.
struct Lines<'a> {
    source: &'a mut dyn BufRead,
    /// How much was read.
    octets: usize,
}

impl Lines<'_> {
    /// The next line with its end, or the first piece of it; nothing at the end of the input.
    fn next(&mut self) -> Result<Vec<u8>, Failure> {
        let mut line = Vec::new();
        let most = (MAX_HEADER + 1) as u64;
        let read = (&mut *self.source).take(most).read_until(b'\n', &mut line);
        read.map_err(|error| unreadable(Path::new("standard input"), "reading", &error))?;
        self.octets += line.len();
        Ok(line)
    }
}

/// What follows a header that is broken off: by a line that is no field, or by a blank line before any field.
///
/// It is the body, and stays what it is. But where a Bcc stands in its first paragraph, a program meant
/// a header, and its secret would go out as text: so the known fields of that paragraph are taken for
/// fields, and its other lines begin the body.
fn salvage(mut fields: Vec<Field>, first: Vec<u8>, lines: &mut Lines<'_>) -> Result<Header, Failure> {
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
        let name = name(&bare(line)).unwrap_or_default();
        ["bcc", "resent-bcc"].iter().any(|blind| name.eq_ignore_ascii_case(blind))
    };
    if !paragraph.iter().any(is_blind) {
        return Ok(Header { fields, body: paragraph.concat() });
    }
    let (mut body, mut in_field) = (Vec::new(), false);
    for line in paragraph[begin..].iter().map(|line| bare(line)).filter(|line| !is_blank(line)) {
        if matches!(line.first(), Some(b' ' | b'\t')) {
            match fields.last_mut().filter(|_| in_field) {
                Some(field) => field.octets.extend_from_slice(&line),
                None => body.extend_from_slice(&line),
            }
            continue;
        }
        let known = name(&line).filter(|name| is_known(name));
        in_field = known.is_some();
        match known {
            Some(name) => fields.push(Field::new(name, line)),
            None => body.extend_from_slice(&line),
        }
    }
    if !body.is_empty() {
        body.push(b'\n');
    }
    Ok(Header { fields, body })
}

/// Whether a name is one that mail has, so that a line that begins with it is hardly a sentence.
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
    let name = name.to_ascii_lowercase();
    let is_any = |names: &[&str]| names.contains(&name.as_str());
    is_any(&NAMES)
        || is_any(&SENDERS)
        || is_any(&RECIPIENTS)
        || is_any(&IDENTITY)
        || ["x-", "content-", "resent-", "list-"].iter().any(|prefix| name.starts_with(prefix))
}

/// The line that begins a message in an mbox, quoted or not.
fn is_from_line(line: &[u8]) -> bool {
    line.strip_prefix(b">").unwrap_or(line).starts_with(b"From ")
}

/// Whether an address names somebody of this machine: by no domain, or by one that only it knows.
pub fn is_local(address: &Address) -> bool {
    let domain = address.domain().to_ascii_lowercase();
    let own = rustix::system::uname();
    let own = own.nodename().to_str().unwrap_or_default().to_ascii_lowercase();
    [LOCAL, "localhost.localdomain"].contains(&domain.as_str()) || domain == own
}

/// The same people with addresses that hold beyond this machine.
pub fn resolve(people: Vec<Entry>, account: &Account, as_sender: bool) -> Result<Vec<Entry>, Failure> {
    let one = |mailbox: Mailbox| -> Result<Vec<Mailbox>, Failure> {
        if !is_local(&mailbox.address) {
            return Ok(vec![mailbox]);
        }
        let found = match as_sender {
            true => account.sender().map(|sender| vec![sender.clone()]),
            false => account.who_is(mailbox.address.local()),
        };
        let found = found.ok_or_else(|| nobody(account, mailbox.address.local()))?;
        let name = mailbox.name.filter(|_| found.len() == 1);
        let each = found.into_iter().map(|address| {
            let address = addresses::to_ascii_domain(address).map_err(|_| {
                Failure::config(format!("{}: an address: its domain is not valid", account.label))
            })?;
            Ok(Mailbox { name: name.clone(), address })
        });
        each.collect()
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

/// The failure for a local name that no address can be made of.
pub fn nobody(account: &Account, local: &str) -> Failure {
    let message = format!("{}: looking for the address of {local:?}: the account has none", account.label);
    Failure::config(message).hint(
        "give the account an email, or an alias (aliases.NAME); POSTIE_FROM for one from the environment",
    )
}

/// The name of a field, if a line begins one.
fn name(line: &[u8]) -> Option<String> {
    let colon = memchr::memchr(b':', line)?;
    let name = std::str::from_utf8(&line[..colon]).ok()?.trim_end_matches([' ', '\t']);
    (!name.is_empty() && name.bytes().all(|octet| octet.is_ascii_graphic())).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::Env;
    use crate::account::schema::{self, Context};

    fn account() -> Account {
        let env = Env::default();
        let text = "[accounts.a]\nemail = 'ana@example.org'\nsmtp.host = 'h'\n\
                    aliases.root = 'ops@example.net, ana@example.org'\n";
        schema::read(text, Context { env: &env, beside: Path::new("/c") }).unwrap().accounts.remove(0)
    }

    fn rewritten(input: &str) -> (String, String) {
        let header = Header::read(&mut input.as_bytes()).unwrap();
        let octets = header.rewritten(&account()).unwrap();
        (String::from_utf8(octets).unwrap(), String::from_utf8(header.into_body()).unwrap())
    }

    #[test]
    fn what_is_fine_stays_as_it_is() {
        let fine = "From: \"Bob\"  <bob@x.org>\nTo: a@x.org,\n  b@x.org\nX-A: root\nbroken: \u{e4}\n";
        assert_eq!(rewritten(&format!("{fine}\nbody")).0, format!("{fine}\r\n"));
    }

    #[test]
    fn local_names_become_addresses() {
        let input =
            "From: root (Cron Daemon)\nTo: root\nCc: \"B\" <bob@localhost>, c@x.org\nReply-To: root\n\n";
        let (header, _) = rewritten(input);
        assert_eq!(
            header,
            "From: \"Cron Daemon\" <ana@example.org>\r\n\
             To: <ops@example.net>, <ana@example.org>\r\n\
             Cc: \"B\" <bob@example.org>, <c@x.org>\r\n\
             Reply-To: <ana@example.org>\r\n\r\n"
        );
    }

    #[test]
    fn text_without_a_header_is_a_body() {
        let none = "To: undisclosed-recipients:;\r\n\r\n";
        for (input, body) in [
            ("disk full\nreally\n", "disk full\nreally\n"),
            (" indented: yes\n", " indented: yes\n"),
            ("\nbody", "\nbody"),
            ("", ""),
            ("From root Mon Sep  1\nplain words\n", "plain words\n"),
        ] {
            assert_eq!(rewritten(input), (none.to_owned(), body.to_owned()), "{input:?}");
        }
        let (header, body) = rewritten("To: a@x.org\nSubject: s\nno header\n\nmore");
        assert_eq!((header.as_str(), body.as_str()), ("To: a@x.org\nSubject: s\n\r\n", "no header\n\n"));
    }

    #[test]
    fn names_and_subjects_beyond_ascii_are_encoded() {
        let (header, _) = rewritten("From: \u{c4}na <ana@x.org>\nTo: b@x.org\nSubject: l\u{e4}uft\n\n");
        assert!(header.is_ascii(), "{header}");
        assert!(header.contains("ana@x.org") && header.contains("Subject: =?utf-8?"), "{header}");
    }

    #[test]
    fn the_account_goes_by_addresses_and_not_by_local_names() {
        let author = |text: &str| Header::read(&mut text.as_bytes()).unwrap().author();
        assert_eq!(author("From: Bob <bob@x.org>\n\n").unwrap().as_str(), "bob@x.org");
        assert_eq!(author("From: root\n\n"), None);
        assert_eq!(author("To: bob@x.org\n\n"), None);
    }

    #[test]
    fn a_bcc_behind_what_is_no_field_does_not_become_text() {
        let fields = "Subject: s\nBcc: secret@x.org,\n other@x.org\nTo: b@x.org\n";
        let spelled = fields.replace("Bcc:", "bCC :");
        let resent = fields.replace("Bcc", "Resent-Bcc");
        let indented: String = fields.lines().map(|line| format!("    {line}\n")).collect();
        for (input, text) in [
            (format!("garbage\n{fields}\nbody\n"), "garbage\n\nbody\n"),
            (format!("garbage\n{spelled}\nbody\n"), "garbage\n\nbody\n"),
            (format!("garbage\n{resent}\nbody\n"), "garbage\n\nbody\n"),
            (format!("From root Mon Sep  1\n>From bob\n{fields}\nbody\n"), "body\n"),
            (format!("From root Mon Sep  1\n\n{fields}\nbody\n"), "body\n"),
            (format!("\u{feff}{fields}\nbody\n"), "body\n"),
            (format!("\u{feff}From x\n{fields}\nbody\n"), "body\n"),
            (format!("\n{fields}\nbody\n"), "body\n"),
            (format!("\r\n  \r\n{}\r\nbody\r\n", fields.replace('\n', "\r\n")), "body\r\n"),
            (format!("{indented}\nbody\n"), "body\n"),
            (format!("X-A: b\nMIME-Version 1.0\n{fields}\nbody\n"), "MIME-Version 1.0\n\nbody\n"),
            (format!("Error: disk\n  full\n! {fields}\nbody\n"), "! Subject: s\n\nbody\n"),
            (
                format!("a: sentence\n=====\nDisk: full\n{fields}Rest\n\nbody\n"),
                "=====\nDisk: full\nRest\n\nbody\n",
            ),
            (format!("garbage\n{fields}"), "garbage\n\n"),
            ("garbage\nBcc: secret@x.org".into(), "garbage\n\n"),
        ] {
            let mut source = input.as_bytes();
            let header = Header::read(&mut source).unwrap();
            let blind = header.fields.iter().filter(|field| field.is_one_of(&["bcc", "resent-bcc"]));
            assert_eq!(blind.count(), 1, "{input:?}");
            let body = String::from_utf8([header.into_body(), source.to_vec()].concat()).unwrap();
            assert_eq!(body, text, "{input:?}");
        }
    }

    #[test]
    fn a_text_without_a_bcc_stays_whole_however_it_looks() {
        for input in [
            "garbage\nTo: b@x.org\n\nbody\n",
            "\n\nTo: b@x.org\n\nBcc: in a later paragraph\n",
            "  indented\n  Subject: x\n\n",
            "disk\n",
            "disk",
            "\n",
        ] {
            let mut source = input.as_bytes();
            let header = Header::read(&mut source).unwrap();
            assert!(header.fields.is_empty(), "{input:?}");
            assert_eq!([header.into_body(), source.to_vec()].concat(), input.as_bytes(), "{input:?}");
        }
        let long = format!("garbage\n{}Bcc: x\n", "line\n".repeat(MAX_HEADER / 4));
        let mut source = long.as_bytes();
        let header = Header::read(&mut source).unwrap();
        assert!([header.into_body(), source.to_vec()].concat() == long.as_bytes());
    }

    #[test]
    fn fields_that_say_nothing_are_missing_ones() {
        let input = "From: \nTo:\n\t\nCc: <>\nDate:\nMessage-ID: \nReply-To: \nSubject:\nX-A: \n\n";
        assert_eq!(rewritten(input).0, "Subject:\nX-A: \nTo: undisclosed-recipients:;\r\n\r\n");
    }

    #[test]
    fn a_header_is_bounded() {
        let huge = format!("X: {}", "x".repeat(MAX_HEADER));
        assert!(Header::read(&mut huge.as_bytes()).is_err());
        assert!(Header::read(&mut "X: y\n".repeat(MAX_HEADER / 5 + 1).as_bytes()).is_err());
    }
}
